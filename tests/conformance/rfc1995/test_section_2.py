"""IXFR over UDP, until there is IXFR: never data."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("QRY-30")
@pytest.mark.parametrize("serial", [0, 1, 2026010101])
def test_ixfr_over_udp_gives_no_zone_data(subject: Subject, serial: int):
    soa = packet.name("plain.test.") * 2 + serial.to_bytes(4) + bytes(16)
    message = (
        packet.header(qd=1, ns=1) + packet.question("plain.test.", "IXFR") + packet.record("plain.test.", "SOA", soa)
    )
    wire = subject.send(message)
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.rcode == "REFUSED"
    assert not reply.answer
