"""Proofs with NSEC3, by their number of records; whether a validator believes them is tested with RFC 4035."""

import pytest
from dns.dnssec import nsec3_hash

from tests.conformance.lines import line
from tests.conformance.signed import NSEC3_ZONES, ask, assert_valid, needs_signer
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply

pytestmark = needs_signer

EVERY = pytest.mark.parametrize("zone", NSEC3_ZONES)


def proof(reply: Reply) -> set[str]:
    """The owners of its NSEC3 records."""
    return {owner.lower() for owner, kind in reply.owners(1) if kind == "NSEC3"}


def owner(name: str, zone: str) -> str:
    """The owner of the NSEC3 record that matches a name."""
    salt, rounds = ("aabbccdd", 12) if zone == "nsec3.test" else ("", 0)
    return f"{nsec3_hash(name, salt, rounds, 1)}.{zone}.".lower()


@line("NS3-01", "NS3-02")
@EVERY
@pytest.mark.parametrize(("name", "encloser"), [("nowhere", ""), ("x.www", "www."), ("y.x.b.c", "b.c.")])
def test_of_a_name_that_is_not_there_encloser_next_closer_and_wildcard(
    subject: Subject, zone: str, name: str, encloser: str
):
    reply = assert_valid(subject, f"{name}.{zone}", "A", zone)
    assert owner(f"{encloser}{zone}.", zone) in proof(reply)
    assert 2 <= len(proof(reply)) <= 3
    chains = {tuple(record.text.split()[index] for index in (0, 2, 3)) for record in reply.records[1]
              if record.type == "NSEC3"}  # fmt: skip
    assert len(chains) == 1


@line("NS3-03")
@EVERY
@pytest.mark.parametrize(("name", "rdtype"), [("www.", "MX"), ("", "A"), ("b.c.", "A")])
def test_of_a_name_without_the_type_its_own_record(subject: Subject, zone: str, name: str, rdtype: str):
    reply = assert_valid(subject, f"{name}{zone}", rdtype, zone)
    assert proof(reply) == {owner(f"{name}{zone}.", zone)}


@line("NS3-04", "NS3-07")
@pytest.mark.parametrize(("name", "rdtype"), [("sub", "DS"), ("sub", "A"), ("left.out", "DS"), ("x.left.out", "A")])
def test_of_a_delegation_that_is_left_out_the_span_that_says_so(subject: Subject, name: str, rdtype: str):
    reply = assert_valid(subject, f"{name}.optout.test", rdtype, "optout.test")
    assert owner("optout.test.", "optout.test") in proof(reply)
    assert len(proof(reply)) <= 2


@line("NS3-07")
@pytest.mark.parametrize("name", ["sub", "left.out"])
def test_of_a_delegation_in_the_chain_its_own_record(subject: Subject, name: str):
    reply = assert_valid(subject, f"x.{name}.nsec3.test", "A", "nsec3.test")
    assert proof(reply) == {owner(f"{name}.nsec3.test.", "nsec3.test")}


@line("NS3-05")
@EVERY
def test_of_a_wildcard_without_the_type_encloser_next_closer_and_wildcard(subject: Subject, zone: str):
    reply = assert_valid(subject, f"x.wild.{zone}", "TXT", zone)
    assert {owner(f"wild.{zone}.", zone), owner(f"*.wild.{zone}.", zone)} <= proof(reply)


@line("NS3-06")
@EVERY
def test_of_what_a_wildcard_answers_the_next_closer_only(subject: Subject, zone: str):
    assert len(proof(assert_valid(subject, f"y.x.wild.{zone}", "MX", zone))) == 1


@line("NS3-08")
@EVERY
@pytest.mark.parametrize("rdtype", ["NSEC3", "A", "ANY", "RRSIG"])
def test_the_owner_of_an_nsec3_record_is_no_name_of_the_zone(subject: Subject, zone: str, rdtype: str):
    reply = assert_valid(subject, owner(f"www.{zone}.", zone), rdtype, zone)
    assert reply.rcode == "NXDOMAIN"
    assert not ask(subject, owner(f"www.{zone}.", zone), rdtype).answer
