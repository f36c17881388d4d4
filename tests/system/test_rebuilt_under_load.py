"""A zone that is built anew while it is asked for: the loops go on with what it was until they have mapped it."""

from __future__ import annotations

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import dns.message
import pytest

from tests.kit.suite import Suite, wait_until
from tests.system.test_images_served import counted
from tests.system.test_memmgr import image_of, zone

pytestmark = pytest.mark.system

DEADLINE = 120.0  # s; ten times what is expected and more
RECORDS = 100_000
REBUILDS = 3
TOGETHER = 50  # queries in flight
PATIENCE = 10.0  # s for an answer, on a busy machine
QUERIES = [dns.message.make_query(f"h{number}.big.", "A").to_wire() for number in range(0, RECORDS, 97)]
LEFT = ("left", "left.dropped")


@pytest.fixture
def suite() -> Iterator[Suite]:
    with Suite() as suite:
        suite.start()
        text = zone(1, "192.0.2.2") + "".join(f"h{number} A 192.0.2.9\n" for number in range(RECORDS))
        suite.loadzone("big.", text)
        wait_until(lambda: image_of(suite, "big", 1), DEADLINE, "the zone has an image")
        wait_until(lambda: is_mapped(suite), DEADLINE, "it is mapped")
        yield suite


def is_mapped(suite: Suite) -> bool:
    """Whether those who answer have all images mapped that there are."""
    files = {f"/{slot['number']}.image" for slot in suite.control("call", "memmgr", "status")["slots"]}
    serving = [row["pid"] for name, row in suite.components().items() if name.startswith("auth/")]
    maps = [Path(f"/proc/{pid}/maps").read_text() for pid in serving]
    return all(file + "\n" in text for file in files for text in maps)


def left(suite: Suite) -> list[int]:
    return [counted(suite, name) for name in LEFT]


class Asking:
    """What one thread asks, without a pause, and what becomes of it."""

    def __init__(self, port: int) -> None:
        self.answered = 0
        self.problems: list[str] = []
        self._port = port
        self._stop = threading.Event()

    def run(self) -> None:
        queries = itertools.cycle(QUERIES)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.settimeout(PATIENCE)
            sock.connect(("127.0.0.1", self._port))
            while not self._stop.is_set():
                for query in itertools.islice(queries, TOGETHER):
                    sock.send(query)
                try:
                    replies = [sock.recv(512) for _ in range(TOGETHER)]
                except TimeoutError:
                    self.problems.append("an answer was lost")
                    return
                self.problems += [reply.hex() for reply in replies if socket.inet_aton("192.0.2.9") not in reply]
                self.answered += len(replies)

    @contextmanager
    def going_on(self) -> Iterator[None]:
        thread = threading.Thread(target=self.run)
        thread.start()
        try:
            yield
        finally:
            self._stop.set()
            thread.join()


def test_a_zone_that_is_built_anew_goes_on_being_answered_by_the_loops(suite: Suite) -> None:
    """Until its new image was mapped all that was asked of it was left to the worker, and most of that was dropped."""
    before, asking = left(suite), Asking(suite.port)
    slots = suite.control("call", "memmgr", "status")["slots"]
    with asking.going_on():
        for _ in range(REBUILDS):
            answered = asking.answered
            suite.control("call", "memmgr", "rebuild", "origin=big", "--wait", "--timeout", str(DEADLINE))
            wait_until(lambda: is_mapped(suite), DEADLINE, "the new image is mapped")
            assert asking.answered > answered, asking.problems
    assert asking.problems == []
    assert left(suite) == before
    assert suite.control("call", "memmgr", "status")["slots"] != slots
