"""Finding parent, delegation and child servers: methods version 1 (Zonemaster, Methods; zonemaster.md 3.4)."""

from __future__ import annotations

import asyncio

import dns.name
import dns.rdatatype

from health.engine.network import NoResponse
from health.engine.recursor import Delegation, glue
from health.engine.reply import Reply, Server
from health.engine.session import Session, merged, servers_of

NS, SOA = dns.rdatatype.NS, dns.rdatatype.SOA


class Methods1:
    """Methods version 1. Every result is found once per test and kept."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._zone = session.zone

    async def parent_zone(self) -> dns.name.Name | None:
        """M1: the parent zone; None where there is none (root, undelegated) or it cannot be found."""
        return (await self._session.once("M1", self._parent))[0]

    async def parent_servers(self) -> list[Server]:
        """The servers of the parent zone, sorted."""
        return (await self._session.once("M1", self._parent))[1]

    async def delegation_names(self) -> list[dns.name.Name]:
        """M2: names in the delegation, sorted."""
        return sorted(await self.delegation())

    async def delegation(self) -> Delegation:
        """The names in the delegation with the glue for them (that given, for an undelegated test)."""
        return await self._session.once("M2", self._delegation)

    async def zone_names(self) -> list[dns.name.Name]:
        """M3: names the child's servers give, sorted."""
        return await self._session.once("M3", self._zone_names)

    async def delegation_servers(self) -> list[Server]:
        """M4: names in the delegation with each of their addresses, sorted: glue, and what a lookup finds.

        The original leaves glue out and then sees no server of a zone that can be found through glue only.
        """
        return await self._session.once("M4", self._delegation_servers)

    async def zone_servers(self) -> list[Server]:
        """M5: names in the child zone with each of their addresses, sorted."""
        return await self._session.once("M5", self._zone_servers)

    async def servers(self) -> list[Server]:
        """M4 and M5 together, without doubles, sorted."""
        return merged(await self.delegation_servers(), await self.zone_servers())

    async def _parent(self) -> tuple[dns.name.Name | None, list[Server]]:
        if self._zone == dns.name.root or self._session.pretended is not None:
            return None, []
        recursor, above = self._session.recursor, self._zone.parent()
        trace = await recursor.trace(self._zone, SOA)
        if trace.reply is None and trace.zone != self._zone:
            return None, []
        zone = trace.zone if trace.zone != self._zone else (trace.passed[-2] if len(trace.passed) > 1 else None)
        if zone is None or zone != above:
            corrected = await self._correct(above)
            zone = corrected if corrected is not None and (zone is None or len(corrected) > len(zone)) else zone
        if zone is None:
            return None, []
        return zone, await self._servers_of(zone)

    async def _correct(self, above: dns.name.Name) -> dns.name.Name | None:
        """The zone the direct superdomain is in, by one SOA query for it.

        Where a server of both answers for the child, the trace does not show the zone between.
        """
        trace = await self._session.recursor.trace(above, SOA)
        if trace.reply is None:
            return None
        owners = {r.name for r in (*trace.reply.answers(SOA), *trace.reply.authority(SOA))}
        at_or_above = [owner for owner in owners if above.is_subdomain(owner)]
        return max(at_or_above, key=len, default=trace.zone)

    async def _servers_of(self, zone: dns.name.Name) -> list[Server]:
        delegation = self._session.recursor.cuts.get(zone)
        if delegation is None:
            trace = await self._session.recursor.trace(zone, NS)
            found = [] if trace.reply is None else trace.reply.answers(NS, zone)
            delegation = {r.rdata.target: () for r in found if hasattr(r.rdata, "target")}
        return await self._with_addresses(delegation)

    async def _with_addresses(self, delegation: Delegation, *, look_up: bool = False) -> list[Server]:
        """The servers of a delegation; names without addresses are looked up, all names with `look_up`."""

        async def addresses(name: dns.name.Name, known: tuple[str, ...]) -> tuple[dns.name.Name, set[str]]:
            found = await self._session.addresses(name) if look_up or not known else []
            return name, {*known, *found}

        return servers_of(await asyncio.gather(*(addresses(*item) for item in delegation.items())))

    async def _delegation(self) -> Delegation:
        if self._session.pretended is not None:
            return dict(self._session.pretended)
        if self._zone == dns.name.root:
            return dict(self._session.hints.servers)
        for server in await self.parent_servers():
            reply = await self._session.ask(server, self._zone, NS)
            if isinstance(reply, Reply) and (names := _ns_names(reply, self._zone)):
                parent = await self.parent_zone() or dns.name.root
                return {name: glue(reply, name) if name.is_subdomain(parent) else () for name in names}
        return {}

    async def _delegation_servers(self) -> list[Server]:
        delegation = await self.delegation()
        if self._session.pretended is not None:
            return servers_of(delegation.items())
        return await self._with_addresses(delegation, look_up=True)

    async def _zone_names(self) -> list[dns.name.Name]:
        servers = await self.delegation_servers()
        replies = await asyncio.gather(*(self._session.ask(server, self._zone, NS) for server in servers))
        names: set[dns.name.Name] = set()
        for reply in replies:
            if not isinstance(reply, NoResponse) and reply.noerror:
                names |= {r.rdata.target for r in reply.answers(NS, self._zone) if hasattr(r.rdata, "target")}
        return sorted(names)

    async def _zone_servers(self) -> list[Server]:
        given = self._session.pretended or {}
        return await self._with_addresses({name: given.get(name, ()) for name in await self.zone_names()})


def _ns_names(reply: Reply, zone: dns.name.Name) -> list[dns.name.Name]:
    found = reply.answers(NS, zone) or reply.authority(NS, zone)
    return sorted({r.rdata.target for r in found if hasattr(r.rdata, "target")}) if reply.noerror else []
