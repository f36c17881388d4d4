"""Whether the zone is signed, and served so: DNSSEC06, DNSSEC07."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.name
from dns.rdatatype import DNSKEY, DS, SOA

from health.engine.cases.dnssec.delegation import PRETENDED, pretended
from health.engine.cases.dnssec.records import dnssec_aware
from health.engine.cases.usable import authoritative
from health.engine.findings import Findings
from health.engine.network import DNSSEC
from health.engine.registry import case, debug, error, info, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    from health.engine.context import Context


@case(
    "DNSSEC06",
    {
        "EXTRA_PROCESSING_BROKEN": error("server", "keys", "sigs"),
        "EXTRA_PROCESSING_OK": debug("server", "keys", "sigs"),
    },
)
async def dnssec06(context: Context) -> None:
    """DNSSEC data is served (DNSSEC-TP/dnssec06.md)."""
    for server, reply in await context.ask_all(await context.v1.zone_servers(), context.zone, DNSKEY, edns=DNSSEC):
        if not isinstance(reply, Reply):
            continue
        keys, signatures = len(reply.answers(DNSKEY)), len(reply.signatures(DNSKEY))
        if keys and signatures:
            context.emit("EXTRA_PROCESSING_OK", server=server, keys=keys, sigs=signatures)
        elif reply.noerror:
            context.emit("EXTRA_PROCESSING_BROKEN", server=server, keys=keys, sigs=signatures)


@case(
    "DNSSEC07",
    {
        "DS07_INCONSISTENT_DS": error(),
        "DS07_INCONSISTENT_SIGNED": error(),
        "DS07_NON_AUTH_RESPONSE_DNSKEY": warning("ns_list"),
        "DS07_NOT_SIGNED": warning(),
        "DS07_NOT_SIGNED_ON_SERVER": warning("ns_list"),
        "DS07_NO_DS_ON_PARENT_SERVER": warning("ns_list"),
        "DS07_NO_DS_FOR_SIGNED_ZONE": warning(),
        "DS07_NO_RESPONSE_DNSKEY": warning("ns_list"),
        "DS07_UNEXP_RCODE_RESP_DNSKEY": warning("rcode", "ns_list"),
        "DS07_DS_FOR_SIGNED_ZONE": info(),
        "DS07_DS_ON_PARENT_SERVER": info("ns_list"),
        "DS07_SIGNED": info(),
        "DS07_SIGNED_ON_SERVER": info("ns_list"),
    },
)
async def dnssec07(context: Context) -> None:
    """Signed zone and DS in the parent (DNSSEC-TP/dnssec07.md). Runs first of its module.

    The specification leaves an undelegated test without DS silent about DS, and so is this.
    """
    findings = Findings(context)
    await _classify(context, findings)
    findings.emit()
    signed, unsigned = findings.servers("DS07_SIGNED_ON_SERVER"), findings.servers("DS07_NOT_SIGNED_ON_SERVER")
    if not signed:
        context.emit("DS07_NOT_SIGNED")
        return
    context.emit("DS07_INCONSISTENT_SIGNED" if unsigned else "DS07_SIGNED")
    at_parent = Findings(context)
    await _delegation(context, at_parent)
    at_parent.emit()
    having, without = at_parent.servers("DS07_DS_ON_PARENT_SERVER"), at_parent.servers("DS07_NO_DS_ON_PARENT_SERVER")
    if having and without:
        context.emit("DS07_INCONSISTENT_DS")
    elif (having or without) and not unsigned:
        context.emit("DS07_DS_FOR_SIGNED_ZONE" if having else "DS07_NO_DS_FOR_SIGNED_ZONE")


async def _classify(context: Context, findings: Findings) -> None:
    """Sort the servers that are authoritative for the zone by what they say to DNSKEY."""
    replies = await context.ask_all(await context.v2.servers(), context.zone, SOA)
    serving = [server for server, reply in replies if (found := authoritative(reply)) and found.asked()]
    for server, reply in await context.ask_all(serving, context.zone, DNSKEY, edns=DNSSEC):
        if not isinstance(reply, Reply):
            findings.add("DS07_NO_RESPONSE_DNSKEY", server)
        elif not reply.authoritative:
            findings.add("DS07_NON_AUTH_RESPONSE_DNSKEY", server)
        elif not reply.noerror:
            findings.add("DS07_UNEXP_RCODE_RESP_DNSKEY", server, rcode=reply.rcode)
        elif reply.asked() and reply.signatures(DNSKEY, context.zone):
            findings.add("DS07_SIGNED_ON_SERVER", server)
        else:
            findings.add("DS07_NOT_SIGNED_ON_SERVER", server)


async def _delegation(context: Context, findings: Findings) -> None:
    """Look for DS, at the parent's servers or among what was given."""
    given = pretended(context)
    if given:
        findings.add("DS07_DS_ON_PARENT_SERVER", PRETENDED)
    if given is not None or context.zone == dns.name.root:
        return
    servers: list[Server] = await context.v2.parent_servers() or []
    for server, reply in await context.ask_all(servers, context.zone, DS, edns=DNSSEC):
        usable = dnssec_aware(reply)
        if usable and usable.asked() and usable.signatures(DS, context.zone):
            findings.add("DS07_DS_ON_PARENT_SERVER", server)
        elif usable:
            findings.add("DS07_NO_DS_ON_PARENT_SERVER", server)
