"""Zone authority: what is above a cut and what is below."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-08")
@pytest.mark.parametrize("rdtype", ["NS", "A", "TXT", "SOA", "ANY", "CNAME"])
def test_the_parent_alone_refers_for_any_type_at_the_cut(subject: Subject, rdtype: str):
    assert subject.ask("sub.plain.test.", rdtype).is_referral("sub.plain.test.")


@line("QRY-11")
@pytest.mark.parametrize(
    ("name", "rdtype", "expected"),
    [
        ("child.parent.test.", "NS", ["NS ns1.child.parent.test.", "NS ns2.child.parent.test."]),
        (
            "child.parent.test.",
            "SOA",
            ["SOA ns1.child.parent.test. hostmaster.child.parent.test. 7 7200 900 604800 120"],
        ),
        ("ns1.child.parent.test.", "A", ["A 192.0.2.82"]),
        ("www.child.parent.test.", "A", ["A 192.0.2.84"]),
    ],
)
def test_the_child_answers_where_both_are_served(subject: Subject, name: str, rdtype: str, expected: list[str]):
    reply = subject.ask(name, rdtype)
    assert sorted(reply.answer) == [f"{name} 1800 {text}" for text in expected]
    assert reply.aa


@line("QRY-11", "QRY-19")
def test_what_only_the_parent_has_below_the_cut_does_not_exist(subject: Subject):
    assert subject.ask("only-above.child.parent.test.").is_nxdomain("child.parent.test.")
    assert subject.ask("child.parent.test.", "TXT").is_nodata("child.parent.test.")


@line("QRY-11")
def test_chains_cross_from_parent_to_child_and_back(subject: Subject):
    assert subject.ask("alias.parent.test.").answer[-1] == "www.child.parent.test. 1800 A 192.0.2.84"
    assert subject.ask("to-parent.child.parent.test.").answer[-1] == "ns1.parent.test. 3600 A 192.0.2.80"


@line("QRY-19")
@pytest.mark.parametrize(
    ("name", "rdtype", "secret"),
    [
        ("sub.plain.test.", "A", "192.0.2.98"),
        ("sub.plain.test.", "TXT", '"occluded at the cut"'),
        ("www.sub.plain.test.", "A", "192.0.2.99"),
        ("deep.www.sub.plain.test.", "TXT", '"occluded below the cut"'),
        ("ns.inner.sub.plain.test.", "A", "192.0.2.97"),
        ("x.sub.plain.test.", "A", "192.0.2.96"),
        ("alias-cut.plain.test.", "A", "192.0.2.99"),
    ],
)
def test_occluded_data_is_in_no_section(subject: Subject, talkative: Subject, name: str, rdtype: str, secret: str):
    for server in (subject, talkative):
        reply = server.ask(name, rdtype)
        assert secret not in {record.text for section in reply.records for record in section}
        assert ("sub.plain.test.", "NS") in reply.owners(1)


@line("HDR-05")
def test_aa_speaks_of_the_first_name_of_the_answer(subject: Subject):
    """An alias of ours that leads below a cut: authoritative, though what follows is a referral."""
    assert subject.ask("alias-cut.plain.test.").aa
    assert not subject.ask("www.sub.plain.test.").aa
