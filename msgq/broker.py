"""The broker: a ROUTER socket on the loop, and an exchange behind it."""

from __future__ import annotations

import errno
import os
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final

import zmq

from msgq.address import check_address
from msgq.envelope import MAX_PAYLOAD, WINDOW_MESSAGES, Frames
from msgq.errors import AddressError
from msgq.exchange import Delivery, Exchange
from msgq.link import LoopSocket
from msgq.processes import ProcessWatch
from msgq.session import Session

# More than a member's window, so that a full pipe means a member that lies about what it took.
SEND_LIMIT: Final = 2 * WINDOW_MESSAGES
RECEIVE_LIMIT: Final = 8  # messages read ahead from one connection; with the largest payload 128 MiB
HANDSHAKE_INTERVAL: Final = 1000  # milliseconds to speak ZeroMQ, for whoever connects
BACKLOG: Final = 128  # connections that wait to be accepted
MAX_FRAMES: Final = 3  # kept of a message; two are right, three are enough to see that it is not


def _ignore(_pid: int, _error: OSError) -> None:
    """Nobody wants to know."""


class Broker:
    """Serves one address. The directory of the socket belongs to us alone: who can connect may say anything."""

    def __init__(self, address: str, *, unwatched: Callable[[int, OSError], None] = _ignore) -> None:
        """`unwatched` is told of a member's process that cannot be watched. Raises AddressError."""
        self._address = address
        self._path = check_address(address)
        self._router: LoopSocket | None = None
        self._watch = ProcessWatch(self.died, unwatched)
        self.exchange = Exchange(self._send, self._watch.watch)

    def start(self) -> None:
        """Listen; raises AddressError."""
        _private_directory(self._path.parent)
        _nobody_listens(self._path)
        router: zmq.Socket[bytes] = zmq.Context.instance().socket(zmq.ROUTER)
        for option, value in (
            (zmq.ROUTER_MANDATORY, 1),
            (zmq.ROUTER_HANDOVER, 0),  # a second connection under one identity is not heard
            (zmq.SNDHWM, SEND_LIMIT),
            (zmq.RCVHWM, RECEIVE_LIMIT),
            (zmq.MAXMSGSIZE, MAX_PAYLOAD),
            (zmq.HANDSHAKE_IVL, HANDSHAKE_INTERVAL),
            (zmq.BACKLOG, BACKLOG),
            (zmq.IPC_FILTER_UID, os.geteuid()),
        ):
            router.setsockopt(option, value)
        try:
            router.bind(self._address)
            self._path.chmod(0o600)
        except (zmq.ZMQError, OSError) as error:
            router.close(linger=0)
            raise AddressError(f"the bus cannot be at {self._path}: {error}") from error
        self._router = LoopSocket(router, self._take_message)

    def died(self, pid: int) -> None:
        """A process has ended; may be said twice."""
        self.exchange.died(pid)

    def session(self, member: str) -> Session:
        """A session of this very process."""
        return Session(self._address, member, connect=self.exchange.link)

    def close(self) -> None:
        """Stop serving."""
        self.exchange.close()
        self._watch.close()
        if self._router is not None:
            self._router.close()

    def _take_message(self, router: zmq.Socket[bytes]) -> None:
        identity = router.recv(zmq.DONTWAIT)
        known = self.exchange.routing.members.of_identity(identity) is not None
        frames: list[bytes] = []
        sender_pid = 0
        while router.getsockopt(zmq.RCVMORE):
            if known:
                frame = router.recv(zmq.DONTWAIT)
            else:
                annotated = router.recv(zmq.DONTWAIT, copy=False)
                sender_pid = _peer_pid(annotated)
                frame = annotated.bytes
            if len(frames) < MAX_FRAMES:
                frames.append(frame)
        self.exchange.receive(identity, frames, sender_pid=sender_pid)

    def _send(self, identity: bytes, frames: Frames) -> Delivery:
        assert self._router is not None
        try:
            self._router.send([identity, *frames])
        except zmq.Again:
            return Delivery.FULL
        except zmq.ZMQError as error:
            if error.errno == errno.EHOSTUNREACH:
                return Delivery.GONE
            raise
        return Delivery.SENT


def _private_directory(directory: Path) -> None:
    """Make the socket's directory, or see that it is ours and nobody else's; raises AddressError."""
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        found = directory.stat()
    except OSError as error:
        raise AddressError(f"the bus has no directory: {error}") from error
    if found.st_uid != os.geteuid():
        raise AddressError(f"{directory} belongs to uid {found.st_uid}, not to {os.geteuid()}")
    if stat.S_IMODE(found.st_mode) & 0o077:
        raise AddressError(f"{directory} is open to others (mode {stat.S_IMODE(found.st_mode):o}); it must be 700")


def _nobody_listens(path: Path) -> None:
    """See that no other broker serves this place, as ZeroMQ would take it over without a word; raises AddressError."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_NONBLOCK) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except OSError as error:
            raise AddressError(f"{path} cannot be used: {error}") from error
    raise AddressError(f"another broker listens at {path}")


def _peer_pid(frame: zmq.Frame) -> int:
    """Which process the kernel says is at the other end (SO_PEERCRED); 0 where ZeroMQ cannot tell."""
    try:
        _, _, credentials = str(frame.get("Peer-Address")).partition(":")
        return int(credentials.rpartition(":")[2])
    except (zmq.ZMQError, ValueError):
        return 0
