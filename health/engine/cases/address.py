"""Address: the addresses of the name servers are public and have reverse DNS (Zonemaster, Address-TP)."""

from __future__ import annotations

import asyncio

import dns.name
import dns.rdatatype
import dns.reversename
from dns.rdtypes.ANY.PTR import PTR

from health.engine.addresses import Reach, reach
from health.engine.context import Context, addresses_of
from health.engine.registry import case, critical, error, info, notice, warning
from health.engine.results import name_text

_NO_PTR = {"NAMESERVER_IP_WITHOUT_REVERSE": warning("nsname", "ns_ip"), "NO_RESPONSE_PTR_QUERY": warning("domain")}

_CLASSES = {
    Reach.DOCUMENTATION: "A01_DOCUMENTATION_ADDR",
    Reach.LOCAL: "A01_LOCAL_USE_ADDR",
    Reach.OTHER: "A01_ADDR_NOT_GLOBALLY_REACHABLE",
    Reach.GLOBAL: "A01_GLOBALLY_REACHABLE_ADDR",
}


@case(
    "Address01",
    {
        "A01_ADDR_NOT_GLOBALLY_REACHABLE": error("ns_list"),
        "A01_DOCUMENTATION_ADDR": error("ns_list"),
        "A01_GLOBALLY_REACHABLE_ADDR": info("ns_list"),
        "A01_LOCAL_USE_ADDR": error("ns_list"),
        "A01_NO_GLOBALLY_REACHABLE_ADDR": error(),
        "A01_NO_NAME_SERVERS_FOUND": critical(),
    },
)
async def address01(context: Context) -> None:
    """ADDRESS01, name server addresses are globally reachable.

    Where blocks of the IANA registries lie in one another the most specific one decides, as the registries say; the
    old implementation takes the first.
    """
    servers = await context.v2.servers()
    if not servers:
        context.emit("A01_NO_NAME_SERVERS_FOUND")
        return
    kinds = {server: reach(server.address) for server in servers}
    for kind, tag in _CLASSES.items():
        members = [server for server in servers if kinds[server] is kind]
        if members:
            context.emit(tag, ns_list=members)
    if Reach.GLOBAL not in kinds.values():
        context.emit("A01_NO_GLOBALLY_REACHABLE_ADDR")


@case("Address02", {**_NO_PTR, "NAMESERVERS_IP_WITH_REVERSE": info()})
async def address02(context: Context) -> None:
    """ADDRESS02, reverse DNS exists for every name server address.

    An address that several names share is named once, with the first of them.
    """
    servers = await context.v1.servers()
    addresses = addresses_of(servers)
    found = await asyncio.gather(*(_reverse_names(context, address) for address in addresses))
    for address, names in zip(addresses, found, strict=True):
        nsname = next(server.name for server in servers if server.address == address)
        _say_missing(context, nsname, address, names)
    if addresses and all(found):
        context.emit("NAMESERVERS_IP_WITH_REVERSE")


@case(
    "Address03",
    {**_NO_PTR, "NAMESERVER_IP_PTR_MATCH": info(), "NAMESERVER_IP_PTR_MISMATCH": notice("nsname", "ns_ip", "names")},
)
async def address03(context: Context) -> None:
    """ADDRESS03, reverse DNS matches the name of the name server.

    Every name that has an address is compared; the old implementation compares one name for each address.
    """
    servers = await context.v1.zone_servers()
    addresses = addresses_of(servers)
    found = dict(
        zip(addresses, await asyncio.gather(*(_reverse_names(context, address) for address in addresses)), strict=True)
    )
    for server in servers:
        names = found[server.address]
        if not names:
            _say_missing(context, server.name, server.address, names)
        elif server.name not in names:
            joined = "/".join(sorted(name_text(name) for name in names))
            context.emit("NAMESERVER_IP_PTR_MISMATCH", nsname=server.name, ns_ip=server.address, names=joined)
    if servers and all(server.name in (found[server.address] or ()) for server in servers):
        context.emit("NAMESERVER_IP_PTR_MATCH")


async def _reverse_names(context: Context, address: str) -> set[dns.name.Name] | None:
    """The names an address has in reverse DNS, through CNAME as RFC 2317 has it; None where nobody answers."""
    resolution = await context.resolve(dns.reversename.from_address(address), dns.rdatatype.PTR)
    if resolution.reply is None:
        return None
    if not resolution.reply.noerror:
        return set()
    return {record.rdata.target for record in resolution.records if isinstance(record.rdata, PTR)}


def _say_missing(context: Context, nsname: dns.name.Name, address: str, names: set[dns.name.Name] | None) -> None:
    if names is None:
        context.emit("NO_RESPONSE_PTR_QUERY", domain=dns.reversename.from_address(address))
    elif not names:
        context.emit("NAMESERVER_IP_WITHOUT_REVERSE", nsname=nsname, ns_ip=address)
