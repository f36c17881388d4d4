"""Connectivity: the name servers answer over UDP and TCP, and do not all sit in one network (Connectivity-TP)."""

from __future__ import annotations

import asyncio
import ipaddress
from collections import defaultdict
from collections.abc import Callable, Mapping

import dns.rdatatype

from health.engine.context import Context, addresses_of
from health.engine.network import NoResponse, Transport
from health.engine.origins import Origin, SourceFailed, origin
from health.engine.registry import Tag, case, debug, info, notice, warning
from health.engine.reply import Reply, Server

_FAMILIES = {"IPV4": 4, "IPV6": 6}


def _reachability_tags(prefix: str, protocol: str) -> dict[str, Tag]:
    tags = {f"{prefix}_NO_RESPONSE_{protocol}": warning("ns")}
    for rrtype in ("NS", "SOA"):
        tags |= {
            f"{prefix}_MISSING_{rrtype}_RECORD_{protocol}": warning("ns"),
            f"{prefix}_NO_RESPONSE_{rrtype}_QUERY_{protocol}": warning("ns"),
            f"{prefix}_{rrtype}_RECORD_NOT_AA_{protocol}": warning("ns"),
            f"{prefix}_UNEXPECTED_RCODE_{rrtype}_QUERY_{protocol}": warning("ns", "rcode"),
            f"{prefix}_WRONG_{rrtype}_RECORD_{protocol}": warning("ns", "domain_found", "domain_expected"),
        }
    return tags


@case(
    "Connectivity01",
    {
        **_reachability_tags("CN01", "UDP"),
        "CN01_IPV4_DISABLED": notice("ns_list"),
        "CN01_IPV6_DISABLED": notice("ns_list"),
    },
)
async def connectivity01(context: Context) -> None:
    """CONNECTIVITY01, every name server answers over UDP."""
    servers = await context.v1.servers()
    enabled = {"IPV4": context.profile.ipv4, "IPV6": context.profile.ipv6}
    for family, version in _FAMILIES.items():
        skipped = [server for server in servers if _version(server) == version]
        if skipped and not enabled[family]:
            context.emit(f"CN01_{family}_DISABLED", ns_list=skipped)
            servers = [server for server in servers if server not in skipped]
    await _reachability(context, servers, Transport.UDP, "CN01")


@case("Connectivity02", _reachability_tags("CN02", "TCP"))
async def connectivity02(context: Context) -> None:
    """CONNECTIVITY02, every name server answers over TCP."""
    await _reachability(context, await context.v1.servers(), Transport.TCP, "CN02")


def _version(server: Server) -> int:
    return ipaddress.ip_address(server.address).version


async def _reachability(context: Context, servers: list[Server], transport: Transport, prefix: str) -> None:
    soa, ns = await asyncio.gather(
        context.ask_all(servers, context.zone, dns.rdatatype.SOA, transport=transport),
        context.ask_all(servers, context.zone, dns.rdatatype.NS, transport=transport),
    )
    for (server, soa_reply), (_, ns_reply) in zip(soa, ns, strict=True):
        if not soa_reply and not ns_reply:
            context.emit(f"{prefix}_NO_RESPONSE_{transport.value}", ns=server)
            continue
        _say_fault(context, server, "SOA", soa_reply, prefix, transport)
        _say_fault(context, server, "NS", ns_reply, prefix, transport)


def _say_fault(
    context: Context, server: Server, rrtype: str, reply: Reply | NoResponse, prefix: str, transport: Transport
) -> None:
    """Say the first thing that is wrong with a reply, if anything is."""
    protocol = transport.value
    if not reply:
        context.emit(f"{prefix}_NO_RESPONSE_{rrtype}_QUERY_{protocol}", ns=server)
        return
    found = reply.answers(dns.rdatatype.from_text(rrtype))
    wrong = [record.name for record in found if record.name != context.zone]
    if not reply.noerror:
        context.emit(f"{prefix}_UNEXPECTED_RCODE_{rrtype}_QUERY_{protocol}", ns=server, rcode=reply.rcode)
    elif not found:
        context.emit(f"{prefix}_MISSING_{rrtype}_RECORD_{protocol}", ns=server)
    elif wrong:
        tag = f"{prefix}_WRONG_{rrtype}_RECORD_{protocol}"
        context.emit(tag, ns=server, domain_found=wrong[0], domain_expected=context.zone)
    elif not reply.authoritative:
        context.emit(f"{prefix}_{rrtype}_RECORD_NOT_AA_{protocol}", ns=server)


