"""What cases read at the apex of the zone: SOA and NS records that are well-formed and owned by it."""

from __future__ import annotations

from collections.abc import Iterable

import dns.name
import dns.rdatatype
from dns.rdtypes.ANY.NS import NS
from dns.rdtypes.ANY.SOA import SOA

from health.engine.context import Context
from health.engine.reply import Reply, Server

Replies = list[tuple[Server, Reply]]


def soa(reply: Reply, zone: dns.name.Name) -> SOA | None:
    """The (first) SOA record of the zone in the answer section."""
    for record in reply.answers(dns.rdatatype.SOA, zone):
        if isinstance(record.rdata, SOA):
            return record.rdata
    return None


def ns_names(reply: Reply, zone: dns.name.Name) -> list[dns.name.Name]:
    """The names in the NS records of the zone in the answer section, sorted, without doubles."""
    found = (record.rdata for record in reply.answers(dns.rdatatype.NS, zone))
    return sorted({rdata.target for rdata in found if isinstance(rdata, NS)})


async def soa_replies(context: Context, servers: Iterable[Server]) -> tuple[Replies, list[Server]]:
    """Ask servers for the SOA record of the zone: the replies, and the servers that did not answer."""
    asked = await context.ask_all(servers, context.zone, dns.rdatatype.SOA)
    replies = [(server, reply) for server, reply in asked if isinstance(reply, Reply)]
    return replies, [server for server, reply in asked if not isinstance(reply, Reply)]


async def soa_records(context: Context, servers: Iterable[Server]) -> list[tuple[Server, SOA]]:
    """The SOA record of each server; emits NO_RESPONSE(ns) and NO_RESPONSE_SOA_QUERY(ns) for those without."""
    replies, silent = await soa_replies(context, servers)
    for server in silent:
        context.emit("NO_RESPONSE", ns=server)
    found = []
    for server, reply in replies:
        if (record := soa(reply, context.zone)) is not None:
            found.append((server, record))
        else:
            context.emit("NO_RESPONSE_SOA_QUERY", ns=server)
    return found


async def first_reply(context: Context, rdtype: dns.rdatatype.RdataType) -> Reply | None:
    """The reply of the first zone server (M5, in order) that answers a query for the apex."""
    asked = await context.ask_all(await context.v1.zone_servers(), context.zone, rdtype)
    return next((reply for _, reply in asked if isinstance(reply, Reply)), None)
