"""Iterations of NSEC3."""

import pytest

from tests.conformance import chains
from tests.conformance.conftest import Data
from tests.conformance.lines import line
from tests.conformance.signed import ask
from tests.kit.dnsclient import Subject


@line("NS3-14")
def test_as_many_iterations_as_we_compute_are_proven_with(subject: Subject):
    reply = ask(subject, f"nowhere.{chains.ITERATED}")
    assert reply.rcode == "NXDOMAIN"
    assert {kind for _, kind in reply.owners(1)} == {"SOA", "NSEC3"}


@line("NS3-14")
def test_more_are_not_computed_and_an_extended_error_says_so(managed: Subject):
    """EDE 27, RFC 9276 section 3.2; what needs no proof is answered."""
    reply = ask(managed, f"nowhere.too.{chains.ITERATED}")
    assert (reply.rcode, reply.error_codes) == ("SERVFAIL", {27})
    assert ask(managed, f"www.too.{chains.ITERATED}").answer


@line("NS3-14")
@pytest.mark.parametrize("zone", [chains.ITERATED, f"too.{chains.ITERATED}"])
def test_any_are_warned_of_when_the_zone_is_loaded(data: Data, zone: str):
    assert f"/{zone}.zone:7: warning: " in data.zones
