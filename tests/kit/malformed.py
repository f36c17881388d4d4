"""Malformed packets by the thousand against a running suite: no crash, no hang, no growth, and right answers meanwhile.

    campaign = Campaign(suite, name="www.example.org", answer="192.0.2.1", seed=1)
    campaign.send(10_000); campaign.check()

Packets are made from right ones by what goes wrong with packets. The same seed makes the same packets.
"""

from __future__ import annotations

import errno
import random
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from tests.kit import dnspacket as packet
from tests.kit.dnsclient import frame
from tests.kit.dnsreply import Reply
from tests.kit.suite import Suite

BATCH = 40  # packets, before right queries are asked behind them
DEADLINE = 60.0  # s for an answer; a thousand times what it takes
STREAM_EVERY = 5  # batches
READ_EVERY = 10  # replies, of which one is read strictly
LARGEST = 65_535
MAX_LABEL = 63
NOTIMP = 4
RIGHT_IDENT = 0xFFF0  # right queries have an ID from here on, malformed packets none
RIGHT = RIGHT_IDENT.to_bytes(2)
GROWTH = 4 << 20  # octets of memory of its own that a process may have more than after the first packets
COMPLAINTS = ("Traceback", "AUTH_INTERNAL_ERROR", "Exception ignored", "IndexError")

Mutation = Callable[[random.Random, bytes], bytes]


class Malformer:
    """Makes packets."""

    def __init__(self, seed: int, names: list[str]) -> None:
        self.random = random.Random(seed)
        self.names = names

    def packets(self, count: int) -> Iterator[bytes]:
        """So many, none of them a response: those are never answered, and nothing could be learned of them."""
        for _ in range(count):
            message = self._right()
            for _ in range(self.random.choice((1, 1, 1, 2, 3))):
                message = self.random.choice(MUTATIONS)(self.random, message)
            if len(message) > 2:
                message = message[:2] + bytes([message[2] & 0x7F]) + message[3:]
            if message[:2] >= RIGHT:
                message = b"\0" + message[1:]
            yield message[:LARGEST]

    def _right(self) -> bytes:
        source = self.random
        additional = []
        if source.random() < 0.6:
            options = [_option(source) for _ in range(source.choice((0, 0, 1, 2)))]
            additional.append(
                packet.opt(
                    *options, size=source.choice((0, 512, 1232, 4096, 65535)), flags=source.choice((0, packet.DO))
                )
            )
        if source.random() < 0.1:
            additional.append(packet.tsig("key.example.org."))
        rdtype = source.choice((1, 2, 5, 6, 15, 16, 28, 43, 46, 47, 255, 252, 251, 0, 65280, source.randrange(65536)))
        rdclass = source.choice((1, 1, 1, 1, 3, 254, 255, 0))
        opcode = source.choice((0, 0, 0, 0, 4, 5, source.randrange(16)))
        flags = packet.opcode(opcode) | source.choice((0, packet.RD, packet.CD, packet.TC, packet.Z | packet.AA))
        name = source.choice(self.names)
        ident = source.randrange(65536)
        return packet.query(name, rdtype, rdclass=rdclass, flags=flags, additional=additional, ident=ident)


def _option(source: random.Random) -> bytes:
    code = source.choice((3, 8, 10, 10, 11, 12, 15, source.randrange(65536)))
    data = source.randbytes(source.choice((0, 1, 7, 8, 16, 24, 40, 41, source.randrange(300))))
    return packet.option(code, data, length=None if source.random() < 0.7 else source.randrange(65536))


def _flip(source: random.Random, message: bytes) -> bytes:
    octets = bytearray(message)
    for _ in range(source.choice((1, 1, 2, 8))):
        if octets:
            octets[source.randrange(len(octets))] ^= 1 << source.randrange(8)
    return bytes(octets)


def _cut(source: random.Random, message: bytes) -> bytes:
    return message[: source.randrange(len(message) + 1)]


def _lengthen(source: random.Random, message: bytes) -> bytes:
    return message + source.randbytes(source.choice((1, 4, 20, 500, 3000)))


