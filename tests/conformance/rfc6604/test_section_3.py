"""The response code with aliases: that of the last name."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("HDR-11")
@pytest.mark.parametrize(
    ("name", "rcode", "zone"),
    [
        ("alias-nx.plain.test.", "NXDOMAIN", "plain.test."),
        ("alias-other-nx.plain.test.", "NXDOMAIN", "other.test."),
        ("x.cname-nx.wild.test.", "NXDOMAIN", "wild.test."),
        ("nothing.r3.dname.test.", "NXDOMAIN", "other.test."),
        ("a.nx.dname.test.", "NXDOMAIN", "dname.test."),
        ("alias-nodata.plain.test.", "NOERROR", "plain.test."),
    ],
)
def test_the_code_and_the_soa_are_of_the_last_name(subject: Subject, name: str, rcode: str, zone: str):
    reply = subject.ask(name)
    assert reply.rcode == rcode
    assert reply.answer
    assert reply.owners(1) == [(zone, "SOA")]


@line("HDR-11")
@pytest.mark.parametrize(
    "name", ["alias.plain.test.", "alias-outside.plain.test.", "alias-cut.plain.test.", "a.r3.dname.test."]
)
def test_the_code_is_noerror_where_the_last_name_exists_or_is_not_ours(subject: Subject, name: str):
    assert subject.ask(name).rcode == "NOERROR"


@line("HDR-11")
def test_a_query_for_cname_speaks_of_the_alias_not_of_its_target(subject: Subject):
    assert subject.ask("alias-nx.plain.test.", "CNAME").rcode == "NOERROR"
