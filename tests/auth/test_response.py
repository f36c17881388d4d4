"""What goes into a reply of a size, what gives way, and TC."""

from __future__ import annotations

import dns.edns
import dns.name
import dns.rdata
import dns.rdatatype
import pytest
from dns.rcode import Rcode
from hypothesis import given
from hypothesis import strategies as st

from auth.answer import Answer
from auth.edns import ExtendedError, nsid_option
from auth.response import OptReply, Reply, render
from auth.signature import Signature
from auth.tsig import BADKEY, Tsig
from auth.wire import Header, Question, wire_of
from datasrc.records import RRset
from tests.kit.dnsreply import Reply as Read

HEADER = Header(0x4321, 0x0110, 1, 0, 0, 0)  # RD and CD set
QUESTION = Question(dns.name.from_text("www.example."), 1, 1)
EDE = ExtendedError(dns.edns.EDECode.PROHIBITED, "x" * 40)


def rrset(owner: str, rdtype: str, *texts: str) -> RRset:
    kind = dns.rdatatype.from_text(rdtype)
    rdatas = tuple(dns.rdata.from_text("IN", kind, text).to_wire() or b"" for text in texts)
    return RRset(dns.name.from_text(owner), int(kind), 300, rdatas)


def texts(owner: str, count: int) -> RRset:
    """A TXT set of about 100 octets a record."""
    return rrset(owner, "TXT", *[f'"{index:03}{"x" * 82}"' for index in range(count)])


def read(reply: Reply, limit: int = 65535) -> Read:
    message = render(reply, limit).message
    assert len(message) <= limit
    return Read.read(message)


def test_the_header_copies_what_it_must_and_clears_the_rest():
    """HDR-01, HDR-02, HDR-04, HDR-15, HDR-16."""
    header = Header(0x4321, 0x7FF0, 1, 0, 0, 0)  # opcode 15 and every flag but QR
    reply = read(Reply(header, QUESTION, rcode=Rcode.NOTIMP))
    assert (reply.ident, reply.flags) == (0x4321, 0x8000 | 15 << 11 | 0x0100 | 4)


def test_without_a_question_there_is_a_header_only():
    assert read(Reply(HEADER, rcode=Rcode.FORMERR)).header_only


def test_a_required_set_that_does_not_fit_sets_tc_and_is_left_out_whole():
    answer = Answer(authoritative=True, answer=[rrset("www.example.", "A", "192.0.2.1"), texts("www.example.", 20)])
    reply = read(Reply(HEADER, QUESTION, answer), 512)
    assert reply.tc
    assert [record.type for record in reply.records[0]] == ["A"]


def test_glue_that_does_not_fit_sets_tc():
    """QRY-17."""
    cut = rrset("sub.example.", "NS", *[f"ns{index}.sub.example." for index in range(13)])
    glue = [rrset(f"ns{index}.sub.example.", "AAAA", f"2001:db8::{index:x}") for index in range(13)]
    reply = read(Reply(HEADER, QUESTION, Answer(authority=[cut], glue=glue)), 512)
    assert reply.tc
    assert len(reply.records[1]) == 13
    assert 0 < len(reply.records[2]) < 13


def test_a_courtesy_that_does_not_fit_is_left_out_without_tc():
    """QRY-20."""
    answer = Answer(
        answer=[rrset("www.example.", "A", "192.0.2.1")],
        courtesy_authority=[texts("example.", 10)],
        courtesy_additional=[texts("a.example.", 10), rrset("b.example.", "A", "192.0.2.2")],
    )
    reply = read(Reply(HEADER, QUESTION, answer), 512)
    assert not reply.tc
    assert reply.records[1] == ()
    assert [str(record.owner) for record in reply.records[2]] == ["b.example."]


def test_an_extended_error_is_the_first_to_give_way_and_sets_tc():
    """EDE-02."""
    answer = Answer(answer=[texts("www.example.", 4)])
    opt = OptReply(1232, error=EDE)
    assert read(Reply(HEADER, QUESTION, answer, opt=opt), 1232).errors() == {18: "x" * 40}
    tight = read(Reply(HEADER, QUESTION, answer, opt=opt), 460)
    assert tight.errors() == {}
    assert tight.tc
    assert len(tight.records[0]) == 4


