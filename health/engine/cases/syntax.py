"""Syntax: the names of and in the zone are well-formed (Zonemaster, Syntax-TP)."""

from __future__ import annotations

import asyncio

import dns.name
import dns.rcode
import dns.rdatatype
from dns.rdtypes.ANY.MX import MX
from dns.rdtypes.IN.A import A
from dns.rdtypes.IN.AAAA import AAAA

from health.engine import hostnames
from health.engine.cases import apex
from health.engine.context import Context
from health.engine.registry import Tag, case, debug, error, info, notice, warning

LOCALHOST = frozenset({"127.0.0.1", "::1"})
_ADDRESS_TYPES = (dns.rdatatype.A, dns.rdatatype.AAAA)


@case("Syntax01", {"NON_ALLOWED_CHARS": error("domain"), "ONLY_ALLOWED_CHARS": info("domain")})
async def syntax01(context: Context) -> None:
    """SYNTAX01, the name has only letters, digits and hyphens; "_" and "/" may be given, and fail here."""
    good = hostnames.only_allowed_characters(context.zone)
    context.emit("ONLY_ALLOWED_CHARS" if good else "NON_ALLOWED_CHARS", domain=context.zone)


@case(
    "Syntax02",
    {
        "INITIAL_HYPHEN": error("domain", "label"),
        "NO_ENDING_HYPHENS": info("domain"),
        "TERMINAL_HYPHEN": error("domain", "label"),
    },
)
async def syntax02(context: Context) -> None:
    """SYNTAX02, no label begins or ends with a hyphen."""
    good = True
    for label in hostnames.labels(context.zone):
        for tag, found in (("INITIAL_HYPHEN", label.startswith(b"-")), ("TERMINAL_HYPHEN", label.endswith(b"-"))):
            if found:
                context.emit(tag, domain=context.zone, label=hostnames.label_text(label))
                good = False
    if good:
        context.emit("NO_ENDING_HYPHENS", domain=context.zone)


@case("Syntax03", {"DISCOURAGED_DOUBLE_DASH": warning("domain", "label"), "NO_DOUBLE_DASH": info("domain")})
async def syntax03(context: Context) -> None:
    """SYNTAX03, no label has "--" in positions 3 and 4 but A-labels.

    A-labels begin with "xn--"; the old implementation lets every label pass that begins with "xn".
    """
    found = list(hostnames.discouraged_double_dashes(context.zone))
    for label in found:
        context.emit("DISCOURAGED_DOUBLE_DASH", domain=context.zone, label=label)
    if not found:
        context.emit("NO_DOUBLE_DASH", domain=context.zone)


def _host_name_tags(prefix: str) -> dict[str, Tag]:
    bad = error if prefix == "NAMESERVER" else warning
    return {
        f"{prefix}_DISCOURAGED_DOUBLE_DASH": warning("domain", "label"),
        f"{prefix}_NON_ALLOWED_CHARS": bad("domain"),
        f"{prefix}_NUMERIC_TLD": bad("domain", "tld"),
        f"{prefix}_SYNTAX_OK": info("domain"),
    }


def _say_host_name(context: Context, prefix: str, name: dns.name.Name) -> None:
    """Say what is wrong with a name as the name of a host (RFC 1123 section 2.1), or that nothing is."""
    legal = hostnames.only_allowed_characters(name)
    if not legal:
        context.emit(f"{prefix}_NON_ALLOWED_CHARS", domain=name)
    dashes = list(hostnames.discouraged_double_dashes(name))
    for label in dashes:
        context.emit(f"{prefix}_DISCOURAGED_DOUBLE_DASH", domain=name, label=label)
    tld = hostnames.numeric_tld(name)
    if tld is not None:
        context.emit(f"{prefix}_NUMERIC_TLD", domain=name, tld=tld)
    if legal and not dashes and tld is None:
        context.emit(f"{prefix}_SYNTAX_OK", domain=name)


@case("Syntax04", _host_name_tags("NAMESERVER"))
async def syntax04(context: Context) -> None:
    """SYNTAX04, the names of the name servers are valid host names."""
    for name in sorted({*await context.v1.delegation_names(), *await context.v1.zone_names()}):
        _say_host_name(context, "NAMESERVER", name)


@case(
    "Syntax05",
    {
        "NO_RESPONSE_SOA_QUERY": debug(),
        "RNAME_MISUSED_AT_SIGN": warning("rname"),
        "RNAME_NO_AT_SIGN": info("rname"),
    },
)
async def syntax05(context: Context) -> None:
    """SYNTAX05, there is no "@" in the SOA RNAME."""
    reply = await apex.first_reply(context, dns.rdatatype.SOA)
    soa = None if reply is None else apex.soa(reply, context.zone)
    if soa is None:
        context.emit("NO_RESPONSE_SOA_QUERY")
        return
    context.emit("RNAME_MISUSED_AT_SIGN" if hostnames.holds_at_sign(soa.rname) else "RNAME_NO_AT_SIGN", rname=soa.rname)


