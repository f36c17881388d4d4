"""Domains of the simulated Internet that another implementation is asked about, too (tests/interop)."""

from __future__ import annotations

from collections.abc import Callable

import dns.rcode

from tests.health.stage import NS1, NS2, ONE, PARENTS, TWO, example, own_ns, own_soa, stage
from tests.kit.internet import Behaviour, Internet
from tests.kit.internet_behaviour import no_aa, no_tcp, says, to


def healthy() -> Internet:
    """A zone without DNSSEC in which all is well."""
    return stage(records="@ 3600 IN MX 10 mail\nmail 3600 IN A 192.0.2.99")


def _behaving(*behaviours: Behaviour) -> Callable[[], Internet]:
    """The healthy zone, but its second server behaves so."""

    def build() -> Internet:
        internet = healthy()
        internet.behave(TWO, *behaviours)
        return internet

    return build


def _serials() -> Internet:
    internet = healthy()
    own_soa(internet, ONE, serial=9)
    own_soa(internet, TWO, serial=10)
    return internet


def _other_soa() -> Internet:
    internet = healthy()
    own_soa(internet, TWO, mname="ns9.child.example.", rname="other.child.example.", refresh=7)
    return internet


def _other_ns() -> Internet:
    internet = healthy()
    own_ns(internet, TWO, NS2)
    return internet


def _refused_everywhere() -> Internet:
    internet = healthy()
    for address in (ONE, TWO):
        internet.behave(address, says(dns.rcode.REFUSED))
    return internet


def _dname() -> Internet:
    internet = Internet()
    internet.zone("example", {"ns1.nic.example": [PARENTS[0]]}, records="child 3600 IN DNAME target.example.")
    return internet


SCENES: dict[str, Callable[[], Internet]] = {
    "healthy": healthy,
    "one server without authority": _behaving(no_aa),
    "one server that refuses": _behaving(says(dns.rcode.REFUSED)),
    "all servers refuse": _refused_everywhere,
    "one server without TCP": _behaving(no_tcp),
    "one server without SOA": _behaving(to("SOA", says(dns.rcode.SERVFAIL))),
    "serials 9 and 10": _serials,
    "different SOA records": _other_soa,
    "different NS records": _other_ns,
    "other glue": lambda: stage(delegation={NS1: [ONE], NS2: ["192.0.2.13"]}),
    "more addresses than glue": lambda: stage(
        {NS1: [ONE], NS2: [TWO, "2001:db8:1::2"]}, delegation={NS1: [ONE], NS2: [TWO]}
    ),
    "one server": lambda: stage({NS1: [ONE]}),
    "one address": lambda: stage({NS1: [ONE], NS2: [ONE]}),
    "odd mail exchange": lambda: stage(records="@ 3600 IN MX 10 m_x"),
    "no such domain": example,
    "a DNAME": _dname,
}
