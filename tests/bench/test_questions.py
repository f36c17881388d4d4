"""Questions as the load reads them, and what counts as an answer."""

import dns.flags
import dns.message
import dns.rcode
import dns.rrset
import pytest

from bench.sidebyside.questions import HEADER, SAMPLE, Question, samples


def reply_to(question, *, answers=1, rcode=dns.rcode.NOERROR):
    query = dns.message.from_wire(question.wire())
    reply = dns.message.make_response(query)
    reply.flags |= dns.flags.AA
    reply.set_rcode(rcode)
    for number in range(answers):
        reply.answer.append(dns.rrset.from_text(question.name + ".", 60, "IN", "A", f"192.0.2.{number}"))
    return reply


def test_a_query_is_what_a_resolver_sends():
    message = dns.message.from_wire(Question("h1.bench.example", dnssec=True).wire())
    assert str(message.question[0]) == "h1.bench.example. IN A"
    assert (message.edns, message.payload, message.ednsflags) == (0, 1232, dns.flags.DO)
    assert not message.flags & dns.flags.RD


def test_a_packed_question_tells_where_it_ends():
    question = Question("a.example", rcode=3, answers=0, authority=2)
    packed = question.packed()
    length, rcode, flags, answers, authority, additional, section = HEADER.unpack_from(packed)
    assert packed[HEADER.size : HEADER.size + length] == question.wire()
    assert len(packed) % 4 == 0
    assert (rcode, flags, answers, authority, additional) == (3, 1, 0, 2, 1)
    assert section == len("xaxexample") + 1 + 4


def test_a_right_answer_is_one():
    question = Question("a.example")
    assert question.is_answered_by(reply_to(question).to_wire())


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda reply: reply.set_rcode(dns.rcode.SERVFAIL), "code"),
        (lambda reply: setattr(reply, "flags", reply.flags & ~dns.flags.AA), "not authoritative"),
        (lambda reply: setattr(reply, "flags", reply.flags | dns.flags.TC), "truncated"),
        (lambda reply: reply.answer.clear(), "empty"),
        (lambda reply: reply.use_edns(False), "no OPT"),
    ],
)
def test_a_wrong_answer_is_none(change, reason):
    question = Question("a.example")
    reply = reply_to(question)
    change(reply)
    assert not question.is_answered_by(reply.to_wire()), reason


def test_an_answer_to_another_question_is_none():
    assert not Question("a.example").is_answered_by(reply_to(Question("b.example")).to_wire())


def test_samples_come_back_as_the_load_wrote_them():
    data = SAMPLE.pack(8, 3, 0) + b"abc" + SAMPLE.pack(64, 2, 1) + b"de"
    assert [(one.offset, one.wrong, one.reply) for one in samples(data)] == [(8, False, b"abc"), (64, True, b"de")]
