"""Service over TCP, with real sockets: RFC 7766, RFC 7828, RFC 9210."""

from __future__ import annotations

import asyncio
import os
import resource
import socket
import struct

import pytest

from auth.framing import frame
from auth.tcp import RESERVED_DESCRIPTORS
from tests.auth.sockets import DEADLINE, HeldSource, Talk, bound, fail_for, serving, talking, until
from tests.kit import dnspacket as packet

pytestmark = pytest.mark.asyncio
STREAM = socket.SOCK_STREAM
WWW = packet.query("www.example.")
BIG = packet.query("big.example.", "TXT")


def www(ident: int) -> bytes:
    return packet.query("www.example.", ident=ident)


def timer() -> float:
    return asyncio.get_running_loop().time()


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_queries_are_answered_one_after_the_other(address):
    sock = bound(STREAM, address)
    async with serving(sock), talking(sock) as talk:
        for ident in range(3):
            talk.send(www(ident))
            reply = await talk.read()
            assert (reply.ident, len(reply.answer)) == (ident, 1)


async def test_fifty_queries_in_one_write_are_all_answered():
    """TRN-04."""
    sock = bound(STREAM)
    async with serving(sock, pipeline=7), talking(sock) as talk:
        talk.send(*map(www, range(50)))
        assert [(await talk.read()).ident for _ in range(50)] == list(range(50))


async def test_a_query_may_come_octet_by_octet():
    """TRN-06."""
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        for octet in frame(WWW):
            talk.writer.write(bytes((octet,)))
            await asyncio.sleep(0)
        assert (await talk.read()).rcode == "NOERROR"


async def test_a_large_answer_comes_whole():
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        talk.send(BIG)
        reply = await talk.read()
        assert len(reply.answer) == 200
        assert not reply.tc


async def test_a_query_of_65535_octets_is_read():
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        talk.send((WWW + b"x" * 65535)[:65535], www(7))
        assert (await talk.read()).rcode == "FORMERR"
        assert (await talk.read()).ident == 7


@pytest.mark.parametrize(
    "odd", [b"\0\0", b"\0\5hello", frame(packet.header(packet.QR, qd=1) + WWW[12:])], ids=["zero", "short", "response"]
)
async def test_who_does_not_speak_dns_is_cut_off(odd):
    """TRN-11."""
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        talk.writer.write(odd + frame(WWW))
        assert await talk.closed()


async def test_good_queries_before_garbage_are_answered():
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        talk.writer.write(frame(www(1)) + frame(www(2)) + b"\0\0")
        assert [(await talk.read()).ident for _ in range(2)] == [1, 2]
        assert await talk.closed()


async def test_a_malformed_query_keeps_the_connection():
    sock = bound(STREAM)
    async with serving(sock), talking(sock) as talk:
        talk.send(packet.header(qd=1), www(2))
        assert (await talk.read()).rcode == "FORMERR"
        assert (await talk.read()).ident == 2


async def test_a_half_closed_connection_is_answered_and_closed():
    sock = bound(STREAM)
    async with serving(sock) as server, talking(sock) as talk:
        talk.send(www(1), www(2))
        talk.writer.write_eof()
        assert [(await talk.read()).ident for _ in range(2)] == [1, 2]
        assert await talk.closed()
        await until(lambda: server.connections == 0)


async def test_a_connection_closed_in_the_midst_of_a_query_is_forgotten():
    sock = bound(STREAM)
    async with serving(sock) as server, talking(sock) as talk:
        talk.writer.write(frame(WWW)[:10])
        talk.writer.write_eof()
        assert await talk.closed()
        await until(lambda: server.connections == 0)


async def test_an_idle_connection_is_closed_in_time():
    sock = bound(STREAM)
    async with serving(sock, idle_timeout=0.3) as server, talking(sock) as talk:
        talk.send(WWW)
        await talk.read()
        began = timer()
        assert await talk.closed()
        assert timer() - began >= 0.25
        assert server._counters.statistics()["tcp.timeouts"] == 1


async def test_parts_of_a_query_do_not_keep_a_connection():
    """TRN-08: neither the idle time-out nor the deadline of a message is moved by octets."""
    sock = bound(STREAM)
    for idle, message in ((0.3, 60.0), (60.0, 0.3)):
        async with serving(sock.dup(), idle_timeout=idle, message_timeout=message), talking(sock) as talk:
            began = timer()
            closed = asyncio.ensure_future(talk.closed())
            for octet in frame(WWW)[:-1]:
                if closed.done():
                    break
                talk.writer.write(bytes((octet,)))
                await asyncio.wait({closed}, timeout=0.05)
            assert await closed
            assert timer() - began < DEADLINE / 2
    sock.close()


