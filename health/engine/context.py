"""What a test case gets: the zone under test, its servers by both methods, a way to ask, a way to say what it found."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import dns.name
import dns.rdataclass
import dns.rdatatype

from health.engine.methods1 import Methods1
from health.engine.methods2 import Methods2
from health.engine.network import Edns, NoResponse, Silence, Transport
from health.engine.recursor import Resolution
from health.engine.registry import Case
from health.engine.reply import Reply, Server
from health.engine.session import DelegationSigner, Session, Undelegated

__all__ = ["Context", "DelegationSigner", "Methods1", "Methods2", "Resolution", "Undelegated", "addresses_of"]

RdataType = dns.rdatatype.RdataType
_WHOIS_SECONDS = 5.0


class Context:
    """One test case of one run."""

    def __init__(self, session: Session, case: Case, emit: Callable[[Case, str, dict[str, object]], None]) -> None:
        self._session = session
        self._case = case
        self._emit = emit
        self._disabled: set[tuple[str, RdataType]] = set()
        self.zone = session.zone
        self.profile = session.profile
        self.clock = session.clock
        self.undelegated = session.undelegated
        self.roots = session.roots
        self.v1 = Methods1(session)
        self.v2 = Methods2(session)

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
        return await self._session.ask(
            server,
            name,
            rdtype,
            edns=edns,
            transport=transport,
            rdclass=rdclass,
            recursion_desired=recursion_desired,
            fall_back=fall_back,
        )

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
        usable = self.usable(servers, rdtype)
        replies = await asyncio.gather(
            *(
                self.ask(
                    server,
                    name,
                    rdtype,
                    edns=edns,
                    transport=transport,
                    rdclass=rdclass,
                    recursion_desired=recursion_desired,
                    fall_back=fall_back,
                )
                for server in usable
            )
        )
        return list(zip(usable, replies, strict=True))

    def usable(self, servers: Iterable[Server], rdtype: RdataType) -> list[Server]:
        """The servers whose address family is on; IPV4_DISABLED or IPV6_DISABLED is emitted for each other."""
        usable = []
        for server in servers:
            if self._session.asker.enabled(server.address):
                usable.append(server)
            elif (str(server), rdtype) not in self._disabled:
                self._disabled.add((str(server), rdtype))
                family = "IPV6" if ":" in server.address else "IPV4"
                self.emit(f"{family}_DISABLED", ns=server, rrtype=rdtype)
        return usable

    async def resolve(self, name: dns.name.Name, rdtype: RdataType) -> Resolution:
        """Look up from the root, through the pretended delegation if there is one, following CNAME."""
        return await self._session.recursor.resolve(name, rdtype)

    async def addresses(self, name: dns.name.Name) -> list[str]:
        """The addresses of a name (A and AAAA) by recursive lookup, CNAME followed, sorted."""
        return await self._session.addresses(name)

    async def whois(self, server: str, text: str) -> str | NoResponse:
        """One line to the whois service (port 43) of a host name, and all it says.

        A door without a method `whois` (as that of recorded traffic may be) gives no response.
        """
        method = getattr(self._session.network, "whois", None)
        if method is None:
            return NoResponse(Silence.UNREACHABLE, "this door has no whois")

        async def look_up() -> str | NoResponse:
            said: str | NoResponse = await method(server, text, _WHOIS_SECONDS)
            return said

        return await self._session.once(f"whois {server} {text}", look_up)

    def emit(self, tag: str, **arguments: object) -> None:
        """Say what was found. Names, servers, rcodes and lists of them are given as they are (results.argument)."""
        self._emit(self._case, tag, arguments)


def addresses_of(servers: Sequence[Server]) -> list[str]:
    """The distinct addresses of servers, sorted."""
    return sorted({server.address for server in servers})
