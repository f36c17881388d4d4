"""Delegation: parent and child agree on enough, distinct, authoritative name servers (Zonemaster, Delegation-TP)."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import dns.name
import dns.rcode
import dns.rdatatype

from health.engine import referral
from health.engine.cases import apex
from health.engine.context import Context
from health.engine.network import NoResponse, Transport
from health.engine.registry import Tag, case, debug, error, info, notice, warning
from health.engine.reply import Reply, Server

MINIMUM_SERVERS = 2  # RFC 1034 section 4.1


def _number_tags(side: str) -> dict[str, Tag]:
    tags = {
        f"ENOUGH_NS_{side}": info("count", "minimum", "nsname_list"),
        f"NOT_ENOUGH_NS_{side}": error("count", "minimum", "nsname_list"),
    }
    for family, none in (("IPV4", warning), ("IPV6", notice)):
        tags |= {
            f"ENOUGH_{family}_NS_{side}": info("count", "minimum", "ns_list"),
            f"NOT_ENOUGH_{family}_NS_{side}": error("count", "minimum", "ns_list"),
            f"NO_{family}_NS_{side}": none("minimum"),
        }
    return tags


@case("Delegation01", {**_number_tags("DEL"), **_number_tags("CHILD")})
async def delegation01(context: Context) -> None:
    """DELEGATION01, there are at least two name servers, two with IPv4 and two with IPv6."""
    v1 = context.v1
    _say_numbers(context, "DEL", await v1.delegation_names(), await v1.delegation_servers())
    _say_numbers(context, "CHILD", await v1.zone_names(), await v1.zone_servers())


def _say_numbers(context: Context, side: str, names: Sequence[dns.name.Name], servers: Sequence[Server]) -> None:
    enough = "ENOUGH" if len(names) >= MINIMUM_SERVERS else "NOT_ENOUGH"
    context.emit(f"{enough}_NS_{side}", count=len(names), minimum=MINIMUM_SERVERS, nsname_list=names)
    for family, colon in (("IPV4", False), ("IPV6", True)):
        members = [server for server in servers if (":" in server.address) is colon]
        count = len({server.name for server in members})
        if not count:
            context.emit(f"NO_{family}_NS_{side}", minimum=MINIMUM_SERVERS)
            continue
        enough = "ENOUGH" if count >= MINIMUM_SERVERS else "NOT_ENOUGH"
        context.emit(f"{enough}_{family}_NS_{side}", count=count, minimum=MINIMUM_SERVERS, ns_list=members)


@case(
    "Delegation02",
    {
        "CHILD_DISTINCT_NS_IP": info(),
        "CHILD_NS_SAME_IP": error("ns_ip", "nsname_list"),
        "DEL_DISTINCT_NS_IP": info(),
        "DEL_NS_SAME_IP": error("ns_ip", "nsname_list"),
        "DISTINCT_IP_ADDRESS": info(),
        "SAME_IP_ADDRESS": error("ns_ip", "nsname_list"),
    },
)
async def delegation02(context: Context) -> None:
    """DELEGATION02, no two names have an address in common.

    The test of delegation and child together (SAME_IP_ADDRESS, DISTINCT_IP_ADDRESS) is the old implementation's.
    """
    v1 = context.v1
    _say_shared(context, await v1.delegation_servers(), "DEL_NS_SAME_IP", "DEL_DISTINCT_NS_IP")
    _say_shared(context, await v1.zone_servers(), "CHILD_NS_SAME_IP", "CHILD_DISTINCT_NS_IP")
    _say_shared(context, await v1.servers(), "SAME_IP_ADDRESS", "DISTINCT_IP_ADDRESS")


def _say_shared(context: Context, servers: Sequence[Server], same: str, distinct: str) -> None:
    names: dict[str, set[dns.name.Name]] = defaultdict(set)
    for server in servers:
        names[server.address].add(server.name)
    shared = {address: some for address, some in sorted(names.items()) if len(some) > 1}
    for address, some in shared.items():
        context.emit(same, ns_ip=address, nsname_list=some)
    if names and not shared:
        context.emit(distinct)


@case("Delegation03", {"REFERRAL_SIZE_OK": info("size"), "REFERRAL_SIZE_TOO_LARGE": warning("size")})
async def delegation03(context: Context) -> None:
    """DELEGATION03, the referral fits into 512 octets.

    Where no parent is known (undelegated tests) the name above the zone stands for it.
    """
    names = await context.v1.delegation_names()
    if not names:
        return
    above = context.zone.parent() if context.zone != dns.name.root else dns.name.root
    parent = await context.v1.parent_zone() or above
    servers = await context.v1.delegation_servers()
    holders = {
        dns.rdatatype.A: {server.name for server in servers if ":" not in server.address},
        dns.rdatatype.AAAA: {server.name for server in servers if ":" in server.address},
    }
    size = referral.size(context.zone, parent, names, holders)
    context.emit("REFERRAL_SIZE_TOO_LARGE" if size > referral.SIZE_LIMIT else "REFERRAL_SIZE_OK", size=size)


@case("Delegation04", {"ARE_AUTHORITATIVE": info("nsname_list"), "IS_NOT_AUTHORITATIVE": warning("ns", "proto")})
async def delegation04(context: Context) -> None:
    """DELEGATION04, all name servers are authoritative.

    Every address is asked; the old implementation asks the first of each name.
    """
    servers = await context.v1.servers()
    asked = await asyncio.gather(
        *(context.ask_all(servers, context.zone, dns.rdatatype.SOA, transport=transport) for transport in Transport)
    )
    good: set[dns.name.Name] = set()
    bad = False
    for transport, replies in zip(Transport, asked, strict=True):
        for server, reply in replies:
            if isinstance(reply, Reply) and reply.authoritative:
                good.add(server.name)
            elif isinstance(reply, Reply):
                bad = True
                context.emit("IS_NOT_AUTHORITATIVE", ns=server, proto=transport.value)
    if good and not bad:
        context.emit("ARE_AUTHORITATIVE", nsname_list=good)


@case(
    "Delegation05",
    {
        "NO_NS_CNAME": info(),
        "NO_RESPONSE": debug("ns", "query_name", "rrtype"),
        "NS_IS_CNAME": error("nsname"),
        "UNEXPECTED_RCODE": warning("ns", "query_name", "rrtype", "rcode"),
    },
)
async def delegation05(context: Context) -> None:
    """DELEGATION05, no name server name is an alias.

    Where a name lies below the zone in a zone of its own it is looked up, as specified; the old implementation asks
    the same server again with RD set.
    """
    names = sorted({*await context.v1.delegation_names(), *await context.v1.zone_names()})
    servers = await context.v1.servers()
    # All at once; what follows reads the same replies in a fixed order.
    inside = [name for name in names if name.is_subdomain(context.zone)]
    await asyncio.gather(
        *(context.ask_all(servers, name, dns.rdatatype.A) for name in inside),
        *(context.resolve(name, dns.rdatatype.A) for name in names if name not in inside),
    )
    aliases = [name for name in names if await _is_alias(context, name, servers)]
    for name in aliases:
        context.emit("NS_IS_CNAME", nsname=name)
    if names and not aliases:
        context.emit("NO_NS_CNAME")


async def _is_alias(context: Context, name: dns.name.Name, servers: Sequence[Server]) -> bool:
    if not name.is_subdomain(context.zone):
        return await _resolves_as_alias(context, name)
    found = False
    for server, reply in await context.ask_all(servers, name, dns.rdatatype.A):
        found = await _says_alias(context, server, reply, name) or found
    return found


async def _says_alias(context: Context, server: Server, reply: Reply | NoResponse, name: dns.name.Name) -> bool:
    about = {"ns": server, "query_name": name, "rrtype": dns.rdatatype.A}
    if not isinstance(reply, Reply):
        context.emit("NO_RESPONSE", **about)
        return False
    if not reply.noerror:
        context.emit("UNEXPECTED_RCODE", **about, rcode=reply.rcode)
        return False
    if reply.answers(dns.rdatatype.CNAME):
        return True
    below = reply.referral()
    away = below is not None and below != context.zone and below.is_subdomain(context.zone)
    return away and await _resolves_as_alias(context, name)


async def _resolves_as_alias(context: Context, name: dns.name.Name) -> bool:
    found = await context.resolve(name, dns.rdatatype.A)
    return bool(found.aliases) or (found.reply is not None and bool(found.reply.answers(dns.rdatatype.CNAME)))


@case("Delegation06", {"SOA_EXISTS": info(), "SOA_NOT_EXISTS": error("ns")})
async def delegation06(context: Context) -> None:
    """DELEGATION06, there is an SOA record.

    Every address is asked; the old implementation asks the first of each name. SOA_EXISTS needs one server that gives
    it: where no server answers there is nothing to say.
    """
    replies, _ = await apex.soa_replies(context, await context.v1.servers())
    having = [server for server, reply in replies if reply.noerror and apex.soa(reply, context.zone) is not None]
    lacking = [server for server, reply in replies if reply.noerror and server not in having]
    for server in lacking:
        context.emit("SOA_NOT_EXISTS", ns=server)
    if having and not lacking:
        context.emit("SOA_EXISTS")


@case(
    "Delegation07",
    {
        "EXTRA_NAME_CHILD": notice("extra"),
        "EXTRA_NAME_PARENT": error("extra"),
        "NAMES_MATCH": info(),
        "TOTAL_NAME_MISMATCH": error(),
    },
)
async def delegation07(context: Context) -> None:
    """DELEGATION07, parent and child give the same names.

    Nothing is said where neither gives any; the old implementation then says that they match and that they do not.
    """
    parent, child = set(await context.v1.delegation_names()), set(await context.v1.zone_names())
    if parent - child:
        context.emit("EXTRA_NAME_PARENT", extra=parent - child)
    if child - parent:
        context.emit("EXTRA_NAME_CHILD", extra=child - parent)
    if (parent or child) and not parent & child:
        context.emit("TOTAL_NAME_MISMATCH")
    if parent and parent == child:
        context.emit("NAMES_MATCH")
