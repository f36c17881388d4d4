"""IQUERY is no more."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("HDR-09")
def test_an_inverse_query_as_it_was_once_written_is_not_implemented(subject: Subject):
    """RFC 1035 section 6.4: no question, one answer."""
    record = packet.record(b"\0", "A", b"\xc0\x00\x02\x01")
    wire = subject.send(packet.header(packet.opcode(packet.IQUERY), an=1) + record)
    assert wire is not None
    assert Reply.read(wire).rcode == "NOTIMP"


@line("HDR-09")
def test_an_inverse_query_with_a_question_is_not_implemented(subject: Subject):
    wire = subject.send(packet.query("www.plain.test.", flags=packet.opcode(packet.IQUERY)))
    assert wire is not None
    assert Reply.read(wire).rcode == "NOTIMP"
