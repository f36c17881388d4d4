"""Response rate limiting of replies: which bucket each is in, and what is sent in place of those over the limit.

As BIND and NSD do it: per network, kind of response and name; what cannot have a forged source (TCP, a valid cookie)
is never limited.
"""

from __future__ import annotations

import ipaddress
import os
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Any

from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from auth.answer import Answer
from auth.client import Client
from auth.rate_limit_numbers import (
    ALL,
    ALL_ONES,
    ANSWERS,
    BUCKET_OCTETS,
    DROP,
    ERRORS,
    IPV4,
    IPV4_BITS,
    NODATA,
    NXDOMAINS,
    REFERRALS,
    SECOND,
    SEND,
)
from auth.rate_limiting import RateLimiter
from auth.response import Reply
from auth.settings import RateLimitSettings
from auth.tally import Tally
from auth.wire import labels_of, wire_of
from daemonkit.log import MessageLog
from datasrc.records import RRset

KIND_NAMES = {
    ANSWERS: "answers",
    REFERRALS: "referrals",
    NODATA: "nodata",
    NXDOMAINS: "nxdomains",
    ERRORS: "errors",
    ALL: "all",
}
_KEY = struct.Struct("<2Q")


class LimitTable:
    """The buckets of some settings, for all threads of the process: each has a limiter of its own over them."""

    def __init__(self, settings: RateLimitSettings) -> None:
        self.settings = settings
        self._key0, self._key1 = _KEY.unpack(os.urandom(_KEY.size))
        self._buckets = memoryview(bytearray(BUCKET_OCTETS * buckets_in(settings.memory)))

    def limiter(self) -> RateLimiter:
        """For one thread."""
        settings = self.settings
        limiter = RateLimiter(self._key0, self._key1, self._buckets)
        for kind, rate in rates(settings).items():
            limiter.limit(kind, rate)
        limiter.shape(
            int(settings.window * SECOND), settings.slip, settings.ipv4_prefix_length, settings.ipv6_prefix_length
        )
        for text in settings.exempt:
            limiter.spare(*_words(ipaddress.ip_network(text)))
        return limiter


@dataclass(frozen=True, slots=True)
class Weight:
    """What a response counts as."""

    address: str  # of the client
    kind: int
    name: bytes  # in wire form and small letters; empty: none
    rdtype: int


class ResponseLimits:
    """Limits replies; `limited` and `weigh` are for one thread."""

    def __init__(self, tally: Tally, log: MessageLog, clock: Callable[[], int] = time.monotonic_ns) -> None:
        self._tally = tally
        self._log = log
        self._clock = clock
        self._table: LimitTable | None = None
        self._changing = threading.Lock()
        self._settings: RateLimitSettings | None = None  # that the limiter is for
        self._limiter: RateLimiter | None = None

    def table(self, settings: RateLimitSettings) -> LimitTable:
        """The buckets of these settings, whichever thread asks first; others than before begin with empty ones."""
        with self._changing:
            if self._table is None or self._table.settings != settings:
                self._table = LimitTable(settings)
            return self._table

    def limited(self, reply: Reply, client: Client, settings: RateLimitSettings) -> Reply | None:
        """The reply, or what is sent in its place; None: nothing."""
        kind, name, rdtype = bucket_of(reply)
        wire = b"" if name is None else wire_of(name.canonicalize())
        outcome = self.weigh(Weight(client.address, kind, wire, rdtype), settings)
        if outcome == SEND:
            return reply
        return None if outcome == DROP else in_place_of(reply, kind)

    def weigh(self, weight: Weight, settings: RateLimitSettings) -> int:
        """What becomes of a response: SEND, SLIP or DROP. It is counted, and told."""
        limiter = self._limiter
        if limiter is None or settings is not self._settings:
            limiter = self._limiter = self.table(settings).limiter()
            self._settings = settings
        address = ipaddress.ip_address(weight.address).packed
        limiter.attach(memoryview(address))
        evicted = limiter.evicted
        number = limiter.hashed_octets(weight.name) ^ weight.rdtype
        outcome: int = limiter.decide(0, len(address), weight.kind, number, self._clock())
        if limiter.evicted != evicted:
            self._tally.evicted()
        if outcome == SEND:
            return SEND
        if limiter.began:
            self.tell(weight.address, weight.kind, labels_of(weight.name) if weight.name else None, settings)
        self._tally.limited(dropped=outcome == DROP, only_logged=settings.log_only)
        return SEND if settings.log_only else outcome

    def tell(self, address: str, kind: int, name: Name | None, settings: RateLimitSettings) -> None:
        """Log that somebody has come to a limit."""
        bits = settings.ipv6_prefix_length if ":" in address else settings.ipv4_prefix_length
        network = ipaddress.ip_network(f"{address}/{bits}", strict=False)
        about = "" if name is None else f" about {name}"
        if settings.log_only:
            self._log.warning("AUTH_RATE_LIMITED_LOG_ONLY", kind=KIND_NAMES[kind], network=network, about=about)
        else:
            self._log.warning("AUTH_RATE_LIMITED", kind=KIND_NAMES[kind], network=network, about=about)


