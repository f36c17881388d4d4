"""Replies to one client in a row: one message for the kernel, a datagram each for the client."""

from __future__ import annotations

import socket
from contextlib import ExitStack

import pytest

import auth.raw
from auth.settings import Settings
from auth.sizes import MAX_SEGMENT, MAX_SEGMENTED, MAX_SEGMENTS
from tests.auth.sockets import bound
from tests.auth.test_loop import NO_DEFECTS, answering, counted
from tests.auth.test_udp import client
from tests.kit import dnspacket as packet

pytestmark = pytest.mark.asyncio
DGRAM = socket.SOCK_DGRAM
UDP_GRO = 104  # linux/udp.h: receive what belongs together as one
SO_NO_CHECK = 11  # asm-generic/socket.h: with it the kernel cuts nothing up
DEADLINE = 30.0  # seconds; things here take milliseconds
BATCH = 100

LONG, SHORT, NONE, BIG = "a.b.wild.example.", "www.example.", "nothere.example.", "big.example."
KINDS = {LONG: "TXT", SHORT: "A", NONE: "A", BIG: "TXT"}


def query(name: str, ident: int) -> bytes:
    return packet.query(name, KINDS[name], ident=ident, additional=[packet.opt(size=4096)])


async def ask(server, asked) -> None:
    """Send while the loop does not look, so that all of it is one batch: (socket, message, its destination or None)."""

    def send() -> None:
        for sock, message, to in asked:
            sock.send(message) if to is None else sock.sendto(message, to)

    await server.loop_thread.call(send)


def received(sock: socket.socket) -> bytes:
    sock.settimeout(DEADLINE)
    return sock.recv(65535)


SEQUENCES = {
    "one client, equal lengths": [(0, SHORT)] * 10,
    "the last one is shorter": [(0, LONG)] * 3 + [(0, SHORT)],
    "a shorter one, then longer ones": [(0, LONG), (0, SHORT), (0, LONG), (0, LONG), (0, SHORT), (0, SHORT)],
    "clients in turn": [(0, SHORT), (1, SHORT)] * 4,
    "clients in runs": [(0, SHORT)] * 3 + [(1, SHORT)] * 3 + [(0, LONG)] * 3,
    "more octets than a datagram has": [(0, BIG)] * MAX_SEGMENTS + [(0, SHORT)] * 2,
    "all kinds": [(number % 3 // 2, name) for number, name in enumerate([LONG, SHORT, NONE, BIG, SHORT, LONG] * 5)],
    "more than one message may have": [(0, SHORT)] * (MAX_SEGMENTS + 20),
}


@pytest.mark.parametrize("sequence", SEQUENCES.values(), ids=SEQUENCES)
@pytest.mark.parametrize(
    ("listen", "refused"),
    [("127.0.0.1", False), ("0.0.0.0", False), ("::1", False), ("::", False), ("127.0.0.1", True), ("0.0.0.0", True)],
)
async def test_each_client_gets_each_reply_as_if_it_were_the_only_one(tmp_path, sequence, listen, refused):
    """Also where the kernel refuses to cut up."""
    sock = bound(DGRAM, listen)
    if refused:
        sock.setsockopt(socket.SOL_SOCKET, SO_NO_CHECK, 1)
    address = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen, listen)
    with ExitStack() as stack:
        clients = [stack.enter_context(client(address, sock.getsockname()[1])) for _ in range(2)]
        async with answering(tmp_path, sock, settings=Settings(udp_batch=BATCH)) as server:
            for each in clients:
                each.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            alone = {}
            for name in KINDS:
                await ask(server, [(clients[0], query(name, 0), None)])
                alone[name] = received(clients[0])[2:]
            assert len(alone[BIG]) * MAX_SEGMENTS > MAX_SEGMENTED
            assert MAX_SEGMENT >= len(alone[BIG]) > len(alone[LONG]) > len(alone[SHORT])
            await ask(server, [(clients[who], query(name, n), None) for n, (who, name) in enumerate(sequence)])
            for who in (0, 1):
                expected = {n: alone[name] for n, (whose, name) in enumerate(sequence) if whose == who}
                got = [received(clients[who]) for _ in expected]
                assert {int.from_bytes(reply[:2]): reply[2:] for reply in got} == expected
            assert counted(server)["responses"] == len(sequence) + len(KINDS)
            assert not NO_DEFECTS & set(counted(server))


@pytest.mark.parametrize("lengths", [[SHORT] * 5, [LONG, LONG, SHORT]], ids=["equal", "the last one shorter"])
async def test_they_are_one_message_for_the_kernel(tmp_path, lengths):
    if not auth.raw.__file__.endswith(".so"):
        pytest.skip("the interpreter sends one by one")
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        asker.setsockopt(socket.IPPROTO_UDP, UDP_GRO, 1)
        async with answering(tmp_path, sock) as server:
            await ask(server, [(asker, query(name, n), None) for n, name in enumerate(lengths)])
            together = received(asker)
            for n, name in enumerate(lengths):
                await ask(server, [(asker, query(name, n), None)])
                alone = received(asker)
                assert together.startswith(alone)
                together = together[len(alone) :]
            assert together == b""


async def test_the_address_that_was_asked_keeps_them_apart(tmp_path):
    """One client that asks two of our addresses."""
    sock = bound(DGRAM, "0.0.0.0")
    port = sock.getsockname()[1]
    with socket.socket(socket.AF_INET, DGRAM) as asker:
        asker.bind(("127.0.0.1", 0))
        asker.settimeout(DEADLINE)
        async with answering(tmp_path, sock) as server:
            hosts = ["127.0.0.1", "127.0.0.1", "127.0.0.77", "127.0.0.77", "127.0.0.1"]
            await ask(server, [(asker, query(SHORT, n), (host, port)) for n, host in enumerate(hosts)])
            got = dict(asker.recvfrom(65535) for _ in hosts)
            assert {int.from_bytes(reply[:2]): whence[0] for reply, whence in got.items()} == dict(enumerate(hosts))
