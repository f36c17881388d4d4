"""The Zone module: what the zone says of itself in its SOA record. Mail is in zone_mail: Zone08, Zone09, Zone11."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import dns.name
import dns.rdatatype

from health.engine.cases import apex
from health.engine.cases.usable import authoritative
from health.engine.findings import Findings
from health.engine.registry import case, debug, error, info, notice, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    from dns.rdtypes.ANY.SOA import SOA

    from health.engine.context import Context

LOCALHOST = dns.name.from_text("localhost")
LOCALHOST_ADDRESSES = ("127.0.0.1", "::1")
_SERIAL_HALF = 1 << 31


def newer(serial: int, other: int) -> bool:
    """Whether a serial number is the higher one (RFC 1982 section 3.2); where that is undefined, it is not."""
    return 0 < (serial - other) % (2 * _SERIAL_HALF) < _SERIAL_HALF


@case(
    "Zone01",
    {
        "Z01_MNAME_HAS_LOCALHOST_ADDR": notice("nsname", "ns_ip"),
        "Z01_MNAME_IS_DOT": notice("ns_ip_list"),
        "Z01_MNAME_IS_LOCALHOST": notice("ns_ip_list"),
        "Z01_MNAME_MISSING_SOA_RECORD": notice("ns"),
        "Z01_MNAME_NO_RESPONSE": notice("ns"),
        "Z01_MNAME_NOT_AUTHORITATIVE": notice("ns"),
        "Z01_MNAME_NOT_MASTER": notice("ns_list", "soaserial", "soaserial_list"),
        "Z01_MNAME_NOT_RESOLVE": notice("nsname"),
        "Z01_MNAME_UNEXPECTED_RCODE": notice("ns", "rcode"),
        "Z01_MNAME_NOT_IN_NS_LIST": info("nsname"),
        "Z01_MNAME_IS_MASTER": debug("ns_list"),
    },
)
async def zone01(context: Context) -> None:
    """MNAME is a working master (Zone-TP/zone01.md)."""
    findings = Findings(context, "ns_ip_list")
    named: set[dns.name.Name] = set()
    serials: set[int] = set()
    for server, record in await _authoritative_soas(context):
        serials.add(record.serial)
        if record.mname == LOCALHOST:
            findings.add("Z01_MNAME_IS_LOCALHOST", server)
        elif record.mname == dns.name.root:
            findings.add("Z01_MNAME_IS_DOT", server)
        else:
            named.add(record.mname)
    findings.emit()
    listed = await context.v1.zone_names()
    masters: dict[Server, int] = {}
    for mname in sorted(named):
        if mname not in listed:
            context.emit("Z01_MNAME_NOT_IN_NS_LIST", nsname=mname)
        masters |= await _serials_at(context, mname)
    _compare(context, masters, serials)


async def _authoritative_soas(context: Context) -> list[tuple[Server, SOA]]:
    replies = await context.ask_all(await context.v1.servers(), context.zone, dns.rdatatype.SOA)
    usable = [(server, found) for server, reply in replies if (found := authoritative(reply))]
    return [(server, record) for server, reply in usable if (record := apex.soa(reply, context.zone))]


async def _serials_at(context: Context, mname: dns.name.Name) -> Mapping[Server, int]:
    """The serial at each address of the name that serves the zone; says what is wrong with the others."""
    addresses = await context.addresses(mname)
    if not addresses:
        context.emit("Z01_MNAME_NOT_RESOLVE", nsname=mname)
    for address in addresses:
        if address in LOCALHOST_ADDRESSES:
            context.emit("Z01_MNAME_HAS_LOCALHOST_ADDR", nsname=mname, ns_ip=address)
    servers = [Server(mname, address) for address in addresses if address not in LOCALHOST_ADDRESSES]
    serials = {}
    for server, reply in await context.ask_all(servers, context.zone, dns.rdatatype.SOA):
        record = apex.soa(reply, context.zone) if isinstance(reply, Reply) else None
        if not isinstance(reply, Reply):
            context.emit("Z01_MNAME_NO_RESPONSE", ns=server)
        elif not reply.noerror:
            context.emit("Z01_MNAME_UNEXPECTED_RCODE", ns=server, rcode=reply.rcode)
        elif record is None:
            context.emit("Z01_MNAME_MISSING_SOA_RECORD", ns=server)
        elif not reply.authoritative:
            context.emit("Z01_MNAME_NOT_AUTHORITATIVE", ns=server)
        else:
            serials[server] = record.serial
    return serials


def _compare(context: Context, masters: Mapping[Server, int], serials: set[int]) -> None:
    """Whether any server of the zone is ahead of what the SOA record names as the master."""
    behind: dict[int, set[Server]] = {}
    for server, serial in masters.items():
        if any(newer(other, serial) for other in serials):
            behind.setdefault(serial, set()).add(server)
    for serial, servers in sorted(behind.items()):
        ahead = [other for other in serials if newer(other, serial)]
        context.emit("Z01_MNAME_NOT_MASTER", ns_list=servers, soaserial=serial, soaserial_list=ahead)
    leading = set(masters).difference(*behind.values())
    if leading:
        context.emit("Z01_MNAME_IS_MASTER", ns_list=leading)


async def first_soa(context: Context) -> SOA | None:
    """The SOA record of the first server (M5, in order) that has one with AA; says NO_RESPONSE_SOA_QUERY if none."""
    for _, reply in await context.ask_all(await context.v1.zone_servers(), context.zone, dns.rdatatype.SOA):
        record = apex.soa(reply, context.zone) if isinstance(reply, Reply) and reply.authoritative else None
        if record is not None:
            return record
    context.emit("NO_RESPONSE_SOA_QUERY")
    return None


@case(
    "Zone02",
    {
        "REFRESH_MINIMUM_VALUE_LOWER": notice("refresh", "required_refresh"),
        "REFRESH_MINIMUM_VALUE_OK": info("refresh", "required_refresh"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone02(context: Context) -> None:
    """REFRESH minimum (Zone-TP/zone02.md)."""
    if record := await first_soa(context):
        least = context.profile.variable("zone02", "SOA_REFRESH_MINIMUM_VALUE")
        tag = "REFRESH_MINIMUM_VALUE_LOWER" if record.refresh < least else "REFRESH_MINIMUM_VALUE_OK"
        context.emit(tag, refresh=record.refresh, required_refresh=least)


@case(
    "Zone03",
    {
        "REFRESH_LOWER_THAN_RETRY": info("refresh", "retry"),
        "REFRESH_HIGHER_THAN_RETRY": info("refresh", "retry"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone03(context: Context) -> None:
    """RETRY lower than REFRESH (Zone-TP/zone03.md). Equal is not lower."""
    if record := await first_soa(context):
        tag = "REFRESH_LOWER_THAN_RETRY" if record.retry >= record.refresh else "REFRESH_HIGHER_THAN_RETRY"
        context.emit(tag, refresh=record.refresh, retry=record.retry)


@case(
    "Zone04",
    {
        "RETRY_MINIMUM_VALUE_LOWER": notice("retry", "required_retry"),
        "RETRY_MINIMUM_VALUE_OK": info("retry", "required_retry"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone04(context: Context) -> None:
    """RETRY minimum (Zone-TP/zone04.md)."""
    if record := await first_soa(context):
        least = context.profile.variable("zone04", "SOA_RETRY_MINIMUM_VALUE")
        tag = "RETRY_MINIMUM_VALUE_LOWER" if record.retry < least else "RETRY_MINIMUM_VALUE_OK"
        context.emit(tag, retry=record.retry, required_retry=least)


@case(
    "Zone05",
    {
        "EXPIRE_MINIMUM_VALUE_LOWER": warning("expire", "required_expire"),
        "EXPIRE_LOWER_THAN_REFRESH": warning("expire", "refresh"),
        "EXPIRE_MINIMUM_VALUE_OK": info("expire", "required_expire", "refresh"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone05(context: Context) -> None:
    """EXPIRE minimum (Zone-TP/zone05.md)."""
    record = await first_soa(context)
    if record is None:
        return
    least = context.profile.variable("zone05", "SOA_EXPIRE_MINIMUM_VALUE")
    if record.expire < least:
        context.emit("EXPIRE_MINIMUM_VALUE_LOWER", expire=record.expire, required_expire=least)
    if record.expire < record.refresh:
        context.emit("EXPIRE_LOWER_THAN_REFRESH", expire=record.expire, refresh=record.refresh)
    if record.expire >= max(least, record.refresh):
        context.emit("EXPIRE_MINIMUM_VALUE_OK", expire=record.expire, required_expire=least, refresh=record.refresh)


@case(
    "Zone06",
    {
        "SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER": notice("minimum", "highest_minimum"),
        "SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER": notice("minimum", "lowest_minimum"),
        "SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK": info("minimum", "lowest_minimum", "highest_minimum"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone06(context: Context) -> None:
    """SOA MINIMUM, the negative TTL (Zone-TP/zone06.md)."""
    record = await first_soa(context)
    if record is None:
        return
    most = context.profile.variable("zone06", "SOA_DEFAULT_TTL_MAXIMUM_VALUE")
    least = context.profile.variable("zone06", "SOA_DEFAULT_TTL_MINIMUM_VALUE")
    if record.minimum > most:
        context.emit("SOA_DEFAULT_TTL_MAXIMUM_VALUE_HIGHER", minimum=record.minimum, highest_minimum=most)
    elif record.minimum < least:
        context.emit("SOA_DEFAULT_TTL_MAXIMUM_VALUE_LOWER", minimum=record.minimum, lowest_minimum=least)
    else:
        limits = {"lowest_minimum": least, "highest_minimum": most}
        context.emit("SOA_DEFAULT_TTL_MAXIMUM_VALUE_OK", minimum=record.minimum, **limits)


@case(
    "Zone07",
    {
        "MNAME_HAS_NO_ADDRESS": warning("mname"),
        "MNAME_IS_CNAME": notice("mname"),
        "MNAME_IS_NOT_CNAME": info("mname"),
        "NO_RESPONSE_SOA_QUERY": debug(),
    },
)
async def zone07(context: Context) -> None:
    """MNAME is not an alias (Zone-TP/zone07.md). As in the original, said once for each type of address asked for."""
    record = await first_soa(context)
    if record is None:
        return
    found = [await context.resolve(record.mname, rdtype) for rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA)]
    for resolution in found:
        if resolution.aliases:
            context.emit("MNAME_IS_CNAME", mname=record.mname)
        elif resolution.reply is not None:
            context.emit("MNAME_IS_NOT_CNAME", mname=record.mname)
    if not any(resolution.records for resolution in found):
        context.emit("MNAME_HAS_NO_ADDRESS", mname=record.mname)


@case(
    "Zone10",
    {
        "MULTIPLE_SOA": error("ns", "count"),
        "ONE_SOA": info(),
        "NO_RESPONSE": debug("ns"),
        "NO_SOA_IN_RESPONSE": debug("ns"),
        "WRONG_SOA": debug("ns", "owner", "name"),
    },
)
async def zone10(context: Context) -> None:
    """Single SOA (Zone-TP/zone10.md).

    In the order of the specification: a wrong owner comes before there being several. The original has it reversed.
    """
    replies = await context.ask_all(await context.v1.servers(), context.zone, dns.rdatatype.SOA)
    single = 0
    for server, reply in replies:
        found = reply.answers(dns.rdatatype.SOA) if isinstance(reply, Reply) else []
        wrong = next((record.name for record in found if record.name != context.zone), None)
        if not reply:
            context.emit("NO_RESPONSE", ns=server)
        elif not found:
            context.emit("NO_SOA_IN_RESPONSE", ns=server)
        elif wrong is not None:
            context.emit("WRONG_SOA", ns=server, owner=wrong, name=context.zone)
        elif len(found) > 1:
            context.emit("MULTIPLE_SOA", ns=server, count=len(found))
        else:
            single += 1
    if replies and single == len(replies):
        context.emit("ONE_SOA")