def test_opt_is_there_even_when_nothing_else_fits():
    """EDN-01."""
    opt = OptReply(1232, dnssec_ok=True, options=nsid_option(b"n" * 128))
    reply = read(Reply(HEADER, QUESTION, Answer(answer=[texts("www.example.", 20)]), opt=opt), 512)
    assert reply.tc
    assert reply.opt is not None
    assert reply.opt.flags == 0x8000
    assert reply.opt.values(3) == [b"n" * 128]


def test_a_twelve_bit_rcode_is_split_between_header_and_opt():
    reply = read(Reply(HEADER, QUESTION, rcode=Rcode.BADVERS, opt=OptReply(1232)))
    assert reply.rcode == "BADVERS"
    assert reply.flags & 0xF == 0


LONG = dns.name.Name([b"q" * 63, b"q" * 63, b"q" * 63, b"q" * 61, b""])


def test_the_largest_question_and_opt_fit_into_512_octets():
    opt = OptReply(1232, options=nsid_option(b"n" * 128), error=EDE)
    reply = read(Reply(HEADER, Question(LONG, 1, 1), rcode=Rcode.REFUSED, opt=opt), 512)
    assert reply.errors() == {18: "x" * 40}
    assert not reply.tc


def test_a_tsig_that_does_not_fit_is_left_out_with_tc():
    asked = Tsig(wire_of(LONG), wire_of(LONG), 0, 300, b"", 0)
    reply = read(
        Reply(HEADER, Question(LONG, 1, 1), rcode=Rcode.NOTAUTH, signature=Signature(asked, 0, None, BADKEY)), 512
    )
    assert reply.tc
    assert reply.counts == (1, 0, 0, 0)


NAMES = st.sampled_from(["www.example.", "example.", "a.b.example.", "ns.sub.example.", "other.test.", "."])
SETS = st.lists(
    st.one_of(
        st.builds(texts, NAMES, st.integers(1, 25)),
        st.builds(lambda owner, target: rrset(owner, "NS", target), NAMES, NAMES),
        st.builds(lambda owner, target: rrset(owner, "SRV", f"1 2 3 {target}"), NAMES, NAMES),
        st.builds(lambda owner: rrset(owner, "AAAA", "2001:db8::1", "2001:db8::2"), NAMES),
    ),
    max_size=4,
)
ANSWERS = st.builds(
    Answer,
    authoritative=st.booleans(),
    answer=SETS,
    authority=SETS,
    glue=SETS,
    courtesy_additional=SETS,
)
OPTS = st.none() | st.builds(OptReply, st.just(1232), st.booleans(), st.just(b""), st.none() | st.just(EDE))


@given(ANSWERS, OPTS, st.integers(512, 4096))
def test_any_reply_keeps_to_its_size_and_to_the_rules_of_tc(answer, opt, limit):
    """V07, QRY-02, QRY-21."""
    reply = Reply(HEADER, QUESTION, answer, opt=opt)
    rendered = render(reply, limit)
    assert len(rendered.message) <= limit
    seen = Read.read(rendered.message)
    assert seen.tc is rendered.truncated
    assert (seen.opt is not None) is (opt is not None)
    whole = render(reply, 65535)
    if not seen.tc:
        required = sum(len(one.rdatas) for one in (*answer.answer, *answer.authority, *answer.glue))
        assert sum(map(len, seen.records)) >= required
        assert seen.errors() == Read.read(whole.message).errors()
    if len(whole.message) <= limit:
        assert rendered == whole
    assert len(seen.records[0]) <= sum(len(one.rdatas) for one in answer.answer)


@pytest.mark.parametrize("limit", range(512, 700))
def test_sets_are_never_split(limit):
    """QRY-02: at every size either all records of a set or none."""
    answer = Answer(answer=[texts("www.example.", 3), texts("b.example.", 3)])
    assert len(read(Reply(HEADER, QUESTION, answer), limit).records[0]) in (3, 6)
