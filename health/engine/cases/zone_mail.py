"""What the zone says of mail: Zone08, Zone09, Zone11."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import dns.name
import dns.rdtypes.ANY.MX
import dns.rdtypes.ANY.TXT
from dns.rdatatype import CNAME, MX, SOA, TXT

from health.engine import spf
from health.engine.cases.usable import authoritative, well_formed
from health.engine.findings import Findings
from health.engine.network import NoResponse
from health.engine.registry import case, debug, error, info, notice, warning
from health.engine.reply import Reply, Server

if TYPE_CHECKING:
    from health.engine.context import Context

ARPA = dns.name.from_text("arpa")
TLD_LABELS = 2  # a top level domain and the root
Exchanges = frozenset[tuple[int, dns.name.Name]]  # preference and exchange of each MX record


def is_tld(zone: dns.name.Name) -> bool:
    """Whether a zone is a top level domain."""
    return len(zone.labels) == TLD_LABELS


def expects_no_mail(zone: dns.name.Name) -> bool:
    """Whether nobody would look for mail here: the root, a top level domain, what is under arpa."""
    return zone == dns.name.root or is_tld(zone) or zone.is_subdomain(ARPA)


def exchanges(reply: Reply) -> Exchanges:
    """The MX records of the zone in a reply."""
    return frozenset((mx.preference, mx.exchange) for mx in well_formed(reply.asked(), dns.rdtypes.ANY.MX.MX))


@case(
    "Zone08",
    {"MX_RECORD_IS_CNAME": error(), "MX_RECORD_IS_NOT_CNAME": info(), "NO_RESPONSE_MX_QUERY": debug()},
)
async def zone08(context: Context) -> None:
    """MX target is not an alias (Zone-TP/zone08.md).

    Exchanges are looked up by recursion: the zone's own servers know only those in the zone. Each finding, having no
    arguments, is said once.
    """
    replies = await context.ask_all(await context.v1.zone_servers(), context.zone, MX)
    reply = next((reply for _, reply in replies if isinstance(reply, Reply) and reply.authoritative), None)
    if reply is None:
        context.emit("NO_RESPONSE_MX_QUERY")
        return
    targets = sorted({exchange for _, exchange in exchanges(reply)} - {dns.name.root})
    aliases = [bool((await context.resolve(target, CNAME)).records) for target in targets]
    if any(aliases):
        context.emit("MX_RECORD_IS_CNAME")
    if not all(aliases):
        context.emit("MX_RECORD_IS_NOT_CNAME")


@case(
    "Zone09",
    {
        "Z09_INCONSISTENT_MX": warning(),
        "Z09_INCONSISTENT_MX_DATA": warning(),
        "Z09_NON_AUTH_MX_RESPONSE": warning("ns_ip_list"),
        "Z09_NO_RESPONSE_MX_QUERY": warning("ns_ip_list"),
        "Z09_NULL_MX_WITH_OTHER_MX": warning(),
        "Z09_TLD_EMAIL_DOMAIN": warning(),
        "Z09_UNEXPECTED_RCODE_MX": warning("rcode", "ns_ip_list"),
        "Z09_MISSING_MAIL_TARGET": notice(),
        "Z09_NULL_MX_NON_ZERO_PREF": notice(),
        "Z09_ROOT_EMAIL_DOMAIN": notice(),
        "Z09_MX_DATA": info("mailtarget_list", "ns_ip_list"),
        "Z09_MX_FOUND": info("ns_ip_list"),
        "Z09_NO_MX_FOUND": info("ns_ip_list"),
    },
)
async def zone09(context: Context) -> None:
    """MX present and sane (Zone-TP/zone09.md)."""
    asked = await context.ask_all(await context.v1.servers(), context.zone, SOA)
    serving = [server for server, reply in asked if (usable := authoritative(reply)) and usable.asked()]
    findings = Findings(context, "ns_ip_list")
    found: dict[Exchanges, set[str]] = {}
    for server, reply in await context.ask_all(serving, context.zone, MX):
        if not isinstance(reply, Reply):
            findings.add("Z09_NO_RESPONSE_MX_QUERY", server)
        elif not reply.noerror:
            findings.add("Z09_UNEXPECTED_RCODE_MX", server, rcode=reply.rcode)
        elif not reply.authoritative:
            findings.add("Z09_NON_AUTH_MX_RESPONSE", server)
        else:
            found.setdefault(exchanges(reply), set()).add(server.address)
    findings.emit()
    _judge_mx(context, found)


def _judge_mx(context: Context, found: Mapping[Exchanges, set[str]]) -> None:
    """Say how the servers' MX records agree, and then what they are like."""
    without = found.get(frozenset(), set())
    having = {records: servers for records, servers in found.items() if records}
    if without and having:
        context.emit("Z09_INCONSISTENT_MX")
        context.emit("Z09_NO_MX_FOUND", ns_ip_list=without)
        context.emit("Z09_MX_FOUND", ns_ip_list=set().union(*having.values()))
    if len(having) > 1:
        context.emit("Z09_INCONSISTENT_MX_DATA")
        for records, servers in sorted(having.items(), key=lambda item: sorted(item[0])):
            _emit_data(context, records, servers)
    elif having:
        ((records, servers),) = having.items()
        _judge_records(context, records, servers)
    elif without and not expects_no_mail(context.zone):
        context.emit("Z09_MISSING_MAIL_TARGET")


