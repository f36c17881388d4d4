"""Speaks DNS to a server under test, over UDP and TCP, with ordinary and with odd packets.

subject = Subject(("127.0.0.1", "::1"), 5300)
reply = subject.ask("www.example.", "A", edns=True)      # a checked Reply
wire = subject.send(b"anything")                         # the raw reply, or None: provably not answered
with subject.connect() as talk:                          # one TCP connection
    talk.write(frame(query)); wire = talk.read()
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply, demand_sound

DEADLINE = 5.0  # seconds; a hundred times what an answer takes
LARGEST = 65_535
SENTINEL = "sentinel.invalid."


class Silence(AssertionError):
    """No answer within the deadline."""


def frame(message: bytes) -> bytes:
    """A message behind its length (RFC 1035 section 4.2.2)."""
    return struct.pack("!H", len(message)) + message


class Conversation:
    """One TCP connection."""

    def __init__(self, sock: socket.socket) -> None:
        self.sock = sock
        self._pending = b""

    def write(self, data: bytes) -> None:
        """Send octets as they are."""
        self.sock.sendall(data)

    def finish(self) -> None:
        """Half-close: nothing more will be asked."""
        self.sock.shutdown(socket.SHUT_WR)

    def read(self) -> bytes | None:
        """The next message; None when the server closed the connection."""
        head = self._take(2)
        if head is None:
            return None
        message = self._take(struct.unpack("!H", head)[0])
        if message is None:
            raise Silence("the connection was closed in the midst of a message")
        return message

    def ask(self, message: bytes) -> Reply:
        """One query, one checked reply."""
        self.write(frame(message))
        wire = self.read()
        if wire is None:
            raise Silence("closed instead of an answer")
        reply = Reply.read(wire)
        demand_sound(reply, message, udp=False)
        return reply

    def is_closed(self, within: float = DEADLINE) -> bool:
        """Whether the server closes the connection within so many seconds, sending nothing more."""
        self.sock.settimeout(within)
        try:
            return self.sock.recv(1) == b""
        except TimeoutError:
            return False
        except ConnectionError:
            return True
        finally:
            self.sock.settimeout(DEADLINE)

    def reset(self) -> None:
        """Close with RST, as a client that vanished."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _take(self, size: int) -> bytes | None:
        while len(self._pending) < size:
            try:
                piece = self.sock.recv(LARGEST)
            except ConnectionError:
                piece = b""
            if not piece:
                return None
            self._pending += piece
        taken, self._pending = self._pending[:size], self._pending[size:]
        return taken


@dataclass(frozen=True)
class Subject:
    """The server under test."""

    addresses: tuple[str, ...]
    port: int

    def at(self, address: str) -> Subject:
        """The same server, asked at one address of it."""
        return replace(self, addresses=(address,))

    def query(
        self,
        owner: str | bytes,
        rdtype: str | int = "A",
        *,
        rdclass: int = packet.IN,
        flags: int = 0,
        edns: bool = False,
        options: Sequence[bytes] = (),
        size: int = 1232,
        edns_flags: int = 0,
        version: int = 0,
    ) -> bytes:
        """A well-formed query; any EDNS argument adds OPT."""
        opt = packet.opt(*options, size=size, flags=edns_flags, version=version)
        with_opt = edns or options or size != 1232 or edns_flags or version
        return packet.query(owner, rdtype, rdclass=rdclass, flags=flags, additional=[opt] if with_opt else [])

    def ask(self, owner: str | bytes, rdtype: str | int = "A", *, tcp: bool = False, **how: object) -> Reply:
        """Ask and read the reply, which must be sound. `how` goes to query()."""
        message = self.query(owner, rdtype, **how)  # type: ignore[arg-type]
        if tcp:
            with self.connect() as talk:
                return talk.ask(message)
        with self.udp() as sock:
            sock.send(message)
            reply = Reply.read(sock.recv(LARGEST))
        demand_sound(reply, message, udp=True)
        return reply

    def send(self, datagram: bytes) -> bytes | None:
        """The reply to a datagram. None: two later ones from the same port were answered, this was not.

        Those are of a class that servers refuse, and that our fast way leaves: nothing overtakes what it left before.
        """
        with self.udp() as sock:
            sock.send(datagram)
            for _ in range(2):
                sentinel = packet.query(SENTINEL, rdclass=packet.CH)
                sock.send(sentinel)
                first = sock.recv(LARGEST)
                if not _is_reply_to(sentinel, first):
                    return first
            return None

    @contextmanager
    def udp(self) -> Iterator[socket.socket]:
        """A connected UDP socket: only what comes from the very address and port that were asked is received."""
        with self._open(socket.SOCK_DGRAM) as sock:
            yield sock

    @contextmanager
    def connect(self, *, source: str | None = None) -> Iterator[Conversation]:
        """One TCP connection, from an address of this machine if it matters which."""
        with self._open(socket.SOCK_STREAM, source) as sock:
            yield Conversation(sock)

    def _open(self, kind: socket.SocketKind, source: str | None = None) -> socket.socket:
        address = self.addresses[0]
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        sock = socket.socket(family, kind)
        sock.settimeout(DEADLINE)
        with _closing_on_error(sock):
            if source is not None:
                sock.bind((source, 0))
            sock.connect((address, self.port))
            if kind == socket.SOCK_STREAM:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock


@contextmanager
def _closing_on_error(sock: socket.socket) -> Iterator[None]:
    try:
        yield
    except OSError:
        sock.close()
        raise


def _is_reply_to(message: bytes, reply: bytes) -> bool:
    """The id alone may be shared by the packet under test: compare the question too."""
    return reply[:2] == message[:2] and reply[packet.HEADER_LENGTH : len(message)] == message[packet.HEADER_LENGTH :]
