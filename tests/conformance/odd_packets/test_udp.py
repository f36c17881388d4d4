"""Odd packets over UDP, and what each is answered with.

Where four other servers agree we agree; where they differ we do what the RFC says, else what is safest. A row about
which the standards leave a choice says which one was made.
"""

import struct

import pytest

from tests.conformance.lines import line
from tests.conformance.odd_packets.rows import (
    NAME,
    Row,
    answered,
    bad_key,
    dropped,
    error,
    formerr,
    nodata,
    nxdomain,
    one_set,
    row,
)
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

QUESTION = packet.question(NAME)
QUERY = packet.query(NAME)
SOA_RDATA = packet.name("ns1.plain.test.") + packet.name("hostmaster.plain.test.") + struct.pack("!5I", 1, 2, 3, 4, 5)
COOKIE = packet.option(packet.COOKIE, bytes(8))


def with_opt(*options: bytes, **how: int) -> bytes:
    """The ordinary query with an OPT."""
    return packet.query(NAME, additional=[packet.opt(*options, **how)])  # type: ignore[arg-type]


def about(rdtype: str | int, rdclass: int = packet.IN, name: str | bytes = NAME) -> bytes:
    """A query of this type and class."""
    return packet.query(name, rdtype, rdclass=rdclass)


def of_opcode(number: int, name: str = NAME, rdtype: str = "A", rdclass: int = packet.IN) -> bytes:
    """A message of this opcode with one question."""
    return packet.query(name, rdtype, flags=packet.opcode(number), rdclass=rdclass)


def malformed_name(name: bytes) -> bytes:
    """A query for a name that is none."""
    return packet.header(qd=1) + name + b"\0\1\0\1"


