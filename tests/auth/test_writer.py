"""Writing messages: sections, sizes, compression."""

from __future__ import annotations

import dns.message
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.wire import Question
from auth.writer import ADDITIONAL, ANSWER, AUTHORITY, Writer
from datasrc.records import RRset
from tests.kit.dnsreply import Reply

WWW = dns.name.from_text("www.example.")


def rrset(owner, rdtype, *texts, ttl=300):
    kind = dns.rdatatype.from_text(rdtype)
    rdatas = tuple(dns.rdata.from_text("IN", kind, text).to_wire() or b"" for text in texts)
    return RRset(dns.name.from_text(owner), int(kind), ttl, rdatas)


def write(*sets, limit=65535):
    writer = Writer(limit)
    writer.add_question(Question(WWW, 1, 1))
    fitted = [writer.add(ANSWER, one, 1) for one in sets]
    return writer.finish(1, 0x8000, b"", 0), fitted


def test_sections_are_counted_and_readable():
    writer = Writer(512)
    writer.add_question(Question(WWW, 1, 1))
    writer.add(ANSWER, rrset("www.example.", "A", "192.0.2.1", "192.0.2.2"), 1)
    writer.add(AUTHORITY, rrset("example.", "NS", "ns.example."), 1)
    writer.add(ADDITIONAL, rrset("ns.example.", "A", "192.0.2.3"), 1)
    reply = dns.message.from_wire(writer.finish(7, 0x8400, b"", 0))
    assert reply.id == 7
    assert [len(section) for section in reply.sections] == [1, 1, 1, 1]
    assert len(reply.answer[0]) == 2


def test_ready_made_records_go_last_and_are_counted():
    writer = Writer(512)
    tail = b"\0\0\x29\4\xd0\0\0\0\0\0\0"
    wire = writer.finish(7, 0x8000, tail, 1)
    assert wire.endswith(tail)
    assert dns.message.from_wire(wire).edns == 0


# Type, RDATA with a name under example., whether that name may be compressed (RFC 3597 section 4).
NAME_TYPES = [
    ("NS", "x.example.", True),
    ("CNAME", "x.example.", True),
    ("PTR", "x.example.", True),
    ("MX", "10 x.example.", True),
    ("SOA", "x.example. y.example. 1 2 3 4 5", True),
    ("DNAME", "x.example.", False),
    ("SRV", "1 2 3 x.example.", False),
    ("RP", "x.example. y.example.", False),
    ("AFSDB", "1 x.example.", False),
    ("RT", "1 x.example.", False),
    ("PX", "1 x.example. y.example.", False),
    ("KX", "1 x.example.", False),
    ("NAPTR", '1 2 "u" "s" "" x.example.', False),
    ("NSEC", "x.example. A", False),
    ("SVCB", "1 x.example.", False),
    ("HTTPS", "1 x.example.", False),
]


@pytest.mark.parametrize(("rdtype", "text", "compressed"), NAME_TYPES)
def test_only_names_every_receiver_can_decompress_are_compressed(rdtype, text, compressed):
    """NAM-07, NAM-09."""
    one = rrset("www.example.", rdtype, text)
    (record,) = Reply.read(write(one)[0]).records[0]
    assert (record.rdata != one.rdatas[0]) is compressed
    assert record.text == text


@pytest.mark.parametrize(
    ("rdtype", "rdata", "sent"),
    [
        (7, b"\1x\7example\0", b"\1x\xc0\x10"),
        (8, b"\1x\7example\0", b"\1x\xc0\x10"),
        (9, b"\1x\7example\0", b"\1x\xc0\x10"),
        (14, b"\1x\7example\0\1y\7example\0", b"\1x\xc0\x10\1y\xc0\x10"),
    ],
    ids=["MB", "MG", "MR", "MINFO"],
)
def test_types_of_old_that_dnspython_does_not_know_are_compressed_too(rdtype, rdata, sent):
    """NAM-07."""
    wire, _ = write(RRset(WWW, rdtype, 300, (rdata,)))
    assert wire.endswith(sent)


