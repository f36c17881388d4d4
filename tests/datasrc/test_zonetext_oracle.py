"""The reader and writer against dnspython, for every type it knows; and text that means no good."""

from __future__ import annotations

import io
import time

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.zone
import pytest
from dns.rdatatype import RdataType
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from datasrc.findings import Code, Severity
from datasrc.rdata import META_TYPES, canonical
from datasrc.zonetext_rdata import rdata_text
from datasrc.zonetext_zone import read_zone
from tests.datasrc.rdata_texts import GRAMMAR, rdata_texts
from tests.datasrc.reading import ORIGIN, read

HEAD = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\n"
# dnspython takes two records of these types at one name for a fault of its own kind.
SINGLE = {"CNAME", "DNAME", "SOA", "NSEC", "NXT"}


def dnspython_rdata(kind: str, text: str) -> bytes | None:
    """The wire form dnspython reads, or None where it refuses."""
    try:
        rdata = dns.rdata.from_text(dns.rdataclass.IN, dns.rdatatype.from_text(kind), text, ORIGIN, relativize=False)
        wire = rdata.to_wire()
        dns.rdata.from_wire(dns.rdataclass.IN, rdata.rdtype, wire or b"", 0, len(wire or b""))
    except (dns.exception.DNSException, OverflowError):
        return None
    return wire if wire is not None and len(wire) <= 0xFFFF else None


def test_the_grammar_has_every_type_dnspython_knows():
    known = {
        rdtype for rdtype in RdataType if rdtype not in META_TYPES and rdtype not in (RdataType.OPT, RdataType.NONE)
    }
    assert {dns.rdatatype.to_text(rdtype) for rdtype in known} <= GRAMMAR.keys()


@pytest.mark.parametrize("kind", sorted(GRAMMAR))
def test_rdata_is_read_as_dnspython_reads_it_and_written_so_that_it_reads_the_same(kind):
    accepted = 0

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(GRAMMAR[kind])
    def check(text):
        nonlocal accepted
        records, findings = read(f"a 60 IN {kind} {text}\n")
        expected = dnspython_rdata(kind, text)
        if expected is None:
            assert (records, len(findings)) == ([], 1)
            return
        accepted += 1
        assert [str(finding) for finding in findings] == []
        assert records[0].rdata == expected
        written = rdata_text(records[0].rdtype, expected)
        again, findings = read(f"a 60 IN {kind} {written}\n")
        assert (findings, again[0].rdata) == ([], expected)
        assert written.isascii()

    check()
    assert accepted > 2  # of GPOS, the worst, about half of 25 are good


@pytest.mark.parametrize(
    "kind",
    sorted(
        kind
        for kind in GRAMMAR
        if dns.rdata.get_rdata_class(1, dns.rdatatype.from_text(kind)) is not dns.rdata.GenericRdata
    ),
)
def test_only_what_has_no_other_form_is_written_in_the_generic_one(kind):
    rdtype = dns.rdatatype.from_text(kind)
    seen = []

    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
    @given(GRAMMAR[kind])
    def check(text):
        wire = dnspython_rdata(kind, text)
        if wire is not None:
            seen.append(rdata_text(rdtype, wire).startswith("\\#"))

    check()
    assert not any(seen)


@given(st.integers(1, 65535).filter(lambda rdtype: rdtype not in META_TYPES and rdtype != 41), st.binary(max_size=60))
def test_any_octets_of_any_type_are_written_in_a_form_that_reads_the_same_or_not_at_all(rdtype, wire):
    text = rdata_text(rdtype, wire)
    records, findings = read(f"a 60 IN TYPE{rdtype} {text}\n")
    if records:
        assert records[0].rdata == wire
    else:  # octets that are no RDATA of a type we know
        assert text.startswith("\\#")
        assert len(findings) == 1