@pytest.mark.parametrize("octets", [100, 5000], ids=["short", "longer than what is read ahead"])
async def test_a_part_behind_a_query_that_was_answered_has_to_become_whole_in_time(octets):
    """TRN-08: however much of it came with that query."""
    sock = bound(STREAM)
    async with serving(sock, idle_timeout=60.0, message_timeout=0.3) as server, talking(sock) as talk:
        talk.writer.write(frame(WWW) + (60_000).to_bytes(2) + bytes(octets))
        await talk.read()
        assert await talk.closed()
        assert server._counters.statistics()["tcp.timeouts"] == 1
    sock.close()


async def test_whole_queries_keep_a_connection():
    sock = bound(STREAM)
    async with serving(sock, idle_timeout=3.0), talking(sock) as talk:
        for ident in range(8):
            talk.send(www(ident))
            assert (await talk.read()).ident == ident
            await asyncio.sleep(0.5)  # the time itself is what is tested: more than the time-out in all


async def test_who_does_not_read_is_not_read_and_cut_off():
    """V51: what is unsent for one client is bounded."""
    sock = bound(STREAM)
    async with serving(sock, write_timeout=0.4) as server:
        mute = socket.create_connection(sock.getsockname())
        mute.setblocking(False)
        sent = 0
        with mute:
            for _ in range(4000):
                try:
                    sent += mute.send(frame(BIG))
                except BlockingIOError:
                    break
                await asyncio.sleep(0)
            await until(lambda: server.connections == 0)
        assert server._counters.statistics()["tcp.timeouts"] == 1
        assert server._counters.statistics()["responses"] < 400  # what kernel buffers hold, not what was asked


async def test_a_client_that_vanishes_costs_nothing():
    source, sock = HeldSource(), bound(STREAM)
    async with serving(sock, source=source) as server:
        source.hold()
        talk = await Talk.to(sock)
        talk.send(WWW)
        await until(source.waiting.is_set)
        talk.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await talk.close()
        source.released.set()
        await until(lambda: server.connections == 0)


async def test_a_slow_answer_holds_up_nobody_elses_connection():
    source, sock = HeldSource(), bound(STREAM)
    async with serving(sock, source=source, idle_timeout=1.0), talking(sock) as waiting:
        source.hold()
        waiting.send(WWW)
        await until(source.waiting.is_set)
        async with talking(sock) as idle:
            assert await idle.closed()  # the loop keeps time meanwhile
        source.released.set()
        assert (await waiting.read()).rcode == "NOERROR"


# Limits.
async def test_the_oldest_idle_connection_makes_room():
    """TRN-09."""
    sock = bound(STREAM)
    async with serving(sock, connections=2) as server, talking(sock) as first, talking(sock) as second:
        for talk in (second, first):  # now `second` is the one idle longest
            talk.send(WWW)
            await talk.read()
        async with talking(sock) as third:
            third.send(WWW)
            assert (await third.read()).rcode == "NOERROR"
            assert await second.closed()
            assert server.connections == 2
            first.send(WWW)
            assert (await first.read()).rcode == "NOERROR"


async def test_where_all_are_busy_a_new_connection_is_closed():
    source, sock = HeldSource(), bound(STREAM)
    async with serving(sock, source=source, connections=1) as server, talking(sock) as busy:
        source.hold()
        busy.send(WWW)
        await until(source.waiting.is_set)
        async with talking(sock) as other:
            assert await other.closed()
        source.released.set()
        assert (await busy.read()).rcode == "NOERROR"
        assert server._counters.statistics()["tcp.refused"] == 1


async def test_one_client_cannot_have_all_connections():
    sock = bound(STREAM)
    async with serving(sock, connections=10, connections_per_client=2) as server:
        talks = [await Talk.to(sock) for _ in range(5)]
        for talk in talks[:3]:
            assert await talk.closed()
        assert server.connections == 2
        assert server._counters.statistics()["tcp.evicted"] == 3
        for talk in talks:
            await talk.close()


async def test_far_more_connections_than_allowed_leave_service_alive():
    """V50."""
    sock = bound(STREAM)
    async with serving(sock, connections=8, connections_per_client=8) as server:
        talks = []
        for _ in range(100):
            talks.append(await Talk.to(sock))
            assert server.connections <= 8
        async with talking(sock) as good:
            good.send(WWW)
            assert (await good.read()).rcode == "NOERROR"
        for talk in talks:
            await talk.close()