def _lie(source: random.Random, message: bytes) -> bytes:
    """Counts of records that are not there."""
    octets = bytearray(message.ljust(packet.HEADER_LENGTH, b"\0"))
    struct.pack_into("!H", octets, 4 + 2 * source.randrange(4), source.choice((0, 1, 2, 255, 65535)))
    return bytes(octets)


def _loop(source: random.Random, message: bytes) -> bytes:
    """A pointer in place of two octets: to itself, forward, back, into the header."""
    octets = bytearray(message.ljust(packet.HEADER_LENGTH + 2, b"\0"))
    at = source.randrange(packet.HEADER_LENGTH, len(octets) - 1)
    target = source.choice((at, at + 2, at - 1, 0, 12, 0x3FFF, source.randrange(0x4000)))
    struct.pack_into("!H", octets, at, 0xC000 | target & 0x3FFF)
    return bytes(octets)


def _label(source: random.Random, message: bytes) -> bytes:
    """Another name: too long, of other label types, of any octets."""
    kind = source.randrange(4)
    if kind == 0:
        name = packet.raw_name(*[source.randbytes(MAX_LABEL)] * source.choice((3, 4, 5)))
    elif kind == 1:
        name = bytes([source.choice((0x40, 0x41, 0x80, 0xBF))]) + source.randbytes(10)
    elif kind == 2:
        name = packet.raw_name(*[b"a"] * source.choice((126, 127, 128)))
    else:
        name = packet.raw_name(source.randbytes(source.randrange(1, 64)), b"example", b"org")
    return message[: packet.HEADER_LENGTH] + name + message[packet.HEADER_LENGTH :][-4 - source.randrange(12) :]


def _opt(source: random.Random, message: bytes) -> bytes:
    """One OPT more, of any kind, in any section."""
    opt = packet.opt(
        *[_option(source) for _ in range(source.randrange(4))],
        size=source.randrange(65536),
        version=source.choice((0, 0, 1, 255)),
        flags=source.randrange(65536),
        owner=source.choice((b"\0", b"\1a\0", b"\xc0\x0c")),
        rdlength=None if source.random() < 0.7 else source.randrange(65536),
    )
    return _lie(source, message + opt) if source.random() < 0.5 else _count_one_more(message) + opt


def _count_one_more(message: bytes) -> bytes:
    octets = bytearray(message.ljust(packet.HEADER_LENGTH, b"\0"))
    octets[11] = (octets[11] + 1) & 0xFF
    return bytes(octets)


def _record(source: random.Random, message: bytes) -> bytes:
    """A record more, in a section where queries have none."""
    record = packet.record(
        source.choice((b"\0", b"\xc0\x0c", b"\1x\0")),
        source.choice((1, 2, 5, 6, 41, 250, 46, source.randrange(65536))),
        source.randbytes(source.choice((0, 4, 16, 60))),
        rdclass=source.choice((1, 255, 254)),
        rdlength=None if source.random() < 0.7 else source.randrange(65536),
    )
    return _lie(source, message) + record * source.choice((1, 1, 2, 30))


def _noise(source: random.Random, message: bytes) -> bytes:
    return message[:2] + source.randbytes(source.randrange(600))


def _as_it_is(_source: random.Random, message: bytes) -> bytes:
    return message


MUTATIONS: tuple[Mutation, ...] = (_flip, _flip, _cut, _lengthen, _lie, _loop, _label, _opt, _record, _noise, _as_it_is)


