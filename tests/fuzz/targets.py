"""What is fuzzed. A target takes the octets of an input; what it lets out is a finding: a crash, or a wrong result.

    with TARGETS["query"](directory) as target:
        target.give(octets)

`seeds` are inputs to begin with; what fuzzing found beside them is in the corpus (tests/fuzz/corpus.py).
"""

from __future__ import annotations

import mmap
import random
import socket
import struct
from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Self

import dns.message

from auth.cookie_secrets import CookieSecrets
from auth.cookies import CookieJar
from auth.counted import LOOP_PART
from auth.image_engine import ImageEngine
from auth.loop import Loop
from auth.rate_limits import LimitTable
from auth.raw import Hatch
from auth.reply_tally import ReplyTally
from auth.settings import CookieSettings, RateLimitSettings, Settings
from auth.sizes import MAX_DATAGRAM, QUERY_OCTETS
from auth.stream import StreamAnswers
from auth.tcp_loop import TcpLoop
from auth.wire import read_header, read_request
from datasrc.packed import PackedRecords
from datasrc.zonescan import Scanner
from image import layout
from image.responder import Responder
from tests.conformance.odd_packets import test_mutations, test_udp
from tests.datasrc import test_zonescan
from tests.datasrc.reading import ORIGIN
from tests.fuzz.world import Images, questions
from tests.kit.dnsreply import Reply, demand_sound
from tests.kit.suite import wait_until
from tests.memmgr.house import UDP_SIZE

LARGEST_REPLY = 1 << 16
NOW = 1_800_000_000  # POSIX seconds
SETTINGS = Settings(nsid=b"fuzzed")
SECRETS = CookieSecrets(fixed=(bytes(16), bytes(range(16))))


class Target(ABC):
    """One that is fuzzed. `directory` is for its files."""

    longest = 1024  # octets of an input that are worth trying

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:  # noqa: B027 - not every one holds anything
        """Give back what it holds."""

    @abstractmethod
    def give(self, octets: bytes) -> None:
        """Try an input."""

    @abstractmethod
    def seeds(self) -> Iterator[bytes]:
        """Inputs to begin with."""


class Query(Target):
    """A message that may be a query, and the responder. The first octet says how it is asked."""

    TCP, EXACT, REQUIRED = 1, 2, 4  # over TCP; nothing behind the message; who knows cookies has to show one
    FULL, KNOWN = 8, 16  # name servers and addresses beside answers; no other zones are there, so names are refused

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.images = Images(directory)
        self.responder = self.images.responder
        self.addresses = memoryview(bytearray(b"\xc0\0\2\1" + bytes(12)))
        self.engines = [engine(self.responder, required=required) for required in (False, True)]
        self.room = memoryview(bytearray(2048))
        self.replies = memoryview(bytearray(LARGEST_REPLY + 1024))

    def close(self) -> None:
        self.images.close()

    def give(self, octets: bytes) -> None:
        how, message = octets[0] if octets else 0, octets[1:]
        at = 0 if how & self.EXACT else 37
        room = memoryview(bytearray(message)) if how & self.EXACT else self.room  # nothing behind it may be looked at
        if len(message) > len(room) - at:
            return
        room[at : at + len(message)] = message
        self.responder.stream = how & self.TCP
        answering = self.engines[1 if how & self.REQUIRED else 0]
        answering.serve(room, self.replies, self.addresses)
        self.responder.courteous = how & self.FULL
        self.images.vouch(is_believed=bool(how & self.KNOWN))
        answering.set_time(NOW, 0)
        size = answering.respond(at, len(message), 5, 0, 4)
        if size:
            check_reply(message, bytes(self.replies[5 : 5 + size]), stream=bool(how & self.TCP))

    def seeds(self) -> Iterator[bytes]:
        for number, message in enumerate([*odd_messages(), *list(questions())[::3]]):
            yield bytes([number % 32]) + message


class Stream(Target):
    """What one recv of a TCP connection brings."""

    longest = 4096

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.stream = StreamAnswers(ReplyTally())
        self.images = Images(directory)
        self.stream.engage(self.images.responder, SETTINGS, SECRETS)

    def close(self) -> None:
        self.stream.engage(None, SETTINGS, SECRETS)
        self.images.close()

    def give(self, octets: bytes) -> None:
        self.stream.queries[: len(octets)] = octets
        count = self.stream.respond(len(octets), 64, bytes([192, 0, 2, 1]), 300)
        assert 0 <= count <= 64
        assert self.stream.taken <= len(octets)
        queries = messages(octets[: self.stream.taken])
        replies = messages(bytes(self.stream.replies[: self.stream.written]))
        assert len(queries) == len(replies) == count
        for query, reply in zip(queries, replies, strict=True):
            check_reply(query, reply, stream=True)

    def seeds(self) -> Iterator[bytes]:
        odd, asked = list(odd_messages()), list(questions())
        for number, message in enumerate(odd):
            yield framed(*asked[number * 7 : number * 7 + 5], message, *asked[:2])


