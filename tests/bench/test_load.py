"""The load against servers that answer right, wrong, or not at all: it must tell which."""

import shutil
import socket
import struct
import threading

import pytest

from bench.sidebyside.contents import Hosts
from bench.sidebyside.datasets import provide
from bench.sidebyside.load_program import Load, compiled
from bench.sidebyside.questions import DNS_HEADER, Question, samples
from bench.sidebyside.rows import Row
from tests.kit.ports import free_port

pytestmark = pytest.mark.skipif(not shutil.which("cc"), reason="there is no C compiler")
SECONDS = 0.3
OPT = bytes.fromhex("00 0029 04d0 00000000 0000")
SECTION_END = 5  # root label, type, class


def question_of(query):
    return query[DNS_HEADER : query.index(0, DNS_HEADER) + SECTION_END]


def right(query):
    """One A record of the name asked for; the load looks at counts, the harness at data."""
    head = query[:2] + struct.pack("!HHHHH", 0x8400, 1, 1, 0, 1)
    return head + question_of(query) + bytes.fromhex("c00c 0001 0001 00000e10 0004 0a000001") + OPT


def denied(query):
    return query[:2] + struct.pack("!HHHHH", 0x8403, 1, 0, 1, 1) + question_of(query) + bytes(11) + OPT


def refused(query):
    return query[:2] + struct.pack("!HHHHH", 0x8005, 1, 0, 0, 0) + question_of(query)


def of_another_name(query):
    reply = bytearray(right(query))
    reply[DNS_HEADER + 1] ^= 1
    return bytes(reply)


def with_another_id(query):
    """That of a query long ago."""
    return bytes([query[0] ^ 0x80]) + right(query)[1:]


class Server(threading.Thread):
    """Answers over UDP and, one message after the other, over TCP."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self._answer = answer
        self.queries = []
        self._udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.port = free_port()  # over both
        self._udp.bind(("127.0.0.1", self.port))
        self._tcp = socket.create_server(("127.0.0.1", self.port))

    def run(self):
        threading.Thread(target=self._accept, daemon=True).start()
        while True:
            try:
                query, client = self._udp.recvfrom(4096)
                if not query:
                    return
                self.queries.append(query)
                answer = self._answer(query)
                if answer is not None:
                    self._udp.sendto(answer, client)
            except OSError:
                return

    def _accept(self):
        while True:
            try:
                connection, _ = self._tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        with connection, connection.makefile("rb") as stream:
            while len(length := stream.read(2)) == 2:
                answer = self._answer(stream.read(int.from_bytes(length, "big")))
                try:
                    connection.sendall(len(answer).to_bytes(2, "big") + answer)
                except OSError:
                    return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *error):
        self._udp.sendto(b"", ("127.0.0.1", self.port))
        self.join(10)
        self._tcp.shutdown(socket.SHUT_RDWR)
        self._tcp.close()
        self._udp.close()


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture
def ask(cache, tmp_path):
    files = provide(Hosts("few", 20), cache)
    program = compiled(cache).load

    def run(server, *, echo=False, rate=0, **row):
        load = Load(program, 0, Row("few", "", "few", **{"sockets": 2, "window": 4, **row}), files)
        kept = tmp_path / "samples"
        account = load.run(server.port, SECONDS, skip=3, samples=kept, echo=echo, rate=rate)
        return account, list(samples(kept.read_bytes()))

    return run


@pytest.mark.parametrize("kind", ["udp", "tcp", "connect"])
def test_right_answers_are_counted(ask, kind):
    with Server(right) as server:
        account, kept = ask(server, kind=kind)
    assert account.answered > 10
    assert (account.wrong, account.stray) == (0, 0)
    assert account.rcodes == {"0": account.answered}
    assert kept
    assert not any(one.wrong for one in kept)
    if kind == "connect":
        assert account.connections >= account.answered
    else:
        assert account.lost == 0


@pytest.mark.parametrize("kind", ["udp", "tcp"])
@pytest.mark.parametrize("answer", [refused, of_another_name, denied])
def test_wrong_answers_are_told_and_kept(ask, kind, answer):
    with Server(answer) as server:
        account, kept = ask(server, kind=kind)
    assert account.answered == 0
    assert account.wrong > 10
    assert all(one.wrong for one in kept)
    assert 1 <= len(kept) <= 8


def test_answers_to_nobody_are_strays(ask):
    with Server(with_another_id) as server:
        account, _ = ask(server)
    assert (account.answered, account.wrong) == (0, 0)
    assert account.stray > 0
    assert account.lost == account.sent


def test_what_is_not_answered_is_lost(ask):
    with Server(lambda query: None) as server:
        account, _ = ask(server)
    assert account.lost == account.sent == 8


def test_an_echo_is_not_judged(ask):
    with Server(lambda query: query) as server:
        account, _ = ask(server, echo=True)
    assert account.answered > 10
    assert account.wrong == 0


def test_a_flood_asks_another_name_each_time(ask):
    with Server(denied) as server:
        account, _ = ask(server, flood=True)
    assert account.answered > 10
    assert account.wrong == 0
    names = {question_of(query) for query in server.queries}
    assert len(names) >= account.answered


def test_questions_that_stand_apart_are_counted_by_themselves_too(cache, tmp_path):
    """One in four; the server answers nothing else, then everything but them."""
    asked = [Question(f"h{number:07d}.bench.example", apart=number % 4 == 0) for number in range(20)]
    row = Row("few", "", "few", sockets=2, window=4)
    load = Load(compiled(cache).load, 0, row, provide(Hosts("few", 20), cache)).asking(asked, tmp_path)

    def is_apart(query):
        return int(question_of(query)[2:9]) % 4 == 0

    found = {}
    for which in (True, False):
        with Server(lambda query, which=which: right(query) if is_apart(query) is which else None) as server:
            found[which] = load.run(server.port, SECONDS, skip=0, samples=tmp_path / "samples")
        assert server.queries
    only, others = found[True], found[False]
    assert only.apart.answered == only.answered > 0
    assert only.apart.lost == only.apart.sent - only.apart.answered
    assert only.lost > 0 == only.apart.lost
    assert others.apart.answered == 0 < others.answered
    assert others.apart.lost == others.apart.sent == others.lost > 0


def test_no_more_are_sent_a_second_than_the_rate_says(ask):
    with Server(right) as server:
        account, _ = ask(server, rate=200, sockets=5, window=4)
    assert 0 < account.sent <= 200 * SECONDS + 1
    assert account.answered == account.sent


def test_no_more_than_allowed_are_in_flight(ask):
    with Server(lambda query: None) as server:
        account, _ = ask(server, sockets=50, window=1, most=7)
    assert account.sent == 7
