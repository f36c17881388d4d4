"""A simulated Internet in one process: zones on name servers at addresses, well behaved or not; itself a Network.

    internet = Internet()                                   # a root zone with two servers
    internet.zone("example", {"ns1.nic.example": ["192.0.2.1", "2001:db8::1"]})
    internet.zone("child.example", {"ns1.child.example": ["192.0.2.11"], "ns2.child.example": ["192.0.2.12"]},
                  records="@ 3600 IN MX 10 mail\\nmail 3600 IN A 192.0.2.99")
    internet.behave("192.0.2.12", silent)
    entries = internet.check("child.example", "basic01")    # run one case (or several), simulated time
    assert tags(entries) == {"B01_CHILD_FOUND", "B01_PARENT_FOUND"}

A zone is delegated by the zone above it with the glue of the names below that zone, unless `delegation` says
otherwise. Each server holds zones of its own: `at(address).zones[name]` may be replaced or changed for one address.
Behaviours are in internet_behaviour.py, signing in internet_signing.py; real sockets in internet_sockets.py.
"""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import dns.message
import dns.name
import dns.rdataset
import dns.rdatatype
import dns.zone

from health.engine import runner, wire
from health.engine.clock import FixedClock
from health.engine.context import Undelegated
from health.engine.hints import Hints
from health.engine.levels import Level
from health.engine.network import Network, NoResponse, Query, Silence
from health.engine.profiles import Profile
from health.engine.results import Entry
from tests.kit import internet_time
from tests.kit.internet_answers import answer, apex

NOW = 1_800_000_000.0  # when all of it happens
ROOT_SERVERS = {"a.root-servers.test": ["198.51.100.1", "2001:db8:ffff::1"], "b.root-servers.test": ["198.51.100.2"]}
SOA = "ns1.{origin} hostmaster.{origin} 2027011501 14400 3600 1209600 3600"

# A behaviour changes what a server says: it gets the query and the well behaved answer.
Reaction = dns.message.Message | bytes | NoResponse
Behaviour = Callable[[Query, dns.message.Message], Reaction]
Servers = Mapping[str, Sequence[str]]


@dataclass
class Host:
    """A name server at one address: its zones, how it behaves, what it was asked."""

    address: str
    zones: dict[dns.name.Name, dns.zone.Zone] = field(default_factory=dict)
    behaviours: list[Behaviour] = field(default_factory=list)
    delay: float = 0.0
    asked: list[Query] = field(default_factory=list)


