"""Looking names up from the root, as a resolver does, but with an eye on who said what (zonemaster.md 3.4)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

import dns.name
import dns.rcode
import dns.rdatatype

from health.engine.asking import Asker
from health.engine.network import NoResponse, Query
from health.engine.reply import Record, Reply, Server

_MAX_REFERRALS = 20  # zonemaster.md 3.4
_MAX_ALIASES = 10  # CNAME in a chain over several responses, as there
_MAX_ALIASES_IN_RESPONSE = 9
_MAX_DEPTH = 8  # names of name servers that need names of name servers to be looked up

A, AAAA, NS, CNAME = dns.rdatatype.A, dns.rdatatype.AAAA, dns.rdatatype.NS, dns.rdatatype.CNAME
Say = Callable[..., None]
# Known addresses of name servers; an empty tuple stands for a name that has to be looked up.
Delegation = dict[dns.name.Name, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Resolution:
    """What a recursive lookup found.

    `reply` is the last response (None: nobody answered), `name` the owner after following `aliases` (CNAME targets in
    order), `records` the records of the type asked that are owned by `name`.
    """

    reply: Reply | None
    name: dns.name.Name
    aliases: tuple[dns.name.Name, ...]
    records: tuple[Record, ...]


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a lookup without aliases ended: the zone whose server gave the last reply, and all zones before it."""

    reply: Reply | None
    zone: dns.name.Name
    server: Server | None
    passed: tuple[dns.name.Name, ...]