class Connections(Target):
    """What clients do at the listening socket of the loop of TCP, step by step: an octet that says which client and
    what, and for SEND the length of what it sends, and that.
    """

    longest = 2048
    CLIENTS = 4
    SEND, FINISH, RESET, DELIVER_END = 0, 5, 6, 7  # 1 to 4 are SEND, too: it is the most usual
    MOST_STEPS = 40
    RESETTING = struct.pack("ii", 1, 0)  # SO_LINGER: nothing of a connection outlives it

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.images = Images(directory)
        self.images.responder.stream = 1
        self.hatch = Hatch(64)
        self.hatch.open()
        self.loop = TcpLoop(self.hatch)
        self.loop.open()
        self.loop.allow(10, 9, 10)
        self.loop.take_pipeline(4)
        self.loop.wait_for(60_000, 600, 60_000, 60_000)
        self.loop.answers.engage(self.images.responder, SETTINGS, SECRETS)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.setblocking(False)
        self.loop.open_listener(1, self.listener.fileno(), 0)

    def close(self) -> None:
        self.loop.close_listener(1)
        self.loop.close_all()
        self.loop.answers.engage(None, SETTINGS, SECRETS)
        self.loop.close()
        self.hatch.close()
        self.listener.close()
        self.images.close()

    def give(self, octets: bytes) -> None:
        clients: dict[int, socket.socket] = {}
        sent: dict[int, bytes] = {}
        at = 0
        try:
            for _ in range(self.MOST_STEPS):
                if at >= len(octets):
                    break
                number, action = octets[at] % self.CLIENTS, octets[at] // self.CLIENTS % 8
                at += 1
                if number not in clients:
                    clients[number], sent[number] = self._another(), b""
                if action in (self.FINISH, self.RESET):
                    self._end(clients, number, action)
                elif action != self.DELIVER_END and at < len(octets):
                    part = octets[at + 1 : at + 1 + octets[at]]
                    at += 1 + len(part)
                    sent[number] += self._send(clients[number], part)
                self._turn(is_end=action == self.DELIVER_END)
            for number, client in clients.items():
                self._check(client, sent[number])
        finally:
            for client in clients.values():
                client.close()
            wait_until(self._has_no_connection, what="no connection is left")

    def seeds(self) -> Iterator[bytes]:
        asked = list(questions())
        for number, message in enumerate(odd_messages()):
            parts = framed(*asked[number * 3 : number * 3 + 2], message, asked[0])
            half = min(255, len(parts) // 2)
            steps = bytes([0, half]) + parts[:half] + bytes([0, min(255, len(parts) - half)]) + parts[half : half + 255]
            yield steps + bytes([number % 32, number % 7, 4 * self.FINISH, 1 + 4 * self.RESET, 4 * self.DELIVER_END])

    def _has_no_connection(self) -> bool:
        self._turn(is_end=True)
        return self.loop.table.count == 0

    def _another(self) -> socket.socket:
        client = socket.create_connection(self.listener.getsockname())
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, self.RESETTING)
        client.setblocking(False)
        return client

    def _send(self, client: socket.socket, part: bytes) -> bytes:
        try:
            client.sendall(part)
        except (ConnectionError, BlockingIOError):  # it was closed on us
            return b""
        return part

    def _end(self, clients: dict[int, socket.socket], number: int, action: int) -> None:
        if action == self.RESET:
            clients.pop(number).close()
            return
        try:
            clients[number].shutdown(socket.SHUT_WR)
        except OSError:  # it is closed already
            pass

    def _turn(self, *, is_end: bool) -> None:
        """A turn of the loop, and another one with what was left and has got its reply: the message itself."""
        for _ in range(2):
            self.loop.wake()
            self.loop.run()
            while (entry := self.hatch.take()) is not None:
                tag, left = entry[0], entry[1]
                whole = messages(left)
                assert whole
                assert len(framed(*whole)) == len(left)
                self.loop.deliver(tag, len(left), 1, left, is_end)
            self.loop.put_held()

    def _check(self, client: socket.socket, sent: bytes) -> None:
        """What came is whole messages, each a reply to one that was sent, or that one."""
        received = b""
        try:
            while part := client.recv(1 << 16):
                received += part
        except (BlockingIOError, ConnectionError):
            pass
        replies = messages(received)
        assert len(framed(*replies)) == len(received)
        asked = {message[:2] for message in messages(sent)}
        assert {reply[:2] for reply in replies} <= asked
        assert len(replies) <= len(messages(sent))