class Internet:
    """Zones, servers, and the network between them and us."""

    def __init__(self, *, root_servers: Servers = ROOT_SERVERS, round_trip: float = 0.001) -> None:
        self.hosts: dict[str, Host] = {}
        self.zones: dict[dns.name.Name, dns.zone.Zone] = {}
        self.clock = FixedClock(NOW)
        self.round_trip = round_trip
        self.whois_answers: dict[tuple[str, str], str] = {}
        self.root_servers = {dns.name.from_text(name): tuple(found) for name, found in root_servers.items()}
        self.zone(".", root_servers)

    # --- building

    def zone(
        self,
        origin: str,
        nameservers: Servers,
        *,
        records: str = "",
        soa: str | None = SOA,
        delegation: Servers | None = None,
        delegated: bool = True,
        ds: str = "",
    ) -> dns.zone.Zone:
        """A zone, served at all addresses of its name servers and delegated by the closest zone above that exists.

        `nameservers` become the NS records; names within the zone get address records. `records` is zone text relative
        to the origin. `delegation` is what the parent says instead, `ds` its DS rdata, one a line.
        """
        top = dns.name.from_text(origin)
        zone = dns.zone.Zone(top, relativize=False)
        if soa is not None:
            _add(zone, top, "SOA", soa.format(origin=top.to_text() if top != dns.name.root else "root-servers.test."))
        for name, addresses in nameservers.items():
            _add(zone, top, "NS", _absolute(name))
            self._glue(zone, name, addresses)
        self._text(zone, records)
        self.zones[top] = zone
        for addresses in nameservers.values():
            self.serve(zone, addresses)
        if delegated and top != dns.name.root:
            self.delegate(origin, nameservers if delegation is None else delegation, ds=ds)
        return zone

    def serve(self, zone: dns.zone.Zone, addresses: Iterable[str]) -> None:
        """Serve a zone at these addresses (too)."""
        for address in addresses:
            self.at(address).zones[apex(zone)] = zone

    def delegate(self, origin: str, nameservers: Servers, *, ds: str = "") -> None:
        """Delegate a name in the closest zone above it, with the glue of the names below that zone."""
        name = dns.name.from_text(origin)
        parent = self.zones[max((z for z in self.zones if name.is_subdomain(z) and z != name), key=len)]
        parent.delete_rdataset(name, "NS")
        for server, addresses in nameservers.items():
            _add(parent, name, "NS", _absolute(server))
            self._glue(parent, server, addresses)
        for line in ds.splitlines():
            _add(parent, name, "DS", line)

    def own_copy(self, address: str, origin: str) -> dns.zone.Zone:
        """The zone as this one address serves it, to be changed for it alone."""
        host, name = self.at(address), dns.name.from_text(origin)
        host.zones[name] = copy.deepcopy(host.zones[name])
        return host.zones[name]

    def records(self, zone: dns.zone.Zone, text: str) -> None:
        """Add records in zone text."""
        self._text(zone, text)

    def at(self, address: str) -> Host:
        """The host at an address; made where there is none."""
        return self.hosts.setdefault(address, Host(address))

    def behave(self, address: str, *behaviours: Behaviour) -> None:
        """Let the server at an address behave so, in this order, after all it does already."""
        self.at(address).behaviours.extend(behaviours)

    def _glue(self, zone: dns.zone.Zone, name: str, addresses: Iterable[str]) -> None:
        owner = dns.name.from_text(name)
        for address in addresses if owner.is_subdomain(apex(zone)) else ():
            _add(zone, owner, "AAAA" if ":" in address else "A", address)

    def _text(self, zone: dns.zone.Zone, text: str) -> None:
        if text.strip():
            lines = "\n".join(line.strip() for line in text.splitlines())
            more = dns.zone.from_text(lines, zone.origin, relativize=False, check_origin=False)
            for name, rdataset in more.iterate_rdatasets():
                zone.find_rdataset(name, rdataset.rdtype, rdataset.covers, create=True).update(rdataset)

    # --- the door

    async def query(self, query: Query) -> dns.message.Message | NoResponse:
        """Answer a query as the host at its address does; each through octets, as on a real network."""
        host = self.hosts.get(query.address)
        if host is None:
            await asyncio.sleep(query.timeout)
            return NoResponse(Silence.TIMEOUT)
        host.asked.append(query)
        reaction = self._reaction(host, query)
        if isinstance(reaction, NoResponse):
            await asyncio.sleep(query.timeout if reaction.reason is Silence.TIMEOUT else self.round_trip)
            return reaction
        if self.round_trip + host.delay > query.timeout:
            await asyncio.sleep(query.timeout)
            return NoResponse(Silence.TIMEOUT)
        await asyncio.sleep(self.round_trip + host.delay)
        source = getattr(reaction, "source", None) or query.address
        octets = reaction if isinstance(reaction, bytes) else reaction.to_wire(max_size=65535)
        return wire.parse(octets, source)

    def _reaction(self, host: Host, query: Query) -> Reaction:
        reaction: Reaction = answer(host.zones, query)
        for behaviour in host.behaviours:
            if not isinstance(reaction, dns.message.Message):
                break
            reaction = behaviour(query, reaction)
        return reaction

    async def whois(self, server: str, text: str, timeout: float) -> str | NoResponse:
        """What a whois server says, as `whois_answers` has it."""
        await asyncio.sleep(self.round_trip)
        return self.whois_answers.get((server, text), NoResponse(Silence.TIMEOUT))

    # --- checking

    def check(
        self,
        domain: str,
        *cases: str,
        profile: Mapping[str, object] | None = None,
        undelegated: Undelegated | None = None,
        minimum: Level = Level.INFO,
        network: Network | None = None,
    ) -> list[Entry]:
        """What the named cases find (all, gated, where none is named), from the given level on; in simulated time.

        Named cases run alone, without what usually decides whether they run. `network` is a door in front of this one.
        """
        entries = internet_time.run(self.run(domain, *cases, profile=profile, undelegated=undelegated, network=network))
        return [entry for entry in entries if entry.level >= minimum]

    async def run(
        self,
        domain: str,
        *cases: str,
        profile: Mapping[str, object] | None = None,
        undelegated: Undelegated | None = None,
        network: Network | None = None,
    ) -> list[Entry]:
        """As `check`, in the running loop, entries of every level."""
        test = runner.Test(
            domain,
            network=network or self,
            clock=self.clock,
            profile=Profile.default().overlaid(profile or {}),
            undelegated=undelegated,
            hints=Hints(self.root_servers),
            cases=cases or None,
        )
        return [entry async for entry in test.run()]


def tags(entries: Iterable[Entry], minimum: Level = Level.DEBUG) -> set[str]:
    """The tags of entries, without those that only frame a case."""
    frame = {"TEST_CASE_START", "TEST_CASE_END"}
    return {entry.tag for entry in entries if entry.level >= minimum} - frame


def arguments(entries: Iterable[Entry], tag: str) -> list[dict[str, object]]:
    """The arguments of every entry with a tag."""
    return [dict(entry.arguments) for entry in entries if entry.tag == tag]


def _absolute(name: str) -> str:
    return dns.name.from_text(name).to_text()


def _add(zone: dns.zone.Zone, name: dns.name.Name, rdtype: str, text: str, ttl: int = 3600) -> None:
    rdata = dns.rdata.from_text("IN", rdtype, text)
    zone.find_rdataset(name, rdtype, create=True).add(rdata, ttl)
