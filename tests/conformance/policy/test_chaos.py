"""Class CH: what the server says of itself."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

NAMES = ["version.bind.", "version.server.", "id.server.", "hostname.bind."]


@line("CHN-01", "HDR-14")
@pytest.mark.parametrize("name", [*NAMES, "authors.bind.", "www.plain.test."])
@pytest.mark.parametrize("rdtype", ["TXT", "A", "ANY", "HINFO"])
def test_by_default_nothing_is_said(subject: Subject, name: str, rdtype: str):
    assert subject.ask(name, rdtype, rdclass=packet.CH).rcode == "REFUSED"


@line("CHN-01")
@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("version.bind.", "a version"),
        ("version.server.", "a version"),
        ("id.server.", "an identity"),
        ("hostname.bind.", "an identity"),
        ("VERSION.Bind.", "a version"),
    ],
)
@pytest.mark.parametrize("tcp", [False, True])
def test_what_is_configured_is_said(talkative: Subject, name: str, text: str, tcp: bool):
    reply = talkative.ask(name, "TXT", rdclass=packet.CH, tcp=tcp)
    assert [(record.rdclass, record.text) for record in reply.records[0]] == [(packet.CH, f'"{text}"')]
    assert reply.records[0][0].ttl == 0


@line("CHN-01", "HDR-14")
@pytest.mark.parametrize("name", ["authors.bind.", "www.plain.test.", "bind."])
def test_other_names_of_the_class_are_refused_all_the_same(talkative: Subject, name: str):
    assert talkative.ask(name, "TXT", rdclass=packet.CH).rcode == "REFUSED"


@line("CHN-01")
def test_in_class_in_these_are_names_like_any_other(talkative: Subject):
    assert talkative.ask("version.bind.", "TXT").rcode == "REFUSED"
