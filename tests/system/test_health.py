"""`bobctl health run` on an Internet of our own making: the servers of every zone are process trees of this suite.

One file for all that looks at what was found: it is found once in a process, and takes a minute.
"""

from __future__ import annotations

import shutil

import pytest

from health.engine.levels import Level
from tests.health.world import COMPARED, DOMAINS, build, undelegated
from tests.interop.test_zonemaster import DETAILS, NEW, OLD
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


# In Nameserver and Zone: 4.6 wants an AAAA record at the apex before it says that AAAA is processed well.
MORE = {"AAAA_WELL_PROCESSED"}
# Where only some servers have the MX record it depends on which one is asked, whether mail to RNAME can be delivered.
MAIL = {"differing.example": {"RNAME_MAIL_DOMAIN_INVALID"}}
MAIL_OURS = {"differing.example": {"RNAME_RFC822_VALID"}}


@pytest.mark.skipif(not shutil.which("zonemaster-cli"), reason="zonemaster-cli is not installed")
@pytest.mark.parametrize("domain", COMPARED)
def test_both_find_the_same_where_our_own_servers_answer(domain):
    """Both: zonemaster-cli and we. Root, top level domain and hosting company have their zones from loadzone."""
    new = (*NEW, "N15_", "Z11_")
    ours = {
        entry["tag"]
        for entry in results()["ours"][domain]["entries"]
        if entry["level"] != "DEBUG"
        and entry["module"] not in ("System", "DNSSEC")
        and entry["testcase"] not in ("Connectivity03", "Connectivity04")
        and not entry["tag"].startswith(new)
    }
    found = {tag for module, tag in results()["theirs"][domain] if module != "SYSTEM"}
    assert len(ours & found) > 40
    assert found - ours - OLD == MAIL.get(domain, set())
    assert ours - found - DETAILS - MORE == MAIL_OURS.get(domain, set())


def _key(case: str, tag: str, level: str, arguments: object) -> str:
    return f"{case} {tag} {level} {sorted(dict(arguments).items())}"  # type: ignore[call-overload]