@dataclass
class Campaign:
    """What is sent to one suite, and what came of it."""

    suite: Suite
    name: str  # of a right query,
    answer: bytes  # and what must be in its reply
    seed: int
    sent: int = 0
    received: int = 0
    rcodes: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.members = [name for name, row in self.suite.components().items() if row["component"] == "auth"]
        self.pids = {name: self.suite.pid(name) for name in self.members}
        zone = self.name.partition(".")[2]
        self.maker = Malformer(self.seed, [self.name, zone, f"nowhere.{zone}", ".", "other.test.", f"*.{zone}"])
        self.before: dict[str, int] = {}
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)

    def send(self, count: int) -> None:
        """Send so many, asking right queries in between. Raises AssertionError where one is not answered rightly."""
        batch: list[bytes] = []
        batches = 0
        for message in self.maker.packets(count):
            batch.append(message)
            if len(batch) == BATCH:
                batches += 1
                if batches % STREAM_EVERY:
                    self._send_datagrams(batch)
                else:
                    self._send_stream(batch)
                batch = []
        self._send_datagrams(batch)

    def remember(self) -> None:
        """Growth counts from here on: what is made once is there."""
        self.before = {name: own_memory(self.pids[name]) for name in self.members}

    def grown(self) -> dict[str, int]:
        """Octets of its own that each process has more than when that was remembered."""
        return {name: own_memory(self.pids[name]) - before for name, before in self.before.items()}

    def check(self) -> None:
        """The same processes run, none of them has grown, and nobody complained."""
        for name, pid in self.pids.items():
            assert self.suite.pid(name) == pid, f"{name} is another process"
        for name, octets in self.grown().items():
            assert octets < GROWTH, f"{name} has {octets} octets more"
        words = self.suite.log.read_text(errors="replace")
        for complaint in COMPLAINTS:
            assert complaint not in words, words[words.index(complaint) - 500 :][:3000]

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def __str__(self) -> str:
        rcodes = ", ".join(f"{count} {rcode}" for rcode, count in self.rcodes.most_common())
        grown = ", ".join(f"{name} {octets / 1024:+.0f} KiB" for name, octets in self.grown().items())
        return f"{self.sent} malformed packets (seed {self.seed}), {self.received} replies ({rcodes}); memory {grown}"

    def _send_datagrams(self, batch: list[bytes]) -> None:
        sock = self._another_socket()
        idents = {message[:2] for message in batch}
        for message in batch:
            sock.send(message)
        self.sent += len(batch)
        # One is answered by the loop, one by the plain implementation: behind all those that were left to it.
        status = packet.query(self.name, flags=packet.opcode(packet.STATUS), ident=RIGHT_IDENT + 1)
        right = [packet.query(self.name, ident=RIGHT_IDENT), status]
        for query in right:
            sock.send(query)
        missing = {query[:2] for query in right}
        end = time.monotonic() + DEADLINE
        while missing:
            sock.settimeout(max(0.001, end - time.monotonic()))
            try:
                reply = sock.recv(LARGEST)
            except TimeoutError:
                raise AssertionError(f"no answer after {self.sent} packets of seed {self.seed}") from None
            if reply[:2] in missing:
                assert self.answer in reply or reply[3] & 0x0F == NOTIMP, reply.hex()
                missing.discard(reply[:2])
            else:
                assert reply[:2] in idents, reply.hex()
                self._count(reply)

    def _another_socket(self) -> socket.socket:
        """Each from another port: so all instances get their part."""
        self._socket.close()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.connect(("127.0.0.1", self.suite.port))
        return self._socket

    def _send_stream(self, batch: list[bytes]) -> None:
        """Over TCP, one connection each batch; whichever side closes it, another one is answered."""
        with socket.create_connection(("127.0.0.1", self.suite.port), DEADLINE) as sock:
            try:
                for message in batch:
                    sock.sendall(frame(message))
                    self.sent += 1
                sock.shutdown(socket.SHUT_WR)
                octets = b""
                while part := sock.recv(LARGEST):
                    octets += part
            except OSError as error:  # it was closed on us: as good as an answer; time that is up is not
                if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:
                    raise
                octets = b""
        while len(octets) > 2:
            size = int.from_bytes(octets[:2])
            self._count(octets[2 : 2 + size])
            octets = octets[2 + size :]
        with socket.create_connection(("127.0.0.1", self.suite.port), DEADLINE) as sock:
            sock.sendall(frame(packet.query(self.name, "A")))
            assert self.answer in sock.recv(LARGEST)

    def _count(self, reply: bytes) -> None:
        self.received += 1
        self.rcodes[str(reply[3] & 0x0F)] += 1
        if self.received % READ_EVERY == 0:
            assert Reply.read(reply).flags & packet.QR


def own_memory(pid: int) -> int:
    """Octets of a process that no other has: what it allocated and wrote."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("RssAnon:"):
            return int(line.split()[1]) << 10
    raise AssertionError(f"{pid} has no memory")
