"""DS: the type of the parent."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("QRY-09")
@pytest.mark.parametrize(("name", "tag"), [("signed.plain.test.", "12345"), ("child.parent.test.", "23456")])
def test_ds_at_a_delegation_is_the_parents_answer(subject: Subject, name: str, tag: str):
    """Whether or not the child is served as well."""
    reply = subject.ask(name, "DS")
    assert [record.text.split()[0] for record in reply.records[0]] == [tag]
    assert reply.aa


@line("QRY-09")
def test_a_delegation_without_ds_is_nodata_of_the_parent(subject: Subject):
    assert subject.ask("sub.plain.test.", "DS").is_nodata("plain.test.")


@line("QRY-09")
def test_ds_below_a_delegation_is_a_referral(subject: Subject):
    assert subject.ask("www.sub.plain.test.", "DS").is_referral("sub.plain.test.")
    assert subject.ask("inner.sub.plain.test.", "DS").is_referral("sub.plain.test.")


@line("QRY-10")
@pytest.mark.parametrize("zone", ["plain.test.", "parent.test.", "far.mid.parent.test."])
def test_ds_at_an_apex_whose_parent_is_not_served_is_nodata_of_the_child(subject: Subject, zone: str):
    """A served grandparent is no parent: it has nothing to say about the cut."""
    assert subject.ask(zone, "DS").is_nodata(zone)


@line("QRY-09")
def test_ds_where_there_is_no_cut_is_nodata(subject: Subject):
    assert subject.ask("www.plain.test.", "DS").is_nodata("plain.test.")
    assert subject.ask("www.child.parent.test.", "DS").is_nodata("child.parent.test.")