def buckets_in(memory: int) -> int:
    """How many buckets a table of so many octets has: a power of two."""
    return 1 << (memory // BUCKET_OCTETS).bit_length() - 1


def rates(settings: RateLimitSettings) -> dict[int, int]:
    """Responses a second of each kind; 0: not limited."""
    by_kind = {
        REFERRALS: settings.referrals,
        NODATA: settings.nodata,
        NXDOMAINS: settings.nxdomains,
        ERRORS: settings.errors,
    }
    told = {kind: settings.answers if rate is None else rate for kind, rate in by_kind.items()}
    return {ANSWERS: settings.answers, **told, ALL: settings.all}


def _words(network: Any) -> tuple[int, int, int, int]:
    """A network as the limiter has it."""
    address, mask = int(network.network_address), int(network.netmask)
    if network.version == 4:  # noqa: PLR2004
        return IPV4, address, ALL_ONES, mask | ALL_ONES << IPV4_BITS & ALL_ONES
    return address >> 64, address & ALL_ONES, mask >> 64, mask & ALL_ONES


def bucket_of(reply: Reply) -> tuple[int, Name | None, int]:
    """The kind of a reply, and what makes two of a kind count as the same: a name, and for answers the type.

    Names that cost nobody anything to make up (that a zone does not have, below a wildcard, a DNAME or a cut) count as
    one, else every query would have a bucket of its own.
    """
    question, answer = reply.question, reply.answer
    if reply.rcode == Rcode.NXDOMAIN:
        return NXDOMAINS, _owner(answer.authority, RdataType.SOA), 0
    if reply.rcode != Rcode.NOERROR or question is None:
        return ERRORS, None, 0
    name = question.name if answer.counted_as is None else answer.counted_as
    if answer.answer:
        return ANSWERS, name, question.rdtype
    if answer.authoritative:
        return NODATA, name, 0
    return REFERRALS, _owner(answer.authority, RdataType.NS), 0


def in_place_of(reply: Reply, kind: int) -> Reply:
    """What slips: an error without more (clients that get one do not look at TC), else TC and nothing, which makes a
    client ask over TCP. Who is written to may not have asked: of options only the cookie is sent.
    """
    opt = None if reply.opt is None else replace(reply.opt, options=b"", error=None)
    if kind == ERRORS:
        return replace(reply, answer=Answer(authoritative=reply.answer.authoritative), opt=opt)
    return replace(reply, answer=Answer(), rcode=Rcode.NOERROR, opt=opt, truncated=True)


def _owner(rrsets: Iterable[RRset], rdtype: int) -> Name | None:
    return next((rrset.name for rrset in rrsets if rrset.rdtype == rdtype), None)