class DamagedImage(Target):
    """Edits of the files of images while they are mapped, behind all checksums, and then queries.

    An input has how many edits there are, and for each which section, where, how wide, and what; then queries.
    """

    longest = 256
    EDIT = struct.Struct("<BBHI")  # section and width, 24 bits of place, value
    MOST_EDITS = 15
    WIDE = 0x80

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.images = Images(directory)
        self.responder = self.images.responder
        self.engine = engine(self.responder, required=False)
        self.room = memoryview(bytearray(2048))
        self.replies = memoryview(bytearray(LARGEST_REPLY + 1024))
        self.engine.serve(self.room, self.replies, memoryview(bytearray(16)))
        self.engine.set_time(NOW, 0)
        self.responder.courteous = 1
        self.files = list(self.images.editable())
        self.asked = [message for number, message in enumerate(questions()) if number % 67 == 0]
        self.failed = 0

    def close(self) -> None:
        for mapped, _, _ in self.files:
            mapped.close()
        self.images.close()

    def give(self, octets: bytes) -> None:
        undone: list[tuple[mmap.mmap, int, bytes]] = []
        count = octets[0] & self.MOST_EDITS if octets else 0
        at = 1
        for _ in range(count):
            if at + self.EDIT.size > len(octets):
                break
            section, high, low, value = self.EDIT.unpack_from(octets, at)
            at += self.EDIT.size
            file, start, size = self.files[(section & ~self.WIDE) % len(self.files)]
            place = start + (high << 16 | low) % size
            new = value.to_bytes(4, "little") if section & self.WIDE else bytes([value & 0xFF])
            new = new[: len(file) - place]
            undone.append((file, place, file[place : place + len(new)]))
            file[place : place + len(new)] = new
        try:
            for message in (*messages(octets[at:]), *self.asked):
                self.ask(message)
        finally:
            for file, place, before in reversed(undone):
                file[place : place + len(before)] = before

    def ask(self, message: bytes) -> None:
        """Whatever comes of it: it ends, in bounds, with an answer, with none or with an exception of bounds."""
        if len(message) > len(self.room):
            return
        self.room[: len(message)] = message
        for stream in (0, 1):
            self.responder.stream = stream
            try:
                size = self.engine.respond(0, len(message), 0, 0, 4)
            except IndexError:
                self.failed += 1
            else:
                assert 0 <= size <= (LARGEST_REPLY if stream else UDP_SIZE)

    def seeds(self) -> Iterator[bytes]:
        source = random.Random(1)
        for section, (_, _, size) in enumerate(self.files):
            for _ in range(min(40, 2 * size)):
                edits = [(section | source.choice((0, self.WIDE)), source.randrange(256), source.randrange(65536),
                          source.choice((0, 0xFF, 0x80, 0xFFFFFFFF, source.randrange(1 << 32))))
                         for _ in range(source.choice((1, 2, 8)))]  # fmt: skip
                yield bytes([len(edits)]) + b"".join(self.EDIT.pack(*edit) for edit in edits)