owner = st.sampled_from(["a", "b.c", "@", "*.w", "A", "x\\.y", "\\200", "ns.sub"])
line = st.tuples(
    owner, st.sampled_from(["", "300", "1h"]), st.sampled_from(["", "IN"]), rdata_texts(lambda kind: kind not in SINGLE)
)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(line, max_size=12))
def test_zones_are_read_as_dnspython_reads_them(lines):
    usable = [
        (own, ttl, rdclass, kind, text) for own, ttl, rdclass, (kind, text) in lines if dnspython_rdata(kind, text)
    ]
    text = HEAD + "".join(f"{own} {ttl} {rdclass} {kind} {data}\n" for own, ttl, rdclass, kind, data in usable)
    zone, findings = read_zone(io.BytesIO(text.encode()), "z", ORIGIN)
    assert [str(finding) for finding in findings if finding.severity is Severity.ERROR] == []
    oracle = dns.zone.from_text(text, ORIGIN, relativize=False, check_origin=False)
    expected: dict[tuple[dns.name.Name, int, int], set[bytes]] = {}
    for name, _ttl, rdata in oracle.iterate_rdatas():
        expected.setdefault((name, int(rdata.rdtype), int(rdata.covers())), set()).add(rdata.to_digestable())
    ours = {
        (rrset.name, rrset.rdtype, rrset.covers): {digestable(rrset.rdtype, rdata) for rdata in rrset.rdatas}
        for rrset in zone.rrsets()
    }
    assert ours == expected


def digestable(rdtype: int, wire: bytes) -> bytes:
    rdata = dns.rdata.from_wire(dns.rdataclass.IN, RdataType.make(rdtype), wire, 0, len(wire))
    return rdata.to_digestable()


@settings(max_examples=300, deadline=None)
@given(rdata_texts())
@example(("RP", "A.b. c"))
def test_the_canonical_form_is_that_of_dnspython(sample):
    kind, text = sample
    wire = dnspython_rdata(kind, text)
    if wire is not None and kind not in ("NXT", "A6"):
        rdtype = dns.rdatatype.from_text(kind)
        assert canonical(rdtype, wire) == digestable(rdtype, wire)


# Text that means no good.

pieces = st.sampled_from(
    [
        b"(", b")", b'"', b"\\", b";", b"\n", b"\r\n", b" ", b"\t", b"$", b"@", b".", b"\\#", b"\\065", b"\x00",
        b"\xff", b"a", b"60", b"IN", b"A", b"TXT", b"SOA", b"NS", b"LOC", b"APL", b"SVCB", b"$TTL", b"$ORIGIN",
        b"$INCLUDE", b"$GENERATE", b"1-3", b"${0,3,x}", b"\xef\xbb\xbf", b"192.0.2.1", b"1e999", b"9" * 20,
        b"TYPE1", b"\\# 4 01020304", b"/dev/zero", b"-", b"0x", b"=", b",", b"/",
    ]
)  # fmt: skip
hostile = (
    st.binary(max_size=200) | st.lists(pieces, max_size=60).map(b"".join) | st.lists(pieces, max_size=60).map(b" ".join)
)


@settings(max_examples=400, deadline=None)
@given(hostile)
def test_hostile_text_gives_findings_and_nothing_else(text):
    records, findings = read(b"$TTL 60\n" + text, includes=False)
    assert len(records) <= text.count(b"\n") + 1 + 3 * text.count(b"$GENERATE")
    for finding in findings:
        assert str(finding).isprintable()


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_a_zone_with_octets_changed_gives_findings_and_nothing_else(data):
    text = bytearray((HEAD + 'a TXT "x y" ( "z"\n ) ; c\nb SRV 1 2 3 a\n$GENERATE 1-9 h$ A 192.0.2.$\n').encode())
    for _ in range(data.draw(st.integers(1, 4))):
        text[data.draw(st.integers(0, len(text) - 1))] = data.draw(st.integers(0, 255))
    read_zone(io.BytesIO(bytes(text)), "z", ORIGIN, includes=False)


# Everything that zone text is made of, to be damaged.
WHOLE = rb"""$TTL 60
@ 1h IN SOA ns h.a ( 1 2 ; comment
 3 4 5 )
 NS ns
ns A 192.0.2.1
   300 AAAA 2001:db8::1
a IN 60 TXT "x y" ( "z\"\065"
 ) ; c
b 60 IN SRV 1 2 3 a
$ORIGIN sub.example.org.
c\.d MX 10 @
$TTL 2h
e CNAME a.example.org.
$ORIGIN example.org.
f TYPE65280 \# 3 0a0b 0c
g DS 1 13 2 ( abababababababababababababababab
 abababababababababababababababab )
*.h CAA 0 issue "x;y"
"""
places = st.integers(0, len(WHOLE))
spliced = st.one_of(
    pieces,
    st.sampled_from([b"$TTL 5\n", b"$ORIGIN x\n", b"\n ", b"\\\n", b"CH", b"-1", b"1w", b"99999999999", b";x\n"]),
)
# Where it begins, how many octets go, and what comes for them.
damages = st.tuples(places, st.integers(0, 7), st.just(b"")) | st.tuples(
    places, st.integers(0, 1), spliced | st.binary(min_size=1, max_size=2)
)


