"""Basic: the zone is delegated and has a name server that works (Zonemaster, Basic-TP)."""

from __future__ import annotations

from collections import defaultdict

import dns.exception
import dns.name
import dns.rdatatype

from health.engine.cases import apex
from health.engine.context import Context
from health.engine.registry import case, critical, debug, error, info, notice, warning
from health.engine.reply import Reply, Server
from health.engine.walk import Finding, Stance

_FOUND = frozenset({Stance.SOA, Stance.DELEGATION})


@case(
    "Basic01",
    {
        "B01_CHILD_FOUND": info("domain"),
        "B01_CHILD_IS_ALIAS": notice("domain_child", "domain_target", "ns_list"),
        "B01_INCONSISTENT_ALIAS": error("domain"),
        "B01_INCONSISTENT_DELEGATION": error("domain_parent", "domain_child", "ns_list"),
        "B01_NO_CHILD": error("domain_child", "domain_super"),
        "B01_PARENT_DISREGARDED": info(),
        "B01_PARENT_FOUND": info("domain", "ns_list"),
        "B01_PARENT_NOT_FOUND": warning(),
        "B01_PARENT_UNDETERMINED": warning("ns_list"),
        "B01_ROOT_HAS_NO_PARENT": info(),
        "B01_SERVER_ZONE_ERROR": debug("query_name", "rrtype", "ns"),
    },
)
async def basic01(context: Context) -> None:
    """BASIC01, find the parent zone and the zone cut.

    Inconsistent delegation is said once for each parent zone that has it. Servers of one step are asked at the same
    time, which the order of the specification does not need.
    """
    if context.zone == dns.name.root or _given_servers(context):
        context.emit("B01_CHILD_FOUND", domain=context.zone)
        context.emit("B01_ROOT_HAS_NO_PARENT" if context.zone == dns.name.root else "B01_PARENT_DISREGARDED")
        return
    walk = await context.v2.walk()
    context.usable(walk.skipped, dns.rdatatype.SOA)
    for fault in walk.faults:
        context.emit("B01_SERVER_ZONE_ERROR", query_name=fault.name, rrtype=fault.rdtype, ns=fault.server)
    _say_parents(context, walk.findings)
    _say_child(context, walk.findings)
    _say_aliases(context, walk.findings)


def _given_servers(context: Context) -> bool:
    return context.undelegated is not None and context.undelegated.nameservers is not None


def _say_parents(context: Context, findings: list[Finding]) -> None:
    parents: dict[dns.name.Name, list[Server]] = defaultdict(list)
    for finding in findings:
        parents[finding.parent].append(finding.server)
    for parent, servers in parents.items():
        context.emit("B01_PARENT_FOUND", domain=parent, ns_list=servers)
    if len(parents) > 1:
        context.emit("B01_PARENT_UNDETERMINED", ns_list=[finding.server for finding in findings])
    if not parents:
        context.emit("B01_PARENT_NOT_FOUND")


def _say_child(context: Context, findings: list[Finding]) -> None:
    if not any(finding.stance in _FOUND for finding in findings):
        context.emit("B01_NO_CHILD", domain_child=context.zone, domain_super=context.zone.parent())
        return
    context.emit("B01_CHILD_FOUND", domain=context.zone)
    others: dict[dns.name.Name, list[Server]] = defaultdict(list)
    for finding in findings:
        if finding.stance not in _FOUND:
            others[finding.parent].append(finding.server)
    for parent, servers in others.items():
        context.emit("B01_INCONSISTENT_DELEGATION", domain_parent=parent, domain_child=context.zone, ns_list=servers)


def _say_aliases(context: Context, findings: list[Finding]) -> None:
    targets: dict[dns.name.Name, list[Server]] = defaultdict(list)
    for finding in findings:
        if finding.target is not None:
            targets[finding.target].append(finding.server)
    for target, servers in targets.items():
        context.emit("B01_CHILD_IS_ALIAS", domain_child=context.zone, domain_target=target, ns_list=servers)
    if len(targets) > 1:
        context.emit("B01_INCONSISTENT_ALIAS", domain=context.zone)


