"""Servers that have no authority for the zone."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

ASKED = [packet.option(packet.EXPIRE)]


def expiry(reply: Reply) -> list[bytes]:
    """What it says of it."""
    assert reply.opt is not None
    return reply.opt.values(packet.EXPIRE)


@line("EXP-02")
@pytest.mark.parametrize("name", ["elsewhere.invalid.", ".", "www.sub.plain.test.", "sub.plain.test."])
@pytest.mark.parametrize("rdtype", ["SOA", "A"])
@pytest.mark.parametrize("tcp", [False, True])
def test_whoever_is_referred_or_refused_is_told_of_no_expiry(subject: Subject, name: str, rdtype: str, tcp: bool):
    reply = subject.ask(name, rdtype, options=ASKED, tcp=tcp)
    assert not reply.aa
    assert expiry(reply) == []


@line("EXP-02")
@pytest.mark.parametrize("name", ["empty.test.", "broken.test.", "closed.test."])
@pytest.mark.parametrize("tcp", [False, True])
def test_of_a_zone_that_cannot_be_answered_from_no_expiry_is_told(managed: Subject, name: str, tcp: bool):
    reply = managed.ask(name, "SOA", options=ASKED, tcp=tcp)
    assert reply.rcode in {"SERVFAIL", "REFUSED"}
    assert expiry(reply) == []
