"""Counters by the rules of BIND 10."""

from __future__ import annotations

import dns.rdatatype
import pytest

from auth.client import Client, Transport
from auth.counted import QTYPES
from daemonkit.spec import Spec
from tests.auth.world import World
from tests.kit import dnspacket as packet

ZONE = "@ NS ns\nns A 192.0.2.1\nsub NS ns.sub\n"
BASE = {"request.v4", "request.udp", "responses"}
QUERY = BASE | {"opcode.query", "qtype.a"}
ANSWER = QUERY | {"rcode.noerror", "qryauthans"}
OPT = packet.opt()

COUNTED = {
    "a positive answer": (packet.query("ns.example."), ANSWER | {"qrysuccess"}),
    "with recursion desired": (packet.query("ns.example.", flags=packet.RD), ANSWER | {"qrysuccess", "qryrecursion"}),
    "no data": (packet.query("ns.example.", "MX"), ANSWER - {"qtype.a"} | {"qtype.mx", "qrynxrrset"}),
    "no such name": (packet.query("x.example."), QUERY | {"rcode.nxdomain", "qryauthans"}),
    "a referral": (packet.query("sub.example."), QUERY | {"rcode.noerror", "qrynoauthans", "qryreferral"}),
    "refused": (packet.query("x.test."), QUERY | {"rcode.refused", "qrynoauthans", "authqryrej"}),
    "refused recursion": (
        packet.query("x.test.", flags=packet.RD), QUERY | {"rcode.refused", "qrynoauthans", "qryrecursion"}
    ),
    "EDNS": (
        packet.query("ns.example.", additional=[packet.opt(flags=packet.DO)]),
        ANSWER | {"qrysuccess", "request.edns0", "request.dnssec_ok", "response.edns0"},
    ),
    "EDNS 1": (
        packet.query("ns.example.", additional=[packet.opt(version=1)]),
        QUERY | {"rcode.badvers", "qrynoauthans", "request.edns0", "request.badednsver", "response.edns0"},
    ),
    "TSIG": (
        packet.query("ns.example.", additional=[OPT, packet.tsig("k.")]),
        QUERY | {"rcode.notauth", "request.tsig", "request.badsig", "tsig.badkey", "response.tsig", "response.edns0"},
    ),
    "SIG(0)": (
        packet.query("ns.example.", additional=[packet.record(".", "SIG", rdclass=packet.ANY)]),
        ANSWER | {"qrysuccess", "request.sig0"},
    ),
    "IQUERY": (packet.header(packet.opcode(1), qd=1), BASE | {"opcode.iquery", "rcode.notimp"}),
    "STATUS": (packet.header(packet.opcode(2), qd=1), BASE | {"opcode.status", "rcode.notimp"}),
    "NOTIFY": (
        packet.query("example.", "SOA", flags=packet.opcode(4)), BASE | {"opcode.notify", "rcode.refused"}
    ),
    "UPDATE": (
        packet.query("example.", "SOA", flags=packet.opcode(5)), BASE | {"opcode.update", "rcode.refused"}
    ),
    "opcode 3": (packet.header(packet.opcode(3), qd=1), BASE | {"opcode.other", "rcode.notimp"}),
    "opcode 15": (packet.header(packet.opcode(15), qd=1), BASE | {"opcode.other", "rcode.notimp"}),
    "a response": (packet.header(packet.QR), {"request.v4", "request.udp", "dropped"}),
    "too short": (b"abc", {"request.v4", "request.udp", "dropped"}),
}  # fmt: skip


@pytest.mark.parametrize(("wire", "names"), COUNTED.values(), ids=COUNTED.keys())
def test_one_exchange_counts_once(wire, names):
    world = World({"example.": ZONE})
    world.send(wire)
    assert world.counted() == dict.fromkeys(names, 1)


TYPES = [*((number, name) for name, number in QTYPES.items()), *((number, "qtype.other") for number in (3, 256, 65534))]


@pytest.mark.parametrize(("rdtype", "name"), TYPES)
def test_a_query_is_counted_by_the_type_of_its_question(rdtype, name):
    world = World({"example.": ZONE})
    world.send(packet.query("ns.example.", rdtype))
    assert {found: n for found, n in world.counted().items() if found.startswith("qtype.")} == {name: 1}


def test_the_numbers_of_types_are_those_of_dnspython():
    assert {name: int(dns.rdatatype.from_text(name.removeprefix("qtype."))) for name in QTYPES} == QTYPES


def test_a_notify_and_what_has_no_question_are_counted_by_no_type():
    world = World({"example.": ZONE})
    world.send(packet.query("example.", "SOA", flags=packet.opcode(4)))
    world.send(packet.header(0, qd=0))
    world.send(packet.header(0, qd=1))  # there is none where one is told of
    assert not [name for name in world.counted() if name.startswith("qtype.")]


def test_transport_and_family_are_counted():
    world = World({})
    world.send(packet.query("x."), Client("2001:db8::1", 1, Transport.TCP))
    assert {"request.v6", "request.tcp"} <= set(world.counted())


def test_truncation_is_counted():
    world = World({"example.": ZONE + "".join(f'big TXT "{index:03}{"x" * 100}"\n' for index in range(10))})
    world.ask("big.example.", "TXT", edns=False)
    assert world.counted()["response.truncated"] == 1


def test_every_counter_of_the_spec_is_one_the_code_knows():
    """What no test above reaches is counted by the transports."""
    reached = set().union(*(names for _, names in COUNTED.values()))
    by_others = {"request.v6", "request.tcp", "response.truncated", "failures"}
    never = {"response.sig0", "rcode.yxrrset", "rcode.nxrrset", "rcode.notzone", "rcode.other"}
    elsewhere = {"rcode.formerr", "rcode.servfail", "rcode.yxdomain", "rcode.badcookie"} | {
        *("tsig.badsig", "tsig.badtime", "tsig.badtrunc")
    }
    transports = {name for name in Spec.load("auth").statistics if name.startswith(("udp.", "tcp.", "left", "images."))}
    types = {*QTYPES, "qtype.other"}
    guards = {name for name in Spec.load("auth").statistics if name.startswith(("cookie.", "rate_limit."))}
    daemon = {"datasource.failures", "worker.lost", "hook.called", "hook.failed"}
    assert reached | by_others | never | elsewhere | transports | daemon | types | guards == set(
        Spec.load("auth").statistics
    )
