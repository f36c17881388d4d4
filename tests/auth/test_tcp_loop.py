"""The loop of TCP under what clients do by the thousand: what they cost, and that nobody gets what is another's."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import resource
import socket
import struct
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from auth.framing import frame
from auth.settings import Settings, TcpSettings
from tests.auth.sockets import DEADLINE, HeldSource, Talk, bound, serving, talking, until
from tests.auth.test_loop import answering, counted
from tests.kit import dnspacket as packet

pytestmark = pytest.mark.asyncio
STREAM = socket.SOCK_STREAM
WWW = frame(packet.query("www.example."))
ODD = frame(packet.query("www.example.", "RRSIG"))  # left to the plain implementation
CROWD = 3000  # connections; each has two descriptors here, the client's and the server's
OCTETS_EACH = 1024  # that a connection may cost this process, the client's socket included
RESET = struct.pack("ii", 1, 0)  # SO_LINGER: close() sends RST


@contextmanager
def descriptors(count: int):
    """So many may be open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        pytest.skip(f"at most {hard} files may be open here")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def resident() -> int:
    """Octets of memory of this process."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def ask(sock: socket.socket, query: bytes) -> bytes:
    """A query and its reply, both framed."""
    sock.sendall(query)
    reply = sock.recv(65535)
    while len(reply) < 2 or len(reply) < 2 + int.from_bytes(reply[:2]):
        reply += sock.recv(65535)
    return reply


def connect(sock: socket.socket) -> socket.socket:
    return socket.create_connection(sock.getsockname()[:2], timeout=DEADLINE)


def reset(sock: socket.socket) -> None:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()


async def test_thousands_of_idle_connections_cost_little_memory_and_no_service(tmp_path):
    sock = bound(STREAM)
    with descriptors(2 * CROWD + 200), ExitStack() as stack:
        limits = {"connections": CROWD, "connections_per_client": CROWD, "idle_timeout": 100.0}
        async with answering(tmp_path, sock, **limits) as server:

            def come(count: int) -> None:
                for _ in range(count):
                    ask(stack.enter_context(connect(sock)), WWW)

            await asyncio.to_thread(come, 100)
            before = resident()
            await asyncio.to_thread(come, CROWD - 100)
            assert server.connections == CROWD
            assert resident() - before < (CROWD - 100) * OCTETS_EACH
            await asyncio.to_thread(come, 10)  # the oldest go
            assert (server.connections, counted(server)["tcp.evicted"]) == (CROWD, 10)
            stack.close()
            await until(lambda: server.connections == 0)


async def test_one_query_a_connection_many_times(tmp_path):
    """Descriptors are all given back, and numbers used again."""
    sock, times = bound(STREAM), 500
    async with answering(tmp_path, sock) as server:

        def ask_all() -> None:
            for number in range(times):
                with connect(sock) as one:
                    assert len(ask(one, ODD if number % 50 == 0 else WWW)) > len(WWW)

        await asyncio.to_thread(ask_all)
        await until(lambda: server.connections == 0)
        assert counted(server)["tcp.accepted"] == counted(server)["responses"] == times
        assert server.engine.handled == counted(server)["left"] == times / 50
        assert server.tcp_thread.loop.table.used < 20


LONG = b"\xff\xff" + packet.query("www.example.") + bytes(20000)


@pytest.mark.parametrize("sent", [b"", WWW[:1], WWW[:9], WWW, ODD, WWW + WWW[:9], ODD + WWW[:9], LONG])
async def test_a_client_may_reset_at_any_moment(tmp_path, sent):
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server:
        for _ in range(20):
            one = connect(sock)
            one.sendall(sent)
            reset(one)
        async with talking(sock) as good:
            good.send(packet.query("www.example."))
            assert (await good.read()).rcode == "NOERROR"
            await until(lambda: server.connections == 1)
        assert not {"failures", "tcp.timeouts"} & set(counted(server))


@pytest.mark.parametrize("query", [WWW, ODD, WWW * 3000, ODD * 40], ids=["image", "left", "images", "much left"])
async def test_the_end_that_comes_with_the_last_query_is_noticed(tmp_path, query):
    """Epoll tells of both once."""
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server:

        def ask_and_end(one: socket.socket) -> int:
            ask(one, WWW)
            one.sendall(query)
            one.shutdown(socket.SHUT_WR)
            octets = 0
            while part := one.recv(65536):
                octets += len(part)
            return octets

        for _ in range(5):
            with connect(sock) as one:
                assert await asyncio.to_thread(ask_and_end, one) > len(query)
        with connect(sock) as one:  # in the midst of a long message
            one.sendall(LONG[:5000])
            await until(lambda: server.connections > 0)
            one.sendall(LONG[5000:])
            one.shutdown(socket.SHUT_WR)
            assert await asyncio.to_thread(one.recv, 1) == b""
        await until(lambda: server.connections == 0)
        assert "tcp.timeouts" not in counted(server)


async def test_a_reply_for_another_connection_reaches_nobody(tmp_path):
    """Neither one whose number was used again, nor one that waits for nothing."""
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server:
        loop, call = server.tcp_thread.loop, server.tcp_thread.call
        (await asyncio.to_thread(connect, sock)).close()
        await until(lambda: server.connections == 0)
        async with talking(sock) as talk:
            await until(lambda: server.connections == 1)
            for turned in (1, 2, 3):
                await call(functools.partial(loop.deliver, turned << 32 | 1, 0, 0, frame(b"x" * 12), is_end=True))
            talk.send(packet.query("www.example.", ident=7))
            assert (await talk.read()).ident == 7


async def test_a_client_that_went_while_it_was_answered_leaves_its_number_to_the_next():
    source, sock = HeldSource(), bound(STREAM)
    async with serving(sock, source=source) as server:
        source.hold()
        gone = await asyncio.to_thread(connect, sock)
        gone.sendall(ODD * 3)
        await until(source.waiting.is_set)
        reset(gone)
        async with talking(sock) as talk:
            source.released.set()
            talk.send(packet.query("www.example.", ident=7))
            assert (await talk.read()).ident == 7
            await until(lambda: server.connections == 1)


async def test_clients_that_read_nothing_cost_a_bounded_amount_of_memory(tmp_path):
    """V51: 64 KB of replies and one more, and what one receive brings, for each; the kernel has its own bounds."""
    sock, count = bound(STREAM), 10
    query = frame(packet.query("big.example.", "TXT"))
    async with answering(tmp_path, sock, write_timeout=100.0) as server:
        with ExitStack() as stack:
            before = resident()
            for _ in range(count):
                mute = stack.enter_context(connect(sock))
                mute.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    for _ in range(100):
                        mute.send(query * 1000)
                        await asyncio.sleep(0)
            await until(lambda: server.connections == count and counted(server).get("responses"))
            answered = -1
            while answered != counted(server)["responses"]:  # until nobody is answered any more
                answered = counted(server)["responses"]
                await asyncio.sleep(0.1)
            assert server.connections == count
            assert resident() - before < count * (2 * 65536 + 2 * 65537)
            async with talking(sock) as good:
                good.send(packet.query("www.example."))
                assert (await good.read()).rcode == "NOERROR"


async def test_more_connections_than_the_hatch_holds_wait_in_line():
    """None is dropped, though 256 messages may wait."""
    source, sock, count = HeldSource(), bound(STREAM), 400
    with descriptors(2 * count + 200):
        async with serving(sock, source=source, connections=count, connections_per_client=count) as server:
            source.hold()
            talks = [await Talk.to(sock) for _ in range(count)]
            for ident, talk in enumerate(talks):
                talk.send(packet.query("www.example.", ident=ident))
            await until(lambda: server.connections == count)
            source.released.set()
            assert [(await talk.read()).ident for talk in talks] == list(range(count))
            for talk in talks:
                await talk.close()


async def test_who_asks_without_end_takes_no_turn_of_others(tmp_path):
    """More than is read, answered and sent in one turn, in order; meanwhile another is answered."""
    sock, count = bound(STREAM), 6000
    async with answering(tmp_path, sock) as server, talking(sock) as greedy, talking(sock) as modest:
        greedy.send(*(packet.query("www.example.", ident=ident) for ident in range(count)))
        modest.send(packet.query("www.example.", ident=7))
        assert (await modest.read()).ident == 7
        assert [(await greedy.read()).ident for _ in range(count)] == list(range(count))
        assert server.engine.handled == 0


async def test_long_messages_in_small_parts_among_short_ones(tmp_path):
    """Above 4 KB a part of a message is received to where it is kept."""
    sock = bound(STREAM)
    padding = packet.option(12, bytes(60000))
    long = packet.query("www.example.", additional=[packet.opt(padding)], ident=2)
    octets = WWW + frame(long) + WWW + frame(long)
    async with answering(tmp_path, sock), talking(sock) as talk:
        for start in range(0, len(octets), 1777):
            talk.writer.write(octets[start : start + 1777])
            await talk.writer.drain()
            await asyncio.sleep(0)
        replies = [await talk.read() for _ in range(4)]
        assert [reply.ident == 2 for reply in replies] == [False, True, False, True]
        assert all(reply.answer for reply in replies)


async def test_limits_of_a_revision_hold_from_then_on(tmp_path):
    sock = bound(STREAM)
    async with answering(tmp_path, sock) as server, talking(sock) as first, talking(sock) as second:
        await until(lambda: server.connections == 2)
        usual = server.engine.serving
        server.serve_by(replace(usual, settings=Settings(tcp=TcpSettings(connections=1, idle_timeout=0.2))))
        assert server._tcp.limit == 1
        async with talking(sock) as third:
            assert await first.closed()
            assert await second.closed()
            assert await third.closed()
        assert (counted(server)["tcp.evicted"], counted(server)["tcp.timeouts"]) in ((2, 1), (1, 2), (0, 3))
