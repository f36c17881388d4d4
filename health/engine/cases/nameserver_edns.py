"""How name servers treat what is new to them in EDNS (RFC 6891): Nameserver10 to Nameserver13."""

from __future__ import annotations

from typing import TYPE_CHECKING

import dns.rcode
from dns.rdatatype import DNSKEY, SOA

from health.engine.findings import Findings
from health.engine.network import EDNS, Edns
from health.engine.registry import case, debug, warning
from health.engine.reply import Reply

if TYPE_CHECKING:
    from health.engine.context import Context

# Unassigned in the IANA registry "DNS EDNS0 Option Codes (OPT)", far from where codes are being assigned; the original
# has 137, which may be assigned any day.
UNKNOWN_OPTION = 49152
UNKNOWN_FLAGS = 3  # two of the Z bits

VERSION_1 = Edns(version=1)
WITH_OPTION = Edns(options=((UNKNOWN_OPTION, b""),))
WITH_FLAGS = Edns(z=UNKNOWN_FLAGS)
SMALL_DNSSEC = Edns(dnssec_ok=True)


@case(
    "Nameserver10",
    {
        "N10_NO_RESPONSE_EDNS1_QUERY": warning("ns_ip_list"),
        "N10_UNEXPECTED_RCODE": warning("rcode", "ns_ip_list"),
        "N10_EDNS_RESPONSE_ERROR": warning("ns_ip_list"),
    },
)
async def nameserver10(context: Context) -> None:
    """Undefined EDNS version (Nameserver-TP/nameserver10.md)."""
    findings = Findings(context, "ns_ip_list")
    first = await context.ask_all(await context.v1.servers(), context.zone, SOA, edns=EDNS)
    fit = [server for server, reply in first if isinstance(reply, Reply) and reply.noerror]
    for server, reply in await context.ask_all(fit, context.zone, SOA, edns=VERSION_1):
        if not isinstance(reply, Reply):
            findings.add("N10_NO_RESPONSE_EDNS1_QUERY", server)
        elif reply.rcode != dns.rcode.BADVERS:
            findings.add("N10_UNEXPECTED_RCODE", server, rcode=reply.rcode)
        elif reply.edns_version != 0 or reply.answers():
            findings.add("N10_EDNS_RESPONSE_ERROR", server)
    findings.emit()


@case(
    "Nameserver11",
    {
        "N11_NO_EDNS": warning("ns_ip_list"),
        "N11_NO_RESPONSE": warning("ns_ip_list"),
        "N11_RETURNS_UNKNOWN_OPTION_CODE": warning("ns_ip_list"),
        "N11_UNEXPECTED_ANSWER_SECTION": warning("ns_ip_list"),
        "N11_UNEXPECTED_RCODE": warning("rcode", "ns_ip_list"),
        "N11_UNSET_AA": warning("ns_ip_list"),
    },
)
async def nameserver11(context: Context) -> None:
    """Unknown EDNS option (Nameserver-TP/nameserver11.md)."""
    findings = Findings(context, "ns_ip_list")
    first = await context.ask_all(await context.v1.servers(), context.zone, SOA, edns=EDNS)
    fit = [
        server
        for server, reply in first
        if isinstance(reply, Reply) and reply.noerror and reply.has_edns and reply.authoritative and reply.asked()
    ]
    for server, reply in await context.ask_all(fit, context.zone, SOA, edns=WITH_OPTION):
        if not isinstance(reply, Reply):
            findings.add("N11_NO_RESPONSE", server)
        elif not reply.noerror:
            findings.add("N11_UNEXPECTED_RCODE", server, rcode=reply.rcode)
        elif not reply.has_edns:
            findings.add("N11_NO_EDNS", server)
        elif not reply.asked():
            findings.add("N11_UNEXPECTED_ANSWER_SECTION", server)
        elif not reply.authoritative:
            findings.add("N11_UNSET_AA", server)
        elif UNKNOWN_OPTION in reply.edns_options:
            findings.add("N11_RETURNS_UNKNOWN_OPTION_CODE", server)
    findings.emit()


@case(
    "Nameserver12",
    {
        "NO_EDNS_SUPPORT": warning("ns"),
        "NS_ERROR": warning("ns"),
        "Z_FLAGS_NOTCLEAR": warning("ns"),
        "NO_RESPONSE": debug("ns", "domain"),
    },
)
async def nameserver12(context: Context) -> None:
    """Unknown EDNS flags (Nameserver-TP/nameserver12.md).

    Z_FLAGS_NOTCLEAR is a WARNING; the original gives it no level, and so nobody ever sees it.
    """
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, SOA, edns=WITH_FLAGS):
        if not isinstance(reply, Reply):
            context.emit("NO_RESPONSE", ns=server, domain=context.zone)
        elif reply.rcode == dns.rcode.FORMERR:
            context.emit("NO_EDNS_SUPPORT", ns=server)
        elif reply.edns_z:
            context.emit("Z_FLAGS_NOTCLEAR", ns=server)
        elif not (reply.noerror and reply.edns_version == 0 and reply.asked()):
            context.emit("NS_ERROR", ns=server)


@case(
    "Nameserver13",
    {
        "NO_EDNS_SUPPORT": warning("ns"),
        "NS_ERROR": warning("ns"),
        "MISSING_OPT_IN_TRUNCATED": warning("ns"),
        "NO_RESPONSE": debug("ns", "domain"),
    },
)
async def nameserver13(context: Context) -> None:
    """Truncated reply keeps OPT (Nameserver-TP/nameserver13.md).

    Asks for DNSKEY as specified; the original asks for SOA, which is hardly ever truncated.
    """
    servers = await context.v1.servers()
    for server, reply in await context.ask_all(servers, context.zone, DNSKEY, edns=SMALL_DNSSEC, fall_back=False):
        if not isinstance(reply, Reply):
            context.emit("NO_RESPONSE", ns=server, domain=context.zone)
        elif reply.rcode == dns.rcode.FORMERR:
            context.emit("NO_EDNS_SUPPORT", ns=server)
        elif reply.truncated and not reply.has_edns:
            context.emit("MISSING_OPT_IN_TRUNCATED", ns=server)
        elif not (reply.noerror and reply.edns_version == 0):
            context.emit("NS_ERROR", ns=server)
