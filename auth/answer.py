"""The answer algorithm of RFC 1034 section 4.3.2, with RFC 2308, 4592, 6672, 8482 and 9471, over the finders of zones.
With DO (RFC 3225) each set is followed by its signatures, and what is not there is proven (RFC 4035 section 3.1).

    question -> zone -> lookup -+-> SUCCESS, NODATA, NXDOMAIN, DELEGATION: done
                 ^              +-> CNAME, DNAME: add the link
                 |                                   |
                 +------- the target's zone <--------+      until a loop, the cap, or a name that is not ours

It is written to be read: it is the reference for faster engines, which must give the same answers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import dns.name
from dns.name import Name
from dns.rcode import Rcode
from dns.rdatatype import RdataType

from auth.additional import address_sets, glue_sets
from auth.denial import prover_of
from auth.errors import Dropped, Refusal
from auth.settings import AnyAnswer, Settings
from auth.wire import Question, labels_of, wire_of
from auth.zones import View
from datasrc.errors import DataSourceError
from datasrc.rdata import SIGNATURES
from datasrc.records import Lookup, Match, RRset
from datasrc.source import Finder
from image.layout import MAX_CHAIN

RFC8482_HINFO = b"\x07RFC8482\x00"  # CPU "RFC8482", OS empty: RFC 8482 section 4.2
_SOA_MINIMUM = struct.Struct("!I")  # the last field of SOA RDATA

# What an ANY query is not answered with while there is something else (RFC 8482 section 4.1).
_NOT_FOR_ANY = frozenset({RdataType.RRSIG, RdataType.NSEC, RdataType.NSEC3})


@dataclass(slots=True)
class Answer:
    """The sections of a reply, by what happens when they do not fit (RFC 2181 section 9, RFC 9471). Glue comes with
    referrals, a courtesy in the authority section with answers: never both.
    """

    rcode: Rcode = Rcode.NOERROR
    authoritative: bool = False
    answer: list[RRset] = field(default_factory=list)  # required: else TC
    authority: list[RRset] = field(default_factory=list)  # required: else TC
    glue: list[RRset] = field(default_factory=list)  # additional, required: else TC
    courtesy_authority: list[RRset] = field(default_factory=list)  # left out where it does not fit
    courtesy_additional: list[RRset] = field(default_factory=list)  # left out where it does not fit
    counted_as: Name | None = None  # for rate limits, where the name may be made up: below a wildcard or DNAME


def answer_question(
    question: Question, view: View, settings: Settings, room: int, *, dnssec_ok: bool = False
) -> Answer:
    """Answer a question of class IN; what is sent will have `room` octets. `dnssec_ok`: the client set DO.

    Raises a Refusal or Dropped where the name is not to be answered from data, DataSourceError where that fails.
    """
    return _Walk(question, view, settings, room, dnssec_ok=dnssec_ok).run()


class _Walk:
    """The way of one question through the zones."""

    def __init__(self, question: Question, view: View, settings: Settings, room: int, *, dnssec_ok: bool) -> None:
        self._rdtype = question.rdtype
        self._name = question.name  # moves along the chain
        self._view = view
        self._settings = settings
        self._room = room
        self._dnssec_ok = dnssec_ok
        self._answer = Answer()
        self._visited = {question.name}

    def run(self) -> Answer:
        target = self._step()
        while target is not None and self._may_follow(target):
            self._name = target
            try:
                target = self._step()
            except (Refusal, Dropped, DataSourceError):
                break  # the chain leaves what this client gets from us now: it goes on asking by itself
        return self._answer

    def _step(self) -> Name | None:
        """Look up the current name; returns the next one of the chain, if any."""
        finder = self._zone()
        return self._take(finder, finder.find(self._name, self._rdtype))

    def _zone(self) -> Finder:
        if self._rdtype == RdataType.DS:
            return self._view.zone_for_ds(self._name)
        return self._view.zone_for(self._name)

    def _may_follow(self, target: Name) -> bool:
        if target in self._visited or len(self._visited) > MAX_CHAIN:
            return False
        self._visited.add(target)
        return True

    def _take(self, finder: Finder, found: Lookup) -> Name | None:
        """Add what was found; returns the name to go on with, if any."""
        proof = self._prove(finder, found)  # first: without it nothing of this step is told
        if self._answer.counted_as is None and (found.wildcard or found.match is Match.DNAME):
            self._answer.counted_as = found.closest_encloser
        target = None
        if found.match is Match.DELEGATION:
            self._refer(finder, found)
        else:
            self._answer.authoritative = True
            if found.match is Match.CNAME:
                target = self._link(finder, found)
            elif found.match is Match.DNAME:
                target = self._redirect(finder, found)
            elif found.match is Match.SUCCESS:
                self._succeed(finder, found)
            else:
                self._deny(finder, found)
        for rrset in proof:
            self._add(self._answer.authority, finder, rrset)
        return target

    def _prove(self, finder: Finder, found: Lookup) -> list[RRset]:
        """What shows a validator that things are not there (RFC 4035 sections 3.1.3 and 3.1.4). Raises Unprovable."""
        if not self._dnssec_ok:
            return []
        cut = found.rrset if found.match is Match.DELEGATION else None
        if cut is not None:
            if finder.rrset(cut.name, RdataType.DS) is not None:
                return []
        elif found.match not in (Match.NODATA, Match.NXDOMAIN) and not found.wildcard:
            return []
        prover = prover_of(finder)
        if prover is None:
            return []
        if cut is not None:
            return prover.insecure(cut.name)
        if found.match is Match.NXDOMAIN:
            return prover.nxdomain(self._name, found)
        return (prover.nodata if found.match is Match.NODATA else prover.wildcard)(self._name, found)

    def _succeed(self, finder: Finder, found: Lookup) -> None:
        rrset = self._choose_for_any(found.rrsets) if self._rdtype == RdataType.ANY else found.rrset
        assert rrset is not None
        self._add_owned(finder, rrset)
        if not self._settings.minimal_responses:
            self._be_courteous(finder, replace(rrset, name=self._name))

    def _choose_for_any(self, rrsets: tuple[RRset, ...]) -> RRset:
        """The one RRset an ANY query gets, or HINFO (RFC 8482 sections 4.1, 4.2). A CNAME excludes HINFO beside it, and
        where a validator may look it would have to be signed.
        """
        types = {rrset.rdtype for rrset in rrsets}
        is_to_be_signed = self._dnssec_ok and RdataType.RRSIG in types
        if self._settings.any_answer is AnyAnswer.HINFO and RdataType.CNAME not in types and not is_to_be_signed:
            return RRset(self._name, RdataType.HINFO, self._settings.any_ttl, (RFC8482_HINFO,))
        return min(rrsets, key=lambda rrset: (rrset.rdtype in _NOT_FOR_ANY, rrset.rdtype))

    def _link(self, finder: Finder, found: Lookup) -> Name:
        assert found.rrset is not None
        self._add_owned(finder, found.rrset)
        return labels_of(found.rrset.rdatas[0])

    def _redirect(self, finder: Finder, found: Lookup) -> Name | None:
        """RFC 6672 section 3.2: the DNAME, and the CNAME it stands for, which is not signed (section 5.3.1)."""
        dname = found.rrset
        assert dname is not None
        self._add(self._answer.answer, finder, dname)
        prefix = self._name.relativize(dname.name)
        try:
            target = prefix.concatenate(labels_of(dname.rdatas[0]))
        except dns.name.NameTooLong:
            self._answer.rcode = Rcode.YXDOMAIN
            return None
        _append(self._answer.answer, [RRset(self._name, RdataType.CNAME, dname.ttl, (wire_of(target),))])
        asked_for_it = self._rdtype in (RdataType.CNAME, RdataType.ANY)
        return None if asked_for_it else target

    def _deny(self, finder: Finder, found: Lookup) -> None:
        """RFC 2308 section 3: the SOA, with the TTL a resolver may remember this for. RFC 6604: of the last name."""
        if found.match is Match.NXDOMAIN:
            self._answer.rcode = Rcode.NXDOMAIN
        soa = finder.rrset(finder.info.origin, RdataType.SOA)
        assert soa is not None, f"zone {finder.info.origin} is READY without an SOA"
        (minimum,) = _SOA_MINIMUM.unpack(soa.rdatas[0][-_SOA_MINIMUM.size :])
        self._add(self._answer.authority, finder, replace(soa, ttl=min(soa.ttl, minimum)))

    def _refer(self, finder: Finder, found: Lookup) -> None:
        """RFC 1034 section 4.3.2 step 3b. After a chain AA stays, for the first answer (RFC 2181 section 6.1)."""
        cut = found.rrset
        assert cut is not None
        self._answer.authority.append(cut)  # not signed: it is the zone below that answers for it
        secured = finder.rrset(cut.name, RdataType.DS) if self._dnssec_ok else None
        if secured is not None:
            self._add(self._answer.authority, finder, secured)
        glue, courtesy = glue_sets(finder, cut, self._room, dnssec_ok=self._dnssec_ok)
        self._answer.glue, self._answer.courtesy_additional = glue, courtesy

    def _be_courteous(self, finder: Finder, rrset: RRset) -> None:
        """The name servers of the zone, and addresses of what the answer names."""
        wanted = [rrset]
        origin = finder.info.origin
        if not (rrset.rdtype == RdataType.NS and rrset.name == origin):
            servers = finder.rrset(origin, RdataType.NS)
            if servers is not None:
                self._add(self._answer.courtesy_authority, finder, servers)
                wanted.append(servers)
        self._answer.courtesy_additional = address_sets(
            self._view, wanted, present=self._answer.answer, dnssec_ok=self._dnssec_ok
        )

    def _add_owned(self, finder: Finder, rrset: RRset) -> None:
        """Add to the answer section; a wildcard's set belongs to the name asked (RFC 1034 section 4.3.2 step 3c)."""
        self._add(self._answer.answer, finder, rrset, owner=None if rrset.name == self._name else self._name)

    def _add(self, section: list[RRset], finder: Finder, rrset: RRset, owner: Name | None = None) -> None:
        """Add a set of the zone, and with DO its signatures, as if it were the owner's."""
        sets = [rrset]
        if self._dnssec_ok and rrset.rdtype not in SIGNATURES:
            signatures = finder.rrset(rrset.name, RdataType.RRSIG, covers=rrset.rdtype)
            if signatures is not None:  # RFC 4034 section 3: their TTL is that of what they cover
                sets.append(replace(signatures, ttl=min(signatures.ttl, rrset.ttl)))
        _append(section, sets if owner is None else [replace(one, name=owner) for one in sets])


def _append(section: list[RRset], rrsets: Iterable[RRset]) -> None:
    """Append each set once (RFC 2181 section 5.5): a chain may pass the same DNAME several times, proofs overlap."""
    there = {(rrset.name, rrset.rdtype, rrset.covers) for rrset in section}
    section += (rrset for rrset in rrsets if (rrset.name, rrset.rdtype, rrset.covers) not in there)
