"""What all cases of one test share: the zone, the door with its memory, lookups, the pretended delegation."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import dns.name
import dns.rdataclass
import dns.rdatatype

from health.engine.asking import Asker
from health.engine.clock import Clock
from health.engine.hints import Hints
from health.engine.network import Edns, Network, NoResponse, Query, Transport
from health.engine.profiles import Profile
from health.engine.recursor import Delegation, Recursor
from health.engine.reply import Reply, Server

Result = TypeVar("Result")
Say = Callable[..., None]


@dataclass(frozen=True, slots=True)
class DelegationSigner:
    """A DS record given for an undelegated test."""

    keytag: int
    algorithm: int
    digtype: int
    digest: str  # hexadecimal


@dataclass(frozen=True, slots=True)
class Undelegated:
    """The delegation an undelegated test pretends: names with addresses (perhaps none), and DS records.

    `nameservers` None means that only DS records were given: NS records come from the real delegation.
    `ds` None means that none were given.
    """

    nameservers: tuple[tuple[dns.name.Name, tuple[str, ...]], ...] | None = None
    ds: tuple[DelegationSigner, ...] | None = None

    def delegation(self) -> Delegation | None:
        """The pretended name servers with their addresses, several mentions of a name together."""
        if self.nameservers is None:
            return None
        found: Delegation = {}
        for name, addresses in self.nameservers:
            found[name] = tuple(sorted({*found.get(name, ()), *addresses}))
        return found


@dataclass
class Session:
    """One test of one zone, whichever cases look at it."""

    zone: dns.name.Name
    network: Network
    clock: Clock
    profile: Profile
    hints: Hints
    undelegated: Undelegated | None
    say: Say  # emits an entry of the module System
    deadline: float | None = None  # in the time of the loop
    asker: Asker = field(init=False)
    recursor: Recursor = field(init=False)
    pretended: Delegation | None = field(init=False)
    _kept: dict[str, asyncio.Task[Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.asker = Asker(self.network, self.clock, self.profile, self.deadline, self.say)
        self.pretended = self.undelegated.delegation() if self.undelegated else None
        self.recursor = Recursor(self.asker, dict(self.hints.servers), {}, self.say)

    @property
    def roots(self) -> list[Server]:
        """The root servers at all their addresses, sorted."""
        return servers_of(self.hints.servers.items())

    async def prepare(self) -> None:
        """Complete the pretended delegation by looking up what it leaves out (undelegated-test.md)."""
        if self.pretended is None:
            return
        for name, addresses in self.pretended.items():
            if addresses:
                continue
            if name.is_subdomain(self.zone):
                self.say("FAKE_DELEGATION_IN_ZONE_NO_IP", domain=self.zone, nsname=name)
                continue
            self.pretended[name] = tuple(await self.recursor.addresses(name))
            if not self.pretended[name]:
                self.say("FAKE_DELEGATION_NO_IP", domain=self.zone, nsname=name)
        # What was looked up so far saw the real delegation, if there is one: begin anew.
        self.recursor = Recursor(self.asker, dict(self.hints.servers), {self.zone: self.pretended}, self.say)

    async def once(self, name: str, find: Callable[[], Awaitable[Result]]) -> Result:
        """The result of `find`, found once a test under this name."""
        if name not in self._kept:
            self._kept[name] = asyncio.ensure_future(find())
        result: Result = await asyncio.shield(self._kept[name])
        return result

    async def ask(
        self,
        server: Server | str,
        name: dns.name.Name,
        rdtype: dns.rdatatype.RdataType,
        *,
        edns: Edns | None = None,
        transport: Transport = Transport.UDP,
        rdclass: dns.rdataclass.RdataClass = dns.rdataclass.IN,
        recursion_desired: bool = False,
        fall_back: bool = True,
    ) -> Reply | NoResponse:
        """See Context.ask."""
        address = server.address if isinstance(server, Server) else server
        query = Query(
            address,
            name,
            rdtype,
            rdclass,
            transport=transport,
            recursion_desired=recursion_desired,
            edns=edns,
        )
        return await self.asker.ask(query, fall_back=fall_back)

    async def addresses(self, name: dns.name.Name) -> list[str]:
        """The addresses of a name by lookup, sorted."""
        return await self.recursor.addresses(name)

    async def close(self) -> None:
        """Stop everything that is under way."""
        for task in self._kept.values():
            task.cancel()
        await asyncio.gather(*self._kept.values(), return_exceptions=True)
        await self.recursor.close()
        await self.asker.close()


def servers_of(found: Any) -> list[Server]:
    """Pairs of a name and its addresses as servers, without doubles, sorted."""
    return sorted({Server(name, address) for name, addresses in found for address in addresses})


def merged(*lists: Sequence[Server]) -> list[Server]:
    """Servers of several lists, without doubles, sorted."""
    return sorted({server for servers in lists for server in servers})
