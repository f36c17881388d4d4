"""Abuse: closed at once."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame


@line("TRN-11")
@pytest.mark.parametrize(
    "stream",
    [
        b"\0\0",
        frame(b"x"),
        frame(b"\0" * 11),
        frame(packet.query("www.plain.test.", flags=packet.QR)),
        b"\0\0" * 1000,
        frame(b"\0" * 5) * 1000,
    ],
    ids=["length 0", "1 octet", "11 octets", "a response", "many of length 0", "many of 5 octets"],
)
def test_who_does_not_speak_dns_is_closed_at_once(subject: Subject, stream: bytes):
    with subject.connect() as talk:
        talk.write(stream)
        assert talk.is_closed()  # long before the idle time is over
    assert subject.ask("www.plain.test.", tcp=True).rcode == "NOERROR"


@line("TRN-11")
def test_what_was_asked_before_the_abuse_is_answered(subject: Subject):
    with subject.connect() as talk:
        talk.write(frame(packet.query("www.plain.test.")) + b"\0\0")
        assert (talk.read() or b"")[3] & 0xF == 0
        assert talk.is_closed()
