"""Drops of the kernel, counted for a place over the changes of its processes and its sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from auth import kernel_drops
from auth.kernel_drops import COUNTER, KernelDrops, dropped
from daemonkit.control import SPARE
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from tests.auth.sockets import bound
from tests.kit.bus import FakeBus

SMALL = 2048  # octets; the kernel makes more of it, and a few datagrams fill that
MANY = 200

pytestmark = pytest.mark.anyio


class Place:
    """The processes of one place, one after the other: they share a directory and what was counted."""

    def __init__(self, directory) -> None:
        self.directory = directory
        self.counters = Counters(Spec.load("auth").statistics)

    def process(self, instance: str = "0") -> KernelDrops:
        """The next one."""
        spec = Spec.load("auth")
        return KernelDrops(
            Context(
                component="auth",
                instance=instance,
                directories=Directories(self.directory, self.directory),
                arguments=(),
                spec=spec,
                log=own_log("auth", spec.messages),
                counters=self.counters,
                session=FakeBus().session(f"auth/{instance}"),
            )
        )

    @property
    def counted(self) -> int:
        """What the place shows."""
        return self.counters.statistics()[COUNTER]


@pytest.fixture
def place(tmp_path) -> Place:
    """A place with nothing counted."""
    return Place(tmp_path)


@pytest.fixture
def sockets() -> Iterator[list[socket.socket]]:
    """Three with little room."""
    made = [bound(socket.SOCK_DGRAM) for _ in range(3)]
    for sock in made:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL)
    yield made
    for sock in made:
        sock.close()


def overflow(sock: socket.socket) -> int:
    """Send more than fits; how many of it are there no more."""
    before = dropped(sock)
    with socket.socket(sock.family, socket.SOCK_DGRAM) as sender:
        for _ in range(MANY):
            sender.sendto(b"x" * 40, sock.getsockname())
    kept = 0
    while True:
        try:
            sock.recv(64, socket.MSG_DONTWAIT)
        except BlockingIOError:
            break
        kept += 1
    assert dropped(sock) - before == MANY - kept > 0
    return MANY - kept


async def test_what_did_not_fit_is_counted_once(place, sockets):
    drops = place.process()
    drops.take(sockets)
    assert place.counted == 0
    lost = overflow(sockets[0]) + overflow(sockets[1])
    drops.count()
    drops.count()
    assert place.counted == lost


async def test_what_was_dropped_before_the_first_process_came_is_counted(place, sockets):
    lost = overflow(sockets[0])
    place.process().take(sockets)
    assert place.counted == lost


async def test_the_next_process_counts_what_was_dropped_meanwhile_and_nothing_again(place, sockets):
    first = place.process()
    first.take(sockets)
    lost = overflow(sockets[0])
    first.count()
    lost += overflow(sockets[1])  # the first is dead by now
    for _ in range(2):
        place.process().take(sockets)
        assert place.counted == lost


async def test_of_changed_sockets_those_that_stay_are_counted_on_and_those_that_go_are_kept(place, sockets):
    drops = place.process()
    drops.take(sockets[:2])
    lost = overflow(sockets[0]) + overflow(sockets[1]) + overflow(sockets[2])
    drops.take(sockets[1:])
    assert place.counted == lost
    lost += overflow(sockets[1]) + overflow(sockets[2])
    drops.count()
    assert place.counted == lost
    place.process().take(sockets[1:])
    assert place.counted == lost


async def test_sockets_that_changed_while_there_was_no_process_are_not_counted_twice(place, sockets):
    first = place.process()
    first.take(sockets[:2])
    lost = overflow(sockets[0]) + overflow(sockets[1])
    first.count()
    place.process().take(sockets[1:])
    assert place.counted == lost


async def test_who_stands_in_counts_nothing(place, sockets):
    spare = place.process(SPARE)
    spare.take([*sockets, *sockets])
    overflow(sockets[0])
    spare.count()
    assert place.counted == 0


async def test_the_kernels_number_begins_again_after_four_billions(place, sockets, monkeypatch):
    numbers = [(1 << 32) - 5, 3]
    monkeypatch.setattr(kernel_drops, "dropped", lambda _sock: numbers[0])
    drops = place.process()
    drops.take(sockets[:1])
    numbers.pop(0)
    drops.count()
    assert place.counted == (1 << 32) + 3
    place.process().take(sockets[:1])
    assert place.counted == (1 << 32) + 3


async def test_a_file_that_cannot_be_written_is_told_and_counting_goes_on(place, sockets, caplog):
    place.directory.joinpath("counters").write_text("in the way")
    drops = place.process()
    drops.take(sockets)
    lost = overflow(sockets[0])
    drops.count()
    assert place.counted == lost
    assert "AUTH_DROPS_NOT_COUNTED" in caplog.text


async def test_a_file_that_says_nothing_counts_as_none(place, sockets):
    path = place.directory / "counters" / "auth.0.drops"
    path.parent.mkdir()
    path.write_text("{")
    lost = overflow(sockets[0])
    place.process().take(sockets)
    place.process().take(sockets)
    assert place.counted == lost


async def test_a_socket_that_does_not_tell_is_no_reason_to_stop(place, sockets, monkeypatch, caplog):
    monkeypatch.setattr(kernel_drops, "SO_COOKIE", 9999)
    drops = place.process()
    drops.take(sockets)
    overflow(sockets[0])
    drops.count()
    assert place.counted == 0
    assert "AUTH_DROPS_NOT_COUNTED" in caplog.text