class Recursor:
    """Looks up for one test. `pretended` are delegations that stand in for what the parents say."""

    def __init__(self, asker: Asker, root: Delegation, pretended: Mapping[dns.name.Name, Delegation], say: Say) -> None:
        self._asker = asker
        self._say = say
        self._pretended = dict(pretended)
        self.cuts: dict[dns.name.Name, Delegation] = {dns.name.root: root}
        self._cache: dict[tuple[dns.name.Name, int], Resolution] = {}
        self._looking: dict[tuple[dns.name.Name, int], asyncio.Task[Resolution]] = {}

    async def resolve(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> Resolution:
        """Look up, following CNAME; the same lookup is made once."""
        key = (name, int(rdtype))
        if key not in self._looking:
            self._looking[key] = asyncio.get_running_loop().create_task(self._resolve(name, rdtype, 0))
        return await asyncio.shield(self._looking[key])

    async def addresses(self, name: dns.name.Name, depth: int = 0) -> list[str]:
        """The addresses of a name, sorted; NXDOMAIN for A is the end of it."""
        found = await self._lookup(name, A, depth)
        if found.reply is not None and found.reply.rcode == dns.rcode.NXDOMAIN:
            return []
        more = await self._lookup(name, AAAA, depth)
        return sorted(addresses_in((*found.records, *more.records)))

    async def close(self) -> None:
        """Stop everything that is under way."""
        for task in self._looking.values():
            task.cancel()
        await asyncio.gather(*self._looking.values(), return_exceptions=True)

    def _lookup(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, depth: int) -> Awaitable[Resolution]:
        # Lookups inside lookups do not wait for one another's tasks: two name servers named in each other's zones
        # would wait for ever.
        return self.resolve(name, rdtype) if depth == 0 else self._resolve(name, rdtype, depth)

    async def _resolve(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, depth: int) -> Resolution:
        key = (name, int(rdtype))
        if key in self._cache:
            return self._cache[key]
        resolution = await self._follow(name, rdtype, depth)
        if depth < _MAX_DEPTH:
            self._cache[key] = resolution
        return resolution

    async def _follow(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, depth: int) -> Resolution:
        aliases: list[dns.name.Name] = []
        owner = name
        for _ in range(_MAX_ALIASES + 1):
            reply = (await self.trace(owner, rdtype, depth)).reply
            if reply is None or rdtype == CNAME:
                return Resolution(reply, owner, tuple(aliases), _records(reply, owner, rdtype))
            chain = self.chain(reply, owner, rdtype)
            if chain is None:
                return Resolution(reply, owner, tuple(aliases), ())
            aliases += chain
            if len(aliases) > _MAX_ALIASES:
                break
            end = chain[-1] if chain else owner
            records = _records(reply, end, rdtype)
            if records or not chain:
                return Resolution(reply, end, tuple(aliases), records)
            if end in (name, *aliases[: -len(chain)]):
                self._say("CNAME_LOOP_OUTER", name=name, target=end)
                return Resolution(reply, end, tuple(aliases), ())
            self._say("CNAME_FOLLOWED_OUT_OF_ZONE", name=owner, target=end)
            owner = end
        self._say("CNAME_CHAIN_TOO_LONG", name=name, count=len(aliases))
        return Resolution(None, owner, tuple(aliases), ())

    def chain(self, reply: Reply, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> list[dns.name.Name] | None:
        """The CNAME targets of a response in order from `owner`; None where they are no proper chain."""
        targets: dict[dns.name.Name, set[dns.name.Name]] = {}
        for record in reply.answers(CNAME):
            if hasattr(record.rdata, "target"):
                if record.rdata.target in targets.get(record.name, ()):
                    self._say("CNAME_RECORDS_DUPLICATES", name=record.name)
                targets.setdefault(record.name, set()).add(record.rdata.target)
        if len(targets) > _MAX_ALIASES_IN_RESPONSE:
            self._say("CNAME_RECORDS_TOO_MANY", name=owner, count=len(targets))
            return None
        chain: list[dns.name.Name] = []
        while owner in targets:
            if len(targets[owner]) > 1:
                self._say("CNAME_RECORDS_MULTIPLE_FOR_NAME", name=owner)
                return None
            (target,) = targets[owner]
            if target in chain or target == owner:
                self._say("CNAME_LOOP_INNER", name=owner, target=target)
                return None
            chain.append(target)
            owner = target
        if len(chain) < len(targets):
            self._say("CNAME_RECORDS_CHAIN_BROKEN", name=reply.query.name, count=len(targets))
            return None
        if chain and (others := {r.name for r in reply.answers(rdtype)}) and chain[-1] not in others:
            self._say("CNAME_NO_MATCH", name=reply.query.name, target=chain[-1])
            return None
        return chain

    async def trace(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, depth: int = 0) -> Trace:
        """Ask down from the closest zone that is known until an answer, a denial, or nobody answers."""
        zone = self._start(name, rdtype)
        passed = [zone]
        for _ in range(_MAX_REFERRALS):
            reply, server = await self._ask_zone(zone, name, rdtype, depth)
            below = None if reply is None else self._below(zone, reply, name)
            if reply is None or below is None:
                return Trace(reply, zone, server, tuple(passed))
            self._remember(below, reply, zone)
            zone = below
            passed.append(zone)
        return Trace(None, zone, None, tuple(passed))

    def _start(self, name: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> dns.name.Name:
        top = name.parent() if rdtype == dns.rdatatype.DS and name != dns.name.root else name
        for zone, delegation in self._pretended.items():
            self.cuts[zone] = delegation
        return max((zone for zone in self.cuts if top.is_subdomain(zone)), key=len)

    def _below(self, zone: dns.name.Name, reply: Reply, name: dns.name.Name) -> dns.name.Name | None:
        """The zone a reply refers to, if it leads on: below the zone that was asked, and at or above the name."""
        found = reply.referral()
        if found is None or reply.answers():
            return None
        return found if len(found) > len(zone) and found.is_subdomain(zone) and name.is_subdomain(found) else None

    def _remember(self, below: dns.name.Name, reply: Reply, zone: dns.name.Name) -> None:
        if below not in self._pretended:
            self.cuts[below] = referred(reply, below, zone)

    async def _ask_zone(
        self, zone: dns.name.Name, name: dns.name.Name, rdtype: dns.rdatatype.RdataType, depth: int
    ) -> tuple[Reply | None, Server | None]:
        spare: tuple[Reply | None, Server | None] = (None, None)
        async for server in self._servers(zone, depth):
            reply = await self._asker.ask(Query(server.address, name, rdtype))
            if isinstance(reply, NoResponse):
                continue
            if self._is_final(reply, zone, name):
                return reply, server
            if spare[0] is None:
                spare = (reply, server)
        return spare

    def _is_final(self, reply: Reply, zone: dns.name.Name, name: dns.name.Name) -> bool:
        if reply.rcode == dns.rcode.NXDOMAIN or reply.answers():
            return reply.rcode in (dns.rcode.NXDOMAIN, dns.rcode.NOERROR)
        return reply.noerror and (reply.authoritative or self._below(zone, reply, name) is not None)

    async def _servers(self, zone: dns.name.Name, depth: int) -> AsyncIterator[Server]:
        """The servers of a zone: first those whose addresses are known, then those to be looked up.

        They come in the order of their names: that of the records in a reply changes from one to the next.
        """
        delegation = sorted(self.cuts[zone].items())
        for name, addresses in delegation:
            for address in addresses:
                yield Server(name, address)
        if depth >= _MAX_DEPTH:
            return
        for name, addresses in delegation:
            if not addresses and not name.is_subdomain(zone):
                for address in await self.addresses(name, depth + 1):
                    yield Server(name, address)


def referred(reply: Reply, below: dns.name.Name, zone: dns.name.Name) -> Delegation:
    """The name servers a referral gives, with the glue the servers of `zone` may give: for names in `zone`."""
    names = [r.rdata.target for r in reply.authority(NS, below) if hasattr(r.rdata, "target")]
    return {name: glue(reply, name) if name.is_subdomain(zone) else () for name in names}


def glue(reply: Reply, name: dns.name.Name) -> tuple[str, ...]:
    """The addresses of a name in the additional section, sorted."""
    return tuple(sorted(addresses_in((*reply.additional(A, name), *reply.additional(AAAA, name)))))


def addresses_in(records: Iterable[Record]) -> set[str]:
    """The addresses of well-formed A and AAAA records."""
    return {str(record.rdata.address) for record in records if hasattr(record.rdata, "address")}


def _records(reply: Reply | None, owner: dns.name.Name, rdtype: dns.rdatatype.RdataType) -> tuple[Record, ...]:
    return () if reply is None else tuple(reply.answers(rdtype, owner))
