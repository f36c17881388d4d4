"""Whole messages in, whole messages out: odd packets, EDNS, signatures, operations, failures."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.acl import compile_acl
from auth.engine import Serving
from auth.settings import Settings
from auth.zones import ZonePolicy, ZoneTable
from datasrc.errors import Locked, ZoneUnusable
from tests.auth.world import TCP, UDP, FailingSource, World
from tests.kit import dnspacket as packet

ZONE = "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\ntxt TXT " + " ".join(f'"{"x" * 250}"' for _ in range(8)) + "\n"
BIG = "".join(f'big TXT "{index:03}{"x" * 100}"\n' for index in range(20))
CONFIGURED = Settings(nsid=b"ns1.test", version="7", server_id="here")


@pytest.fixture(scope="module")
def world():
    return World({"example.": ZONE + BIG, "empty.": "", "child.example.": "@ NS ns\n"}, CONFIGURED)


QUESTION = packet.question("www.example.")
OPT = packet.opt()
ADDRESS = packet.record("a.", "A", b"1234")
NOTIFY, UPDATE = packet.opcode(packet.NOTIFY), packet.opcode(packet.UPDATE)


def message(*parts, flags=0, **counts):
    return packet.header(flags, **counts) + b"".join(parts)


# Conformance lines of section "odd packets": what we do with each.
DROPPED = {
    "eleven octets": b"x" * 11,
    "nothing": b"",
    "a response": packet.query("www.example.", flags=packet.QR),
    "a response to a NOTIFY": packet.query("example.", "SOA", flags=packet.QR | packet.opcode(4)),
}


@pytest.mark.parametrize("wire", DROPPED.values(), ids=DROPPED.keys())
@pytest.mark.parametrize("client", [UDP, TCP], ids=["udp", "tcp"])
def test_what_gets_no_reply(world, wire, client):
    assert world.send(wire, client) is None


# Message, rcode, question echoed, OPT in the reply.
ODD = {
    "header only, one question announced": (message(qd=1), "FORMERR", False, False),
    "header only": (message(), "FORMERR", False, False),
    "no question, OPT": (message(OPT, ar=1), "FORMERR", False, True),
    "two questions": (message(QUESTION, QUESTION, qd=2), "FORMERR", False, False),
    "two questions, one present": (message(QUESTION, qd=2), "FORMERR", False, False),
    "octets behind the end": (message(QUESTION, b"x" * 20, qd=1), "FORMERR", True, False),
    "an answer in the query": (message(QUESTION, ADDRESS, qd=1, an=1), "FORMERR", True, False),
    "65535 records absent": (message(QUESTION, qd=1, ar=65535), "FORMERR", True, False),
    "a name that points to itself": (message(b"\xc0\x0c\0\1\0\1", qd=1), "FORMERR", False, False),
    "two OPTs": (message(QUESTION, OPT, OPT, qd=1, ar=2), "FORMERR", True, True),
    "OPT of another owner": (message(QUESTION, packet.opt(owner=b"\1a\0"), qd=1, ar=1), "FORMERR", True, False),
    "OPT in the answer section": (message(QUESTION, OPT, qd=1, an=1), "FORMERR", True, False),
    "an option past the end": (message(QUESTION, packet.opt(b"\0\3\0\5a"), qd=1, ar=1), "FORMERR", True, True),
    "TSIG before OPT": (message(QUESTION, packet.tsig("k."), OPT, qd=1, ar=2), "FORMERR", True, False),
    "TSIG without sense": (message(QUESTION, packet.tsig("k.", rdata=b"x"), qd=1, ar=1), "FORMERR", True, False),
    "type OPT": (packet.query("www.example.", "OPT"), "FORMERR", True, False),
    "type TSIG": (packet.query("www.example.", "TSIG", additional=[OPT]), "FORMERR", True, True),
    "type TKEY": (packet.query("www.example.", "TKEY"), "FORMERR", True, False),
    "type MAILB": (packet.query("www.example.", "MAILB"), "NOTIMP", True, False),
    "type MAILA": (packet.query("www.example.", "MAILA"), "NOTIMP", True, False),
    "AXFR over UDP": (packet.query("example.", "AXFR"), "FORMERR", True, False),
    "IXFR without SOA": (packet.query("example.", "IXFR"), "FORMERR", True, False),
    "class ANY": (packet.query("www.example.", rdclass=255), "REFUSED", True, False),
    "class NONE": (packet.query("www.example.", rdclass=254), "REFUSED", True, False),
    "class 0": (packet.query("www.example.", rdclass=0), "REFUSED", True, False),
    "class 4321": (packet.query("www.example.", rdclass=4321), "REFUSED", True, False),
    "class CH, type A": (packet.query("www.example.", rdclass=3), "REFUSED", True, False),
    "EDNS 1": (packet.query("www.example.", additional=[packet.opt(version=1)]), "BADVERS", True, True),
    "EDNS 1 with options of its own": (
        packet.query("www.example.", additional=[packet.opt(b"abc", version=1)]), "BADVERS", True, True
    ),
    "NOTIFY": (packet.query("example.", "SOA", flags=NOTIFY), "REFUSED", True, False),
    "NOTIFY of no zone of ours": (packet.query("other.", "SOA", flags=NOTIFY), "NOTAUTH", True, False),
    "NOTIFY of type A": (packet.query("example.", "A", flags=NOTIFY), "FORMERR", True, False),
    "NOTIFY of class NONE": (packet.query("example.", "SOA", rdclass=254, flags=NOTIFY), "FORMERR", True, False),
    "UPDATE": (packet.query("example.", "SOA", flags=UPDATE), "REFUSED", True, False),
    "UPDATE below the apex": (packet.query("www.example.", "SOA", flags=UPDATE), "NOTAUTH", True, False),
    "UPDATE of class ANY": (packet.query("example.", "SOA", rdclass=255, flags=UPDATE), "FORMERR", True, False),
    "UPDATE with type A": (packet.query("example.", "A", flags=UPDATE), "FORMERR", True, False),
    "UPDATE without a zone": (message(flags=UPDATE), "FORMERR", False, False),
}  # fmt: skip


@pytest.mark.parametrize(("wire", "rcode", "has_question", "has_opt"), ODD.values(), ids=ODD.keys())
def test_odd_packets(world, wire, rcode, has_question, has_opt):
    reply = world.send(wire)
    assert (reply.rcode, reply.aa, reply.tc) == (rcode, False, False)
    assert bool(reply.question) is has_question
    assert (reply.opt is not None) is has_opt
    assert reply.records == ((), (), ())
    assert reply.wire[:2] == wire[:2]


@pytest.mark.parametrize("opcode", [1, 2, 3, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15])
@pytest.mark.parametrize("body", [b"", QUESTION, b"\xff" * 40])
def test_other_opcodes_are_notimp_whatever_follows(world, opcode, body):
    reply = world.send(packet.header(packet.opcode(opcode), qd=1) + body)
    assert (reply.rcode, reply.opcode, reply.header_only) == ("NOTIMP", opcode, True)


@pytest.mark.parametrize("flags", [packet.TC, packet.AA, packet.RA, packet.Z, packet.AD, packet.CD, packet.RD, 0xF])
def test_flags_that_mean_nothing_in_a_query_are_ignored(world, flags):
    """HDR-18, HDR-19."""
    reply = world.send(packet.query("www.example.", flags=flags))
    assert reply.rcode == "NOERROR"
    assert len(reply.answer) == 1
    assert reply.flags == 0x8400 | flags & packet.RD


@pytest.mark.parametrize("rdtype", [0, 65280, 65535, 128])
def test_strange_types_have_no_data(world, rdtype):
    assert world.ask("www.example.", rdtype).is_nodata("example.")


def test_labels_are_binary(world):
    assert world.ask(packet.raw_name(b"w\0w", b"example")).is_nxdomain("example.")
    assert world.ask(packet.raw_name(b"www.example")).rcode == "REFUSED"


# EDNS.
@pytest.mark.parametrize(
    ("size", "limit"), [(0, 512), (512, 512), (700, 700), (1232, 1232), (4096, 1232), (65535, 1232)]
)
def test_a_reply_is_not_larger_than_both_sides_take(world, size, limit):
    reply = world.ask("big.example.", "TXT", size=size)
    assert reply.tc
    assert len(reply.wire) <= limit
    assert reply.opt.size == 1232


def test_without_edns_512_octets_are_the_limit(world):
    reply = world.ask("big.example.", "TXT", edns=False)
    assert reply.tc
    assert len(reply.wire) <= 512
    assert reply.opt is None


def test_over_tcp_it_is_all_there(world):
    reply = world.ask("big.example.", "TXT", client=TCP, edns=False)
    assert not reply.tc
    assert len(reply.answer) == 20


def test_unknown_options_and_flags_are_neither_obeyed_nor_echoed(world):
    odd = packet.opt(
        packet.option(8, b"\0\7\x20\0"), packet.option(65001, b"x"), packet.option(10, b"1" * 7), flags=0x7FFF
    )
    reply = world.send(packet.query("www.example.", additional=[odd]))
    assert reply.rcode == "NOERROR"
    assert (reply.opt.options, reply.opt.flags, reply.opt.version) == ((), 0, 0)


def test_do_is_copied(world):
    assert world.send(packet.query("www.example.", additional=[packet.opt(flags=packet.DO)])).opt.flags == packet.DO


@pytest.mark.parametrize("name", ["www.example.", "nowhere.test."])
def test_nsid_is_told_to_who_asks_whatever_the_outcome(world, name):
    asked = packet.opt(packet.option(packet.NSID, b"ignored"))
    assert world.send(packet.query(name, additional=[asked])).opt.values(packet.NSID) == [b"ns1.test"]
    assert world.send(packet.query(name, additional=[OPT])).opt.values(packet.NSID) == []


def test_keepalive_is_told_over_tcp_only(world):
    asked = packet.query("www.example.", additional=[packet.opt(packet.option(packet.KEEPALIVE))])
    assert world.send(asked, TCP).opt.values(packet.KEEPALIVE) == [b"\0\x64"]
    assert world.send(asked, UDP).opt.values(packet.KEEPALIVE) == []


def test_a_client_that_tells_a_timeout_is_refused_over_tcp_only(world):
    """KAL-04."""
    asked = packet.query("www.example.", additional=[packet.opt(packet.option(packet.KEEPALIVE, b"\0\1"))])
    assert world.send(asked, TCP).rcode == "FORMERR"
    assert world.send(asked, UDP).rcode == "NOERROR"


# Signatures.
def test_an_unknown_key_is_told_so(world):
    wire = packet.query("www.example.", additional=[packet.tsig("Key.")])
    reply = world.send(wire)
    assert (reply.rcode, reply.answer) == ("NOTAUTH", [])
    (tsig,) = reply.records[2]
    assert (tsig.type, str(tsig.owner)) == ("TSIG", "Key.")
    assert struct.unpack("!H", tsig.rdata[-4:-2]) == (17,)


def test_a_signed_update_gets_notauth_too(world):
    wire = message(packet.question("example.", "SOA"), packet.tsig("k."), flags=packet.opcode(5), qd=1, ar=1)
    assert world.send(wire).rcode == "NOTAUTH"


def test_badvers_is_told_before_badkey(world):
    wire = packet.query("www.example.", additional=[packet.opt(version=1), packet.tsig("k.")])
    assert world.send(wire).rcode == "BADVERS"


def test_sig0_is_as_good_as_nothing(world):
    sig0 = packet.record(".", "SIG", b"\0" * 20, rdclass=packet.ANY)
    assert world.send(packet.query("www.example.", additional=[sig0])).rcode == "NOERROR"
    update = message(packet.question("example.", "SOA"), sig0, flags=packet.opcode(5), qd=1, ar=1)
    assert world.send(update).rcode == "REFUSED"


# Transfers.
IXFR = message(packet.question("example.", "IXFR"), packet.record("example.", "SOA", b"\0\0" + b"\0" * 20), qd=1, ns=1)


@pytest.mark.parametrize(
    ("wire", "rcode"),
    [
        (packet.query("example.", "AXFR"), "REFUSED"),
        (packet.query("other.", "AXFR"), "NOTAUTH"),
        (packet.query("www.example.", "AXFR"), "NOTAUTH"),
        (packet.query("empty.", "AXFR"), "REFUSED"),
        (IXFR, "REFUSED"),
    ],
)
def test_transfers_over_tcp_are_refused(world, wire, rcode):
    assert world.send(wire, TCP).rcode == rcode


def test_ixfr_over_udp_is_refused(world):
    assert world.send(IXFR, UDP).rcode == "REFUSED"


# Class CH.
@pytest.mark.parametrize(
    ("name", "text"),
    [("version.bind.", "7"), ("VERSION.server.", "7"), ("id.server.", "here"), ("hostname.bind.", "here")],
)
def test_chaos_tells_what_is_configured(world, name, text):
    reply = world.ask(name, "TXT", rdclass=3)
    assert (reply.rcode, reply.answer) == ("NOERROR", [f'{name} 0 TXT "{text}"'])
    assert reply.records[0][0].rdclass == 3


@pytest.mark.parametrize("name", ["version.bind.", "id.server.", "authors.bind."])
def test_chaos_tells_nothing_by_default(name):
    assert World({}).ask(name, "TXT", rdclass=3).rcode == "REFUSED"


def test_chaos_tells_texts_only(world):
    assert world.ask("version.bind.", "HINFO", rdclass=3).rcode == "REFUSED"


def test_text_of_255_octets_is_told_in_full():
    text = "é" * 127 + "x"
    reply = World({}, Settings(version=text)).ask("version.bind.", "TXT", rdclass=3)
    assert reply.records[0][0].rdata == b"\xff" + text.encode()


# Zones that cannot be answered from.
def test_a_zone_without_data_fails_and_others_do_not(world, caplog):
    reply = world.ask("www.empty.")
    assert (reply.rcode, reply.aa, reply.errors()) == ("SERVFAIL", False, {14: "no zone data loaded"})
    assert world.ask("www.example.").rcode == "NOERROR"
    assert "AUTH_ZONE_UNUSABLE zone empty. cannot be answered from: no data was ever loaded" in caplog.text


def test_a_listed_zone_without_data_hides_the_zone_above():
    table = ZoneTable({b"example\0sub\0": ZonePolicy()})
    world = World({"example.": ZONE + "sub NS ns\n"}, table=table)
    assert world.ask("www.sub.example.").errors() == {14: "no zone data loaded"}
    assert world.ask("www.example.").rcode == "NOERROR"


def test_a_failing_data_source_is_servfail_and_reported(world, caplog):
    world = World({})
    world.engine.serving = Serving(FailingSource(Locked("held for 5 s", database="main")))
    reply = world.ask("www.example.")
    assert (reply.rcode, reply.errors()) == ("SERVFAIL", {14: "data source failing"})
    assert "AUTH_DATA_SOURCE_FAILED a data source failed: main: held for 5 s" in caplog.text


def test_damaged_data_is_servfail_and_reported(caplog):
    world = World({})
    world.engine.serving = Serving(FailingSource(ZoneUnusable("bad row", zone="example.")))
    assert world.ask("www.example.").rcode == "SERVFAIL"
    assert len(caplog.records) == 1


def test_an_unexpected_error_costs_one_answer(caplog):
    world = World({})
    world.engine.serving = Serving(FailingSource(RuntimeError("bug")))
    reply = world.ask("www.example.")
    assert (reply.rcode, reply.errors()) == ("SERVFAIL", {0: "internal error"})
    assert reply.question
    assert world.counted()["failures"] == 1
    assert "AUTH_INTERNAL_ERROR" in caplog.text
    for _ in range(100):
        world.ask("www.example.")
    assert len(caplog.records) == 5


# Who may ask.
def restricted(*rules):
    return World({"example.": ZONE}, table=ZoneTable(default=ZonePolicy(compile_acl(list(rules)))))


def test_a_rejected_client_is_refused_with_the_reason():
    reply = restricted({"action": "REJECT", "from": "192.0.2.200"}).ask("www.example.")
    assert (reply.rcode, reply.errors()) == ("REFUSED", {18: ""})


def test_a_dropped_client_hears_nothing():
    world = restricted({"action": "DROP", "from": "192.0.2.0/24"})
    assert world.send(packet.query("www.example.")) is None
    assert world.counted()["dropped"] == 1


def test_the_acl_of_a_listed_zone_goes_before_the_default():
    table = ZoneTable({b"example\0": ZonePolicy(compile_acl([{"action": "REJECT"}]))})
    assert World({"example.": ZONE}, table=table).ask("www.example.").rcode == "REFUSED"


# Anything at all.
@given(st.binary(max_size=120))
def test_any_octets_get_a_sound_reply_or_none(world, data):
    for client in (UDP, TCP):
        reply = world.send(data, client)
        assert reply is None or reply.flags & packet.QR
    assert "failures" not in world.counted()


SEED = packet.query("www.example.", additional=[packet.opt(packet.option(3), packet.option(10, b"12345678"))])


@given(st.lists(st.tuples(st.integers(2, len(SEED) - 1), st.integers(0, 255)), min_size=1, max_size=4))
def test_a_mutated_query_gets_a_sound_reply_or_none(world, mutations):
    odd = bytearray(SEED)
    for place, octet in mutations:
        odd[place] = octet
    reply = world.send(bytes(odd))
    assert reply is None or len(reply.wire) <= 1232
    assert "failures" not in world.counted()


@pytest.mark.parametrize("rdclass", [0, 1, 3, 4, 254, 255, 4321])
def test_every_type_is_answered_in_every_class(world, rdclass):
    """V06, at every type that is different and a sample of the rest."""
    for rdtype in [*range(300), 32768, 32769, *range(65270, 65536)]:
        world.ask("www.example.", rdtype, rdclass=rdclass)
    assert "failures" not in world.counted()