def by_dnspython(text: bytes) -> dict[tuple[dns.name.Name, int, int], tuple[int, frozenset[bytes]]] | None:
    """TTL and RDATA of each set, or None where it refuses."""
    try:
        zone = dns.zone.from_text(text.decode(), ORIGIN, relativize=False, check_origin=False)
    except (dns.exception.DNSException, ValueError):
        return None
    return {
        (name, int(rdataset.rdtype), int(rdataset.covers)): (
            rdataset.ttl,
            frozenset(rdata.to_digestable() for rdata in rdataset),
        )
        for name, node in zone.items()
        for rdataset in node
    }


def test_a_damaged_zone_that_is_read_at_all_is_read_as_dnspython_reads_it():
    """Where that reads it, too. Two things differ by intention, about octets beyond ASCII, which we take as they are.

    dnspython refuses what is no UTF-8, and makes IDNA of what is in names, where we warn (Code.NON_ASCII).
    """
    compared = 0

    @settings(max_examples=800, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.lists(damages, min_size=1, max_size=2))
    def check(edits):
        nonlocal compared
        text = WHOLE
        for start, gone, new in edits:
            text = text[:start] + new + text[start + gone :]
        zone, findings = read_zone(io.BytesIO(text), "z", ORIGIN, includes=False)
        made_idna = any(finding.code is Code.NON_ASCII for finding in findings)
        expected = None if findings.errors or made_idna else by_dnspython(text)
        if expected is not None:
            compared += 1
            assert expected == {
                (rrset.name, rrset.rdtype, rrset.covers): (
                    rrset.ttl,
                    frozenset(digestable(rrset.rdtype, rdata) for rdata in rrset.rdatas),
                )
                for rrset in zone.rrsets()
            }

    check()
    assert compared > 40  # of every five examples one is good


@pytest.mark.parametrize(
    "text",
    [
        b'a 60 TXT "' + b"\\" * 900_000,
        b"a 60 TXT " + b"\\a" * 500_000,
        b"(" * 1_000_000,
        b"( " * 500_000 + b") " * 500_000,
        b'"' * 1_000_000,
        b"a" * 1_000_000,
        b"a." * 500_000 + b" 60 A 192.0.2.1",
        b"a 60 NS " + b"a." * 500_000,
        b"a 60 TYPE65280 \\# 500000 " + b"00" * 500_000,
        b"a 60 NSEC b " + b"A " * 400_000,
        b"a 60 SOA a b " + b"9" * 1_000_000,
        b"a 60 LOC " + b"9" * 1_000_000,
        b"a 60 APL " + b"1:1.2.3.4/32 " * 60_000,
        b"$GENERATE 1-1 " + b"$" * 500_000 + b" A 192.0.2.1",
        b"$TTL " + b"1w" * 500_000,
        b"a 60 A 192.0.2.1\n" + b"\n" * 1_000_000,
    ],
    ids=range(16),
)
def test_long_text_takes_no_long_time(text):
    start = time.monotonic()
    read(text)
    assert time.monotonic() - start < 20  # each takes about a second; anything quadratic takes hours


@pytest.mark.parametrize("altitude", ["1.16", "0.29", "-0.01", "1230.87", "42849672.95", "-100000.00"])
def test_altitudes_are_exact_to_the_centimetre(altitude):
    (record,), findings = read(f"a 60 LOC 0 0 0 N 0 0 0 E {altitude}m")
    centimetres = round(float(altitude) * 100)
    assert (findings, int.from_bytes(record.rdata[12:], "big") - 10_000_000) == ([], centimetres)
    assert rdata_text(record.rdtype, record.rdata) == f"0 0 0.000 N 0 0 0.000 E {altitude}m".replace("-0.00m", "0.00m")
