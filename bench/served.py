"""The suite as people start it, REST and metrics included: until its images are there, asked at all instances."""

from __future__ import annotations

import select
import socket
import sys
import time
from collections.abc import Callable, Sequence

import dns.message

from bench.sidebyside.suite import are_ready
from tests.kit import suite as kit
from tests.kit.ports import free_port

SOCKETS = 8  # that all of them are at one of two instances happens once in 128 runs
GIVE_UP = 5.0  # s for one change
LOST = 1.0  # s after which a query is asked again
MESSAGE = 4096  # octets


class Suite(kit.Suite):
    """One suite as it comes: REST and metrics are on, only that their ports are free ones, and not those all have."""

    def __init__(self, *, config: str | None = None, arguments: Sequence[str] = ()) -> None:
        self.rest_port, self.metrics_port = free_port(), free_port()  # of 127.0.0.1
        doors = ["--rest", f"127.0.0.1@{self.rest_port}", "--metrics", f"127.0.0.1@{self.metrics_port}"]
        super().__init__(config=config, arguments=[*doors, *arguments])


def as_people_start_it() -> None:
    """From now on have our programs run as they are installed, without the checks of the tests."""
    kit.PYTHON[:] = [sys.executable, "-I", "-m"]


def images_ready(suite: kit.Suite, *, zones: int = 0) -> bool:
    """Whether the images are announced, with so many zones at least, and none waits to be built or is being built."""
    status = suite.control("call", "memmgr", "status", check=False)
    return bool(status and status["zones"] >= zones and are_ready(status))


class Instances:
    """All auth instances, asked side by side."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        for one in self._sockets:
            one.connect(("127.0.0.1", port))
            one.setblocking(False)

    def wait(self, owner: str, is_new: Callable[[bytes], bool]) -> float:
        """Ask one until it has it, and then all others; the time when the last answer with the new data was there.

        One at a time at first, for what is not in the images yet costs a process of its own some time for each query.
        """
        query = dns.message.make_query(owner, "A").to_wire()
        end = time.perf_counter() + GIVE_UP
        for waiting in ([self._sockets[0]], list(self._sockets[1:])):
            while waiting:
                for one in waiting:
                    one.send(query)
                told: set[socket.socket] = set()
                while len(told) < len(waiting):
                    readable, _, _ = select.select([one for one in waiting if one not in told], (), (), LOST)
                    if not readable:
                        break  # a query was lost: asked again
                    for one in readable:
                        if is_new(one.recv(MESSAGE)):
                            waiting.remove(one)
                        else:
                            told.add(one)
                if time.perf_counter() > end:
                    raise SystemExit(f"{owner} was not answered by {len(waiting)} sockets within {GIVE_UP} s")
        return time.perf_counter()
