"""The walk from the root to the zone under test: who its parents are, and what each of their servers says of it.

Basic01 and Get-Parent-NS-Names-and-IPs (Zonemaster, MethodsV2) describe it: a form of query name minimisation
(RFC 9156) with SOA queries, done at every server of every zone on the way. Servers are asked wave by wave, those of
one wave at the same time; the findings come in a fixed order.
"""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import dns.name
import dns.rcode
import dns.rdatatype

from health.engine.network import NoResponse, Silence
from health.engine.reply import Reply, Server

_ADDRESS_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)


class Stance(enum.Enum):
    """What a parent server says of the child."""

    SOA = "authoritative SOA"
    DELEGATION = "referral"
    NXDOMAIN = "no such name"
    CNAME = "alias"
    REFERRED_CNAME = "alias with a referral"
    DNAME = "subtree alias"
    NODATA = "no data"


class Finding(NamedTuple):
    """What one server of the parent zone `parent` says; target is that of the DNAME."""

    parent: dns.name.Name
    server: Server
    stance: Stance
    target: dns.name.Name | None = None


class Fault(NamedTuple):
    """A reply (or none) that ended the walk at one server."""

    server: Server
    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType


class Resolver(Protocol):
    """What the walk needs of a Context."""

    async def ask(
        self, server: Server | str, name: dns.name.Name, rdtype: dns.rdatatype.RdataType
    ) -> Reply | NoResponse:
        """Ask one server."""
        ...

    async def addresses(self, name: dns.name.Name) -> list[str]:
        """Look the addresses of a name up."""
        ...