@case(
    "Syntax06",
    {
        "NO_RESPONSE": debug("ns", "domain"),
        "NO_RESPONSE_SOA_QUERY": debug(),
        "RNAME_MAIL_DOMAIN_INVALID": notice("domain"),
        "RNAME_MAIL_DOMAIN_LOCALHOST": warning("domain", "localhost"),
        "RNAME_MAIL_ILLEGAL_CNAME": warning("domain"),
        "RNAME_RFC822_INVALID": warning("rname"),
        "RNAME_RFC822_VALID": info("rname"),
    },
)
async def syntax06(context: Context) -> None:
    """SYNTAX06, the SOA RNAME is a mail address whose domain takes mail.

    RNAME_MAIL_DOMAIN_LOCALHOST and RNAME_MAIL_ILLEGAL_CNAME are WARNING as in the specification; the old default
    profile leaves them out, which makes them DEBUG. RNAME_MAIL_DOMAIN_INVALID is NOTICE as in that profile.
    Each RNAME is looked at once, however many servers give it. A domain with a null MX takes no mail.
    """
    replies, silent = await apex.soa_replies(context, await context.v1.servers())
    for server in silent:
        context.emit("NO_RESPONSE", ns=server, domain=context.zone)
    records = [apex.soa(reply, context.zone) for _, reply in replies]
    if None in records:
        context.emit("NO_RESPONSE_SOA_QUERY")
    for rname in sorted({soa.rname for soa in records if soa is not None}):
        await _judge_mailbox(context, rname)


async def _judge_mailbox(context: Context, rname: dns.name.Name) -> None:
    address = hostnames.mailbox(rname)
    if address is None:
        context.emit("RNAME_RFC822_INVALID", rname=rname)
        return
    domain = rname.parent()
    resolution = await context.resolve(domain, dns.rdatatype.MX)
    if resolution.reply is None or resolution.reply.rcode != dns.rcode.NOERROR:
        context.emit("RNAME_MAIL_DOMAIN_INVALID", domain=domain)
        return
    exchanges = {record.rdata.exchange for record in resolution.records if isinstance(record.rdata, MX)}
    if dns.name.root in exchanges:  # RFC 7505: the domain says that it takes no mail
        context.emit("RNAME_MAIL_DOMAIN_INVALID", domain=domain)
        return
    targets = sorted(exchanges or {resolution.name})
    await asyncio.gather(*(context.resolve(target, rdtype) for target in targets for rdtype in _ADDRESS_TYPES))
    if all([await _takes_mail(context, target) for target in targets]):
        context.emit("RNAME_RFC822_VALID", rname=address)


async def _takes_mail(context: Context, target: dns.name.Name) -> bool:
    """Whether a mail target has a usable address; says what is wrong with it."""
    found = await asyncio.gather(*(context.resolve(target, rdtype) for rdtype in _ADDRESS_TYPES))
    if any(resolution.aliases for resolution in found):
        context.emit("RNAME_MAIL_ILLEGAL_CNAME", domain=target)
    addresses = {
        record.rdata.address
        for resolution in found
        if not resolution.aliases
        for record in resolution.records
        if isinstance(record.rdata, A | AAAA)
    }
    for address in sorted(addresses & LOCALHOST):
        context.emit("RNAME_MAIL_DOMAIN_LOCALHOST", domain=target, localhost=address)
    if not addresses - LOCALHOST:
        context.emit("RNAME_MAIL_DOMAIN_INVALID", domain=target)
    return bool(addresses - LOCALHOST)


@case("Syntax07", {**_host_name_tags("MNAME"), "NO_RESPONSE_SOA_QUERY": debug()})
async def syntax07(context: Context) -> None:
    """SYNTAX07, the SOA MNAME is a valid host name."""
    reply = await apex.first_reply(context, dns.rdatatype.SOA)
    soa = None if reply is None else apex.soa(reply, context.zone)
    if soa is None:
        context.emit("NO_RESPONSE_SOA_QUERY")
    else:
        _say_host_name(context, "MNAME", soa.mname)


@case("Syntax08", {**_host_name_tags("MX"), "NO_RESPONSE_MX_QUERY": debug()})
async def syntax08(context: Context) -> None:
    """SYNTAX08, the mail exchanges are valid host names; the null MX "." (RFC 7505) names none."""
    reply = await apex.first_reply(context, dns.rdatatype.MX)
    if reply is None:
        context.emit("NO_RESPONSE_MX_QUERY")
        return
    found = {record.rdata.exchange for record in reply.asked() if isinstance(record.rdata, MX)}
    for name in sorted(found - {dns.name.root}):
        _say_host_name(context, "MX", name)
