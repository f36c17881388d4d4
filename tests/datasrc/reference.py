"""A lookup written word by word from RFC 1034 section 4.3.2, RFC 4592 and RFC 6672, over a plain set of (name, type).

Slow and without any of the library's own means (keys, neighbours), so that it can tell whether those are right.
"""

from __future__ import annotations

from dns.name import Name

from datasrc.records import Match

NS, CNAME, DNAME, DS, ANY = 2, 5, 39, 43, 255
NOT_FROM_WILDCARDS = {DS, 47, 46}
BESIDE_CNAME = {46, 47}

Outcome = tuple[Match, Name, Name | None, bool]


class Reference:
    """Answers from the owner names and types of one zone."""

    def __init__(self, origin: Name, sets: set[tuple[Name, int]]) -> None:
        self.origin = origin
        self.sets = sets

    def find(self, name: Name, rdtype: int, *, below_cuts: bool) -> Outcome:
        """(outcome, closest encloser, owner of the answer, by a wildcard)."""
        for ancestor in self._from_apex(name):
            at_name = ancestor == name
            if (
                self._has(ancestor, NS)
                and ancestor != self.origin
                and not below_cuts
                and not (at_name and rdtype == DS)
            ):
                return Match.DELEGATION, ancestor, ancestor, False
            if self._has(ancestor, DNAME) and not at_name:
                return Match.DNAME, ancestor, ancestor, False
        if self._exists(name):
            return self._at(name, name, rdtype, wildcard=False)
        # RFC 4592 section 3.3.1: "The closest encloser is the node in the zone's tree of existing domain names that has
        # the most labels matching the query name"; the source of synthesis is the asterisk label below it.
        encloser = [ancestor for ancestor in self._from_apex(name) if self._exists(ancestor)][-1]
        source = Name((b"*", *encloser.labels))
        if self._exists(source):
            return self._at(source, encloser, rdtype, wildcard=True)
        return Match.NXDOMAIN, encloser, None, False

    def _at(self, node: Name, encloser: Name, rdtype: int, *, wildcard: bool) -> Outcome:
        if rdtype == ANY and any(owner == node for owner, _ in self.sets):
            return Match.SUCCESS, encloser, None, wildcard
        if self._has(node, rdtype) and not (wildcard and rdtype in NOT_FROM_WILDCARDS):
            return Match.SUCCESS, encloser, node, wildcard
        if self._has(node, CNAME) and rdtype not in BESIDE_CNAME | {ANY}:
            return Match.CNAME, encloser, node, wildcard
        return Match.NODATA, encloser, None, wildcard

    def _from_apex(self, name: Name) -> list[Name]:
        depths = range(len(self.origin.labels), len(name.labels) + 1)
        return [Name(name.labels[len(name.labels) - depth :]) for depth in depths]

    def _has(self, name: Name, rdtype: int) -> bool:
        return (name, rdtype) in self.sets

    def _exists(self, name: Name) -> bool:
        """RFC 4592 section 2.2.2: a name exists that owns records or has a descendant that does."""
        return name == self.origin or any(owner.is_subdomain(name) for owner, _ in self.sets)
