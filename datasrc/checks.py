"""Is this a zone that can be served, and is it what its owner meant? For text just read and for stored zones alike.

One pass over the sets in canonical order sees each name with all its sets, delegations and DNAMEs before what lies
below them; whatever depends on other names (targets, glue, CNAME chains) is noted and looked up at the end
(checks_targets).
Errors are what makes a zone unusable (datasrc.findings.ERRORS); everything else is a warning.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from functools import partial
from typing import NamedTuple

import dns.exception
import dns.rdata
import dns.rdataclass
from dns import rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.checks_signatures import algorithms_of, unsigned, unsigned_keys
from datasrc.checks_targets import ADDRESS, CNAME, CUT, DNAME, Names, NamesOfZone, Targets
from datasrc.findings import Code, Finding, Place
from datasrc.keys import APEX, WILDCARD, depth, name_key, parent
from datasrc.nsec3 import MAX_ITERATIONS, SHA1
from datasrc.rdata import soa_data, type_fault
from datasrc.records import RRset

Report = Callable[[Finding], None]

ADDRESSES = frozenset({int(RdataType.A), int(RdataType.AAAA)})
# RFC 2181 section 10.1 for the older types, RFC 4034 sections 3 and 4 for today's.
BESIDE_CNAME = frozenset(
    int(rdtype)
    for rdtype in (RdataType.CNAME, RdataType.RRSIG, RdataType.NSEC, RdataType.SIG, RdataType.NXT, RdataType.KEY)
)
# What the parent side of a delegation holds with authority (RFC 4035 section 2), and addresses that are glue.
AT_CUT = ADDRESSES | {int(RdataType.NS), int(RdataType.DS), int(RdataType.NSEC), int(RdataType.RRSIG)}
# RFC 4035 section 2.1, RFC 5155 section 4, RFC 7344 section 4.1, RFC 7477 section 2, RFC 8976 section 2.
APEX_ONLY = frozenset(
    int(rdtype)
    for rdtype in (
        RdataType.DNSKEY,
        RdataType.NSEC3PARAM,
        RdataType.CDS,
        RdataType.CDNSKEY,
        RdataType.CSYNC,
        RdataType.ZONEMD,
    )
)
# RFC 9615 section 4.1: CDS and CDNSKEY of another zone are published under such names.
SIGNALING_LABEL = b"_dsboot\x00"
# RFC 2308 section 5: caching that something does not exist for more than a day makes trouble.
MAX_MINIMUM = 86400
# A message has 65 535 octets (RFC 1035 section 4.2.2); header, question and OPT take some.
MAX_SET_OCTETS = 65_535 - 12 - 300
RR_OCTETS = 12  # a compressed owner name, type, class, TTL, RDLENGTH
NSEC3PARAM_OCTETS = 5  # with an empty salt


def check_zone(
    origin: Name,
    rrsets: Iterable[RRset],
    report: Report,
    place: Callable[[RRset], Place | None] = lambda _: None,
) -> None:
    """Report what is wrong with a zone given by its sets in canonical order (the SOA may come first)."""
    origin_key = name_key(origin)
    nodes = itertools.groupby(rrsets, lambda rrset: name_key(rrset.name)[len(origin_key) :])
    _ZoneCheck(origin, report, place, Names()).run(nodes)


def check_nodes(
    origin: Name,
    nodes: Iterable[tuple[bytes, Iterable[RRset]]],
    names: NamesOfZone,
    report: Report,
    place: Callable[[RRset], Place | None],
) -> None:
    """Like check_zone(), given only the nodes (by relative key) that need a look, and what the other names have."""
    _ZoneCheck(origin, report, place, names).run(nodes)


class _Cover(NamedTuple):
    """A name that hides what lies below it."""

    key: bytes
    name: Name


class _ZoneCheck:
    """One check of one zone. Sets of a name are keyed by type and covered type."""

    def __init__(
        self, origin: Name, report: Report, place: Callable[[RRset], Place | None], names: NamesOfZone
    ) -> None:
        self._origin = origin
        self._origin_key = name_key(origin)
        self._repeats = depth(self._origin_key) > 1  # com.com. is a domain; example.org.example.org. is a slip
        self._report = report
        # No method: it would lead from the targets back to this, and keep all that was read of a zone from being freed.
        self._note = partial(_note, report, place)
        self._targets = Targets(origin, self._note, names)
        # The delegation and the DNAME the walk is at or below.
        self._cut: _Cover | None = None
        self._dname: _Cover | None = None
        self._algorithms: frozenset[int] = frozenset()  # that each set has to be signed with

    def run(self, nodes: Iterable[tuple[bytes, Iterable[RRset]]]) -> None:
        apex_seen = False
        for key, group in nodes:
            sets = {(rrset.rdtype, rrset.covers): rrset for rrset in group}
            types = {rdtype for rdtype, _ in sets}
            if key == APEX:
                apex_seen = True
                self._check_apex(sets, types)
            self._check_node(key, sets, types)
        if not apex_seen:
            self._check_apex({}, set())
        self._targets.resolve()

    def _check_apex(self, sets: dict[tuple[int, int], RRset], types: set[int]) -> None:
        soa = sets.get((RdataType.SOA, 0))
        if soa is None:
            self._report(Finding(Code.NO_SOA, "the zone has no SOA record", None, self._origin, RdataType.SOA))
        elif len(soa.rdatas) > 1:
            self._note(Code.SEVERAL_SOA, f"the zone has {len(soa.rdatas)} SOA records", soa)
        else:
            self._check_soa(soa)
        self._algorithms = algorithms_of(sets)
        for rrset, text in unsigned_keys(sets):
            self._note(Code.RRSET_WITHOUT_SIGNATURE, text, rrset)
        if RdataType.NS not in types:
            self._report(Finding(Code.NO_APEX_NS, "the zone has no NS record", None, self._origin, RdataType.NS))

    def _check_soa(self, soa: RRset) -> None:
        found = soa_data(soa.rdatas[0])
        if found is None:
            fault = _soa_fault(soa.rdatas[0])
            self._note(Code.BAD_RDATA, f"no two names and five numbers (RFC 1035 section 3.3.13): {fault}", soa)
            return
        if b"@" in found.mailbox:
            self._note(Code.SOA_RNAME, "the mailbox is written with a dot in place of the @ (RFC 1035 section 8)", soa)
        if not 0 < found.retry <= found.refresh:
            self._note(Code.SOA_TIMERS, f"RETRY {found.retry} is not between 1 and REFRESH {found.refresh}", soa)
        if found.expire < found.refresh + found.retry:
            text = f"EXPIRE {found.expire} is before the first retry, at {found.refresh} + {found.retry}"
            self._note(Code.SOA_TIMERS, text, soa)
        if found.minimum > MAX_MINIMUM:
            text = f"MINIMUM {found.minimum} lets resolvers remember for more than a day that a name does not exist"
            self._note(Code.SOA_TIMERS, text, soa)

    def _check_node(self, key: bytes, sets: dict[tuple[int, int], RRset], types: set[int]) -> None:
        first = next(iter(sets.values()))
        if self._cut is not None and not key.startswith(self._cut.key):
            self._cut = None
        if self._dname is not None and not key.startswith(self._dname.key):
            self._dname = None
        hidden = self._cut is not None or self._dname is not None
        if self._dname is not None:
            text = f"below the DNAME of {self._dname.name}; never answered (RFC 6672 section 2.4)"
            self._note(Code.BELOW_DNAME, text, first)
        elif self._cut is not None:
            self._check_occluded(types - ADDRESSES, first, f"below the delegation of {self._cut.name}")
        self._check_sets(key, sets, types)
        is_cut = RdataType.NS in types and key != APEX
        if self._algorithms and not hidden:
            for rrset, text in unsigned(sets, self._algorithms, is_cut=is_cut):
                self._note(Code.RRSET_WITHOUT_SIGNATURE, text, rrset)
        if not hidden and is_cut:
            self._cut = _Cover(key, first.name)
            self._check_occluded(types - AT_CUT - {RdataType.DNAME}, first, "at a delegation")
        if not hidden and RdataType.DNAME in types:
            self._dname = _Cover(key, first.name)
        self._add_node(key, sets, types, hidden=hidden)

    def _check_occluded(self, types: set[int], first: RRset, where: str) -> None:
        if types:
            self._note(Code.OCCLUDED, f"{_type_list(types)} {where} is never answered from this zone", first)

    def _check_sets(self, key: bytes, sets: dict[tuple[int, int], RRset], types: set[int]) -> None:
        """What holds for a name whatever lies above it."""
        self._check_aliases(key, sets, types)
        wild = key[len(parent(key)) :] == WILDCARD
        for (rdtype, covers), rrset in sets.items():
            fault = type_fault(rdtype, covers)
            if fault:
                self._note(Code.META_TYPE, fault, rrset)
            if rdtype == RdataType.SOA and key != APEX:
                self._note(Code.SOA_NOT_AT_APEX, f"an SOA record below the apex {self._origin}", rrset)
            if wild and rdtype in (RdataType.NS, RdataType.DNAME):
                code = Code.WILDCARD_NS if rdtype == RdataType.NS else Code.WILDCARD_DNAME
                self._note(code, f"{_type_list({rdtype})} of a wildcard has no defined use (RFC 4592 section 4)", rrset)
            if rdtype == RdataType.RRSIG and covers not in types:
                self._note(Code.RRSIG_WITHOUT_SET, f"a signature of {_type_list({covers})}, which is not there", rrset)
            size = sum(RR_OCTETS + len(rdata) for rdata in rrset.rdatas)
            if size > MAX_SET_OCTETS:
                self._note(Code.RRSET_TOO_LARGE, f"a set of {size} octets does not fit in any message", rrset)
        self._check_dnssec(key, sets, types)
        if self._repeats and key.startswith(self._origin_key):
            first = next(iter(sets.values()))
            self._note(Code.ORIGIN_REPEATED, "the name ends in the origin twice (is a final dot missing?)", first)

    def _check_aliases(self, key: bytes, sets: dict[tuple[int, int], RRset], types: set[int]) -> None:
        cname, dname = sets.get((RdataType.CNAME, 0)), sets.get((RdataType.DNAME, 0))
        if cname is not None:
            others = types - BESIDE_CNAME
            if others:
                self._note(Code.CNAME_AND_OTHER_DATA, f"a CNAME beside {_type_list(others)} (RFC 1034 3.6.2)", cname)
            if len(cname.rdatas) > 1:
                text = f"{len(cname.rdatas)} CNAME records of one name (RFC 2181 section 10.1)"
                self._note(Code.SEVERAL_CNAME, text, cname)
        if dname is not None:
            if len(dname.rdatas) > 1:
                text = f"{len(dname.rdatas)} DNAME records of one name (RFC 6672 section 2.4)"
                self._note(Code.SEVERAL_DNAME, text, dname)
            if RdataType.NS in types and key != APEX:
                self._note(Code.DNAME_AND_NS, "a DNAME beside the NS of a delegation (RFC 6672 section 2.3)", dname)

    def _check_dnssec(self, key: bytes, sets: dict[tuple[int, int], RRset], types: set[int]) -> None:
        ds = sets.get((RdataType.DS, 0))
        if ds is not None and (key == APEX or RdataType.NS not in types):
            self._note(Code.DS_WITHOUT_NS, "DS belongs to a delegation, in the parent zone (RFC 4035 section 2.4)", ds)
        if key != APEX and key[len(parent(key)) :] != SIGNALING_LABEL:
            for rdtype in sorted(types & APEX_ONLY):
                text = f"{_type_list({rdtype})} has its place at the apex {self._origin}"
                self._note(Code.NOT_AT_APEX, text, sets[rdtype, 0])
        nsec3param = sets.get((RdataType.NSEC3PARAM, 0))
        if nsec3param is not None:
            for rdata in nsec3param.rdatas:
                if len(rdata) < NSEC3PARAM_OCTETS:
                    self._note(Code.BAD_RDATA, f"{len(rdata)} octets are too few (RFC 5155 section 4.2)", nsec3param)
                    continue
                algorithm, flags = rdata[:2]
                if algorithm != SHA1 or flags != 0:
                    text = f"hash {algorithm} with flags {flags} is ignored (RFC 5155 sections 4.1.2 and 7.4)"
                    self._note(Code.NSEC3PARAM_IGNORED, text, nsec3param)
                iterations = int.from_bytes(rdata[2:4])
                if iterations:
                    text = f"{iterations} iterations are too many for some validators (RFC 9276 section 3.1 asks for 0)"
                    if iterations > MAX_ITERATIONS:
                        text = (
                            f"a chain of {iterations} iterations is not used, {MAX_ITERATIONS} are the most (RFC 9276)"
                        )
                    self._note(Code.NSEC3_ITERATIONS, text, nsec3param)

    def _add_node(self, key: bytes, sets: dict[tuple[int, int], RRset], types: set[int], *, hidden: bool) -> None:
        has = ADDRESS if types & ADDRESSES else 0
        if RdataType.CNAME in types:
            has |= CNAME
        if not hidden and self._cut is not None:
            has |= CUT
        if not hidden and self._dname is not None:
            has |= DNAME
        self._targets.add_node(key, has)
        if self._cut is not None and self._dname is None and has & ADDRESS:
            self._targets.add_glue(key, next(rrset for (rdtype, _), rrset in sets.items() if rdtype in ADDRESSES))
        if not hidden:
            for rrset in sets.values():
                self._targets.add_set(key, rrset)


def _soa_fault(wire: bytes) -> str:
    """Why this is no SOA RDATA, in the words of dnspython."""
    try:
        dns.rdata.from_wire(dns.rdataclass.IN, RdataType.SOA, wire, 0, len(wire))
    except dns.exception.DNSException as error:
        return str(error)
    return f"{len(wire)} octets"


def _type_list(types: Iterable[int]) -> str:
    return ", ".join(rdatatype.to_text(RdataType.make(rdtype)) for rdtype in sorted(types))


def _note(report: Report, place: Callable[[RRset], Place | None], code: Code, text: str, rrset: RRset) -> None:
    report(Finding(code, text, place(rrset), rrset.name, rrset.rdtype))
