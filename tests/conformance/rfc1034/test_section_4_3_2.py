"""The algorithm: which zone, and where in it the search ends."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-01")
@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ns1.parent.test.", "ns1.parent.test. 3600 A 192.0.2.80"),
        ("www.child.parent.test.", "www.child.parent.test. 1800 A 192.0.2.84"),
        ("ns1.far.mid.parent.test.", "ns1.far.mid.parent.test. 1800 A 192.0.2.85"),
    ],
)
def test_the_zone_with_the_longest_match_answers(subject: Subject, name: str, expected: str):
    reply = subject.ask(name)
    assert reply.answer == [expected]
    assert reply.aa


@line("QRY-01")
def test_a_match_is_of_whole_labels(subject: Subject):
    assert subject.ask("notplain.test.").rcode == "REFUSED"


@line("QRY-01")
def test_a_name_between_two_served_zones_is_the_upper_ones(subject: Subject):
    assert subject.ask("www.mid.parent.test.").is_referral("mid.parent.test.")


@line("QRY-02")
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("www.plain.test.", "A", ["A 192.0.2.1"]),
        ("www.plain.test.", "AAAA", ["AAAA 2001:db8::1"]),
        ("multi.plain.test.", "A", [f"A 192.0.2.{last}" for last in (10, 11, 12, 13)]),
        ("plain.test.", "NS", ["NS ns1.plain.test.", "NS ns2.other.test."]),
        ("plain.test.", "MX", ["MX 10 mail.plain.test.", "MX 20 mail.other.test."]),
        (
            "plain.test.",
            "SOA",
            ["SOA ns1.plain.test. hostmaster.plain.test. 2026010101 7200 900 604800 300"],
        ),
        ("_sip._tcp.plain.test.", "SRV", ["SRV 10 20 5060 mail.plain.test."]),
        ("txtonly.plain.test.", "TXT", ['TXT "only text"']),
    ],
)
def test_a_match_gives_all_records_of_the_type_and_no_other(
    subject: Subject, name: str, rdtype: str, expected: list[str]
):
    reply = subject.ask(name, rdtype)
    assert sorted(reply.answer) == [f"{name} 3600 {text}" for text in expected]
    assert (reply.rcode, reply.aa, reply.tc) == ("NOERROR", True, False)


@line("QRY-07", "HDR-05")
@pytest.mark.parametrize("name", ["sub", "www.sub", "nothing.sub", "deep.www.sub", "x.inner.sub", "a.b.c.d.sub"])
@pytest.mark.parametrize("rdtype", ["A", "NS", "MX", "SOA", "TYPE65280"])
def test_at_or_below_a_delegation_there_is_a_referral(subject: Subject, name: str, rdtype: str):
    reply = subject.ask(f"{name}.plain.test.", rdtype)
    assert reply.is_referral("sub.plain.test.")
    assert sorted(reply.authority) == [
        "sub.plain.test. 3600 NS ns1.sub.plain.test.",
        "sub.plain.test. 3600 NS ns2.sub.plain.test.",
    ]


@line("QRY-16")
@pytest.mark.parametrize(
    ("name", "rdtype"), [("ns1.sub", "A"), ("ns1.sub", "AAAA"), ("ns2.sub", "A"), ("ns.sib2", "A")]
)
def test_glue_is_not_answered_but_given_with_the_referral(subject: Subject, name: str, rdtype: str):
    reply = subject.ask(f"{name}.plain.test.", rdtype)
    assert reply.is_referral(f"{name.split('.')[1]}.plain.test.")
    assert (f"{name}.plain.test.", rdtype) in reply.owners(2)


@line("WLD-11")
@pytest.mark.parametrize("name", ["x.any.wild.test.", "X.Any.Wild.Test.", "a.b.c.any.wild.test."])
def test_what_a_wildcard_makes_is_owned_by_the_name_asked_for(subject: Subject, name: str):
    reply = subject.ask(name)
    assert [(str(record.owner).lower(), record.text) for record in reply.records[0]] == [(name.lower(), "192.0.2.40")]
