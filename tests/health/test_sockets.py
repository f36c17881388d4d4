"""The door to the real network, on loopback sockets."""

from __future__ import annotations

import asyncio
import socket
import time
from typing import Any

import dns.message
import dns.name
import dns.rdatatype
import pytest

from health.engine import wire
from health.engine.clock import FixedClock
from health.engine.hints import Hints
from health.engine.network import DNSSEC, NoResponse, Query, Silence, Transport
from health.engine.runner import Test
from health.engine.sockets import SocketNetwork
from tests.kit.internet import NOW, Internet, tags
from tests.kit.internet_behaviour import no_tcp, silent
from tests.kit.internet_sockets import served
from tests.kit.ports import free_port

SERVER = "127.0.0.11"
CHILD = dns.name.from_text("child.example")
SOA = dns.rdatatype.SOA


@pytest.fixture
def internet():
    made = Internet(root_servers={"a.root.test": ["127.0.0.2"]})
    made.zone("example", {"ns1.nic.example": ["127.0.0.3"]})
    many = "\n".join(f'@ 60 IN TXT "{"x" * 200}{number}"' for number in range(20))
    made.zone("child.example", {"ns1.child.example": [SERVER], "ns2.child.example": ["127.0.0.12"]}, records=many)
    return made


async def ask(internet, **more) -> Any:
    """The response, or the reason there is none."""
    port = free_port()
    async with served(internet, port):
        return await SocketNetwork(port=port).query(Query(SERVER, CHILD, **{"rdtype": SOA, "timeout": 20.0, **more}))


@pytest.mark.asyncio
@pytest.mark.parametrize("transport", list(Transport))
async def test_it_asks_over_both_transports(internet, transport):
    found = await ask(internet, transport=transport)
    assert isinstance(found, wire.Response)
    assert found.answer[0].rdtype == SOA
    assert found.source == SERVER


@pytest.mark.asyncio
async def test_it_says_what_edns_says(internet):
    found = await ask(internet, edns=DNSSEC)
    assert found.edns == 0
    assert internet.at(SERVER).asked[0].edns == DNSSEC


@pytest.mark.asyncio
async def test_the_case_of_a_name_is_kept(internet):
    name = dns.name.from_text("ChIlD.eXample")
    port = free_port()
    async with served(internet, port):
        found = await SocketNetwork(port=port).query(Query(SERVER, name, SOA, timeout=20.0))
    assert isinstance(found, dns.message.Message)
    assert found.question[0].name.labels == name.labels


@pytest.mark.asyncio
async def test_large_responses_come_over_tcp(internet):
    assert (await ask(internet, rdtype=dns.rdatatype.TXT)).answer == []
    assert len((await ask(internet, rdtype=dns.rdatatype.TXT, transport=Transport.TCP)).answer) == 20


@pytest.mark.asyncio
async def test_silence_ends_with_the_time_out(internet):
    internet.behave(SERVER, silent)
    begun = time.monotonic()
    found = await ask(internet, timeout=0.2)
    assert found == NoResponse(Silence.TIMEOUT)
    assert time.monotonic() - begun < 5


@pytest.mark.asyncio
async def test_a_connection_that_is_closed_is_no_response(internet):
    internet.behave(SERVER, no_tcp)
    found = await ask(internet, transport=Transport.TCP)
    assert found.reason is Silence.CLOSED


@pytest.mark.asyncio
async def test_a_port_nobody_listens_at_is_no_response(internet):
    found = await SocketNetwork(port=free_port()).query(Query(SERVER, CHILD, SOA, transport=Transport.TCP))
    assert isinstance(found, NoResponse)
    assert found.reason is Silence.CLOSED


@pytest.mark.asyncio
async def test_an_address_we_cannot_send_from_is_no_response(internet):
    network = SocketNetwork(source4="203.0.113.254", port=free_port())
    found = await network.query(Query(SERVER, CHILD, SOA))
    assert isinstance(found, NoResponse)
    assert found.reason is Silence.UNREACHABLE


async def answer_from(address, change) -> Any:
    """Ask a server whose reply comes from another address of its, changed so."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other,
    ):
        server.bind((SERVER, 0))
        other.bind((address, 0))
        server.setblocking(False)
        loop = asyncio.get_running_loop()
        network = SocketNetwork(port=server.getsockname()[1])
        asking = asyncio.create_task(network.query(Query(SERVER, CHILD, SOA, timeout=1.0)))
        octets, client = await loop.sock_recvfrom(server, 512)
        response = dns.message.make_response(dns.message.from_wire(octets)).to_wire()
        other.sendto(change(response), client)
        return await asking


@pytest.mark.asyncio
async def test_a_reply_from_another_address_is_taken_and_says_so():
    found = await answer_from("127.0.0.99", lambda octets: octets)
    assert found.source == "127.0.0.99"


@pytest.mark.asyncio
async def test_a_reply_with_another_id_is_not_taken():
    found = await answer_from("127.0.0.99", lambda octets: bytes([octets[0] ^ 1]) + octets[1:])
    assert found == NoResponse(Silence.TIMEOUT)


@pytest.mark.asyncio
async def test_a_malformed_reply_is_said_to_be():
    found = await answer_from(SERVER, lambda octets: octets[:14])
    assert found.reason is Silence.MALFORMED


@pytest.mark.asyncio
async def test_a_domain_is_checked_over_real_sockets(internet):
    port = free_port()
    async with served(internet, port):
        test = Test(
            "child.example",
            network=SocketNetwork(port=port),
            clock=FixedClock(NOW),
            hints=Hints(internet.root_servers),
            cases=["Basic", "Consistency"],
        )
        found = [entry async for entry in test.run()]
    assert {"B01_CHILD_FOUND", "B02_AUTH_RESPONSE_SOA", "ONE_SOA_SERIAL", "ADDRESSES_MATCH"} <= tags(found)
    assert "MODULE_ERROR" not in tags(found)
