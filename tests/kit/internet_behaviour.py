"""How servers misbehave: each gets the query and the right answer and gives what the server says instead."""

from __future__ import annotations

from collections.abc import Callable

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from health.engine.network import NoResponse, Query, Silence, Transport
from tests.kit.internet import Behaviour, Reaction


def silent(_query: Query, _answer: dns.message.Message) -> Reaction:
    """Never answer."""
    return NoResponse(Silence.TIMEOUT)


def no_tcp(query: Query, answer: dns.message.Message) -> Reaction:
    """Refuse TCP."""
    return NoResponse(Silence.CLOSED) if query.transport is Transport.TCP else answer


def no_udp(query: Query, answer: dns.message.Message) -> Reaction:
    """Answer over TCP only."""
    return NoResponse(Silence.TIMEOUT) if query.transport is Transport.UDP else answer


def no_aa(_query: Query, answer: dns.message.Message) -> Reaction:
    """Never claim authority."""
    answer.flags &= ~dns.flags.AA
    return answer


def offers_recursion(_query: Query, answer: dns.message.Message) -> Reaction:
    """Set RA."""
    answer.flags |= dns.flags.RA
    return answer


def without_opt(_query: Query, answer: dns.message.Message) -> Reaction:
    """Leave the OPT record out of every answer."""
    answer.opt = None
    return answer


def drops_edns(query: Query, answer: dns.message.Message) -> Reaction:
    """Never answer a query with EDNS."""
    return NoResponse(Silence.TIMEOUT) if query.edns is not None else answer


def formerr_to_edns(query: Query, answer: dns.message.Message) -> Reaction:
    """Say FORMERR, without OPT, to EDNS: a server from before RFC 2671."""
    return answer if query.edns is None else empty(query, dns.rcode.FORMERR)


def lower_cases_question(_query: Query, answer: dns.message.Message) -> Reaction:
    """Give the question back in lower case."""
    answer.question[0].name = answer.question[0].name.canonicalize()
    return answer


def truncates(query: Query, answer: dns.message.Message) -> Reaction:
    """Set TC and leave everything out over UDP, whatever the size; the OPT record too where `without_opt` follows."""
    if query.transport is Transport.UDP:
        answer.flags |= dns.flags.TC
        for section in (answer.answer, answer.authority, answer.additional):
            section.clear()
    return answer


def says(rcode: dns.rcode.Rcode) -> Behaviour:
    """Answer with nothing but this response code (OPT is kept where the query had one)."""

    def behaviour(query: Query, _answer: dns.message.Message) -> Reaction:
        response = dns.message.make_response(query.message())
        response.set_rcode(rcode)
        return response

    return behaviour


def empty(query: Query, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> dns.message.Message:
    """A response with nothing in it, not even OPT."""
    response = dns.message.make_response(query.message())
    response.opt = None
    response.set_rcode(rcode)
    return response


def on(wanted: Callable[[Query], bool], behaviour: Behaviour) -> Behaviour:
    """Behave so to the queries that are meant, and well to all others."""
    return lambda query, answer: behaviour(query, answer) if wanted(query) else answer


def to(rdtype: str, behaviour: Behaviour, name: str | None = None) -> Behaviour:
    """Behave so to queries for a type (and a name, if given)."""
    meant, owner = dns.rdatatype.from_text(rdtype), None if name is None else dns.name.from_text(name)
    return on(lambda query: query.rdtype == meant and owner in (None, query.name), behaviour)


def edited(edit: Callable[[dns.message.Message], object]) -> Behaviour:
    """Change the answer in place, as the function does."""

    def behaviour(_query: Query, answer: dns.message.Message) -> Reaction:
        edit(answer)
        return answer

    return behaviour


def answers_with(*texts: str, aa: bool = True) -> Behaviour:
    """Answer NOERROR with these records in the answer section, whatever was asked: "owner ttl class type rdata"."""

    def behaviour(query: Query, _answer: dns.message.Message) -> Reaction:
        response = dns.message.make_response(query.message())
        response.flags |= dns.flags.AA if aa else 0
        for text in texts:
            owner, ttl, rdclass, rdtype, rdata = text.split(None, 4)
            response.answer.append(dns.rrset.from_text(dns.name.from_text(owner), int(ttl), rdclass, rdtype, rdata))
        return response

    return behaviour


def from_source(address: str) -> Behaviour:
    """Answer from another address."""

    def behaviour(_query: Query, answer: dns.message.Message) -> Reaction:
        answer.source = address  # type: ignore[attr-defined]
        return answer

    return behaviour


def loses(count: int) -> Behaviour:
    """Lose the first `count` queries."""
    left = count

    def behaviour(_query: Query, answer: dns.message.Message) -> Reaction:
        nonlocal left
        left -= 1
        return NoResponse(Silence.TIMEOUT) if left >= 0 else answer

    return behaviour