@dataclass(slots=True)
class Walk:
    """One walk; `findings`, `faults` and `skipped` (family not in use) are complete once `run` has returned."""

    resolver: Resolver
    child: dns.name.Name
    findings: list[Finding] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    skipped: list[Server] = field(default_factory=list)
    _waiting: dict[tuple[str, dns.name.Name], Server] = field(default_factory=dict)
    _names: dict[tuple[str, dns.name.Name], set[dns.name.Name]] = field(default_factory=dict)

    async def run(self, roots: Iterable[Server]) -> None:
        """Walk from these root servers; never raises for what servers do."""
        self._add(roots, dns.name.root)
        while self._waiting:
            wave, self._waiting = sorted(self._waiting.items()), {}
            await asyncio.gather(*(self._visit(server, zone) for (_, zone), server in wave))
        self.findings = sorted(self._under_every_name(), key=lambda found: (found.parent, found.server))
        self.faults.sort()
        self.skipped.sort()

    def _add(self, servers: Iterable[Server], zone: dns.name.Name) -> None:
        for server in servers:
            key = (server.address, zone)
            if key not in self._names:
                self._waiting[key] = server
            self._names.setdefault(key, set()).add(server.name)

    def _under_every_name(self) -> Iterable[Finding]:
        """An address is asked once for a zone, and stands in the findings under each of its names there."""
        for found in self.findings:
            names = self._names.get((found.server.address, found.parent), {found.server.name})
            for name in names | {found.server.name}:
                yield found._replace(server=Server(name, found.server.address))

    async def _visit(self, server: Server, zone: dns.name.Name) -> None:
        """Steps 5.4 to 5.11: see that the server serves the zone, take its name servers in, go down from there."""
        reply = await self.resolver.ask(server, zone, dns.rdatatype.SOA)
        if isinstance(reply, NoResponse) and reply.reason is Silence.DISABLED:
            self.skipped.append(server)
        elif not _is_apex_soa(reply, zone):
            self._fault(server, zone, dns.rdatatype.SOA)
        elif await self._take_in_zone(server, zone):
            await self._descend(server, zone)

    async def _take_in_zone(self, server: Server, zone: dns.name.Name) -> bool:
        """Ask for the NS records of a zone and add their servers; False where the reply is unusable."""
        reply = await self.resolver.ask(server, zone, dns.rdatatype.NS)
        if not reply or not reply.noerror or not reply.authoritative or not _all_owned(reply, zone):
            self._fault(server, zone, dns.rdatatype.NS)
            return False
        self._add(await self._servers(reply, [record.rdata.target for record in reply.asked()]), zone)
        return True

    async def _servers(self, reply: Reply, names: Sequence[dns.name.Name]) -> list[Server]:
        """The servers an NS RRset names, with the addresses beside it, or by lookup of those that have none there."""
        distinct = sorted(set(names))
        return [
            Server(name, address)
            for name, found in zip(
                distinct, await asyncio.gather(*(self._addresses(reply, name) for name in distinct)), strict=True
            )
            for address in found
        ]

    async def _addresses(self, reply: Reply, name: dns.name.Name) -> list[str]:
        beside = [
            record.rdata.address
            for rdtype in _ADDRESS_TYPES
            for record in reply.additional(rdtype, name)
            if hasattr(record.rdata, "address")
        ]
        return sorted(set(beside)) or await self.resolver.addresses(name)

    async def _descend(self, server: Server, zone: dns.name.Name) -> None:
        """Step 5.11: ask the server for one more label of the child after the other."""
        for depth in range(len(zone) + 1, len(self.child) + 1):
            name = dns.name.Name(self.child.labels[-depth:])
            reply = await self.resolver.ask(server, name, dns.rdatatype.SOA)
            if _is_apex_soa(reply, name) and name != self.child:
                if not await self._take_in_zone(server, name):
                    return
                zone = name
            elif not await self._goes_on(server, zone, name, reply):
                return

    async def _goes_on(
        self, server: Server, zone: dns.name.Name, name: dns.name.Name, reply: Reply | NoResponse
    ) -> bool:
        """Whether the reply for `name` says no more than that one has to look deeper."""
        if not reply:
            self._fault(server, name, dns.rdatatype.SOA)
        elif reply.rcode == dns.rcode.NXDOMAIN and reply.authoritative:
            self.findings.append(Finding(zone, server, Stance.NXDOMAIN))
        elif reply.referral() == name != self.child:
            self._add(await self._servers(reply, _targets(reply, name)), name)
        elif reply.noerror and reply.authoritative and name != self.child:
            return True
        elif name == self.child and (finding := await self._judge(server, zone, reply)) is not None:
            self.findings.append(finding)
        else:
            self._fault(server, name, dns.rdatatype.SOA)
        return False

    async def _judge(self, server: Server, zone: dns.name.Name, reply: Reply) -> Finding | None:
        """The stance of a server whose reply is about the child itself; None where it has none."""
        alias = bool(reply.answers(dns.rdatatype.CNAME, self.child))
        if _is_apex_soa(reply, self.child):
            return Finding(zone, server, Stance.SOA)
        if reply.referral() == self.child:
            return Finding(zone, server, Stance.DELEGATION)
        if not reply.noerror:
            return None
        if reply.authoritative:
            return Finding(zone, server, Stance.CNAME) if alias else await self._dname(server, zone)
        return Finding(zone, server, Stance.REFERRED_CNAME) if alias and reply.referral() is not None else None

    async def _dname(self, server: Server, zone: dns.name.Name) -> Finding:
        reply = await self.resolver.ask(server, self.child, dns.rdatatype.DNAME)
        if reply and reply.authoritative and reply.noerror:
            for record in reply.asked():
                if isinstance(target := getattr(record.rdata, "target", None), dns.name.Name):
                    return Finding(zone, server, Stance.DNAME, target)
        return Finding(zone, server, Stance.NODATA)

    def _fault(self, server: Server, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> None:
        self.faults.append(Fault(server, name, rdtype))


def _is_apex_soa(reply: Reply | NoResponse, name: dns.name.Name) -> bool:
    """Whether the reply is authoritative and has exactly one SOA record, owned by the name."""
    if not reply or not reply.noerror or not reply.authoritative:
        return False
    return [record.name for record in reply.answers(dns.rdatatype.SOA)] == [name]


def _all_owned(reply: Reply, name: dns.name.Name) -> bool:
    found = reply.answers(dns.rdatatype.NS)
    return bool(found) and all(record.name == name and _is_ns(record.rdata) for record in found)


def _targets(reply: Reply, owner: dns.name.Name) -> list[dns.name.Name]:
    return [record.rdata.target for record in reply.authority(dns.rdatatype.NS, owner) if _is_ns(record.rdata)]


def _is_ns(rdata: object) -> bool:
    """Whether the rdata is well-formed; a door may hand generic rdata over where it is not."""
    return isinstance(getattr(rdata, "target", None), dns.name.Name)
