"""The SOA of a negative answer."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-13")
@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("nothing.plain.test.", "plain.test."),
        ("a.b.c.d.plain.test.", "plain.test."),
        ("nothing.child.parent.test.", "child.parent.test."),
        ("nothing.example.invalid.octets.test.", "octets.test."),
    ],
)
def test_nxdomain_carries_the_soa_of_its_zone(subject: Subject, name: str, zone: str):
    assert subject.ask(name).is_nxdomain(zone)


@line("QRY-13", "QRY-14")
def test_the_soa_is_whole(subject: Subject):
    assert subject.ask("nothing.plain.test.").authority == [
        "plain.test. 300 SOA ns1.plain.test. hostmaster.plain.test. 2026010101 7200 900 604800 300"
    ]


@line("QRY-14")
@pytest.mark.parametrize(
    ("name", "rdtype", "ttl"),
    [
        ("nothing.plain.test.", "A", 300),
        ("www.plain.test.", "TXT", 300),
        ("nothing.shortneg.test.", "A", 60),
        ("www.shortneg.test.", "TXT", 60),
        ("alias-nx.plain.test.", "A", 300),
        ("x.cname-nx.wild.test.", "A", 300),
    ],
)
def test_its_ttl_is_the_lesser_of_its_own_and_minimum(subject: Subject, name: str, rdtype: str, ttl: int):
    assert [record.ttl for record in subject.ask(name, rdtype).records[1]] == [ttl]


@line("QRY-14")
def test_asked_for_it_has_its_own_ttl(subject: Subject):
    assert subject.ask("plain.test.", "SOA").records[0][0].ttl == 3600
    assert subject.ask("shortneg.test.", "SOA").records[0][0].ttl == 60
