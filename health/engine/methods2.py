"""Finding parent, delegation and child servers: methods version 2 (Zonemaster, MethodsV2; zonemaster.md 3.4).

All servers are asked, not the first that answers. None is "undefined", which is not the same as an empty list.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import dns.name
import dns.rdatatype

from health.engine.network import NoResponse
from health.engine.recursor import Delegation, addresses_in, glue
from health.engine.reply import Record, Reply, Server
from health.engine.session import Session, merged, servers_of
from health.engine.walk import Stance, Walk

A, AAAA, NS = dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.NS


class Methods2:
    """Methods version 2. Every result is found once per test and kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._zone = session.zone

    async def walk(self) -> Walk:
        """The walk from the root to the zone under test, at every server on the way."""
        return await self._session.once("walk", self._walk)

    async def parent_servers(self) -> list[Server] | None:
        """Get-Parent-NS-Names-and-IPs: empty for the root zone and undelegated tests."""
        if self._zone == dns.name.root or self._session.pretended is not None:
            return []
        walk = await self.walk()
        found = {finding.server for finding in walk.findings if finding.stance in (Stance.SOA, Stance.DELEGATION)}
        return sorted(found) or None

    async def delegation_glue(self) -> Delegation | None:
        """Get-Delegation: every name of the delegation with the addresses the delegation itself gives (in-domain)."""
        return await self._session.once("Get-Delegation", self._delegation)

    async def delegation_names(self) -> list[dns.name.Name] | None:
        """Get-Del-NS-Names."""
        delegation = await self.delegation_glue()
        return None if delegation is None else sorted(delegation)

    async def delegation_servers(self) -> list[Server] | None:
        """Get-Del-NS-Names-and-IPs."""
        return await self._session.once("Get-Del-NS-Names-and-IPs", self._delegation_servers)

    async def zone_names(self) -> list[dns.name.Name] | None:
        """Get-Zone-NS-Names."""
        return await self._session.once("Get-Zone-NS-Names", self._zone_names)

    async def zone_servers(self) -> list[Server] | None:
        """Get-Zone-NS-Names-and-IPs."""
        return await self._session.once("Get-Zone-NS-Names-and-IPs", self._zone_servers)

    async def servers(self) -> list[Server]:
        """Delegation and zone servers together, without doubles, sorted; empty where both are undefined."""
        return merged(await self.delegation_servers() or [], await self.zone_servers() or [])

    async def _walk(self) -> Walk:
        walk = Walk(self._session, self._zone)
        await walk.run(self._session.roots)
        return walk

    async def _delegation(self) -> Delegation | None:
        if self._session.pretended is not None:
            return self._in_domain(self._session.pretended)
        if self._zone == dns.name.root:
            return dict(self._session.hints.servers)
        parents = await self.parent_servers()
        if parents is None:
            return None
        addresses = sorted({server.address for server in parents})
        replies = await asyncio.gather(*(self._session.ask(address, self._zone, NS) for address in addresses))
        referred: Delegation = {}
        answered: Delegation = {}
        for reply in replies:
            if isinstance(reply, NoResponse) or not reply.noerror:
                continue
            if reply.referral() == self._zone:
                _add(referred, self._in_domain(_named(reply, reply.authority(NS, self._zone))))
            elif reply.authoritative and reply.asked():
                _add(answered, await self._completed(reply))
        return referred or answered

    async def _completed(self, reply: Reply) -> Delegation:
        """What an authoritative answer gives; in-domain names without an address there are asked at the same server."""
        delegation = self._in_domain(_named(reply, reply.asked()))
        for name, addresses in delegation.items():
            if not addresses and name.is_subdomain(self._zone):
                delegation[name] = await self._addresses_at(reply.query.address, name)
        return delegation

    async def _addresses_at(self, address: str, name: dns.name.Name) -> tuple[str, ...]:
        """The addresses of a name below the zone by one of its servers; a referral further down is followed.

        So is a CNAME (the answer then counts for the original name).
        """
        found: set[str] = set()
        for rdtype in (A, AAAA):
            reply = await self._session.ask(address, name, rdtype)
            if isinstance(reply, NoResponse) or not reply.noerror:
                continue
            below = reply.referral()
            away = below is not None and below != self._zone and below.is_subdomain(self._zone)
            if away or (reply.authoritative and reply.answers(dns.rdatatype.CNAME, name)):
                found |= addresses_in((await self._session.recursor.resolve(name, rdtype)).records)
            elif reply.authoritative:
                found |= addresses_in(reply.asked())
        return tuple(sorted(found))

    async def _delegation_servers(self) -> list[Server] | None:
        delegation = await self.delegation_glue()
        return None if delegation is None else await self._complete_outside(delegation)

    async def _complete_outside(self, delegation: Delegation) -> list[Server]:
        """With the addresses of names outside the zone looked up; given addresses take precedence."""
        given = self._session.pretended or {}

        async def addresses(name: dns.name.Name, known: tuple[str, ...]) -> tuple[dns.name.Name, tuple[str, ...]]:
            outside = not name.is_subdomain(self._zone)
            return name, known or given.get(name) or (tuple(await self._session.addresses(name)) if outside else ())

        return servers_of(await asyncio.gather(*(addresses(*item) for item in delegation.items())))

    async def _zone_names(self) -> list[dns.name.Name] | None:
        servers = await self.delegation_servers()
        if servers is None:
            return None
        names: set[dns.name.Name] = set()
        addresses = sorted({server.address for server in servers})
        for reply in await asyncio.gather(*(self._session.ask(address, self._zone, NS) for address in addresses)):
            if not isinstance(reply, NoResponse) and reply.noerror and reply.authoritative:
                names |= set(_named(reply, reply.asked()))
        return sorted(names)

    async def _zone_servers(self) -> list[Server] | None:
        names, servers = await self.zone_names(), await self.delegation_servers()
        if names is None or servers is None:
            return None
        addresses = sorted({server.address for server in servers})
        inside = [name for name in names if name.is_subdomain(self._zone)]
        found: Delegation = dict.fromkeys(names, ())
        asked = [(address, name) for name in inside for address in addresses]
        for (_, name), more in zip(
            asked, await asyncio.gather(*(self._addresses_at(*pair) for pair in asked)), strict=True
        ):
            found[name] = (*found[name], *more)
        return await self._complete_outside(found)

    def _in_domain(self, delegation: Delegation) -> Delegation:
        return {name: found if name.is_subdomain(self._zone) else () for name, found in delegation.items()}


def _named(reply: Reply, records: Sequence[Record]) -> Delegation:
    targets = {r.rdata.target for r in records if hasattr(r.rdata, "target")}
    return {name: glue(reply, name) for name in sorted(targets)}


def _add(whole: Delegation, more: Delegation) -> None:
    for name, addresses in more.items():
        whole[name] = tuple(sorted({*whole.get(name, ()), *addresses}))