def _judge_records(context: Context, records: Exchanges, servers: set[str]) -> None:
    null = [preference for preference, exchange in records if exchange == dns.name.root]
    if null:
        if len(records) > len(null):
            context.emit("Z09_NULL_MX_WITH_OTHER_MX")
        if any(null):
            context.emit("Z09_NULL_MX_NON_ZERO_PREF")
    elif is_tld(context.zone):
        context.emit("Z09_TLD_EMAIL_DOMAIN")
    elif context.zone == dns.name.root:
        context.emit("Z09_ROOT_EMAIL_DOMAIN")
    else:
        _emit_data(context, records, servers)


def _emit_data(context: Context, records: Exchanges, servers: set[str]) -> None:
    context.emit("Z09_MX_DATA", mailtarget_list={exchange for _, exchange in records}, ns_ip_list=servers)


@case(
    "Zone11",
    {
        "Z11_INCONSISTENT_SPF_POLICIES": warning(),
        "Z11_SPF_MULTIPLE_RECORDS": warning("ns_list"),
        "Z11_SPF_SYNTAX_ERROR": warning("domain", "ns_list"),
        "Z11_UNABLE_TO_CHECK_FOR_SPF": warning(),
        "Z11_DIFFERENT_SPF_POLICIES_FOUND": notice("ns_list"),
        "Z11_NO_SPF_FOUND": notice("domain"),
        "Z11_NON_NULL_SPF_NON_MAIL_DOMAIN": notice("domain"),
        "Z11_NO_SPF_NON_MAIL_DOMAIN": info("domain"),
        "Z11_NULL_SPF_NON_MAIL_DOMAIN": info("domain"),
        "Z11_SPF_SYNTAX_OK": info("domain"),
    },
)
async def zone11(context: Context) -> None:
    """SPF policy (Zone-TP/zone11.md). The first finding ends the case."""
    found: dict[tuple[str, ...], set[Server]] = {}
    for server, reply in await context.ask_all(await context.v2.servers(), context.zone, TXT):
        policies = _policies(reply)
        if policies is not None:
            found.setdefault(policies, set()).add(server)
    if not found:
        context.emit("Z11_UNABLE_TO_CHECK_FOR_SPF")
    elif set(found) == {()}:
        none = "Z11_NO_SPF_NON_MAIL_DOMAIN" if expects_no_mail(context.zone) else "Z11_NO_SPF_FOUND"
        context.emit(none, domain=context.zone)
    elif len(found) > 1:
        context.emit("Z11_INCONSISTENT_SPF_POLICIES")
        for _, servers in sorted(found.items()):
            context.emit("Z11_DIFFERENT_SPF_POLICIES_FOUND", ns_list=servers)
    else:
        ((policies, servers),) = found.items()
        _judge_policy(context, policies, servers)


def _judge_policy(context: Context, policies: Sequence[str], servers: set[Server]) -> None:
    """Judge what all servers agree on."""
    if len(policies) > 1:
        context.emit("Z11_SPF_MULTIPLE_RECORDS", ns_list=servers)
    elif not spf.is_valid(policies[0]):
        context.emit("Z11_SPF_SYNTAX_ERROR", domain=context.zone, ns_list=servers)
    elif expects_no_mail(context.zone):
        null = policies[0].split() == [spf.VERSION, "-all"]
        context.emit(f"Z11_{'NULL' if null else 'NON_NULL'}_SPF_NON_MAIL_DOMAIN", domain=context.zone)
    else:
        context.emit("Z11_SPF_SYNTAX_OK", domain=context.zone)


def _policies(reply: Reply | NoResponse) -> tuple[str, ...] | None:
    """The SPF records in a reply, in lower case and sorted; None where the reply is of no use."""
    usable = authoritative(reply)
    if usable is None:
        return None
    texts = [b"".join(txt.strings).decode("latin-1") for txt in well_formed(usable.asked(), dns.rdtypes.ANY.TXT.TXT)]
    return tuple(sorted(text.lower() for text in texts if spf.is_policy(text)))
