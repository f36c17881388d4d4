"""Service over UDP, with real sockets."""

from __future__ import annotations

import asyncio
import socket
import struct

import pytest

from auth.ancillary import IP_MTU_DISCOVER, IP_PKTINFO, PMTUDISC_OMIT, PMTUDISC_PROBE, prepare_socket, reply_control
from auth.settings import Settings
from auth.udp import Datagram
from tests.auth.sockets import DEADLINE, HeldSource, bound, fail_for, serving, until
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

pytestmark = pytest.mark.asyncio
DGRAM = socket.SOCK_DGRAM


def client(address: str, port: int) -> socket.socket:
    """A socket that hears nobody but that address."""
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, DGRAM)
    sock.setblocking(False)
    sock.connect((address, port))
    return sock


async def receive(sock: socket.socket) -> Reply:
    async with asyncio.timeout(DEADLINE):
        return Reply.read(await asyncio.get_running_loop().sock_recv(sock, 65535))


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
async def test_a_query_is_answered(address):
    sock = bound(DGRAM, address)
    with client(*sock.getsockname()[:2]) as asker:
        async with serving(sock):
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).answer == ["www.example. 300 A 192.0.2.3"]


@pytest.mark.parametrize(("listen", "asked"), [("0.0.0.0", "127.0.0.1"), ("0.0.0.0", "127.0.0.77"), ("::", "::1")])
async def test_a_reply_leaves_from_the_address_that_was_asked(listen, asked):
    """QRY-32: on a wildcard socket too."""
    sock = bound(DGRAM, listen)
    with client(asked, sock.getsockname()[1]) as asker:
        async with serving(sock):
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).rcode == "NOERROR"


async def test_what_arrives_at_once_is_all_answered():
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock, settings=Settings(udp_batch=4)):
            for ident in range(50):
                asker.send(packet.query("www.example.", ident=ident))
            replies = [await receive(asker) for _ in range(50)]
    assert [reply.ident for reply in replies] == list(range(50))


async def test_what_gets_no_reply_does_not_hold_up_the_rest():
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock):
            for odd in (b"", b"x", packet.header(packet.QR, qd=1)):
                asker.send(odd)
            asker.send(packet.query("www.example.", ident=9))
            assert (await receive(asker)).ident == 9


async def test_what_one_query_provokes_leaves_the_others_of_its_batch_their_replies(monkeypatch, caplog):
    source, sock = HeldSource(), bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock, source=source) as server:
            fail_for(2, server.engine, monkeypatch)
            source.hold()
            asker.send(packet.query("www.example.", ident=1))
            await until(source.waiting.is_set)
            for ident in (2, 3):
                asker.send(packet.query("www.example.", ident=ident))
            await until(lambda: server._udp._hatch.passed == 3)
            source.released.set()  # the last two are one batch
            assert [(await receive(asker)).ident for _ in range(2)] == [1, 3]
    assert "AUTH_INTERNAL_ERROR" in caplog.text


async def test_a_slow_data_source_does_not_hold_up_the_loop():
    source, sock, other = HeldSource(), bound(DGRAM), bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock, other, source=source):
            source.hold()
            asker.send(packet.query("www.example."))
            await until(source.waiting.is_set)
            asker.send(packet.query("www.example."))
            source.released.set()
            for _ in range(2):
                assert (await receive(asker)).rcode == "NOERROR"


async def test_replaced_sockets_answer_what_they_have_in_hand():
    source, old, new = HeldSource(), bound(DGRAM), bound(DGRAM)
    with client(*old.getsockname()) as first, client(*new.getsockname()) as second:
        async with serving(old, source=source) as server:
            source.hold()
            first.send(packet.query("www.example."))
            await until(source.waiting.is_set)
            replacing = asyncio.ensure_future(server.serve([new]))
            second.send(packet.query("www.example."))
            source.released.set()
            assert (await receive(first)).rcode == "NOERROR"
            assert (await receive(second)).rcode == "NOERROR"
            await replacing
            assert old.fileno() == -1


async def test_an_address_served_by_both_sets_misses_nothing():
    """The same socket by another descriptor, as bob hands it over."""
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock) as server:
            for ident in range(20):
                asker.send(packet.query("www.example.", ident=ident))
                await server.serve([next(iter(server._udp._places.values())).dup()])
            assert sorted([(await receive(asker)).ident for _ in range(20)]) == list(range(20))


async def test_errors_of_sending_are_counted():
    sock = bound(DGRAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 0)
    async with serving(sock) as server:
        with bound(DGRAM) as asker:
            asker.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
            server._udp._send(b"x", Datagram(b"", sock, ("255.255.255.255", 53), []))
        assert server._counters.statistics()["udp.send_errors"] == 1


async def test_a_refused_earlier_reply_does_not_stop_service():
    """An ICMP error about a client that is gone shows up at the next receive."""
    sock = bound(DGRAM)
    asker = client(*sock.getsockname())
    gone = client(*sock.getsockname())
    with asker:
        async with serving(sock):
            gone.send(packet.query("www.example."))
            gone.close()
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).rcode == "NOERROR"
            asker.send(packet.query("www.example."))
            assert (await receive(asker)).rcode == "NOERROR"


async def test_what_waits_in_a_socket_is_answered_before_it_is_closed():
    sock = bound(DGRAM)
    with client(*sock.getsockname()) as asker:
        async with serving(sock, settings=Settings(udp_batch=4)) as server:
            for ident in range(20):
                asker.send(packet.query("www.example.", ident=ident))
            await server.serve([])
            assert [(await receive(asker)).ident for _ in range(20)] == list(range(20))


def mtu_discovery(sock: socket.socket) -> int:
    return sock.getsockopt(socket.IPPROTO_IP, IP_MTU_DISCOVER)


async def test_replies_that_fit_everywhere_are_never_fragmented_and_larger_ones_are_not_lost():
    sock = bound(DGRAM)
    async with serving(sock):
        assert mtu_discovery(sock) == PMTUDISC_PROBE
        prepare_socket(sock, 1233)
        assert mtu_discovery(sock) == PMTUDISC_OMIT


IN6 = struct.Struct("=16sI")


@pytest.mark.parametrize(
    ("address", "interface"), [("2001:db8::1", 0), ("fe80::1", 7), ("febf::1", 7), ("fec0::1", 0), ("::1", 0)]
)
async def test_the_interface_matters_for_link_local_addresses_only(address, interface):
    octets = socket.inet_pton(socket.AF_INET6, address)
    control = [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, IN6.pack(octets, 7))]
    assert reply_control(control) == [(socket.IPPROTO_IPV6, socket.IPV6_PKTINFO, IN6.pack(octets, interface))]


async def test_a_broadcast_is_answered_from_the_address_of_the_host():
    local, broadcast = b"\xc0\0\2\1", b"\xc0\0\2\xff"
    control = [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 7, local, broadcast))]
    assert reply_control(control) == [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I4s4s", 0, local, bytes(4)))]


async def test_other_ancillary_data_is_left_alone():
    assert reply_control([(socket.SOL_SOCKET, 99, b"x")]) == []
