"""Consistency: all name servers say the same of the zone, and the parent of them (Zonemaster, Consistency-TP)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import dns.name
import dns.rdatatype

from health.engine.cases import apex
from health.engine.context import Context
from health.engine.registry import case, debug, info, notice, warning
from health.engine.reply import Reply, Server

ACCEPTED_SERIAL_DIFFERENCE = 0  # CONSISTENCY01, "Accepted Serial Difference"
_HALF = 1 << 31  # RFC 1982 section 3.2: serials this far apart have no order
_MODULUS = 1 << 32

_SOA_GAPS = {"NO_RESPONSE": debug("ns"), "NO_RESPONSE_SOA_QUERY": debug("ns")}


@case(
    "Consistency01",
    {
        **_SOA_GAPS,
        "MULTIPLE_SOA_SERIALS": warning("count"),
        "ONE_SOA_SERIAL": info("serial"),
        "SOA_SERIAL": info("serial", "ns_list"),
        "SOA_SERIAL_VARIATION": notice("serial_min", "serial_max", "max_variation"),
    },
)
async def consistency01(context: Context) -> None:
    """CONSISTENCY01, the SOA serial is the same everywhere.

    Serials are ordered as RFC 1982 has it; the old implementation orders them as text. Where they have no order, the
    smallest and largest numbers are shown. MULTIPLE_SOA_SERIALS_OK of the specification needs an accepted difference
    other than 0 and does not exist here, as there.
    """
    holders: dict[int, list[Server]] = defaultdict(list)
    for server, soa in await apex.soa_records(context, await context.v1.servers()):
        holders[soa.serial].append(server)
    for serial, servers in sorted(holders.items()):
        context.emit("SOA_SERIAL", serial=serial, ns_list=servers)
    if len(holders) == 1:
        context.emit("ONE_SOA_SERIAL", serial=next(iter(holders)))
    elif holders:
        context.emit("MULTIPLE_SOA_SERIALS", count=len(holders))
        first, last = serial_range(holders)
        if (last - first) % _MODULUS > ACCEPTED_SERIAL_DIFFERENCE:
            variation = ACCEPTED_SERIAL_DIFFERENCE
            context.emit("SOA_SERIAL_VARIATION", serial_min=first, serial_max=last, max_variation=variation)


def serial_range(serials: Iterable[int]) -> tuple[int, int]:
    """The smallest and the largest serial by RFC 1982 section 3.2; by number where that defines no single order."""
    distinct = sorted(set(serials))
    for first in distinct:
        distances = [(serial - first) % _MODULUS for serial in distinct]
        if max(distances) < _HALF:
            return first, (first + max(distances)) % _MODULUS
    return distinct[0], distinct[-1]


@case(
    "Consistency02",
    {
        **_SOA_GAPS,
        "MULTIPLE_SOA_RNAMES": notice("count"),
        "ONE_SOA_RNAME": info("rname"),
        "SOA_RNAME": info("rname", "ns_list"),
    },
)
async def consistency02(context: Context) -> None:
    """CONSISTENCY02, the SOA RNAME is the same everywhere; upper and lower case are.

    SOA_RNAME is said of a single RNAME too; the old implementation says it where there are several.
    """
    holders: dict[dns.name.Name, list[Server]] = defaultdict(list)
    for server, soa in await apex.soa_records(context, await context.v1.servers()):
        holders[soa.rname].append(server)
    for rname, servers in sorted(holders.items()):
        context.emit("SOA_RNAME", rname=rname, ns_list=servers)
    if len(holders) == 1:
        context.emit("ONE_SOA_RNAME", rname=next(iter(holders)))
    elif holders:
        context.emit("MULTIPLE_SOA_RNAMES", count=len(holders))


_TIMERS = ("refresh", "retry", "expire", "minimum")


@case(
    "Consistency03",
    {
        **_SOA_GAPS,
        "MULTIPLE_SOA_TIME_PARAMETER_SET": notice("count"),
        "ONE_SOA_TIME_PARAMETER_SET": info(*_TIMERS),
        "SOA_TIME_PARAMETER_SET": info(*_TIMERS, "ns_list"),
    },
)
async def consistency03(context: Context) -> None:
    """CONSISTENCY03, the SOA timers are the same everywhere."""
    holders: dict[tuple[int, ...], list[Server]] = defaultdict(list)
    for server, soa in await apex.soa_records(context, await context.v1.servers()):
        holders[(soa.refresh, soa.retry, soa.expire, soa.minimum)].append(server)
    if len(holders) == 1:
        context.emit("ONE_SOA_TIME_PARAMETER_SET", **dict(zip(_TIMERS, next(iter(holders)), strict=True)))
    elif holders:
        context.emit("MULTIPLE_SOA_TIME_PARAMETER_SET", count=len(holders))
        for timers, servers in sorted(holders.items()):
            context.emit("SOA_TIME_PARAMETER_SET", **dict(zip(_TIMERS, timers, strict=True)), ns_list=servers)


@case(
    "Consistency04",
    {
        "MULTIPLE_NS_SET": notice("count"),
        "NO_RESPONSE": debug("ns"),
        "NO_RESPONSE_NS_QUERY": debug("ns"),
        "NS_SET": info("nsname_list", "servers"),
        "ONE_NS_SET": info("nsname_list"),
    },
)
async def consistency04(context: Context) -> None:
    """CONSISTENCY04, the NS records are the same everywhere.

    Names are compared, as by the old implementation. A sentence of the specification counts the TTL in; why it is not
    followed is said in docs/adr/0008. NS_SET is said of a single set too;
    the old implementation says it where there are several.
    """
    holders: dict[tuple[dns.name.Name, ...], list[Server]] = defaultdict(list)
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, dns.rdatatype.NS):
        if not isinstance(reply, Reply):
            context.emit("NO_RESPONSE", ns=server)
        elif names := apex.ns_names(reply, context.zone):
            holders[tuple(names)].append(server)
        else:
            context.emit("NO_RESPONSE_NS_QUERY", ns=server)
    for names_given, servers in sorted(holders.items()):
        context.emit("NS_SET", nsname_list=names_given, servers=servers)
    if len(holders) == 1:
        context.emit("ONE_NS_SET", nsname_list=next(iter(holders)))
    elif holders:
        context.emit("MULTIPLE_NS_SET", count=len(holders))


@case(
    "Consistency06",
    {**_SOA_GAPS, "MULTIPLE_SOA_MNAMES": notice("count"), "ONE_SOA_MNAME": info("mname")},
)
async def consistency06(context: Context) -> None:
    """CONSISTENCY06, the SOA MNAME is the same everywhere.

    The old implementation also emits SOA_MNAME, which is in no specification and has no severity.
    """
    mnames = {soa.mname for _, soa in await apex.soa_records(context, await context.v1.servers())}
    if len(mnames) == 1:
        context.emit("ONE_SOA_MNAME", mname=next(iter(mnames)))
    elif mnames:
        context.emit("MULTIPLE_SOA_MNAMES", count=len(mnames))
