"""`bobctl health run` on an Internet of our own making: the servers of every zone are process trees of this suite."""

from __future__ import annotations

import pytest

from health.engine.levels import Level
from tests.health.world import DOMAINS, build, undelegated
from tests.kit.internet_suites import results
from tests.kit.internet_zonemaster import namespace

pytestmark = pytest.mark.skipif(not namespace(), reason="no network namespace can be made here")

TIMES = {"START_TIME"}  # differs, as it should
EXIT = {
    "alias.example": 12,
    "nowhere.example": 12,
}  # nothing that could be tested; documentation addresses are an ERROR


@pytest.mark.parametrize("domain", DOMAINS)
def test_our_servers_answer_as_the_simulated_internet_does(domain):
    """Entry by entry, with all arguments: what the scenarios of tests/health are played on is what real servers say."""
    real = results()["ours"][domain]
    entries = {_key(e["testcase"], e["tag"], e["level"], e["args"]) for e in real["entries"] if e["tag"] not in TIMES}
    simulated = {
        _key(e.case, e.tag, e.level.name, e.arguments)
        for e in build().check(domain, undelegated=undelegated(domain), minimum=Level.DEBUG)
        if e.tag not in TIMES
    }
    assert entries == simulated
    assert real["exit"] == EXIT.get(domain, 11)


def test_each_domain_shows_what_is_wrong_with_it():
    tags = {domain: {entry["tag"] for entry in found["entries"]} for domain, found in results()["ours"].items()}
    assert {"DS07_NOT_SIGNED", "ONE_SOA_SERIAL", "ARE_AUTHORITATIVE", "NAMES_MATCH", "EDNS0_SUPPORT"} <= tags[
        "healthy.example"
    ]
    assert "CN01_UNEXPECTED_RCODE_SOA_QUERY_UDP" in tags["lame.example"]
    assert {"MULTIPLE_SOA_SERIALS", "Z01_MNAME_IS_MASTER"} <= tags["behind.example"]
    assert {"MULTIPLE_NS_SET", "EXTRA_NAME_CHILD", "Z09_INCONSISTENT_MX"} <= tags["differing.example"]
    assert "NOT_ENOUGH_NS_DEL" in tags["alone.example"]
    assert "B01_CHILD_IS_ALIAS" in tags["alias.example"]
    assert "B01_NO_CHILD" in tags["nowhere.example"]
    assert {"ONE_SOA_SERIAL", "NAMES_MATCH"} <= tags["bücher.example"]
    assert {"B01_PARENT_DISREGARDED", "ONE_SOA_SERIAL", "DS11_DS_BUT_UNSIGNED_ZONE"} <= tags["undelegated.example"]
    assert {"CN02_NO_RESPONSE_TCP", "IS_A_RECURSOR", "QNAME_CASE_INSENSITIVE"} <= tags["odd.example"]


def _key(case: str, tag: str, level: str, arguments: object) -> str:
    return f"{case} {tag} {level} {sorted(dict(arguments).items())}"  # type: ignore[call-overload]