def test_names_in_another_case_share_no_octets():
    """NAM-04: what the zone says is what is sent."""
    reply = Reply.read(write(rrset("WWW.example.", "CNAME", "wWw.EXAMPLE."))[0])
    (record,) = reply.records[0]
    assert record.owner.labels == (b"WWW", b"example", b"")
    assert record.text == "wWw.EXAMPLE."


def test_a_set_that_does_not_fit_leaves_no_trace():
    small, big = (
        rrset("a.example.", "A", "192.0.2.1"),
        rrset("b.example.", "TXT", *[f'"{"x" * 90}{n}"' for n in range(9)]),
    )
    whole, fitted = write(small, big, rrset("b.example.", "A", "192.0.2.2"), limit=512)
    assert fitted == [True, False, True]
    assert [record.type for record in Reply.read(whole).records[0]] == ["A", "A"]


def test_no_name_is_pointed_at_beyond_the_reach_of_pointers():
    """NAM-06."""
    filler = rrset("a.example.", "TXT", *[f'"{"x" * 250}{n}"' for n in range(70)])
    late = rrset("late.example.", "A", "192.0.2.1"), rrset("late.example.", "AAAA", "2001:db8::1")
    wire, _ = write(filler, *late)
    assert len(wire) > 0x4000
    assert [str(record.owner) for record in Reply.read(wire).records[0][-2:]] == ["late.example."] * 2


def test_pointers_do_not_lead_to_pointers_without_end():
    """Receivers follow only so many: names that grow label by label are written out now and then."""
    names = [dns.name.Name([b"x"] * count + [b"example", b""]) for count in range(1, 100)]
    wire, _ = write(*[RRset(name, 1, 1, (b"\1\2\3\4",)) for name in names])
    assert [rrset.name for rrset in dns.message.from_wire(wire).answer] == names


@pytest.mark.parametrize(("ttl", "sent"), [(0, 0), (2**31 - 1, 2**31 - 1), (2**31, 0), (2**32 - 1, 0)])
def test_ttls_receivers_take_for_zero_are_sent_as_zero(ttl, sent):
    """QRY-27."""
    (record,) = Reply.read(write(rrset("www.example.", "A", "192.0.2.1", ttl=ttl))[0]).records[0]
    assert record.ttl == sent


@pytest.mark.parametrize("rdtype", [0, 65280, 65535])
def test_unknown_types_are_copied(rdtype):
    one = RRset(WWW, rdtype, 1, (b"", b"\xc0\x0c", bytes(range(256))))
    assert [record.rdata for record in Reply.read(write(one)[0]).records[0]] == list(one.rdatas)


LABEL = st.binary(min_size=1, max_size=20)
NAME = st.lists(LABEL, max_size=6).map(lambda labels: dns.name.Name([*labels, b"example", b""]))
SETS = st.lists(
    st.builds(
        lambda owner, target, kind, count: (
            RRset(
                owner,
                kind,
                1,
                tuple((b"\0\1" if kind == 15 else b"") + target.to_wire() + bytes(index) for index in range(1)),
            )
            if kind != 16
            else RRset(owner, kind, 1, tuple(b"\1" + bytes((index,)) for index in range(count)))
        ),
        NAME,
        NAME,
        st.sampled_from([2, 5, 12, 15, 16, 39]),
        st.integers(1, 30),
    ),
    max_size=12,
)


@given(SETS, st.integers(300, 1500))
def test_whatever_is_written_fits_and_reads_back_the_same(sets, limit):
    """V07: every message parses, none is larger than its limit, no name is changed."""
    wire, fitted = write(*sets, limit=limit)
    assert len(wire) <= limit
    there = [one for one, fits in zip(sets, fitted, strict=True) if fits]
    records = Reply.read(wire).records[0]
    expected = [(one.name.labels, one.rdtype) for one in there for _ in one.rdatas]
    assert [(record.owner.labels, record.rdtype) for record in records] == expected
    texts = [
        dns.rdata.from_wire("IN", one.rdtype, rdata, 0, len(rdata)).to_text() for one in there for rdata in one.rdatas
    ]
    assert [record.text for record in records] == texts