class Datagrams(Target):
    """A batch of datagrams at the socket of a loop."""

    longest = 4096
    BATCH = 16

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.hatch = Hatch(64)
        self.hatch.open()
        self.loop = Loop(self.hatch, self.BATCH)
        self.loop.open()
        self.images = Images(directory)
        self.loop.engage(self.images.responder, SETTINGS, SECRETS, self.table())
        self.server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.server.bind(("127.0.0.1", 0))
        self.server.setblocking(False)
        self.loop.open_place(1, self.server.fileno(), 0)

    def close(self) -> None:
        self.loop.engage(None, SETTINGS, SECRETS, None)
        self.loop.close()
        self.hatch.close()
        self.server.close()
        self.images.close()

    def table(self) -> LimitTable | None:
        """What limits responses."""
        return None

    def give(self, octets: bytes) -> None:
        found = messages(octets)[: self.BATCH]
        sent = [number.to_bytes(2) + message[2:] for number, message in enumerate(found)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:  # nobody before has replies to come
            client.connect(self.server.getsockname())
            for message in sent:
                client.send(message)
            self.loop.wake()
            self.loop.run()  # a turn or two: what an exception in one of them would be is a finding
            left = 0
            while (entry := self.hatch.take()) is not None:
                if entry[2] == client.getsockname():
                    assert entry[1] in sent
                    left += 1
            replies = []
            while True:
                try:
                    replies.append(client.recv(MAX_DATAGRAM, socket.MSG_DONTWAIT))
                except BlockingIOError:
                    break
        assert len(replies) <= len(sent) - left
        for reply in replies:
            check_reply(sent[int.from_bytes(reply[:2])], reply, stream=False)

    def seeds(self) -> Iterator[bytes]:
        odd, asked = list(odd_messages()), list(questions())
        for number, message in enumerate(odd):
            yield framed(*asked[number * 5 : number * 5 + 3], message)


class LimitedDatagrams(Datagrams):
    """The same where responses are limited, so that some are truncated and some are dropped."""

    def table(self) -> LimitTable | None:
        return LimitTable(RateLimitSettings(enabled=True, answers=2, errors=1, window=1.0, all=6, memory=4096))


class ZoneText(Target):
    """Text of a zone: scanned to where it is not plain; what was taken must be what the long way reads of it."""

    longest = 512
    HEAD = b"$TTL 60\n@ SOA ns h 1 2 3 4 5\n"

    def give(self, octets: bytes) -> None:
        text = octets + b"\n"
        scanner = Scanner(PackedRecords(), ORIGIN.to_wire() or b"")
        scanner.begin(0, 0, ORIGIN.to_wire() or b"", ORIGIN.to_wire() or b"", 60, False)
        end = scanner.scan(text, 0, len(text))
        assert 0 <= end <= len(text)
        assert scanner.lines == text[:end].count(b"\n")
        if scanner.records.count:
            test_zonescan.both_ways(self.HEAD + octets)

    def seeds(self) -> Iterator[bytes]:
        for kind, examples in test_zonescan.PLAIN.items():
            for rdata in examples:
                yield f"a {kind} {rdata}".encode()
                yield f"@ 300 IN {kind} ( {rdata} ; x\r\n )\n\tIN 5 {kind.lower()} {rdata}".encode()
        yield b"$ORIGIN sub\na A 192.0.2.1"
        yield b"*.W.example.ORG. A 192.0.2.1\n\\065 A 192.0.2.1"
        yield b"$TTL 1h\na A 1.2.3"


class Cookie(Target):
    """The content of a COOKIE option: octets of the address, its address, the content."""

    longest = 64

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.jar = CookieJar()
        self.jar.use([(1, 2), (3, 4)], 0, 1 << 33)

    def give(self, octets: bytes) -> None:
        size = 16 if octets[:1] < b"\x80" else 4
        address, content = octets[1 : 1 + size].ljust(size, b"\0"), octets[1 + size :]
        self.jar.attach(memoryview(bytearray(content)), memoryview(bytearray(address)))
        self.jar.check(0, len(content), 0, size, 1_800_000_000)

    def seeds(self) -> Iterator[bytes]:
        for size in (0, 7, 8, 12, 16, 24, 40, 41):
            yield b"\0" + bytes(16) + b"\1" * size
            yield b"\xff" + bytes(4) + b"\1" * size


TARGETS: dict[str, type[Target]] = {
    "query": Query,
    "stream": Stream,
    "datagrams": Datagrams,
    "limited": LimitedDatagrams,
    "connections": Connections,
    "image": DamagedImage,
    "cookie": Cookie,
    "zonetext": ZoneText,
}


def engine(responder: Responder, *, required: bool) -> ImageEngine:
    """One that answers as the daemon does."""
    found = ImageEngine(ReplyTally(), LOOP_PART)
    found.engage(responder, replace(SETTINGS, cookies=CookieSettings(required=required)), SECRETS, None, NOW)
    return found


def check_reply(query: bytes, octets: bytes, *, stream: bool) -> None:
    """What every reply must be: one that the plain implementation would make of no malformed message, and sound."""
    request = read_request(query, read_header(query))
    assert request.fault is None, f"answered: {query.hex()}"
    reply = Reply.read(octets)
    demand_sound(reply, query, udp=not stream)
    assert len(octets) <= (layout.POINTER_REACH if stream else UDP_SIZE)
    dns.message.from_wire(octets)


def odd_messages() -> Iterator[bytes]:
    """Of the tables of odd packets, and what they are made from."""
    for row in test_udp.ROWS:
        if len(row.message) <= QUERY_OCTETS:
            yield row.message
    yield from test_mutations.SEEDS


def framed(*parts: bytes) -> bytes:
    """Messages behind their lengths (RFC 1035 section 4.2.2)."""
    return b"".join(struct.pack("!H", len(each)) + each for each in parts)


def messages(octets: bytes) -> list[bytes]:
    """The messages that are whole."""
    found, at = [], 0
    while at + 2 <= len(octets):
        end = at + 2 + int.from_bytes(octets[at : at + 2])
        if end > len(octets):
            break
        found.append(octets[at + 2 : end])
        at = end
    return found
