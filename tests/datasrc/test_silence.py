"""Servers that take a connection and never say a word, asked by who has no time limit: a real socket is waited for."""

from __future__ import annotations

import contextlib
import fcntl
import math
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

import datasrc
from datasrc.masterfiles import MasterFilesSource
from datasrc.member import Failure
from datasrc.remote import RemoteMember
from datasrc.silence import LOOKED_AFTER, Asking, Pulse
from datasrc.source import DataSource
from datasrc.sources import Sources
from tests.datasrc.zonemaking import SMALL, load

DEADLINE = 30.0  # s; ten times what is expected and more
SHORT = 0.3  # s, in place of a minute


class Server:
    """Takes every connection. `speaks`: says a word to it, as it does to those it has when that is set."""

    def __init__(self) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.clients: list[socket.socket] = []
        self.speaks = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # it was closed
            while True:
                client, _ = self.listener.accept()
                self.clients.append(client)
                if self.speaks.is_set():
                    client.sendall(b"!")

    def open(self) -> DataSource:
        """As a driver without time limits does."""
        with socket.create_connection(self.listener.getsockname()) as connection:
            if not connection.recv(1):
                raise datasrc.errors.StorageError("the connection was lost", database="far")
        source = datasrc.open("memory:", create=True)
        load(source, SMALL)
        return source

    def close(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for each in [self.listener, *self.clients]:
            each.close()


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def far(server: Server, monkeypatch: pytest.MonkeyPatch) -> Iterator[SimpleNamespace]:
    """The source of that server, and what was told of it."""
    monkeypatch.setattr("datasrc.remote.SILENT_AFTER", SHORT)
    monkeypatch.setattr("datasrc.remote.LISTEN_EVERY", SHORT / 10)
    told: list[str] = []
    member = RemoteMember("far", server.open, lambda _name, failure: told.append(failure.reason if failure else ""))
    yield SimpleNamespace(member=member, told=told)
    member.close()


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.005)


def failure(far: SimpleNamespace) -> str:
    found = far.member.usable()
    return found.reason if isinstance(found, Failure) else ""


def test_a_source_that_never_answers_is_asked_anew_by_another_thread(server: Server, far: SimpleNamespace) -> None:
    """The thread that looked after it waited for ever, and the source was lost until the process was restarted."""
    assert failure(far) == "it has not answered yet"
    wait_until(lambda: "has not answered for" in failure(far))
    server.speaks.set()  # to who comes from now on
    wait_until(lambda: failure(far) == "")
    assert len(server.clients) > 1
    assert far.member.longest([b"example\x00"]) == len(b"example\x00")
    assert far.told[-1] == ""


def test_a_thread_that_comes_back_late_changes_nothing(server: Server, far: SimpleNamespace) -> None:
    wait_until(lambda: "has not answered for" in failure(far))
    server.speaks.set()
    wait_until(lambda: failure(far) == "")
    source = far.member.usable()
    for client in server.clients:
        with contextlib.suppress(OSError):  # it has heard one, and is closed
            client.sendall(b"!")
    wait_until(lambda: [each.name for each in threading.enumerate()].count("source far") == 1)
    assert far.member.usable() is source
    assert failure(far) == ""


