"""Routing on an event loop: brings it messages, the time and the ends of processes, and carries its decisions out.

Members in the same process (the broker's own, and all of them in tests) are linked directly; the rest through `port`.
"""

from __future__ import annotations

import asyncio
import enum
import secrets
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from msgq.envelope import Frames
from msgq.link import LinkOwner
from msgq.outbound import Decision, Watch
from msgq.routing import Routing

EXPIRY_INTERVAL: Final = 0.25  # seconds; callers watch their own deadlines, this only tidies up


class Delivery(enum.Enum):
    """How sending to one member went."""

    SENT = enum.auto()
    FULL = enum.auto()  # it has more in its socket than its window allows: it lies
    GONE = enum.auto()  # nobody is connected under this identity


Port = Callable[[bytes, Frames], Delivery]


class Exchange:
    """The part of a broker that is not sockets."""

    def __init__(self, port: Port | None = None, watch: Callable[[int], None] | None = None) -> None:
        """`watch(pid)` is to lead to `died(pid)` when the process ends."""
        self.routing = Routing(secrets.token_hex(8))
        self._port = port
        self._watch = watch
        self._local: dict[bytes, LocalLink] = {}
        self._loop = asyncio.get_running_loop()
        self._expiry: asyncio.TimerHandle | None = None

    def link(self, identity: bytes, owner: LinkOwner) -> LocalLink:
        """Connect a session of this process."""
        link = LocalLink(self, identity, owner)
        self._local[identity] = link
        return link

    def receive(self, identity: bytes, frames: list[bytes], *, sender_pid: int = 0) -> None:
        """A message came in."""
        self._carry_out(self.routing.receive(identity, frames, self._loop.time(), sender_pid=sender_pid))
        if self._expiry is None and len(self.routing.flights):
            self._expiry = self._loop.call_later(EXPIRY_INTERVAL, self._expire)

    def died(self, pid: int) -> None:
        """A process has ended."""
        self._carry_out(self.routing.died(pid))

    def close(self) -> None:
        """End the timer and the local links."""
        if self._expiry is not None:
            self._expiry.cancel()
        for link in tuple(self._local.values()):
            link.end()

    def unlink(self, identity: bytes) -> None:
        """A local session has closed its link."""
        if self._local.pop(identity, None) is not None:
            self._carry_out(self.routing.gone(identity))

    def _expire(self) -> None:
        self._expiry = None
        self._carry_out(self.routing.expire(self._loop.time()))
        if len(self.routing.flights):
            self._expiry = self._loop.call_later(EXPIRY_INTERVAL, self._expire)

    def _carry_out(self, decisions: Iterable[Decision]) -> None:
        todo = deque(decisions)
        while todo:
            decision = todo.popleft()
            if isinstance(decision, Watch):
                if self._watch is not None:
                    self._watch(decision.pid)
                continue
            outcome = self._send(decision.identity, decision.frames)
            if outcome is Delivery.FULL:
                self.routing.counts.unsent += 1
            elif outcome is Delivery.GONE:
                todo.extend(self.routing.gone(decision.identity))

    def _send(self, identity: bytes, frames: Frames) -> Delivery:
        link = self._local.get(identity)
        if link is not None:
            link.hand_over(frames)
            return Delivery.SENT
        return Delivery.GONE if self._port is None else self._port(identity, frames)


class LocalLink:
    """A link within the process. Messages take a turn of the loop each way, as nothing may be called back at once."""

    def __init__(self, exchange: Exchange, identity: bytes, owner: LinkOwner) -> None:
        self._exchange = exchange
        self._identity = identity
        self._owner = owner
        self._open = True
        self._loop = asyncio.get_running_loop()
        self._soon(owner.link_opened)

    def send(self, frames: Frames) -> bool:
        """Give a message to the exchange; there is always room."""
        self._loop.call_soon(self._exchange.receive, self._identity, list(frames))
        return True

    def close(self, linger: float = 0.0) -> None:  # noqa: ARG002 - nothing is ever left to send
        """End the link from the session's side; what was sent before still arrives."""
        if self._open:
            self._open = False
            self._loop.call_soon(self._exchange.unlink, self._identity)

    def hand_over(self, frames: Frames) -> None:
        """Give a message to the session."""
        self._soon(self._owner.link_received, list(frames))

    def end(self) -> None:
        """The exchange is no more."""
        self._soon(self._owner.link_ended)

    def _soon(self, callback: Callable[..., None], *arguments: object) -> None:
        self._loop.call_soon(self._if_open, callback, arguments)

    def _if_open(self, callback: Callable[..., None], arguments: tuple[object, ...]) -> None:
        if self._open:
            callback(*arguments)
