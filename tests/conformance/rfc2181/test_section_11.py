"""Name syntax: there is none."""

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("NAM-02", "NAM-12")
def test_every_octet_may_be_in_a_label(subject: Subject):
    for value in range(256):
        name = packet.raw_name(b"x" + bytes([value]) + b"y", b"octets", b"test")
        reply = subject.ask(name, "TXT")
        lower = value + 32 if ord("A") <= value <= ord("Z") else value
        assert [record.text for record in reply.records[0]] == [f'"{lower}"']


@line("NAM-02")
def test_every_octet_may_be_in_a_label_that_is_not_there(subject: Subject):
    for value in range(256):
        name = packet.raw_name(bytes([value]), b"nothing", b"octets", b"test")
        assert subject.ask(name, "TXT").is_nxdomain("octets.test.")


@line("NAM-02")
def test_every_octet_may_be_in_a_label_a_wildcard_matches(subject: Subject):
    for value in range(256):
        label = bytes([value])
        reply = subject.ask(packet.raw_name(label, b"any", b"wild", b"test"))
        assert len(reply.answer) == 1
        assert reply.records[0][0].owner.labels[0].lower() == label.lower()
