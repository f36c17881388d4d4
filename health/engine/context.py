"""What a test case gets: the zone under test, its servers by both methods, a way to ask, a way to say what it found."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.name
import dns.rdataclass
import dns.rdatatype

from health.engine.network import Edns, NoResponse, Transport
from health.engine.reply import Record, Reply, Server

if TYPE_CHECKING:
    from health.engine.clock import Clock
    from health.engine.profiles import Profile

RdataType = dns.rdatatype.RdataType


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


class Methods1:
    """Methods version 1 (zonemaster.md 3.4). Every result is found once per test and kept."""

    async def parent_zone(self) -> dns.name.Name | None:
        """M1: the parent zone; None where there is none (root, undelegated) or it cannot be found."""
        raise NotImplementedError

    async def parent_servers(self) -> list[Server]:
        """The servers of the parent zone, sorted."""
        raise NotImplementedError

    async def delegation_names(self) -> list[dns.name.Name]:
        """M2: names in the delegation, sorted."""
        raise NotImplementedError

    async def zone_names(self) -> list[dns.name.Name]:
        """M3: names the child's servers give, sorted."""
        raise NotImplementedError

    async def delegation_servers(self) -> list[Server]:
        """M4: names in the delegation with each of their addresses, sorted."""
        raise NotImplementedError

    async def zone_servers(self) -> list[Server]:
        """M5: names in the child zone with each of their addresses, sorted."""
        raise NotImplementedError

    async def servers(self) -> list[Server]:
        """M4 and M5 together, without doubles, sorted."""
        raise NotImplementedError


class Methods2:
    """Methods version 2 (zonemaster.md 3.4). None is "undefined", which is not the same as an empty list."""

    async def parent_servers(self) -> list[Server] | None:
        """Get-Parent-NS-Names-and-IPs."""
        raise NotImplementedError

    async def delegation_names(self) -> list[dns.name.Name] | None:
        """Get-Del-NS-Names."""
        raise NotImplementedError

    async def delegation_servers(self) -> list[Server] | None:
        """Get-Del-NS-Names-and-IPs."""
        raise NotImplementedError

    async def delegation_glue(self) -> dict[dns.name.Name, tuple[str, ...]] | None:
        """Get-Delegation: every name of the delegation with the addresses the delegation itself gives (in-domain)."""
        raise NotImplementedError

    async def zone_names(self) -> list[dns.name.Name] | None:
        """Get-Zone-NS-Names."""
        raise NotImplementedError

    async def zone_servers(self) -> list[Server] | None:
        """Get-Zone-NS-Names-and-IPs."""
        raise NotImplementedError

    async def servers(self) -> list[Server]:
        """Delegation and zone servers together, without doubles, sorted; empty where both are undefined."""
        raise NotImplementedError


class Context:
    """One test case of one run."""

    zone: dns.name.Name
    profile: Profile
    clock: Clock
    undelegated: Undelegated | None
    v1: Methods1
    v2: Methods2

    async def ask(
        self,
        server: Server | str,
        name: dns.name.Name,
        rdtype: RdataType,
        *,
        edns: Edns | None = None,
        transport: Transport = Transport.UDP,
        rdclass: dns.rdataclass.RdataClass = dns.rdataclass.IN,
        recursion_desired: bool = False,
        fall_back: bool = True,
    ) -> Reply | NoResponse:
        """Ask a server (or an address): retried as the profile says, TC repeated over TCP if `fall_back`.

        The same query to the same address is sent once per test. A reply has QR set, opcode QUERY and the query's id;
        anything else is a NoResponse. An address family that is off gives NoResponse(Silence.DISABLED).
        """
        raise NotImplementedError

    async def ask_all(
        self,
        servers: Iterable[Server],
        name: dns.name.Name,
        rdtype: RdataType,
        *,
        edns: Edns | None = None,
        transport: Transport = Transport.UDP,
        rdclass: dns.rdataclass.RdataClass = dns.rdataclass.IN,
        recursion_desired: bool = False,
        fall_back: bool = True,
    ) -> list[tuple[Server, Reply | NoResponse]]:
        """Ask all servers at once; results in the order of `servers`.

        Servers of a family that is off are left out, and IPV4_DISABLED or IPV6_DISABLED is emitted for each.
        """
        raise NotImplementedError

    def usable(self, servers: Iterable[Server], rdtype: RdataType) -> list[Server]:
        """The servers whose address family is on; IPV4_DISABLED or IPV6_DISABLED is emitted for each other."""
        raise NotImplementedError

    async def resolve(self, name: dns.name.Name, rdtype: RdataType) -> Resolution:
        """Look up from the root, through the pretended delegation if there is one, following CNAME."""
        raise NotImplementedError

    async def addresses(self, name: dns.name.Name) -> list[str]:
        """The addresses of a name (A and AAAA) by recursive lookup, CNAME followed, sorted."""
        raise NotImplementedError

    async def whois(self, server: str, text: str) -> str | NoResponse:
        """One line to the whois service (port 43) of a host name, and all it says."""
        raise NotImplementedError

    def emit(self, tag: str, **arguments: object) -> None:
        """Say what was found. Names, servers, rcodes and lists of them are given as they are (results.argument)."""
        raise NotImplementedError


def addresses_of(servers: Sequence[Server]) -> list[str]:
    """The distinct addresses of servers, sorted."""
    return sorted({server.address for server in servers})
