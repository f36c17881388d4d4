"""Consistency05 on its own: the glue of the parent against the addresses the zone has (Zonemaster, Consistency-TP)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Iterable, Sequence

import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from health.engine.context import Context
from health.engine.network import NoResponse
from health.engine.registry import case, debug, error, info, notice
from health.engine.reply import Record, Reply, Server

_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)


@case(
    "Consistency05",
    {
        "ADDRESSES_MATCH": info(),
        "CHILD_NS_FAILED": debug("ns"),
        "CHILD_ZONE_LAME": error(),
        "EXTRA_ADDRESS_CHILD": notice("ns_ip_list"),
        "IN_BAILIWICK_ADDR_MISMATCH": error("parent_addresses", "zone_addresses"),
        "NO_RESPONSE": debug("ns"),
        "OUT_OF_BAILIWICK_ADDR_MISMATCH": error("parent_addresses", "zone_addresses"),
    },
)
async def consistency05(context: Context) -> None:
    """CONSISTENCY05, the glue equals the authoritative addresses.

    Addresses are shown as name/address. CHILD_ZONE_LAME needs a server that was asked: the old implementation says
    it of zones whose servers all were skipped. A server fails for a name where its replies for A and for AAAA both do.
    """
    glue = await _glue(context)
    inside = {server for server in glue if _in_domain(context, server.name)}
    outside = glue - inside
    in_zone = await _zone_addresses(context)
    if in_zone is None:
        context.emit("CHILD_ZONE_LAME")
        return
    looked_up = await _looked_up(context, {server.name for server in outside})
    if inside - in_zone:
        context.emit("IN_BAILIWICK_ADDR_MISMATCH", parent_addresses=inside, zone_addresses=in_zone)
    if in_zone - inside:
        context.emit("EXTRA_ADDRESS_CHILD", ns_ip_list=in_zone - inside)
    if outside - looked_up:
        context.emit("OUT_OF_BAILIWICK_ADDR_MISMATCH", parent_addresses=outside, zone_addresses=looked_up)
    if not (inside - in_zone or in_zone - inside or outside - looked_up):
        context.emit("ADDRESSES_MATCH")


def _in_domain(context: Context, name: dns.name.Name) -> bool:
    return name.is_subdomain(context.zone)


async def _glue(context: Context) -> set[Server]:
    """The addresses the parent gives for the names in the delegation; those given for an undelegated test."""
    if context.undelegated is not None and context.undelegated.nameservers is not None:
        given = context.undelegated.nameservers
        return {Server(name, _plain(address)) for name, addresses in given for address in addresses}
    names = await context.v1.delegation_names()
    if context.zone == dns.name.root:
        return {Server(name, address) for name, found in (await context.v1.delegation()).items() for address in found}
    parents = await context.v1.parent_servers()
    questions = [(context.zone, dns.rdatatype.NS), *((name, rdtype) for name in names for rdtype in _TYPES)]
    replies = await asyncio.gather(*(context.ask_all(parents, name, rdtype) for name, rdtype in questions))
    records = (
        record
        for replies_of_one in replies
        for _, reply in replies_of_one
        if isinstance(reply, Reply) and reply.noerror
        for record in (*reply.answers(), *reply.authority(), *reply.additional())
    )
    return _owned_by(set(names), records)


def _plain(address: str) -> str:
    return str(ipaddress.ip_address(address))


def _owned_by(names: set[dns.name.Name], records: Iterable[Record]) -> set[Server]:
    """The well-formed address records among the records that are owned by one of the names."""
    return {
        Server(record.name, _plain(record.rdata.address))
        for record in records
        if record.name in names and isinstance(record.rdata, A | AAAA)
    }


async def _zone_addresses(context: Context) -> set[Server] | None:
    """The addresses the child's servers give for the names in the zone; None where all fail for one of the names."""
    names = {*await context.v1.delegation_names(), *await context.v1.zone_names()}
    inside = sorted(name for name in names if _in_domain(context, name))
    servers = await context.v1.servers()
    # All at once; what follows reads the same replies in a fixed order.
    await asyncio.gather(*(context.ask_all(servers, name, rdtype) for name in inside for rdtype in _TYPES))
    found: set[Server] = set()
    for name in inside:
        in_one = await _addresses_of_name(context, servers, name)
        if in_one is None:
            return None
        found |= in_one
    return found


async def _addresses_of_name(context: Context, servers: Sequence[Server], name: dns.name.Name) -> set[Server] | None:
    """The addresses of one name as all servers have them; None where every one that was asked fails."""
    a_replies, aaaa_replies = await asyncio.gather(
        *(context.ask_all(servers, name, rdtype) for rdtype in _TYPES),
    )
    found: set[Server] = set()
    working = False
    for (server, a), (_, aaaa) in zip(a_replies, aaaa_replies, strict=True):
        addresses = [await _addresses_in(context, server, reply, name) for reply in (a, aaaa)]
        working = working or any(some is not None for some in addresses)
        found.update(*(some for some in addresses if some))
    return found if working or not a_replies else None


async def _addresses_in(
    context: Context, server: Server, reply: Reply | NoResponse, name: dns.name.Name
) -> set[Server] | None:
    """The addresses a server's reply gives for a name, through a referral below the zone; None where it fails."""
    if not isinstance(reply, Reply):
        context.emit("NO_RESPONSE", ns=server)
        return None
    below = reply.referral()
    if below is not None and below != context.zone and below.is_subdomain(context.zone):
        resolution = await context.resolve(name, reply.query.rdtype)
        return _owned_by({name}, resolution.records)
    if not reply.authoritative or reply.rcode not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        context.emit("CHILD_NS_FAILED", ns=server)
        return None
    return _owned_by({name}, reply.answers()) if reply.noerror else set()


async def _looked_up(context: Context, names: set[dns.name.Name]) -> set[Server]:
    """The addresses of names outside the zone as looking up finds them."""
    ordered = sorted(names)
    found = await asyncio.gather(*(context.addresses(name) for name in ordered))
    return {Server(name, address) for name, some in zip(ordered, found, strict=True) for address in some}
