"""The stage most scenarios play on: child.example with two name servers, delegated by example."""

from __future__ import annotations

from typing import Any

import dns.name

from health.engine.context import Undelegated
from health.engine.levels import Level
from health.engine.plan import all_cases
from health.engine.results import Entry
from tests.kit.internet import SOA, Internet, Servers

ZONE = "child.example"
ONE, TWO = "192.0.2.11", "192.0.2.12"
NS1, NS2 = "ns1.child.example", "ns2.child.example"
AT_ONE, AT_TWO = f"{NS1}/{ONE}", f"{NS2}/{TWO}"
SERVERS: Servers = {NS1: [ONE], NS2: [TWO]}
PARENTS = ("192.0.2.1", "192.0.2.2")


def example() -> Internet:
    """The root and the zone example, with two name servers."""
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": [PARENTS[0]], "ns2.nic.example": [PARENTS[1]]})
    return internet


def stage(servers: Servers = SERVERS, **options) -> Internet:
    """`example` and child.example; options are those of Internet.zone."""
    internet = example()
    internet.zone(ZONE, servers, **options)
    return internet


def own_soa(internet: Internet, address: str, origin: str = ZONE, **fields: Any) -> None:
    """Give the server at an address an SOA of its own: mname, rname, serial, refresh, retry, expire, minimum."""
    names = ("mname", "rname", "serial", "refresh", "retry", "expire", "minimum")
    values = dict(zip(names, SOA.format(origin=dns.name.from_text(origin).to_text()).split(), strict=True)) | fields
    zone = internet.own_copy(address, origin)
    zone.delete_rdataset(dns.name.from_text(origin), "SOA")
    internet.records(zone, f"{zone.origin} 3600 IN SOA {' '.join(str(values[name]) for name in names)}")


def own_ns(internet: Internet, address: str, *names: str, origin: str = ZONE) -> None:
    """Give the server at an address NS records of its own."""
    zone = internet.own_copy(address, origin)
    zone.delete_rdataset(dns.name.from_text(origin), "NS")
    internet.records(zone, "\n".join(f"{zone.origin} 3600 IN NS {name}." for name in names))


def check(internet: Internet, case: str, domain: str = ZONE, **options) -> list[Entry]:
    """What one case finds, of every severity, without the start and end of it.

    Each entry has the arguments its case declares for the tag.
    """
    entries = internet.check(domain, case, minimum=Level.DEBUG3, **options)
    frame = {"TEST_CASE_START", "TEST_CASE_END"}
    broken = [dict(entry.arguments) for entry in entries if entry.tag == "MODULE_ERROR"]
    assert not broken
    found = [entry for entry in entries if entry.case.lower() == case and entry.tag not in frame]
    for entry in found:
        declared = all_cases()[case].tags.get(entry.tag)
        assert declared is None or set(entry.arguments) == set(declared.arguments)
    return found


def undelegated(servers: Servers) -> Undelegated:
    """These servers as a pretended delegation."""
    return Undelegated(tuple((dns.name.from_text(name), tuple(found)) for name, found in servers.items()))