def test_no_more_threads_are_given_up_than_may_be(
    server: Server, far: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("datasrc.remote.LOST_MOST", 2)
    monkeypatch.setattr("datasrc.remote.SILENT_MOST", SHORT)
    wait_until(lambda: bool(failure(far)) and len(server.clients) == 3)
    before = failure(far)
    wait_until(lambda: failure(far) != before)  # it is told for how long, and not asked anew
    assert len(server.clients) == 3
    server.speaks.set()
    server.clients[0].sendall(b"!")  # one comes back
    wait_until(lambda: failure(far) == "")


def test_who_waits_is_silent_and_who_works_is_not() -> None:
    asking, go, end = Asking(), threading.Event(), threading.Event()

    def ask(source: str, act: Callable[[], object]) -> None:
        with asking.of(source):
            go.set()
            act()

    def work() -> None:
        while not end.is_set():
            sum(range(1000))

    threads = [
        threading.Thread(target=ask, args=(source, act), daemon=True)
        for source, act in (("far", end.wait), ("near", work))
    ]
    for thread in threads:
        thread.start()
    found: dict[str, float] = {}

    def looked() -> bool:
        found.update({one.source: one.seconds for one in asking.unanswered()})
        return found.get("far", 0.0) >= 1.0 and found.get("near", math.inf) < found["far"] / 2

    wait_until(looked)
    end.set()
    for thread in threads:
        thread.join()
    assert asking.unanswered() == []


def test_each_answer_is_a_sign_of_life_and_what_is_asked_within_counts_for_itself() -> None:
    asking, turn, answered = Asking(), threading.Semaphore(0), threading.Semaphore(0)

    def zones() -> Iterator[int]:
        for number in range(3):
            assert turn.acquire(timeout=DEADLINE)
            yield number

    def ask() -> None:
        for _ in asking.each("far", zones()):
            with asking.of("near"):
                answered.release()
                assert turn.acquire(timeout=DEADLINE)

    def silence() -> tuple[str, float]:
        found = asking.unanswered()
        return (found[0].source, found[0].seconds) if found else ("", 0.0)

    thread = threading.Thread(target=ask, daemon=True)
    thread.start()
    for _ in range(3):
        wait_until(lambda: silence() > ("far", SHORT) and silence()[0] == "far")
        turn.release()
        assert answered.acquire(timeout=DEADLINE)
        assert silence()[0] == "near"
        wait_until(lambda: silence() > ("near", SHORT))
        turn.release()
    thread.join()
    assert silence() == ("", 0.0)


def test_what_a_process_sleeps_through_is_nobodys_silence() -> None:
    now = 0.0
    waiting = threading.Event()
    thread = threading.Thread(target=waiting.wait, daemon=True)
    thread.start()
    stat = Path(f"/proc/self/task/{thread.native_id}/stat")
    looks = 0

    def waits() -> bool:
        nonlocal looks
        looks = looks + 1 if stat.read_text().rpartition(")")[2].split()[0] == "S" else 0
        return looks > 20  # it may have waited for the interpreter

    wait_until(waits)
    pulse = Pulse(str(stat), lambda: now)
    for now in (1.0, 2.0, 3.0):
        assert pulse.silent() == now
    now = 1000.0  # SIGSTOP, SIGCONT
    assert pulse.silent() == 3.0 + LOOKED_AFTER
    waiting.set()
    thread.join()
    now += 1.0
    assert pulse.silent() == 0.0  # it is no more


def test_several_sources_that_do_not_answer_are_waited_for_together(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who commits a configuration with them has a deadline."""
    waited: list[float] = []

    def wait_for(condition: threading.Condition, predicate: Callable[[], object], timeout: float) -> object:
        waited.append(timeout)
        return predicate()

    monkeypatch.setattr("datasrc.lookout.threading.Condition.wait_for", wait_for)
    monkeypatch.setattr("datasrc.sources.PASS_LIMIT", SHORT)
    openers = {f"far{number}": server.open for number in range(3)}
    began = time.monotonic()
    sources = Sources(openers, remote=set(openers))
    took = time.monotonic() - began
    assert waited[0] <= SHORT
    assert waited == sorted(waited, reverse=True)
    assert waited[-1] >= SHORT - took
    assert [isinstance(found, Failure) for _, found in sources.each()] == [True] * 3
    sources.close()


def test_a_file_system_that_does_not_answer_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file with a lease stands for one: who opens it waits until the lease is given up (fcntl(2))."""
    monkeypatch.setattr("datasrc.masterfiles.SLOW", SHORT)
    path = tmp_path / "example.zone"
    path.write_text(f"$TTL 300\n{SMALL}")
    os.utime(path, (5, 5))
    source = MasterFilesSource(tmp_path, check_every=0.01)
    assert [info.serial for info in source.zones()] == [1]
    before = signal.signal(signal.SIGIO, signal.SIG_IGN)
    path.write_text(f"$TTL 300\n{SMALL.replace(' 1 3600', ' 2 3600')}")
    descriptor = os.open(path, os.O_RDONLY)
    try:
        try:
            fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        except OSError as error:
            pytest.skip(f"the file system of {tmp_path} has no leases: {error}")
        os.utime(path, (6, 6))
        wait_until(lambda: any("the file system does not answer" in problem for problem in source.problems()))
        assert [info.serial for info in source.zones()] == [1]
        fcntl.fcntl(descriptor, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        wait_until(lambda: [info.serial for info in source.zones()] == [2])
        wait_until(lambda: source.problems() == [])
    finally:
        os.close(descriptor)
        signal.signal(signal.SIGIO, before)
        source.close()
