"""The owner of a DNAME is not redirected."""

import pytest

from tests.conformance.lines import line
from tests.conformance.loading import Loaded
from tests.kit.dnsclient import Subject


@line("DNM-02")
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("owner.dname.test.", "A", "owner.dname.test. 3600 A 192.0.2.5"),
        ("owner.dname.test.", "TXT", 'owner.dname.test. 3600 TXT "not redirected"'),
        ("owner.dname.test.", "DNAME", "owner.dname.test. 1234 DNAME other.test."),
        ("dnapex.test.", "TXT", 'dnapex.test. 3600 TXT "apex"'),
        ("dnapex.test.", "NS", "dnapex.test. 3600 NS ns1.plain.test."),
        ("dnapex.test.", "DNAME", "dnapex.test. 3600 DNAME other.test."),
    ],
)
def test_the_owner_has_its_own_data(subject: Subject, name: str, rdtype: str, expected: str):
    reply = subject.ask(name, rdtype)
    assert reply.answer == [expected]
    assert reply.aa


@line("DNM-02", "DNM-01")
def test_a_dname_at_the_apex_redirects_all_below(subject: Subject):
    assert subject.ask("www.dnapex.test.").answer == [
        "dnapex.test. 3600 DNAME other.test.",
        "www.dnapex.test. 3600 CNAME www.other.test.",
        "www.other.test. 3600 A 192.0.2.2",
    ]


@line("DNM-02")
def test_a_query_for_dname_below_a_dname_is_redirected(subject: Subject):
    reply = subject.ask("a.r3.dname.test.", "DNAME")
    assert [kind for _, kind in reply.owners(0)] == ["DNAME", "CNAME"]
    assert reply.owners(1) == [("other.test.", "SOA")]


@line("DNM-07")
@pytest.mark.parametrize("zone", ["dname-two.test", "dname-cname.test"])
def test_a_second_dname_or_an_alias_beside_a_dname_is_refused(loaded: Loaded, zone: str):
    loaded.assert_refused(zone)


@line("DNM-07")
def test_a_dname_beside_a_delegation_is_told_of_and_never_served(loaded: Loaded):
    """The cut wins: what is at or below it is not ours to redirect."""
    loaded.assert_warned("dname-ns.test")
    for name in ("cut.dname-ns.test.", "x.cut.dname-ns.test."):
        assert loaded.subject.ask(name).is_referral("cut.dname-ns.test.")
