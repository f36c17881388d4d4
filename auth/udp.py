"""Service over UDP: the loop answers what it can; what it leaves is answered here, a batch at a time.

loop thread --Hatch--> event loop --batch--> answering thread --replies--> the very sockets

While the loop answers nothing by itself it reads no more than the answering thread can take: what comes meanwhile waits
in the kernel, which counts what it has to drop.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from auth.ancillary import Ancillary, Peer, is_wildcard, prepare_socket
from auth.client import Client, Transport
from auth.engine import Engine
from auth.loop import Loop
from auth.loop_thread import LoopThread
from auth.raw import Hatch
from auth.sizes import MAX_LAST_BATCHES, MAX_PLACES
from daemonkit.counters import Counters


@dataclass(frozen=True, slots=True)
class Datagram:
    """A request and where its reply goes: through `socket` to `peer`, from the address in `control`."""

    message: bytes
    socket: socket.socket
    peer: Peer
    control: Ancillary


class UdpService:
    """All UDP sockets of the process."""

    def __init__(
        self, thread: LoopThread[Loop], hatch: Hatch, engine: Engine, executor: Executor, counters: Counters
    ) -> None:
        self._thread = thread
        self._hatch = hatch
        self._engine = engine
        self._executor = executor
        self._counters = counters
        self._places: dict[int, socket.socket] = {}
        self._loop = asyncio.get_running_loop()
        self._bell = hatch.open()
        self._in_hand: asyncio.Future[None] | None = None
        self._finished = 0  # of what the loop has left
        self._answered = asyncio.Event()
        self._loop.add_reader(self._bell, self._rung)

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve exactly these sockets: the new ones first, then the old ones are closed. Takes them over."""
        old = dict(self._places)
        for sock in sockets:
            sock.setblocking(False)
            prepare_socket(sock, self._engine.serving.settings.udp_size)
            place = next(number for number in range(1, MAX_PLACES) if number not in self._places)
            self._places[place] = sock
            await self._thread.call(functools.partial(self._open, place, sock))
        for place, sock in old.items():
            await self._finish(place)
            del self._places[place]
            sock.close()

    def refresh(self) -> None:
        """The settings are others."""
        for sock in self._places.values():
            prepare_socket(sock, self._engine.serving.settings.udp_size)

    async def _finish(self, place: int) -> None:
        """Answer what is in hand and what waits in the socket: with its last descriptor that goes too."""
        loop = self._thread.loop
        await self._thread.call(lambda: loop.close_place(place))
        await self._settle()
        for _ in range(MAX_LAST_BATCHES):
            if not await self._thread.call(lambda: loop.take_last(place)):
                break
            await self._thread.call(self._thread.turned)
            await self._settle()

    def _open(self, place: int, sock: socket.socket) -> None:
        self._thread.loop.open_place(place, sock.fileno(), is_wildcard(sock))

    def close(self) -> None:
        """There is no socket and no loop any more."""
        self._loop.remove_reader(self._bell)
        self._hatch.close()

    async def _settle(self) -> None:
        """Return when everything is answered that the loop has left until now."""
        passed = self._hatch.passed
        while self._finished < passed:
            self._answered.clear()
            await self._answered.wait()

    def _rung(self) -> None:
        self._hatch.silence()
        if self._in_hand is None:
            self._next()

    def _next(self) -> None:
        batch = self._take()
        if not batch:
            return
        self._in_hand = self._loop.run_in_executor(self._executor, self._answer, batch)
        self._in_hand.add_done_callback(lambda future: self._done(future, len(batch)))

    def _done(self, future: asyncio.Future[None], count: int) -> None:
        self._in_hand = None
        self._finished += count
        self._answered.set()
        self._next()
        if not future.cancelled():
            future.result()  # a defect in the lines below is told by the loop's exception handler; service goes on

    def _take(self) -> list[Datagram]:
        """What has been left, up to a bound, so that TCP gets its turn."""
        batch: list[Datagram] = []
        while len(batch) < self._engine.serving.settings.udp_batch:
            left = self._hatch.take()
            if left is None:
                break
            place, message, peer, control = left
            batch.append(Datagram(message, self._places[place], peer, control))
        if batch and not self._thread.loop.engaged:
            self._thread.loop.wake()  # it may be waiting for room
        return batch

    def _answer(self, batch: list[Datagram]) -> None:
        """In the answering thread."""
        for datagram in batch:
            reply = self._engine.respond(datagram.message, Client(*datagram.peer[:2], Transport.UDP))
            if reply is not None:
                self._send(reply, datagram)

    def _send(self, reply: bytes, datagram: Datagram) -> None:
        try:
            datagram.socket.sendmsg([reply], datagram.control, 0, datagram.peer)
        except OSError:  # buffer full, no route, firewall: the client asks again
            self._counters.add("udp.send_errors")
