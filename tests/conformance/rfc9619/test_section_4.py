"""QDCOUNT."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

QUESTION = packet.question("www.plain.test.")


@line("HDR-07")
@pytest.mark.parametrize(("count", "questions"), [(2, 2), (2, 1), (2, 0), (3, 3), (65535, 1), (65535, 30)])
def test_more_than_one_question_is_a_format_error(subject: Subject, count: int, questions: int):
    wire = subject.send(packet.header(qd=count) + QUESTION * questions)
    assert wire is not None
    reply = Reply.read(wire)
    assert (reply.rcode, reply.header_only) == ("FORMERR", True)


@line("HDR-08")
@pytest.mark.parametrize("rest", [b"", QUESTION])
def test_no_question_is_a_format_error(subject: Subject, rest: bytes):
    wire = subject.send(packet.header() + rest)
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"


@line("HDR-08", "EDN-01")
def test_no_question_with_opt_is_a_format_error_with_opt(subject: Subject):
    wire = subject.send(packet.header(ar=1) + packet.opt())
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.rcode == "FORMERR"
    assert reply.counts == (0, 0, 0, 1)
