"""What a validating resolver makes of a reply, from RFC 4035 section 5 and RFC 5155 section 8; by dnspython alone.

validate(reply, question_name, rdtype, origin, keys)      raises Bogus, which says what is missing

A reply with all aliases in one zone is judged; where they lead out of it, what is there.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import dns.dnssec
import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rrset
from dns.name import Name
from dns.rdatatype import RdataType

OPT_OUT = 1


class Bogus(AssertionError):
    """A validator would not believe the reply."""


@dataclass(frozen=True)
class _Span:
    """One NSEC or NSEC3 record: what it says about names, each turned into its place in the chain."""

    origin: Name
    rrset: dns.rrset.RRset

    def place(self, name: Name) -> Name:
        """Where a name is: itself, or the name of its hash."""
        if self.rrset.rdtype == RdataType.NSEC:
            return name
        record = self.rrset[0]
        digest = dns.dnssec.nsec3_hash(name, record.salt or b"", record.iterations, record.algorithm)
        return dns.name.from_text(digest, self.origin)

    @property
    def end(self) -> Name:
        record = self.rrset[0]
        end: Name = record.next if self.rrset.rdtype == RdataType.NSEC else record.next_name(self.origin)
        return end

    @property
    def types(self) -> set[int]:
        return {
            window * 256 + octet * 8 + bit
            for window, bitmap in self.rrset[0].windows
            for octet, bits in enumerate(bitmap)
            for bit in range(8)
            if bits & 0x80 >> bit
        }

    @property
    def opts_out(self) -> bool:
        return self.rrset.rdtype == RdataType.NSEC3 and bool(self.rrset[0].flags & OPT_OUT)

    def matches(self, name: Name) -> bool:
        return bool(self.place(name) == self.rrset.name)

    def covers(self, name: Name) -> bool:
        place, start, end = self.place(name), self.rrset.name, self.end
        if start < end:
            return bool(start < place < end)
        return bool(place > start) or (place < end and self.rrset.rdtype == RdataType.NSEC3)


class _Denial:
    """Everything that a reply denies."""

    def __init__(self, reply: dns.message.Message, origin: Name) -> None:
        self._origin = origin
        types = (RdataType.NSEC, RdataType.NSEC3)
        self._spans = [_Span(origin, rrset) for rrset in reply.authority if rrset.rdtype in types]
        kinds = {(span.rrset.rdtype, *_parameters(span.rrset)) for span in self._spans}
        demand(len(kinds) <= 1, f"records of several chains: {kinds}")

    @property
    def is_hashed(self) -> bool:
        return any(span.rrset.rdtype == RdataType.NSEC3 for span in self._spans)

    def matching(self, name: Name) -> _Span | None:
        return next((span for span in self._spans if span.matches(name)), None)

    def covering(self, name: Name) -> _Span | None:
        return next((span for span in self._spans if span.covers(name)), None)

    def no_closer(self, name: Name, encloser: Name) -> None:
        """That nothing is between the name and its encloser."""
        denied = next_closer(name, encloser) if self.is_hashed else name
        demand(self.covering(denied) is not None, f"nothing covers {denied}")

    def encloser(self, name: Name) -> Name:
        """The closest encloser that is proven."""
        if not self.is_hashed:
            span = self.covering(name)
            demand(span is not None, f"nothing covers {name}")
            assert span is not None
            return max((_common(name, edge) for edge in (span.rrset.name, span.end)), key=len)
        for ancestor in _ancestors(name, self._origin):
            if ancestor != name and self.matching(ancestor) is not None:
                self.no_closer(name, ancestor)
                return ancestor
        raise Bogus(f"no encloser of {name} is proven")

    def no_name(self, name: Name) -> None:
        wildcard = dns.name.Name((b"*", *self.encloser(name).labels))
        demand(self.covering(wildcard) is not None, f"nothing covers {wildcard}")

    def no_type(self, name: Name, rdtype: int) -> None:
        span = self.matching(name)
        if span is not None:
            demand(not {rdtype, RdataType.CNAME} & span.types, f"the type is said to be at {name}")
            at_cut = RdataType.NS in span.types and RdataType.SOA not in span.types
            demand(at_cut <= (rdtype == RdataType.DS), f"{name} is said to be a delegation")
            return
        span = self.covering(name)
        if span is not None and not self.is_hashed and span.end.is_subdomain(name):
            return  # an empty non-terminal
        encloser = self.encloser(name)
        wildcard = self.matching(dns.name.Name((b"*", *encloser.labels)))
        if wildcard is not None:
            demand(not {rdtype, RdataType.CNAME} & wildcard.types, "the wildcard is said to have the type")
            return
        span = self.covering(next_closer(name, encloser))
        empty_wildcard = self.covering(dns.name.Name((b"*", *encloser.labels)))
        if empty_wildcard is not None and not self.is_hashed:
            demand(empty_wildcard.end.labels[-len(encloser) - 1 :][0] == b"*", f"nothing says what is at {name}")
            return
        demand(span is not None and span.opts_out, f"nothing says what is at {name}")

    def insecure(self, cut: Name) -> None:
        span = self.matching(cut)
        if span is not None:
            demand(RdataType.NS in span.types and RdataType.DS not in span.types, f"{cut} is said to have a DS")
            return
        span = self.covering(next_closer(cut, self.encloser(cut)))
        demand(span is not None and span.opts_out, f"nothing says that {cut} has no DS")


def validate(reply: dns.message.Message, name: Name, rdtype: int, origin: Name, keys: dns.rrset.RRset) -> None:
    """Check signatures and proofs of a reply to a question with DO. Raises Bogus."""
    denial = _Denial(reply, origin)
    for section in (reply.answer, reply.authority):
        for rrset in section:
            if _is_to_be_signed(rrset, section, origin):
                _check_signed(rrset, section, origin, keys, denial)
    final = _follow(reply, name, rdtype, origin)
    if final is None:
        return
    cut = next((r.name for r in reply.authority if r.rdtype == RdataType.NS and r.name != origin), None)
    if reply.rcode() == dns.rcode.NXDOMAIN:
        denial.no_name(final)
    elif cut is not None:
        if not any(rrset.rdtype == RdataType.DS for rrset in reply.authority):
            denial.insecure(cut)
    else:
        denial.no_type(final, rdtype)


def demand(truth: bool, reason: str) -> None:
    """Raises Bogus with the reason."""
    if not truth:
        raise Bogus(reason)


def next_closer(name: Name, encloser: Name) -> Name:
    """RFC 5155 section 1.3."""
    return dns.name.Name(name.labels[-len(encloser) - 1 :])


def _check_signed(
    rrset: dns.rrset.RRset, section: list[dns.rrset.RRset], origin: Name, keys: dns.rrset.RRset, denial: _Denial
) -> None:
    signatures = next((r for r in section if r.name == rrset.name and r.covers == rrset.rdtype), None)
    demand(signatures is not None, f"{rrset.name} {RdataType.to_text(rrset.rdtype)} is not signed")
    assert signatures is not None
    original = signatures[0].original_ttl
    demand(rrset.ttl <= original, f"the TTL of {rrset.name} is above {original}")
    demand(signatures.ttl == rrset.ttl, f"the TTL of the signatures of {rrset.name} is another")
    try:
        dns.dnssec.validate(rrset, signatures, {origin: keys})
    except dns.exception.ValidationFailure as error:
        raise Bogus(f"{rrset.name} {RdataType.to_text(rrset.rdtype)}: {error}") from error
    labels = signatures[0].labels
    if labels < len(rrset.name) - 1 - (rrset.name.labels[0] == b"*"):
        denial.no_closer(rrset.name, dns.name.Name(rrset.name.labels[-labels - 1 :]))


def _is_to_be_signed(rrset: dns.rrset.RRset, section: list[dns.rrset.RRset], origin: Name) -> bool:
    if rrset.rdtype == RdataType.RRSIG:
        return False
    if rrset.rdtype == RdataType.NS:
        return bool(rrset.name == origin)
    if not rrset.name.is_subdomain(origin):
        return False
    below = (r for r in section if r.rdtype == RdataType.DNAME and rrset.name != r.name)
    return not (rrset.rdtype == RdataType.CNAME and any(rrset.name.is_subdomain(r.name) for r in below))


def _follow(reply: dns.message.Message, name: Name, rdtype: int, origin: Name) -> Name | None:
    """The name that something has to be denied of; None where the answer is complete, or outside."""
    seen = set()
    while True:
        here = {rrset.rdtype: rrset for rrset in reply.answer if rrset.name == name and not rrset.covers}
        if rdtype in here or name in seen or not name.is_subdomain(origin):
            return None
        if RdataType.CNAME not in here:
            return name
        seen.add(name)
        name = here[RdataType.CNAME][0].target


def _parameters(rrset: dns.rrset.RRset) -> tuple[object, ...]:
    if rrset.rdtype == RdataType.NSEC:
        return ()
    return rrset[0].algorithm, rrset[0].iterations, rrset[0].salt


def _ancestors(name: Name, origin: Name) -> Iterator[Name]:
    while name != origin:
        yield name
        name = name.parent()
    yield origin


def _common(one: Name, other: Name) -> Name:
    _, _, labels = one.fullcompare(other)
    return dns.name.Name(one.labels[-labels:])
