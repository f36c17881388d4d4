"""What is not a lookup: NOTIFY, UPDATE, transfers, types that are no data. Each function raises what fits."""

from __future__ import annotations

from typing import NoReturn

from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from auth.client import Transport
from auth.errors import Declined, Inconsistent, NotAuthoritative, NotServed, Unsupported
from auth.wire import Question, Request
from auth.zones import View

TRANSFERS = frozenset({RdataType.AXFR, RdataType.IXFR})
PSEUDO_TYPES = frozenset({RdataType.OPT, RdataType.TSIG, RdataType.TKEY})  # records of messages, never of zones
OBSOLETE_TYPES = frozenset({RdataType.MAILA, RdataType.MAILB})  # RFC 1035 section 3.2.3


def refuse_zone_change(question: Question, view: View) -> NoReturn:
    """NOTIFY (RFC 1996) and UPDATE (RFC 2136 section 3.1.1): refused, once the question makes sense."""
    if question.rdtype != RdataType.SOA or question.rdclass != RdataClass.IN:
        raise Inconsistent
    if not view.is_ours(question.name):
        raise NotAuthoritative
    view.note_asked(question.name)
    raise Declined


def refuse_transfer(request: Request, question: Question, view: View, transport: Transport) -> NoReturn:
    """AXFR is never served over UDP (RFC 5936 section 4.2); IXFR has the client's SOA (RFC 1995 section 3)."""
    if question.rdtype == RdataType.AXFR and transport is Transport.UDP:
        raise Inconsistent
    if question.rdtype == RdataType.IXFR and not request.header.authorities:
        raise Inconsistent
    if not view.is_ours(question.name):
        raise NotAuthoritative
    view.note_asked(question.name)
    raise Declined


def check_query_type(question: Question) -> None:
    """Refuse types that no zone holds and no query asks for, and classes that are not served."""
    if question.rdtype in PSEUDO_TYPES:
        raise Inconsistent
    if question.rdclass not in (RdataClass.IN, RdataClass.CH):
        raise NotServed
    if question.rdtype in OBSOLETE_TYPES:
        raise Unsupported