async def test_what_one_message_provokes_ends_its_connection_and_leaves_the_others_of_its_batch_their_replies(
    monkeypatch, caplog
):
    source, sock = HeldSource(), bound(STREAM)
    async with (
        serving(sock, source=source) as server,
        talking(sock) as first,
        talking(sock) as odd,
        talking(sock) as next_,
    ):
        fail_for(2, server.engine, monkeypatch)
        source.hold()
        first.send(www(1))
        await until(source.waiting.is_set)
        odd.send(www(2))
        await until(lambda: server._tcp._hatch.passed == 2)
        next_.send(www(3))
        await until(lambda: server._tcp._hatch.passed == 3)
        source.released.set()  # the last two are one batch
        assert (await first.read()).ident == 1
        assert await odd.closed()
        assert (await next_.read()).ident == 3
        await until(lambda: server.connections == 2)
    assert "AUTH_INTERNAL_ERROR" in caplog.text


async def test_the_limit_of_descriptors_is_a_limit(monkeypatch):
    sock = bound(STREAM)
    async with serving(sock, connections=500) as server:
        monkeypatch.setattr("resource.getrlimit", lambda _: (RESERVED_DESCRIPTORS + 3, RESERVED_DESCRIPTORS + 3))
        assert server._tcp.limit == 3


async def test_without_descriptors_accepting_pauses_and_goes_on(caplog):
    """V53: EMFILE closes an idle connection and ends nothing."""
    sock = bound(STREAM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    loop = asyncio.get_running_loop()
    async with serving(sock) as server, talking(sock) as idle:
        await until(lambda: server.connections == 1)
        with socket.socket(socket.AF_INET, STREAM) as late:
            late.setblocking(False)
            lowest = os.dup(0)
            os.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                await loop.sock_connect(late, sock.getsockname())
                await loop.sock_sendall(late, frame(WWW))
                assert await idle.closed()
                async with asyncio.timeout(DEADLINE):
                    assert await loop.sock_recv(late, 65535)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        assert server._counters.statistics()["tcp.accept_pauses"] > 0
    assert "AUTH_ACCEPT_PAUSED" in caplog.text


async def test_at_the_limit_of_open_files_service_goes_on():
    """V53, F6: the real limit, reached for real."""
    sock, asker = bound(STREAM), socket.socket(socket.AF_INET, STREAM)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    loop = asyncio.get_running_loop()
    with asker:
        asker.setblocking(False)
        async with serving(sock) as server:
            lowest = os.dup(0)
            os.close(lowest)
            resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
            try:
                await loop.sock_connect(asker, sock.getsockname())
                await loop.sock_sendall(asker, frame(WWW))
                await until(lambda: server._counters.statistics()["tcp.accept_pauses"] > 0)
            finally:
                resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
            async with asyncio.timeout(DEADLINE):
                assert await loop.sock_recv(asker, 65535)


# edns-tcp-keepalive.
async def keepalive(talk: Talk) -> list[bytes]:
    talk.send(packet.query("www.example.", additional=[packet.opt(packet.option(packet.KEEPALIVE))]))
    reply = await talk.read()
    assert reply.opt is not None
    return reply.opt.values(packet.KEEPALIVE)


async def test_the_time_told_is_the_time_in_force():
    """KAL-02."""
    sock = bound(STREAM)
    async with serving(sock, idle_timeout=7.5), talking(sock) as talk:
        assert await keepalive(talk) == [b"\0\x4b"]


async def test_where_connections_are_scarce_clients_are_asked_to_close():
    """KAL-03."""
    sock = bound(STREAM)
    async with serving(sock, connections=2), talking(sock), talking(sock) as talk:
        assert await keepalive(talk) == [b"\0\0"]


# Other sockets.
async def test_connections_of_a_removed_address_end_and_others_stay():
    kept, removed = bound(STREAM), bound(STREAM)
    async with serving(kept, removed) as server, talking(kept) as stays, talking(removed) as goes:
        await until(lambda: server.connections == 2)
        await server.serve([kept.dup()])
        assert await goes.closed()
        stays.send(WWW)
        assert (await stays.read()).rcode == "NOERROR"


async def test_what_is_in_hand_when_an_address_is_removed_is_answered():
    source, sock = HeldSource(), bound(STREAM)
    async with serving(sock, source=source) as server, talking(sock) as talk:
        source.hold()
        talk.send(WWW)
        await until(source.waiting.is_set)
        await server.serve([])
        source.released.set()
        assert (await talk.read()).rcode == "NOERROR"
        assert await talk.closed()


async def test_closing_the_server_closes_everything():
    sock = bound(STREAM)
    async with serving(sock) as server, talking(sock) as talk:
        await until(lambda: server.connections == 1)
        await server.close()
        assert await talk.closed()
        assert sock.fileno() == -1