@case(
    "Connectivity03",
    {
        "ASN_INFOS_ANNOUNCE_BY": debug("ns_ip", "asn"),
        "ASN_INFOS_ANNOUNCE_IN": debug("ns_ip", "prefix"),
        "ASN_INFOS_RAW": debug("ns_ip", "data"),
        "EMPTY_ASN_SET": notice("ns_ip"),
        "ERROR_ASN_DATABASE": notice("ns_ip"),
        "IPV4_DIFFERENT_ASN": info("asn_list"),
        "IPV4_ONE_ASN": warning("asn"),
        "IPV4_SAME_ASN": notice("asn_list"),
        "IPV6_DIFFERENT_ASN": info("asn_list"),
        "IPV6_ONE_ASN": warning("asn"),
        "IPV6_SAME_ASN": notice("asn_list"),
    },
)
async def connectivity03(context: Context) -> None:
    """CONNECTIVITY03, name servers are announced by different autonomous systems.

    Addresses the source knows nothing of, or fails for, are reported and left out of the comparison.
    """
    known = await _known_origins(context, await context.v1.servers(), _say_asn_gap)
    for address, found in known.items():
        context.emit("ASN_INFOS_RAW", ns_ip=address, data=found.raw)
        context.emit("ASN_INFOS_ANNOUNCE_BY", ns_ip=address, asn=",".join(map(str, found.asns)))
        context.emit("ASN_INFOS_ANNOUNCE_IN", ns_ip=address, prefix=str(found.prefix))
    for family, version in _FAMILIES.items():
        sets = {found.asns for address, found in known.items() if ipaddress.ip_address(address).version == version}
        if len(sets) > 1:
            context.emit(f"{family}_DIFFERENT_ASN", asn_list={str(asn) for asns in sets for asn in asns})
        for asns in sets if len(sets) == 1 else ():
            if len(asns) == 1:
                context.emit(f"{family}_ONE_ASN", asn=asns[0])
            else:
                context.emit(f"{family}_SAME_ASN", asn_list=[str(asn) for asn in asns])


@case(
    "Connectivity04",
    {
        "CN04_ASN_INFOS_ANNOUNCE_IN": debug("ns_ip", "prefix"),
        "CN04_ASN_INFOS_RAW": debug("ns_ip", "data"),
        "CN04_EMPTY_PREFIX_SET": notice("ns_ip"),
        "CN04_ERROR_PREFIX_DATABASE": notice("ns_ip"),
        "CN04_IPV4_DIFFERENT_PREFIX": info("ns_list"),
        "CN04_IPV4_SAME_PREFIX": notice("ip_prefix", "ns_list"),
        "CN04_IPV4_SINGLE_PREFIX": warning(),
        "CN04_IPV6_DIFFERENT_PREFIX": info("ns_list"),
        "CN04_IPV6_SAME_PREFIX": notice("ip_prefix", "ns_list"),
        "CN04_IPV6_SINGLE_PREFIX": warning(),
    },
)
async def connectivity04(context: Context) -> None:
    """CONNECTIVITY04, name servers are announced in different prefixes.

    All servers in one prefix holds for a single server too. Servers of unknown prefix are left out.
    """
    servers = await context.v2.servers()
    known = await _known_origins(context, servers, _say_prefix_gap)
    for address, found in known.items():
        context.emit("CN04_ASN_INFOS_RAW", ns_ip=address, data=found.raw)
        context.emit("CN04_ASN_INFOS_ANNOUNCE_IN", ns_ip=address, prefix=str(found.prefix))
    for family, version in _FAMILIES.items():
        members = [server for server in servers if server.address in known and _version(server) == version]
        _say_prefixes(context, family, members, known)


def _say_prefixes(context: Context, family: str, servers: list[Server], known: Mapping[str, Origin]) -> None:
    shared: dict[str, list[Server]] = defaultdict(list)
    for server in servers:
        shared[str(known[server.address].prefix)].append(server)
    for prefix, members in sorted(shared.items()):
        if len(members) > 1:
            context.emit(f"CN04_{family}_SAME_PREFIX", ip_prefix=prefix, ns_list=members)
    alone = [members[0] for members in shared.values() if len(members) == 1]
    if alone:
        context.emit(f"CN04_{family}_DIFFERENT_PREFIX", ns_list=alone)
    if len(shared) == 1:
        context.emit(f"CN04_{family}_SINGLE_PREFIX")


Gap = Callable[[Context, str, Origin | None], bool]


async def _known_origins(context: Context, servers: list[Server], gap: Gap) -> dict[str, Origin]:
    """The origin of each address; `gap` says of an address (None: the source failed) whether there is none to use."""
    addresses = addresses_of(servers)
    found = await asyncio.gather(*(_origin(context, address) for address in addresses))
    return {
        address: known
        for address, known in zip(addresses, found, strict=True)
        if not gap(context, address, known) and known is not None
    }


async def _origin(context: Context, address: str) -> Origin | None:
    try:
        return await origin(context, address)
    except SourceFailed:
        return None


def _say_asn_gap(context: Context, address: str, found: Origin | None) -> bool:
    if found is None:
        context.emit("ERROR_ASN_DATABASE", ns_ip=address)
    elif not found.asns:
        context.emit("EMPTY_ASN_SET", ns_ip=address)
    return found is None or not found.asns


def _say_prefix_gap(context: Context, address: str, found: Origin | None) -> bool:
    if found is not None and found.prefix is None:
        context.emit("CN04_EMPTY_PREFIX_SET", ns_ip=address)
        return True
    if found is None or found.prefix is None or ipaddress.ip_address(address) not in found.prefix:
        context.emit("CN04_ERROR_PREFIX_DATABASE", ns_ip=address)
        return True
    return False
