"""One world of many domains, which this suite's own servers serve in tests/system and tests/interop."""

from __future__ import annotations

import dns.name

from health.engine.context import DelegationSigner, Undelegated
from tests.kit.internet import ROOT_SERVERS, Internet
from tests.kit.internet_behaviour import lower_cases_question, no_aa, no_tcp, offers_recursion

ONE, TWO, SIX, ODD = "192.0.2.11", "192.0.2.12", "2001:db8:1::1", "192.0.2.14"
NS1, NS2 = "ns1.hosting.example", "ns2.hosting.example"
BOTH = {NS1: [ONE, SIX], NS2: [TWO]}
MAIL = '@ 3600 IN MX 10 mail\nmail 3600 IN A 192.0.2.99\nwww 3600 IN A 192.0.2.80\n@ 3600 IN TXT "v=spf1 mx -all"'

SOA = "ns1.hosting.example. hostmaster.{origin} 2027011501 14400 3600 1209600 3600"

# What another implementation is asked about: it knows other sources of AS numbers, and signed zones are asked apart.
TESTS = (
    "basic",
    "address",
    "connectivity/connectivity01",
    "connectivity/connectivity02",
    "consistency",
    "delegation",
    "nameserver",
    "syntax",
    "zone",
)
DOMAINS = (
    "healthy.example",
    "lame.example",
    "behind.example",
    "differing.example",
    "alone.example",
    "alias.example",
    "nowhere.example",
    "odd.example",
    "bücher.example",
    "undelegated.example",
)
# What else `health run` is told: name servers that the parent does not know of.
OPTIONS = {"undelegated.example": ("--ns", NS1, "--ns", f"{NS2}/{TWO}", "--ds", f"12345,13,2,{'ab' * 32}")}
COMPARED = DOMAINS[:5] + DOMAINS[7:8]  # with another implementation; its scenes have the names there are no zones of


def undelegated(domain: str) -> Undelegated | None:
    """What OPTIONS says of a domain, for a test in this process."""
    if domain not in OPTIONS:
        return None
    one, two = dns.name.from_text(NS1), dns.name.from_text(NS2)
    return Undelegated(((one, ()), (two, (TWO,))), (DelegationSigner(12345, 13, 2, "ab" * 32),))


def build() -> Internet:
    """The root, the zone example, a hosting company with two name servers, and its customers."""
    internet = Internet()
    internet.zone("arpa", ROOT_SERVERS)
    internet.zone(
        "example",
        {"ns1.nic.example": ["192.0.2.1", "2001:db8::1"], "ns2.nic.example": ["192.0.2.2"]},
        records="alias 3600 IN DNAME healthy.example.",
    )
    internet.zone("hosting.example", BOTH)
    for domain in ("healthy", "lame", "behind", "differing"):
        internet.zone(f"{domain}.example", BOTH, records=MAIL, soa=SOA)
    internet.zone("xn--bcher-kva.example", BOTH, records=MAIL, soa=SOA)
    internet.zone("undelegated.example", BOTH, records=MAIL, soa=SOA, delegated=False)
    internet.zone("alone.example", {"ns1.alone.example": [ONE, SIX]}, records=MAIL)
    internet.zone("odd.example", {"ns1.odd.example": [ONE, SIX], "ns2.odd.example": [ODD]}, records=MAIL)
    _deviate(internet)
    return internet


def _deviate(internet: Internet) -> None:
    """What the second name server of the hosting company has differently, and one that misbehaves."""
    two = internet.at(TWO).zones
    del two[next(origin for origin in two if origin.to_text() == "lame.example.")]
    behind = internet.own_copy(TWO, "behind.example")
    soa = behind.find_rdataset("behind.example.", "SOA")
    older = soa[0].replace(serial=soa[0].serial - 1)
    soa.clear()
    soa.add(older)
    differing = internet.own_copy(TWO, "differing.example")
    differing.delete_rdataset("differing.example.", "MX")
    internet.records(differing, "@ 3600 IN NS ns3.hosting.example.")
    internet.behave(ODD, no_tcp, no_aa, lower_cases_question, offers_recursion)
