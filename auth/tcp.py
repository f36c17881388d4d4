"""Service over TCP (RFC 7766): the loop answers what it can (auth/tcp_loop.py); what it leaves is answered here.

loop thread --Hatch--> event loop --batch--> answering thread --replies--> event loop --> loop thread

All limits are kept by the loop: this module tells it their values, and which sockets to accept from.
"""

from __future__ import annotations

import asyncio
import functools
import os
import resource
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from auth.client import Client, Transport
from auth.edns import keepalive_units
from auth.engine import Engine
from auth.framing import Framer, frame
from auth.loop_thread import LoopThread
from auth.places import Place, place_of
from auth.raw import Hatch
from auth.settings import TcpSettings
from auth.sizes import MAX_PLACES, MAX_STREAM_UNSENT
from auth.tcp_loop import TcpLoop
from daemonkit.log import MessageLog

RESERVED_DESCRIPTORS = 64  # for everything but connections
SCARCE = 0.9  # of the total limit: from here on clients are asked to close at once (RFC 7828 section 3.3.2)
FAST_OPEN_QUEUE = 64  # connections that may wait with data in their first packet (RFC 9210 section 4.1)


@dataclass(frozen=True, slots=True)
class Left:
    """Whole messages of one connection, framed, that the loop has left."""

    tag: int  # of the connection
    octets: bytes
    client: Client


@dataclass(frozen=True, slots=True)
class Replies:
    """What they got."""

    tag: int
    taken: int  # octets of messages that are answered; the others are left again
    messages: int  # how many those are
    octets: bytes  # of the replies, framed
    is_end: bool  # the connection is to be closed after them


class TcpService:
    """All listening sockets and connections of the process."""

    def __init__(self, thread: LoopThread[TcpLoop], hatch: Hatch, engine: Engine, executor: Executor) -> None:
        self._thread = thread
        self._hatch = hatch
        self._engine = engine
        self._executor = executor
        self._listeners: dict[int, socket.socket] = {}
        self._places: dict[Place, int] = {}  # the numbers of all there ever were
        self._loop = asyncio.get_running_loop()
        self._bell = hatch.open()
        self._work: asyncio.Task[None] | None = None
        self._loop.add_reader(self._bell, self._rung)

    @property
    def settings(self) -> TcpSettings:
        """Of the revision being served."""
        return self._engine.serving.settings.tcp

    @property
    def limit(self) -> int:
        """Connections this process may have: below what the system allows, so that we choose who goes (RFC 9210 section
        4.2).
        """
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(self.settings.connections, descriptors - RESERVED_DESCRIPTORS))

    @property
    def connections(self) -> int:
        """How many there are."""
        return self._thread.loop.table.count

    @property
    def idle_timeout(self) -> float:
        """What clients are told (RFC 7828 section 3.3.2): seconds, 0 where connections are scarce."""
        return 0.0 if self.connections >= self.limit * SCARCE else self.settings.idle_timeout

    def refresh(self) -> None:
        """In the thread of the loop: the settings are others."""
        settings, limit, loop = self.settings, self.limit, self._thread.loop
        loop.allow(limit, max(1, -int(-limit * SCARCE // 1)), settings.connections_per_client)
        loop.take_pipeline(settings.pipeline)
        loop.wait_for(
            round(settings.idle_timeout * 1000),
            keepalive_units(settings.idle_timeout),
            round(settings.message_timeout * 1000),
            round(settings.write_timeout * 1000),
        )

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve exactly these sockets: the new ones first, then the old ones are closed. Takes them over."""
        old = dict(self._listeners)
        for sock in sockets:
            prepare_listener(sock)
            number = next(number for number in range(1, MAX_PLACES) if number not in self._listeners)
            place = self._places.setdefault(place_of(sock), len(self._places))
            self._listeners[number] = sock
            await self._thread.call(
                functools.partial(self._thread.loop.open_listener, number, sock.fileno(), place),
            )
        for number, sock in old.items():
            await self._thread.call(functools.partial(self._thread.loop.close_listener, number))
            del self._listeners[number]
            sock.close()
        served = {place_of(sock) for sock in sockets}
        for removed in self._places.keys() - served:
            await self._thread.call(functools.partial(self._thread.loop.finish, self._places[removed]))

    async def close(self) -> None:
        """Close everything; the loop goes on without connections. To be called once."""
        await self.serve([])
        await self._thread.call(self._thread.loop.close_all)
        self._loop.remove_reader(self._bell)
        if self._work is not None:
            self._work.cancel()
        self._hatch.close()

    def _rung(self) -> None:
        self._hatch.silence()
        if self._work is None:
            self._work = self._loop.create_task(self._answer_all())
            self._work.add_done_callback(self._ended)

    def _ended(self, work: asyncio.Task[None]) -> None:
        self._work = None
        if not work.cancelled():
            work.result()  # a defect in the lines below is told by the loop's exception handler

    async def _answer_all(self) -> None:
        while batch := self._take():
            replies = await self._loop.run_in_executor(self._executor, self._answer, batch)
            await self._thread.call(functools.partial(self._deliver, replies))

    def _take(self) -> list[Left]:
        """What has been left, up to a bound, so that UDP gets its turn."""
        batch: list[Left] = []
        while len(batch) < self._engine.serving.settings.udp_batch:
            left = self._hatch.take()
            if left is None:
                break
            tag, octets, peer, _ = left
            batch.append(Left(tag, octets, Client(*peer[:2], Transport.TCP, self.idle_timeout)))
        return batch

    def _answer(self, batch: list[Left]) -> list[Replies]:
        """In the answering thread."""
        return [answer_messages(self._engine, left) for left in batch]

    def _deliver(self, batch: list[Replies]) -> None:
        """In the thread of the loop."""
        loop = self._thread.loop
        for replies in batch:
            loop.deliver(replies.tag, replies.taken, replies.messages, replies.octets, replies.is_end)
        loop.put_held()


def answer_messages(engine: Engine, left: Left) -> Replies:
    """Replies to as many messages as may wait to be sent. Blocks, and raises nothing, as the engine does."""
    framer, replies, taken, messages = Framer(), bytearray(), 0, 0
    framer.feed(left.octets)
    while len(replies) < MAX_STREAM_UNSENT:
        message = framer.take()
        if message is None:
            break
        taken += len(frame(message))
        messages += 1
        reply = engine.respond(message, left.client)
        if reply is None:
            return Replies(left.tag, taken, messages, bytes(replies), is_end=True)
        replies += frame(reply)
    return Replies(left.tag, taken, messages, bytes(replies), is_end=False)


def prepare_listener(sock: socket.socket) -> None:
    """What is set here its connections have, too."""
    sock.setblocking(False)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a reply is one send, and whole
    try:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, FAST_OPEN_QUEUE)
    except OSError:  # switched off in this kernel: the handshake takes its round trip
        pass


def tell_pauses(loop: TcpLoop, log: MessageLog) -> None:
    """In the thread of the loop: say why nobody was accepted for a while, if that was so."""
    reason = loop.told()
    if reason:
        log.warning("AUTH_ACCEPT_PAUSED", reason=os.strerror(reason))
