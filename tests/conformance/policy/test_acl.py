"""Query ACLs of zones."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("HDR-12", "HDR-20", "EDE-04")
@pytest.mark.parametrize("name", ["closed.test.", "www.closed.test.", "nothing.closed.test."])
@pytest.mark.parametrize("rdtype", ["A", "SOA", "NS", "ANY", "DS"])
@pytest.mark.parametrize("tcp", [False, True])
def test_a_rejected_client_is_refused_whatever_it_asks(managed: Subject, name: str, rdtype: str, tcp: bool):
    reply = managed.ask(name, rdtype, tcp=tcp)
    assert (reply.rcode, reply.counts) == ("REFUSED", (1, 0, 0, 0))


@line("HDR-12")
def test_a_dropped_client_gets_no_reply(managed: Subject):
    assert managed.send(packet.query("www.dropped.test.")) is None


@line("HDR-12")
def test_an_acl_tells_addresses_apart(managed: Subject):
    assert managed.at("127.0.0.1").ask("www.local.test.").rcode == "NOERROR"
    if "::1" in managed.addresses:
        assert managed.at("::1").ask("www.local.test.").rcode == "REFUSED"


@line("HDR-12", "QRY-05")
def test_an_alias_into_a_zone_the_client_may_not_see_ends_there(managed: Subject):
    reply = managed.ask("to-closed.local.test.")
    assert reply.rcode == "NOERROR"
    assert reply.answer == ["to-closed.local.test. 3600 CNAME www.closed.test."]
    assert not reply.authority
