"""One connection of a session to the broker, and ZeroMQ sockets on an asyncio loop.

A link is used once: when the broker dies the session makes another one, with another identity, so that nothing meant
for the dead broker reaches its successor.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol

import zmq
from zmq.utils.monitor import parse_monitor_message

from msgq.envelope import MAX_PAYLOAD, Frames

BATCH: Final = 64  # messages taken in one turn of the loop
SEND_LIMIT: Final = 64  # messages on the way to the broker
# The broker's window (msgq.peers) keeps less than this on the way to us.
RECEIVE_LIMIT: Final = 128
RECONNECT_INTERVAL: Final = 10  # milliseconds, growing to the maximum
RECONNECT_MAXIMUM: Final = 200

# Plain integers: pyzmq's own flags are enums, and their arithmetic is a tenth of what the broker does.
_MORE: Final = int(zmq.DONTWAIT | zmq.SNDMORE)
_LAST: Final = int(zmq.DONTWAIT)


class LinkOwner(Protocol):
    """Who is told what happens on a link."""

    def link_opened(self) -> None:
        """The connection stands."""

    def link_received(self, frames: list[bytes]) -> None:
        """A message came."""

    def link_writable(self) -> None:
        """There may be room again after `send` gave False."""

    def link_ended(self) -> None:
        """The connection is lost; only `close` may be called after this."""


class Link(Protocol):
    """A connection to the broker."""

    def send(self, frames: Frames) -> bool:
        """Send a message whole, or give False when there is no room now."""

    def close(self, linger: float = 0.0) -> None:
        """End the connection; `linger` in seconds lets sent messages go out."""


LinkFactory = Callable[[bytes, LinkOwner], Link]


class LoopSocket:
    """A ZeroMQ socket whose messages are delivered by the running loop.

    The descriptor of a ZeroMQ socket is edge-triggered: after it was readable, and after every send, the socket must be
    read until it has nothing more.
    """

    def __init__(
        self,
        socket: zmq.Socket[bytes],
        receive: Callable[[zmq.Socket[bytes]], None],
        writable: Callable[[], None] | None = None,
    ) -> None:
        """`receive` takes one message without waiting or raises zmq.Again; `writable` is told after a refused send."""
        self._socket = socket
        self._receive = receive
        self._writable = writable
        self._wants_room = False
        self._loop = asyncio.get_running_loop()
        self._fd = int(socket.getsockopt(zmq.FD))
        self._turn_due: asyncio.Handle | None = None
        self._loop.add_reader(self._fd, self._turn)
        self._turn_soon()

    @property
    def closed(self) -> bool:
        """Whether close was called."""
        return self._socket.closed

    def send(self, frames: list[bytes]) -> None:
        """Send without waiting; raises zmq.Again, or another zmq.ZMQError."""
        try:
            for frame in frames[:-1]:
                self._socket.send(frame, _MORE)
            self._socket.send(frames[-1], _LAST)
        except zmq.Again:
            self._wants_room = True
            raise
        finally:
            self._turn_soon()

    def drain(self) -> None:
        """Take what has come, without waiting."""
        try:
            while not self._socket.closed:
                self._receive(self._socket)
        except zmq.Again:
            pass

    def close(self, linger: float = 0.0) -> None:
        """Close the socket; `linger` in seconds."""
        if self._socket.closed:
            return
        self._loop.remove_reader(self._fd)
        if self._turn_due is not None:
            self._turn_due.cancel()
        self._socket.close(linger=int(linger * 1000))

    def _turn_soon(self) -> None:
        if self._turn_due is None:
            self._turn_due = self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        if self._turn_due is not None:
            self._turn_due.cancel()
            self._turn_due = None
        try:
            for _ in range(BATCH):
                if self._socket.closed:
                    return
                self._receive(self._socket)
        except zmq.Again:
            pass
        except BaseException:
            self._turn_soon()  # there may be more, and the descriptor will not say so again
            raise
        else:
            self._turn_soon()
        if self._wants_room and self._writable is not None and not self._socket.closed:
            self._wants_room = False
            self._writable()


class ZmqLink:
    """A DEALER socket connected to the broker, and its monitor, which tells when the connection stands and ends."""

    def __init__(self, address: str, identity: bytes, owner: LinkOwner) -> None:
        self._owner = owner
        self._opened = False
        dealer: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.DEALER)
        dealer.setsockopt(zmq.ROUTING_ID, identity)
        dealer.setsockopt(zmq.LINGER, 0)
        dealer.setsockopt(zmq.IMMEDIATE, 1)  # nothing is queued for a broker that is not there
        dealer.setsockopt(zmq.SNDHWM, SEND_LIMIT)
        dealer.setsockopt(zmq.RCVHWM, RECEIVE_LIMIT)
        dealer.setsockopt(zmq.MAXMSGSIZE, MAX_PAYLOAD)
        dealer.setsockopt(zmq.RECONNECT_IVL, RECONNECT_INTERVAL)
        dealer.setsockopt(zmq.RECONNECT_IVL_MAX, RECONNECT_MAXIMUM)
        monitor = dealer.get_monitor_socket(zmq.EVENT_HANDSHAKE_SUCCEEDED | zmq.EVENT_DISCONNECTED)
        self._dealer_socket = dealer
        self._monitor = LoopSocket(monitor, self._take_monitor_event)
        self._dealer = LoopSocket(dealer, self._take_message, owner.link_writable)
        dealer.connect(address)

    def send(self, frames: Frames) -> bool:
        """Send a message whole, or give False when there is no room now."""
        try:
            self._dealer.send(list(frames))
        except zmq.Again:
            return False
        return True

    def close(self, linger: float = 0.0) -> None:
        """End the connection; `linger` in seconds lets sent messages go out."""
        if not self._dealer.closed:
            self._dealer_socket.disable_monitor()  # first: an event nobody takes would block ZeroMQ's thread
            self._monitor.close()
            self._dealer.close(linger)

    def _take_message(self, socket: zmq.Socket[bytes]) -> None:
        self._owner.link_received(socket.recv_multipart(zmq.DONTWAIT))

    def _take_monitor_event(self, socket: zmq.Socket[bytes]) -> None:
        event = parse_monitor_message(socket.recv_multipart(zmq.DONTWAIT))["event"]
        if event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
            if not self._opened:
                self._opened = True
                self._owner.link_opened()
        elif self._opened:  # before that ZeroMQ just tries again
            self._dealer.drain()
            if not self._dealer.closed:
                self._owner.link_ended()
