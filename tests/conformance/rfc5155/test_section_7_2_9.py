"""Hashes that collide, and hashes that do not fit."""

from tests.conformance import chains
from tests.conformance.lines import line
from tests.conformance.signed import ask
from tests.kit.dnsclient import Subject


@line("NS3-09")
def test_a_name_that_is_not_there_but_whose_hash_is_gets_servfail(managed: Subject):
    reply = ask(managed, f"{chains.COLLIDING}.{chains.COLLISION}")
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {12})
    assert ask(managed, f"nowhere.{chains.COLLISION}").rcode == "NXDOMAIN"


@line("NS3-15")
def test_a_zone_whose_hashed_owners_would_be_too_long_is_served_without_proofs(managed: Subject):
    """Section 3: the hash and the origin have to fit into 255 octets; here they do not."""
    assert ask(managed, f"www.{chains.LONG}").answer
    assert ask(managed, f"nowhere.{chains.LONG}").rcode == "SERVFAIL"
    assert managed.ask(f"nowhere.{chains.LONG}").is_nxdomain(f"{chains.LONG}.")