@case(
    "Basic02",
    {
        "B02_AUTH_RESPONSE_SOA": info("domain", "ns_list"),
        "B02_NO_DELEGATION": critical("domain"),
        "B02_NO_WORKING_NS": critical("domain"),
        "B02_NS_BROKEN": error("ns"),
        "B02_NS_NOT_AUTH": error("ns"),
        "B02_NS_NO_IP_ADDR": error("nsname"),
        "B02_NS_NO_RESPONSE": warning("ns"),
        "B02_UNEXPECTED_RCODE": error("ns", "rcode"),
    },
)
async def basic02(context: Context) -> None:
    """BASIC02, at least one name server in the delegation works.

    Addresses are the glue of the delegation and what looking up finds, as M4 here has them; the old implementation
    uses glue only where looking up found no address at all.
    """
    names = await context.v1.delegation_names()
    if not names:
        context.emit("B02_NO_DELEGATION", domain=context.zone)
        return
    servers = await context.v1.delegation_servers()
    without = [name for name in names if name not in {server.name for server in servers}]
    asked = await context.ask_all(servers, context.zone, dns.rdatatype.SOA)
    judged = [(server, reply, _fault(context, reply if isinstance(reply, Reply) else None)) for server, reply in asked]
    good = [server for server, _, fault in judged if fault is None]
    if good:
        context.emit("B02_AUTH_RESPONSE_SOA", domain=context.zone, ns_list=good)
        return
    context.emit("B02_NO_WORKING_NS", domain=context.zone)
    for tag in ("B02_NS_BROKEN", "B02_NS_NOT_AUTH"):
        for server in (server for server, _, fault in judged if fault == tag):
            context.emit(tag, ns=server)
    for name in without:
        context.emit("B02_NS_NO_IP_ADDR", nsname=name)
    for server in (server for server, _, fault in judged if fault == "B02_NS_NO_RESPONSE"):
        context.emit("B02_NS_NO_RESPONSE", ns=server)
    for server, reply, fault in judged:
        if fault == "B02_UNEXPECTED_RCODE" and isinstance(reply, Reply):
            context.emit("B02_UNEXPECTED_RCODE", ns=server, rcode=reply.rcode)


def _fault(context: Context, reply: Reply | None) -> str | None:
    """The tag of what is wrong with a reply to the SOA query; None where it is good."""
    if reply is None:
        return "B02_NS_NO_RESPONSE"
    if not reply.noerror:
        return "B02_UNEXPECTED_RCODE"
    if not reply.authoritative:
        return "B02_NS_NOT_AUTH"
    return "B02_NS_BROKEN" if apex.soa(reply, context.zone) is None else None


@case(
    "Basic03",
    {
        "HAS_A_RECORDS": error("ns", "domain"),
        "NO_A_RECORDS": debug("ns", "domain"),
        "A_QUERY_NO_RESPONSES": info(),
        "HAS_NAMESERVER_NO_WWW_A_TEST": info(),
    },
)
async def basic03(context: Context) -> None:
    """BASIC03, broken but functional: the servers give an address for "www" below the zone.

    NO_A_RECORDS has no severity in the default profile, which makes it DEBUG. HAS_NAMESERVER_NO_WWW_A_TEST is said in
    place of this case where BASIC02 makes it needless.
    """
    try:
        www = dns.name.Name((b"www", *context.zone.labels))
    except dns.exception.DNSException:  # no room for four more octets below the name
        return
    asked = await context.ask_all(await context.v1.delegation_servers(), www, dns.rdatatype.A)
    replies = [(server, reply) for server, reply in asked if isinstance(reply, Reply)]
    for server, reply in replies:
        context.emit("HAS_A_RECORDS" if reply.asked() else "NO_A_RECORDS", ns=server, domain=www)
    if asked and not replies:
        context.emit("A_QUERY_NO_RESPONSES")
