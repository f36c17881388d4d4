"""The lookup within one zone (RFC 1034 section 4.3.2, RFC 4592, RFC 6672), over two questions to a store.

A name is looked up from the apex down, so that the topmost cut or DNAME wins and nothing below it is seen. Only where
the name has no set that answers are its neighbours in canonical order asked for: they tell whether the name exists
(itself or as an empty non-terminal), and if not, which is its closest encloser, and so the one wildcard that may apply.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.keys import APEX, WILDCARD, common_ancestor, depth, path
from datasrc.nsec3 import may_be_hashed
from datasrc.rdata import SIGNATURES
from datasrc.records import Lookup, Match, RRset

ANY = int(RdataType.ANY)
CNAME = int(RdataType.CNAME)
DNAME = int(RdataType.DNAME)
DS = int(RdataType.DS)
NS = int(RdataType.NS)
NSEC3 = int(RdataType.NSEC3)

BARRIERS = frozenset({NS, DNAME})
"""The types that, at an ancestor, end a lookup there."""

BESIDE_CNAME = frozenset({int(RdataType.KEY), int(RdataType.NXT), int(RdataType.NSEC)}) | SIGNATURES
"""Types that may stand beside a CNAME: a query for them is not sent to its target (RFC 4034 section 3, RFC 3007)."""

NOT_SYNTHESIZED = frozenset({DS, int(RdataType.NXT), int(RdataType.NSEC)}) | SIGNATURES
"""Types that answer only for the wildcard name itself (RFC 4592 sections 4.6 to 4.8)."""


class Nodes(Protocol):
    """What a store must answer about one zone; keys are relative to its origin."""

    def walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> list[tuple[bytes, RRset]]:
        """The sets of these types (None: of all) at the last key, and the NS and DNAME sets at the others."""

    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""


def find(nodes: Nodes, name: Name, key: bytes, rdtype: int, *, below_cuts: bool) -> Lookup:
    """Look up `name`, whose relative key is `key`."""
    keys = path(key)
    types = None if rdtype == ANY else BARRIERS | {rdtype, CNAME}
    found: dict[bytes, list[RRset]] = {}
    for place, rrset in nodes.walk(keys, types):
        if not _is_hashed(rrset):
            found.setdefault(place, []).append(rrset)
    for place in keys:
        barrier = _barrier(found.get(place, []), place, rdtype, last=place == key, below_cuts=below_cuts)
        if barrier is not None:
            match, rrset = barrier
            return Lookup(match, _ancestor(name, key, place), rrset)
    if key in found:
        return _at_node(found[key], name, rdtype)
    return _without_sets(nodes, name, key, rdtype, types)


def _barrier(
    sets: list[RRset], place: bytes, rdtype: int, *, last: bool, below_cuts: bool
) -> tuple[Match, RRset] | None:
    """What ends the walk at this ancestor (or, `last`, at the name itself)."""
    dname = None
    for rrset in sets:
        if rrset.rdtype == NS and place != APEX and not below_cuts and not (last and rdtype == DS):
            return Match.DELEGATION, rrset
        if rrset.rdtype == DNAME and not last:  # the owner itself is not redirected (RFC 6672 section 2.3)
            dname = rrset
    return None if dname is None else (Match.DNAME, dname)


def _at_node(sets: list[RRset], encloser: Name, rdtype: int, *, wildcard: bool = False) -> Lookup:
    """The answer of a node, its own or a wildcard's, that has these sets; more, of other types, may exist."""
    if rdtype == ANY:
        return Lookup(Match.SUCCESS, encloser, rrsets=tuple(sets), wildcard=wildcard)
    answer = [] if wildcard and rdtype in NOT_SYNTHESIZED else [rrset for rrset in sets if rrset.rdtype == rdtype]
    if answer:
        if rdtype in SIGNATURES:
            return Lookup(Match.SUCCESS, encloser, _merged(answer), tuple(answer), wildcard)
        return Lookup(Match.SUCCESS, encloser, answer[0], wildcard=wildcard)
    if rdtype not in BESIDE_CNAME:
        for rrset in sets:
            if rrset.rdtype == CNAME:
                return Lookup(Match.CNAME, encloser, rrset, wildcard=wildcard)
    return Lookup(Match.NODATA, encloser, wildcard=wildcard)


def _without_sets(nodes: Nodes, name: Name, key: bytes, rdtype: int, types: frozenset[int] | None) -> Lookup:
    """The name has no set that answers: it exists otherwise, a wildcard covers it, or it does not exist."""
    before, after = nodes.neighbours(key)
    if after is not None and after.startswith(key) and _exists(nodes, key):
        return Lookup(Match.NODATA, name)
    encloser = max(common_ancestor(key, before or APEX), common_ancestor(key, after or APEX), key=len)
    if not _exists(nodes, encloser):
        encloser = APEX
    closest = _ancestor(name, key, encloser)
    source = encloser + WILDCARD  # the source of synthesis (RFC 4592 section 3.3.1); no other is looked for
    sets = [rrset for _, rrset in nodes.walk([source], types)]
    if sets:
        return _at_node(sets, closest, rdtype, wildcard=True)
    _, after = nodes.neighbours(source)
    if after is not None and after.startswith(source):
        return Lookup(Match.NODATA, closest, wildcard=True)
    return Lookup(Match.NXDOMAIN, closest)


def _exists(nodes: Nodes, key: bytes) -> bool:
    """Whether a stored key, or an ancestor of one, is a name: of NSEC3 records alone it is not (RFC 5155 7.2.8)."""
    if not may_be_hashed(key) or any(not _is_hashed(rrset) for _, rrset in nodes.walk([key], None)):
        return True
    _, below = nodes.neighbours(key + b"\x01")  # no label begins with a lower octet
    return below is not None and below.startswith(key)


def _is_hashed(rrset: RRset) -> bool:
    return NSEC3 in (rrset.rdtype, rrset.covers)


def _ancestor(name: Name, key: bytes, place: bytes) -> Name:
    """The ancestor of `name` whose relative key is `place`, as `name` spells it."""
    below = depth(key) - depth(place)
    return Name(name.labels[below:]) if below else name


def _merged(signatures: list[RRset]) -> RRset:
    """All signatures of a node as the one answer to a query for their type."""
    first = signatures[0]
    rdatas = tuple(rdata for rrset in signatures for rdata in rrset.rdatas)
    return RRset(first.name, first.rdtype, min(rrset.ttl for rrset in signatures), rdatas)
