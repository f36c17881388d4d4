"""Aliases and canonical names."""

import pytest

from tests.conformance.lines import line
from tests.conformance.zonefiles import CHAIN_LENGTH
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

LONGEST = 20  # links; the servers we know follow 5 to 18


def assert_chain(reply: Reply, name: str) -> str:
    """The answer is a chain of CNAMEs from `name`, each once; returns where it leads."""
    for record in reply.records[0]:
        if record.type == "CNAME":
            assert str(record.owner) == name
            name = record.text
    return name


@line("QRY-04")
def test_an_alias_is_followed_within_its_zone(subject: Subject):
    reply = subject.ask("alias.plain.test.")
    assert reply.answer == ["alias.plain.test. 3600 CNAME www.plain.test.", "www.plain.test. 3600 A 192.0.2.1"]
    assert reply.aa


@line("QRY-04")
def test_an_alias_of_an_alias_is_followed(subject: Subject):
    assert subject.ask("alias2.plain.test.", "AAAA").answer == [
        "alias2.plain.test. 3600 CNAME alias.plain.test.",
        "alias.plain.test. 3600 CNAME www.plain.test.",
        "www.plain.test. 3600 AAAA 2001:db8::1",
    ]


@line("QRY-05")
def test_an_alias_is_followed_into_another_zone_we_serve(subject: Subject):
    reply = subject.ask("alias-other.plain.test.")
    assert reply.answer == ["alias-other.plain.test. 3600 CNAME www.other.test.", "www.other.test. 3600 A 192.0.2.2"]


@line("QRY-05")
def test_a_chain_ends_where_our_zones_end(subject: Subject):
    reply = subject.ask("alias-outside.plain.test.")
    assert (reply.rcode, reply.aa) == ("NOERROR", True)
    assert reply.answer == ["alias-outside.plain.test. 3600 CNAME www.elsewhere.invalid."]
    assert not reply.records[1]


@line("QRY-05", "QRY-07")
def test_a_chain_that_leads_below_a_cut_ends_in_a_referral(subject: Subject):
    reply = subject.ask("alias-cut.plain.test.")
    assert reply.rcode == "NOERROR"
    assert reply.answer == ["alias-cut.plain.test. 3600 CNAME www.sub.plain.test."]
    assert set(reply.owners(1)) == {("sub.plain.test.", "NS")}
    assert ("ns1.sub.plain.test.", "A") in reply.owners(2)


@line("QRY-05")
@pytest.mark.parametrize(
    ("name", "owners"),
    [
        ("self.chain.test.", ["self.chain.test."]),
        ("pair1.chain.test.", ["pair1.chain.test.", "pair2.chain.test."]),
        ("loop.chain.test.", ["loop.chain.test.", "loop.other.test."]),
        ("loop.other.test.", ["loop.other.test.", "loop.chain.test."]),
    ],
)
def test_a_loop_ends_without_an_error_with_each_alias_once(subject: Subject, name: str, owners: list[str]):
    reply = subject.ask(name)
    assert (reply.rcode, reply.aa) == ("NOERROR", True)
    assert reply.owners(0) == [(owner, "CNAME") for owner in owners]


@line("QRY-05")
def test_a_chain_longer_than_any_server_follows_is_cut_without_an_error(subject: Subject):
    reply = subject.ask("long0.chain.test.", tcp=True)
    assert reply.rcode == "NOERROR"
    end = assert_chain(reply, "long0.chain.test.")
    assert 5 <= int(end.split(".")[0].removeprefix("long")) <= LONGEST < CHAIN_LENGTH


@line("QRY-05")
def test_what_is_left_of_a_long_chain_is_followed_to_its_end(subject: Subject):
    reply = subject.ask(f"long{CHAIN_LENGTH - 4}.chain.test.")
    assert assert_chain(reply, f"long{CHAIN_LENGTH - 4}.chain.test.") == f"long{CHAIN_LENGTH}.chain.test."
    assert reply.answer[-1] == f"long{CHAIN_LENGTH}.chain.test. 3600 A 192.0.2.2"


@line("QRY-06")
@pytest.mark.parametrize("name", ["alias", "alias2", "alias-other", "alias-nx", "alias-outside"])
def test_a_query_for_cname_gets_the_alias_alone(subject: Subject, name: str):
    reply = subject.ask(f"{name}.plain.test.", "CNAME")
    assert reply.owners(0) == [(f"{name}.plain.test.", "CNAME")]
    assert (reply.rcode, reply.aa) == ("NOERROR", True)


@line("QRY-06")
def test_a_query_for_cname_in_a_loop_gets_one_alias(subject: Subject):
    assert subject.ask("pair1.chain.test.", "CNAME").answer == ["pair1.chain.test. 3600 CNAME pair2.chain.test."]
