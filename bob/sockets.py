"""bob's side of sockcreator: asks for sockets, makes errors readable, takes all or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import socket
from collections import deque
from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from pathlib import Path

from bob import holders
from bob.errors import CreatorGone, SocketError
from daemonkit.control import SocketPlace, close_all, receive_packet
from sockcreator import creator

UNPRIVILEGED_START = Path("/proc/sys/net/ipv4/ip_unprivileged_port_start")
# A suite that was killed a moment ago may still hold the place: its processes are about to be gone.
HOLDER_PATIENCE = 1.0  # seconds
HOLDER_POLL = 0.05  # seconds

Wanted = Mapping[str, Sequence[SocketPlace]]  # by instance number
Reply = tuple[bytes, bytes, int, int | None]  # status, step, errno, descriptor
Made = dict[str, dict[SocketPlace, int]]


class CreatorError(SocketError):
    """sockcreator said no: at which step, and the errno."""

    def __init__(self, place: SocketPlace, step: bytes, number: int, text: str) -> None:
        super().__init__(text)
        self.place = place
        self.step = step
        self.number = number


def place_text(place: SocketPlace) -> str:
    """`udp/192.0.2.1@53`, as sockcreator's arguments have it."""
    address, percent, scope = place.address.partition("%")
    scope = str(socket.if_nametoindex(scope)) if percent and not scope.isdigit() else scope
    return f"{place.protocol}/{address}{percent}{scope}@{place.port}"


class CreatorClient:
    """The channel to one sockcreator process, on the running loop. Requests are answered in order.

    `on_beat` is called at each reply, `on_end` once, when the process is gone.
    """

    def __init__(self, end: socket.socket, *, on_beat: Callable[[], None], on_end: Callable[[], None]) -> None:
        self._socket = end
        self._on_beat = on_beat
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[asyncio.Future[Reply]] = deque()
        self._turn = asyncio.Lock()
        self._open = True
        self._loop.add_reader(end, self._readable)

    async def make(self, place: SocketPlace) -> int:
        """A new socket; the caller owns the descriptor. Raises CreatorError, CreatorGone."""
        descriptor = await self._ask(creator.SOCKET, place)
        if descriptor is None:  # the kernel had no room in our table and dropped it
            reason = "bob has as many open files as it may (RLIMIT_NOFILE)"
            raise CreatorError(place, creator.CREATE, errno.EMFILE, f"{_named(place)}: {reason}")
        return descriptor

    async def probe(self, place: SocketPlace) -> None:
        """Prove that nobody holds the place. Raises CreatorError, CreatorGone."""
        await self._ask(creator.PROBE, place)

    async def live(self) -> None:
        """A sign of life. Raises CreatorGone."""
        await self._request(creator.REQUEST.pack(creator.NOTHING, b"-", b"-", 0, 0, b""))

    def close(self) -> None:
        """End the process: it reads end-of-file. `on_end` is not called any more."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_exception(CreatorGone("sockcreator ended"))
        self._waiting.clear()

    async def _ask(self, operation: bytes, place: SocketPlace) -> int | None:
        protocol, family, port, scope, packed = creator.parse_place(place_text(place))
        packet = creator.REQUEST.pack(operation, protocol, family, port, scope, packed)
        status, step, number, descriptor = await self._request(packet)
        if status != creator.DONE:
            raise CreatorError(place, step, number, _why(place, step, number))
        return descriptor

    async def _request(self, packet: bytes) -> Reply:
        async with self._turn:  # one at a time: replies are fast, and nothing has to be queued
            if not self._open:
                raise CreatorGone("sockcreator is not running")
            waiter: asyncio.Future[Reply] = self._loop.create_future()
            self._waiting.append(waiter)
            try:
                self._socket.send(packet)
            except OSError:  # gone: end-of-file follows, and fails the waiter
                pass
            return await waiter

    def _readable(self) -> None:
        try:
            reply, descriptors, _ = receive_packet(self._socket)
        except BlockingIOError:
            return
        except OSError:
            reply, descriptors = b"", []
        if len(reply) != creator.REPLY.size or not self._waiting:
            close_all(descriptors)
            self.close()
            self._on_end()
            return
        status, step, number = creator.REPLY.unpack(reply)
        waiter = self._waiting.popleft()
        if waiter.done():
            close_all(descriptors)
        else:
            waiter.set_result((status, step, number, descriptors[0] if descriptors else None))
        self._on_beat()


async def acquire(
    client: CreatorClient, wanted: Wanted, held: Container[SocketPlace] = (), ours: Iterable[int] = ()
) -> Made:
    """Make every socket wanted, or none. Raises CreatorError, CreatorGone.

    Places `held` need no proof that they are free; one that only the sockets behind the descriptors `ours` keep from
    being free is ours to share (a wildcard and an address). On a machine without IPv6, IPv6 places are left out.
    """
    made: Made = {number: {} for number in wanted}
    inodes = {holders.inode_of(descriptor) for descriptor in ours}
    without: set[SocketPlace] = set()
    try:
        for place in dict.fromkeys(place for places in wanted.values() for place in places):
            if place not in held and not await _prove_free(client, place, inodes):
                without.add(place)
        for number, places in wanted.items():
            for place in places:
                if place not in without:
                    made[number][place] = await client.make(place)
    except BaseException:
        close_all([descriptor for descriptors in made.values() for descriptor in descriptors.values()])
        raise
    return made


async def _prove_free(client: CreatorClient, place: SocketPlace, ours: set[int]) -> bool:
    """Return when nobody but us holds the place; False: this machine has no such sockets. Raises CreatorError."""
    loop = asyncio.get_running_loop()
    end = loop.time() + HOLDER_PATIENCE
    while True:
        try:
            await client.probe(place)
            return True
        except CreatorError as error:
            if error.number == errno.EAFNOSUPPORT:
                return False
            if error.number != errno.EADDRINUSE:
                raise
        others = [holder for holder in holders.holders_of(place) if holder.inode not in ours]
        if not others and ours:
            return True
        if loop.time() > end:
            raise CreatorError(
                place, creator.BIND, errno.EADDRINUSE, f"{_named(place)}: in use by {holders.describe(others)}"
            )
        await asyncio.sleep(HOLDER_POLL)  # nothing tells when a socket of others is closed


def _why(place: SocketPlace, step: bytes, number: int) -> str:
    """The reason as a person can use it."""
    reason = os.strerror(number)
    if step == creator.NOT_ALLOWED:
        reason = "sockcreator was not told that it may make this socket"
    elif step == creator.BIND and number == errno.EADDRINUSE:
        reason = f"in use by {holders.describe(holders.holders_of(place))}"
    elif step == creator.BIND and number in (errno.EACCES, errno.EPERM):
        reason = f"not permitted: {_privilege_hint()}"
    elif number == errno.EAFNOSUPPORT:
        reason = "this machine has no such addresses"
    return f"{_named(place)}: {reason}"


def _named(place: SocketPlace) -> str:
    return f"{place.address}@{place.port} ({place.protocol.upper()})"


def _privilege_hint() -> str:
    with contextlib.suppress(OSError, ValueError):
        first = int(UNPRIVILEGED_START.read_text())
        return (
            f"ports below {first} need root or CAP_NET_BIND_SERVICE; start bob as root, or use a port from {first} up"
        )
    return "low ports need root or CAP_NET_BIND_SERVICE"
