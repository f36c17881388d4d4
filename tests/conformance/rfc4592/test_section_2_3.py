"""Asterisks elsewhere are ordinary."""

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("WLD-04")
def test_the_wildcards_own_name_can_be_asked_for(subject: Subject):
    assert subject.ask("*.example.", "MX").answer == ["*.example. 3600 MX 10 host1.example."]
    assert subject.ask("*.example.", "A").is_nodata("example.")


@line("WLD-04")
def test_an_asterisk_in_a_query_does_not_search(subject: Subject):
    assert subject.ask("*.plain.test.").is_nxdomain("plain.test.")
    assert subject.ask("*.host1.example.", "MX").is_nxdomain("example.")
    assert subject.ask("*.x.any.wild.test.", "TXT").answer == ['*.x.any.wild.test. 3600 TXT "any"']


@line("WLD-05")
def test_an_asterisk_in_rdata_is_a_name_like_any_other(subject: Subject):
    assert subject.ask("rdata.wild.test.", "TXT").answer == [
        "rdata.wild.test. 3600 CNAME *.any.wild.test.",
        '*.any.wild.test. 3600 TXT "any"',
    ]
    reply = subject.ask("rdata-nx.wild.test.", "TXT")
    assert reply.rcode == "NXDOMAIN"
    assert reply.answer == ["rdata-nx.wild.test. 3600 CNAME *.nothing.wild.test."]