ROWS = [
    row("ODD-U01", "11 octets", "nothing", QUERY[:11], dropped),
    row(
        "ODD-U02",
        "a header that announces a question",
        "FORMERR, header only",
        packet.header(qd=1),
        formerr(question=False),
    ),
    row("ODD-U03", "a header alone", "FORMERR, header only", packet.header(), formerr(question=False)),
    row(
        "ODD-U04",
        "no question, OPT",
        "FORMERR with OPT",
        packet.header(ar=1) + packet.opt(),
        formerr(question=False, opt=True),
    ),
    row(
        "ODD-U05",
        "no question, OPT with a client cookie",
        "NOERROR with OPT and a cookie (RFC 7873 section 5.4)",
        packet.header(ar=1) + packet.opt(COOKIE),
        error("NOERROR", question=False, opt=True),
    ),
    row(
        "ODD-U06", "two questions", "FORMERR, header only", packet.header(qd=2) + QUESTION * 2, formerr(question=False)
    ),
    row(
        "ODD-U07",
        "one question of two",
        "FORMERR, header only",
        packet.header(qd=2) + QUESTION,
        formerr(question=False),
    ),
    row("ODD-U08", "QR=1", "nothing", packet.query(NAME, flags=packet.QR), dropped),
    row("ODD-U09", "QR=1, NOTIFY", "nothing", packet.query(NAME, "SOA", flags=packet.QR | packet.opcode(4)), dropped),
    row("ODD-U10", "opcode 1, IQUERY", "NOTIMP", of_opcode(1), error("NOTIMP")),
    row("ODD-U11", "opcode 2, STATUS", "NOTIMP", of_opcode(2), error("NOTIMP")),
    row(
        "ODD-U12",
        "NOTIFY of a zone we are primary of",
        "REFUSED, question echoed",
        of_opcode(packet.NOTIFY, "plain.test.", "SOA"),
        error("REFUSED", question=True),
    ),
    row(
        "ODD-U13",
        "UPDATE, unsigned",
        "REFUSED, question echoed",
        of_opcode(packet.UPDATE, "plain.test.", "SOA"),
        error("REFUSED", question=True),
    ),
    row("ODD-U14", "opcode 3", "NOTIMP", of_opcode(3), error("NOTIMP")),
    row("ODD-U15", "opcode 6, DSO", "NOTIMP", of_opcode(6), error("NOTIMP")),
    row("ODD-U16", "opcode 15", "NOTIMP", of_opcode(15), error("NOTIMP")),
    row("ODD-U17", "TC=1", "the answer", packet.query(NAME, flags=packet.TC), answered()),
    row("ODD-U18", "AA=1", "the answer", packet.query(NAME, flags=packet.AA), answered()),
    row("ODD-U19", "Z=1", "the answer, Z=0", packet.query(NAME, flags=packet.Z), answered()),
    row("ODD-U20", "AD=1, CD=1", "the answer, AD=0, CD=0", packet.query(NAME, flags=packet.AD | packet.CD), answered()),
    row("ODD-U21", "RD=1", "the answer, RD=1, RA=0", packet.query(NAME, flags=packet.RD), answered()),
    row("ODD-U22", "response code 15", "the answer, NOERROR", packet.query(NAME, flags=15), answered()),
    row("ODD-U23", "20 octets too many", "FORMERR", QUERY + bytes(20), formerr()),
    row("ODD-U24", "an answer announced, absent", "FORMERR", packet.header(qd=1, an=1) + QUESTION, formerr()),
    row(
        "ODD-U25",
        "an answer announced, present",
        "FORMERR: a query has no answers, and nobody sends them by mistake",
        packet.header(qd=1, an=1) + QUESTION + packet.record(NAME, "A", b"\xc0\0\2\1"),
        formerr(),
    ),
    row(
        "ODD-U26",
        "65535 additional records announced, absent",
        "FORMERR",
        packet.header(qd=1, ar=65535) + QUESTION,
        formerr(),
    ),
    row(
        "ODD-U27",
        "a name that points at itself",
        "FORMERR, header only",
        malformed_name(b"\xc0\x0c"),
        formerr(question=False),
    ),
    row(
        "ODD-U28",
        "a name that points forward",
        "FORMERR, header only",
        malformed_name(b"\xc0\x12"),
        formerr(question=False),
    ),
    row(
        "ODD-U29",
        "a label of type 01",
        "FORMERR, header only",
        malformed_name(b"\x41\x08\xa5\0"),
        formerr(question=False),
    ),
    row(
        "ODD-U30",
        "a label of 64 octets",
        "FORMERR, header only",
        malformed_name(b"\x40" + b"a" * 64 + b"\0"),
        formerr(question=False),
    ),
    row(
        "ODD-U31",
        "a name of 256 octets",
        "FORMERR, header only",
        malformed_name(packet.raw_name(b"a" * 63, b"a" * 63, b"a" * 63, b"a" * 62)),
        formerr(question=False),
    ),
    row(
        "ODD-U32", "NUL in a label", "NXDOMAIN", about("A", name=packet.raw_name(b"w\0w", b"plain", b"test")), nxdomain
    ),
    row("ODD-U33", "type 65280", "NODATA", about(65280), nodata),
    row("ODD-U34", "type 65535", "NODATA", about(65535), nodata),
    row("ODD-U35", "type 0", "NODATA: it is a type nobody has, as any other", about(0), nodata),
    row("ODD-U36", "type ANY", "one RRset (RFC 8482)", about("ANY"), one_set),
    row("ODD-U37", "type OPT", "FORMERR", about("OPT"), formerr()),
    row("ODD-U38", "type TSIG", "FORMERR", about("TSIG"), formerr()),
    row("ODD-U39", "type TKEY", "FORMERR", about("TKEY"), formerr()),
    row(
        "ODD-U40",
        "type AXFR over UDP",
        "FORMERR: RFC 5936 section 4.2 has none",
        about("AXFR", name="plain.test."),
        formerr(),
    ),
    row("ODD-U41", "type IXFR over UDP without SOA", "FORMERR", about("IXFR", name="plain.test."), formerr()),
    row("ODD-U42", "type MAILB", "NOTIMP", about(253), error("NOTIMP", question=True)),
    row("ODD-U43", "class ANY", "REFUSED", about("A", packet.ANY), error("REFUSED", question=True)),
    row("ODD-U44", "class CH, type A", "REFUSED", about("A", packet.CH), error("REFUSED", question=True)),
    row("ODD-U45", "class 0", "REFUSED", about("A", 0), error("REFUSED", question=True)),
    row("ODD-U46", "class 4321", "REFUSED", about("A", 4321), error("REFUSED", question=True)),
    row(
        "ODD-U47",
        "CH TXT version.bind",
        "REFUSED unless configured",
        about("TXT", packet.CH, "version.bind."),
        error("REFUSED", question=True),
    ),
    row("ODD-U48", "CH HINFO", "REFUSED", about("HINFO", packet.CH, "version.bind."), error("REFUSED", question=True)),
    row("ODD-U49", "EDNS size 512", "the answer", with_opt(size=512), answered(opt=True)),
    row("ODD-U50", "EDNS size 0", "the answer", with_opt(size=0), answered(opt=True)),
    row("ODD-U51", "EDNS version 1", "BADVERS", with_opt(version=1), error("BADVERS", question=True, opt=True)),
    row(
        "ODD-U52",
        "EDNS version 1, unknown option",
        "BADVERS",
        with_opt(packet.option(65001, b"x"), version=1),
        error("BADVERS", question=True, opt=True),
    ),
    row("ODD-U53", "EDNS, unknown option", "the answer", with_opt(packet.option(65001, b"x")), answered(opt=True)),
    row("ODD-U54", "EDNS, unknown flags", "the answer, flags 0", with_opt(flags=0x7FFF), answered(opt=True)),
    row(
        "ODD-U55",
        "two OPT",
        "FORMERR",
        packet.query(NAME, additional=[packet.opt()] * 2),
        error("FORMERR", question=True, opt=True),
    ),
    row(
        "ODD-U56", "OPT owned by x.", "FORMERR", packet.query(NAME, additional=[packet.opt(owner=b"\1x\0")]), formerr()
    ),
    row(
        "ODD-U57",
        "OPT in the answer section",
        "FORMERR",
        packet.header(qd=1, an=1) + QUESTION + packet.opt(),
        formerr(),
    ),
    row(
        "ODD-U58",
        "OPT in the authority section",
        "FORMERR",
        packet.header(qd=1, ns=1) + QUESTION + packet.opt(),
        formerr(),
    ),
    row("ODD-U59", "OPT longer than the message", "FORMERR", with_opt(rdlength=99), formerr()),
    row(
        "ODD-U60",
        "an option longer than its OPT",
        "FORMERR with OPT",
        with_opt(packet.option(65001, b"x", length=99)),
        formerr(opt=True),
    ),
    row("ODD-U61", "OPT with 3 octets of RDATA", "FORMERR with OPT", with_opt(b"\0\3\0"), formerr(opt=True)),
    row(
        "ODD-U62",
        "a cookie of 7 octets",
        "FORMERR with OPT (RFC 7873 section 5.2.2)",
        with_opt(packet.option(packet.COOKIE, bytes(7))),
        formerr(opt=True),
    ),
    row(
        "ODD-U63",
        "a cookie of 12 octets",
        "FORMERR with OPT",
        with_opt(packet.option(packet.COOKIE, bytes(12))),
        formerr(opt=True),
    ),
    row(
        "ODD-U64",
        "a wrong cookie of 24 octets",
        "the answer, with the right one",
        with_opt(packet.option(packet.COOKIE, bytes(24))),
        answered(opt=True, options=[packet.COOKIE]),
    ),
    row(
        "ODD-U65",
        "a cookie of 41 octets",
        "FORMERR with OPT",
        with_opt(packet.option(packet.COOKIE, bytes(41))),
        formerr(opt=True),
    ),
    row(
        "ODD-U66",
        "client subnet of an unknown family",
        "the answer",
        with_opt(packet.option(packet.CLIENT_SUBNET, b"\0\3\x18\0\1\2\3")),
        answered(opt=True),
    ),
    row("ODD-U67", "keepalive over UDP", "the answer", with_opt(packet.option(packet.KEEPALIVE)), answered(opt=True)),
    row(
        "ODD-U68",
        "TSIG of an unknown key",
        "NOTAUTH, unsigned TSIG with BADKEY",
        packet.query(NAME, additional=[packet.tsig("unknown.key.")]),
        bad_key,
    ),
    row(
        "ODD-U69",
        "TSIG that is not last",
        "FORMERR",
        packet.query(NAME, additional=[packet.tsig("unknown.key."), packet.opt()]),
        formerr(),
    ),
    row(
        "ODD-U70",
        "TSIG with RDATA cut short",
        "FORMERR",
        packet.query(NAME, additional=[packet.tsig("unknown.key.", rdata=packet.name("hmac-sha256.") + bytes(9))]),
        formerr(),
    ),
    row(
        "ODD-U71",
        "a loop of aliases",
        "NOERROR with the chain",
        about("A", name="pair1.chain.test."),
        answered(
            answer=["pair1.chain.test. 3600 CNAME pair2.chain.test.", "pair2.chain.test. 3600 CNAME pair1.chain.test."]
        ),
    ),
    row("ODD-U72", "an empty non-terminal", "NODATA", about("A", name="ent.plain.test."), nodata),
    row(
        "ODD-U73",
        "a wildcard without the type",
        "NODATA",
        about("A", name="host3.example."),
        lambda reply: _is(reply is not None and reply.is_nodata("example.")),
    ),
    row(
        "ODD-U74",
        "a name below a DNAME",
        "DNAME, CNAME and the target",
        about("A", name="a.r3.dname.test."),
        answered(
            answer=[
                "r3.dname.test. 3600 DNAME other.test.",
                "a.r3.dname.test. 3600 CNAME a.other.test.",
                "a.other.test. 3600 A 192.0.2.31",
            ]
        ),
    ),
    row(
        "ODD-U75",
        "a name below a cut",
        "a referral with glue",
        about("A", name="www.sub.plain.test."),
        lambda reply: _is(reply is not None and reply.is_referral("sub.plain.test.") and len(reply.additional) == 3),
    ),
    row(
        "ODD-U76",
        "a name in no zone",
        "REFUSED",
        about("A", name="elsewhere.invalid."),
        error("REFUSED", question=True),
    ),
    row("ODD-U77", "a name that does not exist", "NXDOMAIN", about("A", name="nothing.plain.test."), nxdomain),
    row(
        "ODD-U78",
        "a name a DNAME makes too long",
        "YXDOMAIN with the DNAME",
        about("A", name=packet.raw_name(b"x" * 63, b"long", b"dname", b"test")),
        lambda reply: _is(
            reply is not None and reply.rcode == "YXDOMAIN" and reply.owners(0) == [("long.dname.test.", "DNAME")]
        ),
    ),
    row(
        "ODD-U79",
        "UPDATE of a zone in class ANY",
        "FORMERR (CVE-2026-5946)",
        of_opcode(packet.UPDATE, "plain.test.", "SOA", packet.ANY),
        formerr(),
    ),
    row(
        "ODD-U80",
        "NOTIFY in class NONE",
        "FORMERR",
        of_opcode(packet.NOTIFY, "plain.test.", "SOA", packet.NONE),
        formerr(),
    ),
    row(
        "ODD-U81",
        "UPDATE whose zone is not given as SOA",
        "FORMERR",
        of_opcode(packet.UPDATE, "plain.test.", "A"),
        formerr(),
    ),
    row(
        "ODD-U82",
        "NOTIFY of a zone that is not ours",
        "NOTAUTH",
        of_opcode(packet.NOTIFY, "elsewhere.invalid.", "SOA"),
        error("NOTAUTH", question=True),
    ),
    row(
        "ODD-U83",
        "UPDATE of a zone that is not ours",
        "NOTAUTH",
        of_opcode(packet.UPDATE, "elsewhere.invalid.", "SOA"),
        error("NOTAUTH", question=True),
    ),
]


def _is(truth: bool) -> None:
    assert truth


@line("HDR-10", "HDR-18", "EDN-11")
@pytest.mark.parametrize("odd", ROWS, ids=str)
def test_an_odd_packet_gets_the_answer_of_its_row(subject: Subject, odd: Row):
    wire = subject.send(odd.message)
    reply = None if wire is None else Reply.read(wire)
    odd.check(reply)
    if reply is not None:
        assert reply.wire[:2] == odd.message[:2]
        assert reply.opcode == odd.message[2] >> 3 & 0xF
        assert reply.flags & packet.QR
        assert not reply.flags & (packet.RA | packet.Z | packet.AD | packet.CD | packet.TC)
