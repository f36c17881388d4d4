"""What a well behaved authoritative server answers from its zones (RFC 1034 section 4.3.2, RFC 4035 section 3.1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import dns.dnssec
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from health.engine.network import Query, Transport

Zones = Mapping[dns.name.Name, dns.zone.Zone]
ALIASES = 8


def answer(zones: Zones, query: Query) -> dns.message.Message:
    """The answer to a query; over UDP it is truncated to what the query allows."""
    response = dns.message.make_response(query.message(), our_payload=1232 if query.edns else 512)
    if query.edns is not None and query.edns.version > 0:
        response.set_rcode(dns.rcode.BADVERS)
        return response
    if query.edns is not None:
        response.use_edns(0, dns.flags.DO if query.edns.dnssec_ok else 0, 1232)
    zone = _zone_for(zones, query)
    if zone is None or query.rdclass != dns.rdataclass.IN or query.rdtype == dns.rdatatype.AXFR:
        response.set_rcode(dns.rcode.REFUSED)
        return response
    Answer(zone, query, response).fill(query.name, ALIASES)
    return truncated(query, response)


def truncated(query: Query, response: dns.message.Message) -> dns.message.Message:
    """The response as it fits into UDP: without records and with TC where it does not."""
    limit = max(query.edns.payload, 512) if query.edns else 512
    if query.transport is Transport.TCP or len(response.to_wire(max_size=65535)) <= limit:
        return response
    for section in (response.answer, response.authority, response.additional):
        section.clear()
    response.flags |= dns.flags.TC
    return response


def _zone_for(zones: Zones, query: Query) -> dns.zone.Zone | None:
    enclosing = [origin for origin in zones if query.name.is_subdomain(origin)]
    if query.rdtype == dns.rdatatype.DS and query.name in enclosing and len(enclosing) > 1:
        enclosing.remove(query.name)  # RFC 4035 section 3.1.4.1: the parent answers for DS
    return zones[max(enclosing, key=len)] if enclosing else None


def apex(zone: dns.zone.Zone) -> dns.name.Name:
    """The origin of a zone, which ours all have."""
    assert zone.origin is not None
    return zone.origin


class Answer:
    """One answer being made from one zone."""

    def __init__(self, zone: dns.zone.Zone, query: Query, response: dns.message.Message) -> None:
        self.zone = zone
        self.origin = apex(zone)
        self.query = query
        self.response = response
        self.dnssec = query.edns is not None and query.edns.dnssec_ok

    def fill(self, name: dns.name.Name, aliases: int) -> None:
        """Answer for one name, and for what it is an alias of."""
        cut = self._cut(name)
        if cut is not None:
            self._refer(cut)
            return
        self.response.flags |= dns.flags.AA
        if self._dname(name, aliases):
            return
        owner = name if self._exists(name) else self._wildcard(name)
        if owner is None:
            self.response.set_rcode(dns.rcode.NXDOMAIN)
            self._deny(name)
        elif self.query.rdtype != dns.rdatatype.CNAME and self.zone.get_rdataset(owner, "CNAME"):
            self._add(self.response.answer, owner, "CNAME", name)
            target = self._rdata(owner, "CNAME")[0].target
            if aliases and target.is_subdomain(self.origin):
                self.fill(target, aliases - 1)
        elif not self._add(self.response.answer, owner, self.query.rdtype, name):
            self._deny(name)

    def _cut(self, name: dns.name.Name) -> dns.name.Name | None:
        for depth in range(len(self.origin) + 1, len(name) + 1):
            above = name.split(depth)[1]
            if self.zone.get_rdataset(above, "NS") and not (above == name and self.query.rdtype == dns.rdatatype.DS):
                return above
        return None

    def _refer(self, cut: dns.name.Name) -> None:
        self._add(self.response.authority, cut, "NS", signed=False)
        if self.dnssec and not self._add(self.response.authority, cut, "DS"):
            self._add(self.response.authority, cut, "NSEC")
        for record in self._rdata(cut, "NS"):
            for rdtype in ("A", "AAAA"):
                self._add(self.response.additional, record.target, rdtype, signed=False)

    def _dname(self, name: dns.name.Name, aliases: int) -> bool:
        for depth in range(len(self.origin), len(name)):
            above = name.split(depth)[1]
            if found := self._rdata(above, "DNAME"):
                target = name.relativize(above).concatenate(found[0].target)
                self._add(self.response.answer, above, "DNAME")
                self.response.answer.append(dns.rrset.from_text(name, 3600, "IN", "CNAME", target.to_text()))
                if aliases and target.is_subdomain(self.origin):
                    self.fill(target, aliases - 1)
                return True
        return False

    def _exists(self, name: dns.name.Name) -> bool:
        return any(owner.is_subdomain(name) for owner in self.zone.nodes)

    def _wildcard(self, name: dns.name.Name) -> dns.name.Name | None:
        while name != self.origin and name != dns.name.root:
            name = name.parent()
            star = dns.name.Name((b"*", *name.labels))
            if star in self.zone.nodes:
                return star
            if self._exists(name):
                return None
        return None

    def _deny(self, name: dns.name.Name) -> None:
        self._add(self.response.authority, self.origin, "SOA")
        if self.dnssec:
            self._add_denial(name)

    def _add_denial(self, name: dns.name.Name) -> None:
        """The NSEC at or before the name (RFC 4034 section 6.1); else the NSEC3 that matches it, if there is one."""
        before = [owner for owner in self.zone.nodes if owner <= name and self.zone.get_rdataset(owner, "NSEC")]
        if before:
            self._add(self.response.authority, max(before), "NSEC")
            return
        hashed = self._rdata(self.origin, "NSEC3PARAM")
        if hashed:
            salt, rounds = hashed[0].salt, hashed[0].iterations
            label = dns.dnssec.nsec3_hash(name, salt, rounds, hashed[0].algorithm)
            self._add(self.response.authority, dns.name.from_text(label, self.origin), "NSEC3")

    def _rdata(self, owner: dns.name.Name, rdtype: str) -> list[Any]:
        return list(self.zone.get_rdataset(owner, rdtype) or ())

    def _add(self, section, owner, rdtype, shown=None, *, signed=True) -> bool:
        rdtype = dns.rdatatype.RdataType.make(rdtype)
        rdataset = self.zone.get_rdataset(owner, rdtype)
        if rdataset is None or any(r.name == (shown or owner) and r.rdtype == rdtype for r in section):
            return rdataset is not None
        section.append(dns.rrset.from_rdata_list(shown or owner, rdataset.ttl, list(rdataset)))
        signatures = self.zone.get_rdataset(owner, "RRSIG", rdtype) if self.dnssec and signed else None
        if signatures:
            section.append(dns.rrset.from_rdata_list(shown or owner, signatures.ttl, list(signatures)))
        return True
