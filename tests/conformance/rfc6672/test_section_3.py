"""Server processing: the synthesised CNAME."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("DNM-01")
def test_dname_cname_and_what_the_target_has(subject: Subject):
    reply = subject.ask("a.r3.dname.test.")
    assert reply.answer == [
        "r3.dname.test. 3600 DNAME other.test.",
        "a.r3.dname.test. 3600 CNAME a.other.test.",
        "a.other.test. 3600 A 192.0.2.31",
    ]


@line("DNM-04")
def test_the_cname_has_the_ttl_of_the_dname(subject: Subject):
    records = subject.ask("a.owner.dname.test.").records[0]
    assert [(record.type, record.ttl) for record in records] == [("DNAME", 1234), ("CNAME", 1234), ("A", 3600)]


@line("DNM-05")
def test_a_query_for_cname_gets_the_synthesised_one_and_no_more(subject: Subject):
    reply = subject.ask("a.r3.dname.test.", "CNAME")
    assert reply.answer == ["r3.dname.test. 3600 DNAME other.test.", "a.r3.dname.test. 3600 CNAME a.other.test."]
    assert (reply.rcode, reply.aa) == ("NOERROR", True)


@line("DNM-10")
def test_one_dname_leads_to_the_next(subject: Subject):
    reply = subject.ask("a.chain1.dname.test.")
    assert reply.owners(0) == [
        ("chain1.dname.test.", "DNAME"),
        ("a.chain1.dname.test.", "CNAME"),
        ("chain2.dname.test.", "DNAME"),
        ("a.chain2.dname.test.", "CNAME"),
        ("chain3.dname.test.", "DNAME"),
        ("a.chain3.dname.test.", "CNAME"),
        ("a.other.test.", "A"),
    ]


@line("DNM-10", "QRY-05")
def test_two_that_lead_to_each_other_end(subject: Subject):
    reply = subject.ask("x.pair1.dname.test.")
    assert reply.rcode == "NOERROR"
    assert reply.owners(0) == [
        ("pair1.dname.test.", "DNAME"),
        ("x.pair1.dname.test.", "CNAME"),
        ("pair2.dname.test.", "DNAME"),
        ("x.pair2.dname.test.", "CNAME"),
    ]


@line("DNM-10")
@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("alias.dname.test.", "a.other.test. 3600 A 192.0.2.31"),
        ("a.to-alias.dname.test.", "www.other.test. 3600 A 192.0.2.2"),
    ],
)
def test_aliases_and_dnames_mix(subject: Subject, name: str, end: str):
    assert subject.ask(name).answer[-1] == end


@line("DNM-01")
def test_a_target_that_is_not_ours_ends_the_answer(subject: Subject):
    reply = subject.ask("x.outside.dname.test.")
    assert (reply.rcode, reply.aa) == ("NOERROR", True)
    assert reply.records[0][1].text == "x.elsewhere.invalid."


@line("DNM-01", "NAM-04")
def test_the_prefix_of_the_cname_has_the_case_of_the_question(subject: Subject):
    """The rest has the case of the DNAME."""
    records = subject.ask("A.MixedCase.dname.test.").records[0]
    assert records[1].text == "A.Other.Test."
