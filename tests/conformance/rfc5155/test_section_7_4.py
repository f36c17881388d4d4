"""What a server does about chains that it does not know."""

import pytest

from tests.conformance import chains
from tests.conformance.conftest import Data
from tests.conformance.lines import line
from tests.conformance.signed import ask
from tests.kit.dnsclient import Subject

UNUSABLE = pytest.mark.parametrize("zone", [chains.UNKNOWN, chains.FLAGGED])


@line("NS3-10", "ZON-15")
@UNUSABLE
def test_a_chain_of_an_unknown_hash_or_with_flags_is_not_used(managed: Subject, zone: str):
    """Nothing can be proven then; what needs no proof is answered."""
    assert ask(managed, f"nowhere.{zone}").rcode == "SERVFAIL"
    reply = ask(managed, f"www.{zone}")
    assert reply.answer == [f"www.{zone}. 3600 A 192.0.2.2"]
    assert managed.ask(f"nowhere.{zone}").is_nxdomain(f"{zone}.")


@line("ZON-15")
@UNUSABLE
def test_that_it_is_not_used_is_said_when_the_zone_is_loaded(data: Data, zone: str):
    assert f"/{zone}.zone:7: warning: " in data.zones
