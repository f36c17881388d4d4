"""The control channel between bob and one child: messages, descriptors, end-of-file (docs/internals.md section 2).

The structs are the wire format for both sides; `ControlChannel` is one end of the socket pair on an event loop.
"""

from __future__ import annotations

import array
import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from daemonkit.errors import ControlError

MAX_PACKET = 64 * 1024
# SCM_MAX_FD of the kernel is 253; a smaller round number leaves room.
MAX_DESCRIPTORS = 200

ENV_CONTROL_FD = "BOB_CONTROL_FD"
ENV_COMPONENT = "BOB_COMPONENT"
ENV_INSTANCE = "BOB_INSTANCE"
ENV_RUN_DIR = "BOB_RUN_DIR"
ENV_STATE_DIR = "BOB_STATE_DIR"
ENV_SPEC = "BOB_SPEC"
ENV_LOG_LEVEL = "BOB_LOG_LEVEL"
ENV_LOG_FORMAT = "BOB_LOG_FORMAT"

SPARE = "spare"


class Ready(msgspec.Struct, frozen=True, tag_field="type", tag="ready"):
    """The child is configured and able to do its task."""


class Heartbeat(msgspec.Struct, frozen=True, tag_field="type", tag="heartbeat"):
    """The child's loop turns."""

    revision: int = 0
    progress: str = ""


class Stopping(msgspec.Struct, frozen=True, tag_field="type", tag="stopping"):
    """The child is going to exit."""

    reason: str = ""


class SocketsTaken(msgspec.Struct, frozen=True, tag_field="type", tag="sockets_taken"):
    """The child serves this generation of sockets and has closed the one before."""

    generation: int


class SocketPlace(msgspec.Struct, frozen=True):
    """What one passed descriptor is."""

    protocol: str  # "udp" or "tcp"
    address: str
    port: int


class Sockets(msgspec.Struct, frozen=True, tag_field="type", tag="sockets"):
    """The whole set of sockets the child shall serve; one descriptor for each place, in order."""

    generation: int
    instance: str
    sockets: tuple[SocketPlace, ...] = ()
    more: bool = False


class Stop(msgspec.Struct, frozen=True, tag_field="type", tag="stop"):
    """Finish what is in hand and exit."""


class Died(msgspec.Struct, frozen=True, tag_field="type", tag="died"):
    """To msgq: a process ended."""

    pid: int
    component: str
    instance: str


T = TypeVar("T")

FromChild = Ready | Heartbeat | Stopping | SocketsTaken
ToChild = Sockets | Stop | Died

_encoder = msgspec.json.Encoder()
_from_child: msgspec.json.Decoder[FromChild] = msgspec.json.Decoder(FromChild)
_to_child: msgspec.json.Decoder[ToChild] = msgspec.json.Decoder(ToChild)


def encode(message: FromChild | ToChild) -> bytes:
    """One packet."""
    data = _encoder.encode(message)
    if len(data) > MAX_PACKET:
        raise ControlError(f"a {type(message).__name__} packet of {len(data)} bytes is over the limit of {MAX_PACKET}")
    return data


def decode_from_child(packet: bytes) -> FromChild:
    """Read what a child sent; raises ControlError."""
    return _decode(_from_child, packet)


def decode_to_child(packet: bytes) -> ToChild:
    """Read what bob sent; raises ControlError."""
    return _decode(_to_child, packet)


def _decode(decoder: msgspec.json.Decoder[T], packet: bytes) -> T:
    try:
        return decoder.decode(packet)
    except (msgspec.DecodeError, RecursionError) as error:
        raise ControlError(f"not a control message: {error}") from error


def control_pair() -> tuple[socket.socket, socket.socket]:
    """A new channel: bob's end and the child's end, both non-blocking and close-on-exec."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setblocking(False)
    theirs.setblocking(False)
    return ours, theirs


class ControlChannel:
    """One end of a control channel on the running loop.

    `on_packet(data, descriptors)` owns the descriptors it is given; `on_end()` is called once, at end-of-file or error;
    a packet over the limit is an error. Packets that the kernel cannot take now are kept in order, up to MAX_WAITING,
    then the channel counts as broken.
    """

    MAX_WAITING = 1000

    def __init__(
        self, end: socket.socket, *, on_packet: Callable[[bytes, list[int]], None], on_end: Callable[[], None]
    ) -> None:
        self._socket = end
        self._on_packet = on_packet
        self._on_end = on_end
        self._waiting: deque[tuple[bytes, tuple[int, ...]]] = deque()
        self._loop = asyncio.get_running_loop()
        self._open = True
        self._loop.add_reader(end, self._readable)

    def send(self, packet: bytes, descriptors: Sequence[int] = ()) -> None:
        """Send one packet; the descriptors are duplicated, the caller keeps its own."""
        if not self._open:
            return
        if self._waiting or not self._send_now(packet, tuple(descriptors)):
            self._enqueue(packet, tuple(os.dup(fd) for fd in descriptors))

    def drain(self) -> None:
        """Take what has arrived already: the last words of a process that is known to be dead."""
        while self._open and self._receive():
            pass

    def close(self) -> None:
        """Close this end; on_end is not called any more."""
        if not self._open:
            return
        self._open = False
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        for _, descriptors in self._waiting:
            close_all(descriptors)
        self._waiting.clear()
        self._socket.close()

    def _enqueue(self, packet: bytes, descriptors: tuple[int, ...]) -> None:
        if len(self._waiting) >= self.MAX_WAITING:
            close_all(descriptors)
            self._end()
            return
        if not self._waiting:
            self._loop.add_writer(self._socket, self._writable)
        self._waiting.append((packet, descriptors))

    def _send_now(self, packet: bytes, descriptors: tuple[int, ...]) -> bool:
        ancillary = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", descriptors))] if descriptors else []
        try:
            self._socket.sendmsg([packet], ancillary)
        except BlockingIOError:
            return False
        except OSError:  # the other side is gone: reading tells, and calls on_end
            return True
        return True

    def _writable(self) -> None:
        while self._waiting:
            packet, descriptors = self._waiting[0]
            if not self._send_now(packet, descriptors):
                return
            self._waiting.popleft()
            close_all(descriptors)
        self._loop.remove_writer(self._socket)

    def _readable(self) -> None:
        self._receive()

    def _receive(self) -> bool:
        """Take one packet, if there is one."""
        try:
            packet, descriptors, flags = receive_packet(self._socket)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            self._end()
            return False
        if not packet or flags & (socket.MSG_TRUNC | socket.MSG_CTRUNC):
            close_all(descriptors)
            self._end()
            return False
        self._on_packet(packet, descriptors)
        return True

    def _end(self) -> None:
        if self._open:
            self.close()
            self._on_end()


def receive_packet(end: socket.socket) -> tuple[bytes, list[int], int]:
    """One packet; socket.recv_fds() would drop the flag that keeps the descriptors from our children."""
    received = array.array("i")
    space = socket.CMSG_SPACE(MAX_DESCRIPTORS * received.itemsize)
    packet, ancillary, flags, _ = end.recvmsg(MAX_PACKET, space, socket.MSG_CMSG_CLOEXEC)
    for level, kind, data in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
            received.frombytes(data[: len(data) - len(data) % received.itemsize])
    return packet, list(received), flags


def close_all(descriptors: Sequence[int]) -> None:
    """Close raw descriptors; one that is gone already is no error."""
    for descriptor in descriptors:
        with contextlib.suppress(OSError):
            os.close(descriptor)
