"""The Nameserver module: how name servers answer. Nameserver10 to Nameserver13 are in nameserver_edns.

There is no Nameserver14.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdtypes.ANY.TXT
from dns.rdatatype import AAAA, AXFR, NS, SOA, TXT, A

from health.engine.findings import Findings
from health.engine.network import EDNS, NoResponse, Transport
from health.engine.registry import case, debug, error, info, notice, warning
from health.engine.reply import Record, Reply, Server, records

if TYPE_CHECKING:
    from health.engine.context import Context

AAAA_OCTETS = 16
VERSION_NAMES = (dns.name.from_text("version.bind"), dns.name.from_text("version.server"))


@case(
    "Nameserver01",
    {"IS_A_RECURSOR": error("ns"), "NO_RECURSOR": info("ns"), "NO_RESPONSE": debug("ns", "domain")},
)
async def nameserver01(context: Context) -> None:
    """Not a recursor (Nameserver-TP/nameserver01.md).

    The names that are asked for, which do not exist, are `probing.recursion_names` of the profile: closed networks
    need others than the original's.
    """
    servers = await context.v1.servers()
    names = [dns.name.from_text(name) for name in context.profile.get("probing.recursion_names")]
    replies: dict[Server, list[Reply | NoResponse]] = {}
    for name in names:
        for server, reply in await context.ask_all(servers, name, A):
            replies.setdefault(server, []).append(reply)
            if not reply:
                context.emit("NO_RESPONSE", ns=server, domain=name)
    for server, got in replies.items():
        answered = [reply for reply in got if isinstance(reply, Reply)]
        denies_all = bool(answered) and all(reply.rcode == dns.rcode.NXDOMAIN for reply in answered)
        if denies_all or any(reply.recursion_available for reply in answered):
            context.emit("IS_A_RECURSOR", ns=server)
        elif len(answered) == len(got):
            context.emit("NO_RECURSOR", ns=server)


@case(
    "Nameserver02",
    {
        "BREAKS_ON_EDNS": error("ns", "domain"),
        "EDNS_RESPONSE_WITHOUT_EDNS": error("ns", "domain"),
        "EDNS_VERSION_ERROR": error("ns", "domain"),
        "NO_EDNS_SUPPORT": warning("ns"),
        "NS_ERROR": warning("ns"),
        "EDNS0_SUPPORT": info("ns_list"),
        "NO_RESPONSE": debug("ns", "domain"),
    },
)
async def nameserver02(context: Context) -> None:
    """EDNS0 support (Nameserver-TP/nameserver02.md).

    An answer without OPT record does not pass for one of version 0, as it does in the original.
    """
    replies = await context.ask_all(await context.v1.servers(), context.zone, SOA, edns=EDNS)
    silent = [server for server, reply in replies if not reply]
    plain = dict(await context.ask_all(silent, context.zone, SOA))
    supporting = []
    for server, reply in replies:
        if not isinstance(reply, Reply):
            context.emit("BREAKS_ON_EDNS" if plain[server] else "NO_RESPONSE", ns=server, domain=context.zone)
        elif reply.rcode == dns.rcode.FORMERR and not reply.has_edns:
            context.emit("NO_EDNS_SUPPORT", ns=server)
        elif reply.noerror and not reply.has_edns:
            context.emit("EDNS_RESPONSE_WITHOUT_EDNS", ns=server, domain=context.zone)
        elif reply.noerror and reply.edns_version != 0:
            context.emit("EDNS_VERSION_ERROR", ns=server, domain=context.zone)
        elif reply.noerror and reply.asked():
            supporting.append(server)
        else:
            context.emit("NS_ERROR", ns=server)
    if supporting and len(supporting) + sum(not plain[server] for server in silent) == len(replies):
        context.emit("EDNS0_SUPPORT", ns_list=supporting)


@case("Nameserver03", {"AXFR_AVAILABLE": notice("ns"), "AXFR_FAILURE": info("ns")})
async def nameserver03(context: Context) -> None:
    """AXFR closed (Nameserver-TP/nameserver03.md). Only the first message of a transfer is waited for."""
    servers = await context.v1.servers()
    for server, reply in await context.ask_all(servers, context.zone, AXFR, transport=Transport.TCP):
        records = reply.answers() if isinstance(reply, Reply) else []
        context.emit("AXFR_AVAILABLE" if records and records[0].rdtype == SOA else "AXFR_FAILURE", ns=server)


@case("Nameserver04", {"DIFFERENT_SOURCE_IP": warning("ns", "source"), "SAME_SOURCE_IP": info()})
async def nameserver04(context: Context) -> None:
    """Reply comes from the queried address (Nameserver-TP/nameserver04.md)."""
    replies = await context.ask_all(await context.v1.servers(), context.zone, SOA)
    answered = [(server, reply) for server, reply in replies if isinstance(reply, Reply)]
    elsewhere = [(server, reply.source) for server, reply in answered if reply.source != server.address]
    for server, source in elsewhere:
        context.emit("DIFFERENT_SOURCE_IP", ns=server, source=source)
    if answered and not elsewhere:
        context.emit("SAME_SOURCE_IP")


@case(
    "Nameserver05",
    {
        "AAAA_BAD_RDATA": error("ns", "length"),
        "AAAA_QUERY_DROPPED": error("ns"),
        "AAAA_UNEXPECTED_RCODE": error("ns", "rcode"),
        "A_UNEXPECTED_RCODE": warning("ns", "rcode"),
        "AAAA_WELL_PROCESSED": info("ns_list"),
        "NO_RESPONSE": debug("ns", "domain"),
    },
)
async def nameserver05(context: Context) -> None:
    """AAAA handling (Nameserver-TP/nameserver05.md).

    As specified, and unlike the original, every good reply to AAAA counts, whether or not there is such a record.
    """
    answering = []
    for server, reply in await context.ask_all(await context.v1.servers(), context.zone, A):
        if not isinstance(reply, Reply):
            context.emit("NO_RESPONSE", ns=server, domain=context.zone)
        elif not reply.noerror:
            context.emit("A_UNEXPECTED_RCODE", ns=server, rcode=reply.rcode)
        else:
            answering.append(server)
    good = []
    for server, reply in await context.ask_all(answering, context.zone, AAAA):
        if not isinstance(reply, Reply):
            context.emit("AAAA_QUERY_DROPPED", ns=server)
        elif not reply.noerror:
            context.emit("AAAA_UNEXPECTED_RCODE", ns=server, rcode=reply.rcode)
        elif bad := [length for record in reply.asked() if (length := len(record.rdata.to_wire())) != AAAA_OCTETS]:
            context.emit("AAAA_BAD_RDATA", ns=server, length=bad[0])
        else:
            good.append(server)
    if good:
        context.emit("AAAA_WELL_PROCESSED", ns_list=good)


@case(
    "Nameserver06",
    {"CAN_NOT_BE_RESOLVED": error("nsname_list"), "NO_RESOLUTION": error(), "CAN_BE_RESOLVED": info()},
)
async def nameserver06(context: Context) -> None:
    """NS names resolve (Nameserver-TP/nameserver06.md)."""
    names = {*await context.v1.delegation_names(), *await context.v1.zone_names()}
    lost = names - {server.name for server in await context.v1.servers()}
    if lost and lost == names:
        context.emit("NO_RESOLUTION")
    elif lost:
        context.emit("CAN_NOT_BE_RESOLVED", nsname_list=lost)
    elif names:
        context.emit("CAN_BE_RESOLVED")


@case(
    "Nameserver07",
    {
        "UPWARD_REFERRAL": warning("ns"),
        "UPWARD_REFERRAL_IRRELEVANT": info(),
        "NO_UPWARD_REFERRAL": info("nsname_list"),
    },
)
async def nameserver07(context: Context) -> None:
    """No upward referral (Nameserver-TP/nameserver07.md)."""
    if context.zone == dns.name.root:
        context.emit("UPWARD_REFERRAL_IRRELEVANT")
        return
    replies = await context.ask_all(await context.v1.servers(), dns.name.root, NS)
    answered = [(server, reply) for server, reply in replies if isinstance(reply, Reply)]
    upward = [server for server, reply in answered if reply.authority(NS)]
    for server in upward:
        context.emit("UPWARD_REFERRAL", ns=server)
    if answered and not upward:
        context.emit("NO_UPWARD_REFERRAL", nsname_list={server.name for server, _ in answered})


def scrambled(name: dns.name.Name, variant: int) -> dns.name.Name:
    """A name in mixed case, another for each variant.

    It is chosen by the name alone and not by chance, so that recorded traffic can be replayed. Two letters or
    more are never all small or all large: a query in small letters shows nothing about a server that makes them so.
    """
    plain = name.canonicalize()
    octets_of_name = plain.to_digestable()
    bits = int.from_bytes(hashlib.shake_128(octets_of_name).digest(len(octets_of_name)), "big")
    letters = sum(bytes([octet]).isalpha() for octet in octets_of_name)
    if (every := (1 << letters) - 1) and bits & every in (0, every):
        bits ^= 1
    labels = []
    for label in plain.labels:
        octets = bytearray(label)
        for place, octet in enumerate(octets):
            if bytes([octet]).isalpha():
                octets[place] ^= 0x20 * ((bits + variant) & 1)  # ASCII letters: the bit of lower case
                bits >>= 1
        labels.append(bytes(octets))
    return dns.name.Name(labels)


def _www(name: dns.name.Name) -> dns.name.Name:
    """The name with "www" before it; the name itself where that would be too long."""
    try:
        return dns.name.Name((b"www", *name.labels))
    except dns.name.NameTooLong:
        return name


def _as_sent(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True)


@case(
    "Nameserver08",
    {"QNAME_CASE_INSENSITIVE": warning("ns", "domain"), "QNAME_CASE_SENSITIVE": info("ns", "domain")},
)
async def nameserver08(context: Context) -> None:
    """QNAME case preserved (Nameserver-TP/nameserver08.md)."""
    name = scrambled(_www(context.zone), 0)
    for server, reply in await context.ask_all(await context.v1.servers(), name, SOA):
        if isinstance(reply, Reply):
            kept = [question.name.labels for question in reply.message.question] == [name.labels]
            tag = "QNAME_CASE_SENSITIVE" if kept else "QNAME_CASE_INSENSITIVE"
            context.emit(tag, ns=server, domain=_as_sent(name))


@case(
    "Nameserver09",
    {
        "CASE_QUERIES_RESULTS_DIFFER": error("type", "domain"),
        "CASE_QUERY_DIFFERENT_ANSWER": warning("type", "query1", "query2", "ns"),
        "CASE_QUERY_DIFFERENT_RC": warning("type", "query1", "query2", "ns", "rcode1", "rcode2"),
        "CASE_QUERY_NO_ANSWER": warning("type", "domain", "ns"),
        "CASE_QUERIES_RESULTS_OK": info("type", "domain"),
        "CASE_QUERY_SAME_ANSWER": debug("type", "query1", "query2", "ns"),
        "CASE_QUERY_SAME_RC": debug("type", "query1", "query2", "ns", "rcode"),
    },
)
async def nameserver09(context: Context) -> None:
    """Same result for any case (Nameserver-TP/nameserver09.md).

    With `probing.extra` of the profile the apex is asked for too: it exists, so there are answers to compare.
    """
    names = [_www(context.zone), *([context.zone] if context.profile.get("probing.extra") else [])]
    for name in names:
        queries = (scrambled(name, 0), scrambled(name, 1))
        servers = await context.v1.servers()
        first, second = [dict(await context.ask_all(servers, query, SOA)) for query in queries]
        same = [_same(context, server, queries, first[server], second[server]) for server in first]
        compared = [result for result in same if result is not None]
        if compared:
            tag = "CASE_QUERIES_RESULTS_OK" if all(compared) else "CASE_QUERIES_RESULTS_DIFFER"
            context.emit(tag, type=SOA, domain=name)


def _same(
    context: Context,
    server: Server,
    queries: tuple[dns.name.Name, dns.name.Name],
    first: Reply | NoResponse,
    second: Reply | NoResponse,
) -> bool | None:
    """Whether a server says the same to both queries; None where it is silent."""
    if not isinstance(first, Reply) or not isinstance(second, Reply):
        if not first and not second:
            return None
        unanswered = queries[1] if first else queries[0]
        context.emit("CASE_QUERY_NO_ANSWER", type=SOA, domain=_as_sent(unanswered), ns=server)
        return False
    about: dict[str, object] = {
        "type": SOA,
        "query1": _as_sent(queries[0]),
        "query2": _as_sent(queries[1]),
        "ns": server,
    }
    if first.answers() or second.answers():
        same = _comparable(first) == _comparable(second)
        context.emit("CASE_QUERY_SAME_ANSWER" if same else "CASE_QUERY_DIFFERENT_ANSWER", **about)
        return same
    if first.rcode == second.rcode:
        context.emit("CASE_QUERY_SAME_RC", **about, rcode=first.rcode)
        return True
    context.emit("CASE_QUERY_DIFFERENT_RC", **about, rcode1=first.rcode, rcode2=second.rcode)
    return False


def _comparable(reply: Reply) -> set[tuple[object, ...]]:
    """The answer without what the case of the query may change."""
    return {(r.name.canonicalize(), r.rdclass, r.rdtype, r.rdata.to_digestable()) for r in reply.answers()}


@case(
    "Nameserver15",
    {
        "N15_WRONG_CLASS": warning("ns_list"),
        "N15_ERROR_ON_VERSION_QUERY": notice("query_name", "ns_list"),
        "N15_SOFTWARE_VERSION": notice("query_name", "string", "ns_list"),
        "N15_NO_VERSION_REVEALED": info("ns_list"),
    },
)
async def nameserver15(context: Context) -> None:
    """Software version disclosed (Nameserver-TP/nameserver15.md)."""
    findings = Findings(context)
    responders = [s for s, reply in await context.ask_all(await context.v1.servers(), context.zone, SOA) if reply]
    revealing: set[Server] = set()
    for name in VERSION_NAMES:
        for server, reply in await context.ask_all(responders, name, TXT, rdclass=dns.rdataclass.CH):
            if not isinstance(reply, Reply) or reply.rcode == dns.rcode.SERVFAIL:
                findings.add("N15_ERROR_ON_VERSION_QUERY", server, query_name=name)
                continue
            if any(record.rdclass != dns.rdataclass.CH for record in _said(reply)):
                findings.add("N15_WRONG_CLASS", server)
            for text in _texts(reply):
                findings.add("N15_SOFTWARE_VERSION", server, query_name=name, string=text)
                revealing.add(server)
    findings.add_all("N15_NO_VERSION_REVEALED", [server for server in responders if server not in revealing])
    findings.emit()


def _said(reply: Reply) -> list[Record]:
    """What answers the query for a version, of whatever class it is."""
    return [record for record in records(reply.message.answer, TXT) if record.name == reply.query.name]


def _texts(reply: Reply) -> set[str]:
    """What the TXT records say, without white space around it; nothing of those that say nothing."""
    octets = [b"".join(r.rdata.strings) for r in _said(reply) if isinstance(r.rdata, dns.rdtypes.ANY.TXT.TXT)]
    return {text for each in octets if (text := each.decode("utf-8", "backslashreplace").strip(" \t"))}
