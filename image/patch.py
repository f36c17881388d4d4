"""Changing a zone in place: the names that a change touches are written to the delta, and nothing else.

    tools = Tools(seed)                          # once
    record = Patch(place, finder, tools).change(finder.touched(version, limit))

Publishing the record makes all of it visible at once. What a delta cannot express (another kind of chain of NSEC or
NSEC3, or one that has a gap; too many names, or delegations that one name's addresses go with) is said, and the zone
built anew. Names are rendered by what renders them for an image.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace
from itertools import islice

from datasrc.keys import APEX, WILDCARD, path
from datasrc.rows import Row, name_from_wire
from datasrc.source import Finder
from image import layout
from image.assembly import ImageAssembler, Parts
from image.errors import NotExpressible
from image.names import NameReader
from image.overlay import Node, Old, Overlay, Place
from image.patchchains import ChainChanges
from image.patchnames import PatchNames
from image.patchrendering import ADDRESS_TYPES, Rendering, hosts_of
from image.zonerecord import ZoneRecord, origin_wire

MAX_NAMES = 1000  # that are written; more take longer than to build the zone anew in the background
MAX_NOTED = 4 * MAX_NAMES  # notes of a host that are read: some are of delegations that are gone
STAR = b"\x01*"
_SIGNED = frozenset({layout.RRSIG, layout.DNSKEY, layout.DS, layout.SIG})
_LOOKED_AT = frozenset({*ADDRESS_TYPES, layout.DNAME})  # what glue depends on

Touched = Mapping[bytes, Collection[int]]
"""Keys, and the types that changed there: of signatures also those that they cover."""


class Tools:
    """What patches need, and can be used again: for one patch at a time."""

    def __init__(self, seed: int) -> None:
        """`seed` is that of the directory."""
        self.assembler = ImageAssembler(seed)
        self.reader = NameReader(seed)


class Patch:
    """One change of a zone; for one use. Blocks."""

    def __init__(self, place: Place, finder: Finder, tools: Tools) -> None:
        """`finder` has the zone as it is to be."""
        self._finder = finder
        self._record = place.record
        self._origin = place.record.origin
        self._assembler = tools.assembler
        self._rendering = Rendering(finder, self._origin, tools.assembler)
        self._names = PatchNames(finder, self._origin)
        self._overlay = Overlay(place, tools.reader)
        self._chains = ChainChanges(place, finder, self._rendering, self._names, self._overlay)
        self._nodes: dict[bytes, Node] = {}
        self._negative = 0
        self._served: set[bytes] = set()  # delegations whose servers changed
        self._ends: set[int] = set()  # labels of those that are written
        self._settled: set[bytes] = set()
        self._taken: dict[bytes, Old | None] = {}  # owners whose nodes are here as they are to be
        self._gone: dict[bytes, Old] = {}
        self._starred: set[bytes] = set()  # below which a wildcard may have come or gone
        self._waiting: list[bytes] = []

    def change(self, touched: Touched) -> ZoneRecord:
        """Write to the delta what becomes of these names; the record to publish.

        Raises NotExpressible, DeltaFull, DataSourceError; nothing is visible then.
        """
        owners = {self._names.owner_of(key): frozenset(types) for key, types in touched.items()}
        if len(owners) > MAX_NAMES:
            raise NotExpressible(f"more than {MAX_NAMES} names changed")
        types = frozenset[int]().union(*owners.values())
        self._chains.judge(types)
        if types & _SIGNED and not self._record.flags & layout.ZONE_SIGNED:
            raise NotExpressible("it was not signed")
        if layout.DNAME in owners.get(self._origin, ()):
            raise NotExpressible("the whole zone is redirected, or no longer")
        self._chains.take(owners)
        owners = {owner: kinds for owner, kinds in owners.items() if layout.NSEC3 not in kinds}  # those are no names
        self._take_apex(owners.get(self._origin, frozenset()))
        self._waiting = list(owners)
        if self._chains.unmatched:  # names that have NSEC3 now are among those that changed, or above them
            self._waiting += [above for owner in owners for above in self._names.ancestors(owner)]
        self._served = {owner for owner, kinds in owners.items() if layout.NS in kinds}
        if self._record.last_end and types & _LOOKED_AT:
            self._find_cuts(owners)
        while self._waiting:
            self._settle(self._waiting.pop())
        if self._chains.unmatched:
            raise NotExpressible("there are NSEC3 records for names that did not change")
        return self._write()

    def write_all(self) -> ZoneRecord:
        """Write a whole zone that is not signed to the delta, as change() does."""
        rows = list(self._finder.rows())
        self._rendering.load(rows)
        closed: bytes | None = None
        for key in dict.fromkeys(row.key for row in rows):  # in canonical order: a cut comes before what is below
            if closed is not None and key.startswith(closed):
                continue
            owner = self._names.owner_of(key)
            node = self._add(owner, self._rendering.render(key))
            if node.flags & layout.NODE_CUT:
                self._note_hosts(owner, self._finder.row(key, layout.NS))
            if node.flags & layout.NODE_END:
                closed = key
        if self._assembler.facts()[0] & layout.ZONE_SIGNED:
            raise NotExpressible("it is signed")
        if len(self._nodes) > MAX_NAMES:
            raise NotExpressible(f"it has more than {MAX_NAMES} names")
        flags = {owner: node.flags for owner, node in self._nodes.items()}
        self._taken = dict.fromkeys(self._nodes)
        return self._write(flags)

    # Nodes.

    def _add(self, owner: bytes, parts: Parts) -> Node:
        """The node of a name, with those of the empty non-terminals above it (RFC 4592 section 2.2.2)."""
        flags, sets, negative = parts
        node = self._node(owner)
        node.flags |= flags
        node.sets = {rdtype: (kind, self._overlay.keep(octets)) for rdtype, kind, octets in sets}
        if flags & layout.NODE_END:
            self._ends.add(_labels(owner))
        if negative:
            self._negative = self._overlay.keep(negative)
        return node

    def _node(self, owner: bytes) -> Node:
        node = self._nodes.get(owner)
        if node is None:
            node = self._nodes[owner] = Node()
            if owner != self._origin:
                parent = self._node(owner[1 + owner[0] :])
                if owner.startswith(STAR):
                    parent.flags |= layout.NODE_WILDCARD
        return node

    # Which names.

    def _settle(self, owner: bytes) -> None:
        """Bring one name in line, and have those looked at that depend on it."""
        if owner in self._settled:
            return
        self._settled.add(owner)
        if len(self._settled) > MAX_NAMES:
            raise NotExpressible(f"more than {MAX_NAMES} names are concerned")
        key = self._names.key_of(owner)
        old = self._overlay.find(owner)
        rows: list[Row] = []
        for row in self._finder.rows_at(path(key)):
            if row.key == key:
                rows.append(row)
            elif row.rdtype == layout.DNAME or row.key != APEX:  # nothing is below a cut or a DNAME
                self._let_go(owner, old)
                end = self._names.owner_of(row.key)
                # The cut may carry this name's addresses as glue; names in between may have existed only for it.
                self._waiting += [end, *self._names.between(owner, end)]
                return
        if rows:
            taken = self._take(owner, self._rendering.render_rows(key, rows), old)
            self._chains.follow(owner, rows, taken)
            was_cut = old is not None and old.there and old.flags & layout.NODE_CUT
            if taken.flags & layout.NODE_CUT and (owner in self._served or not was_cut):
                self._note_hosts(owner, next(row for row in rows if row.rdtype == layout.NS))
        elif self._names.has_below(key):
            self._node(owner).link = self._chains.link(owner, old)
            self._taken[owner] = old
        else:
            self._let_go(owner, old)
        node = self._nodes.get(owner)
        if old is not None and old.flags & layout.NODE_END and (node is None or not node.flags & layout.NODE_END):
            self._uncover(key)
        self._look_above(owner, old)

    def _take(self, owner: bytes, parts: Parts, old: Old | None) -> Node:
        node = self._add(owner, parts)
        node.link = self._chains.link(owner, old)
        self._taken[owner] = old
        return node

    def _take_apex(self, types: frozenset[int]) -> None:
        """Only what changed of its sets: it has many, and its SOA record changes every time."""
        old = self._overlay.find(self._origin)
        self._settled.add(self._origin)
        if old is None or not old.there or types & {layout.CNAME, layout.DNAME}:
            rows = self._finder.rows_at([APEX])
            node = self._take(self._origin, _denying(self._rendering.render_rows(APEX, rows)), old)
            self._chains.follow(self._origin, rows, node)
            return
        places = [(rdtype, 0) for rdtype in types]
        if self._record.flags & layout.ZONE_SIGNED:
            places += [(layout.RRSIG, rdtype) for rdtype in types]
        rows = [row for place in places if (row := self._finder.row(APEX, *place)) is not None]
        flags, sets, negative = self._rendering.render_rows(APEX, rows)
        changed = [one for one in sets if one[0] in types]  # the SOA is always among them
        node = self._take(self._origin, _denying((flags, changed, negative)), old)
        node.flags |= old.flags & ~layout.NODE_WILDCARD
        node.sets = {rdtype: entry for rdtype, entry in old.sets.items() if rdtype not in types} | node.sets
        self._chains.follow(self._origin, rows, node)

    def _look_above(self, owner: bytes, old: Old | None) -> None:
        """The names above one that came or went come and go with it; a wildcard is noted above."""
        if owner == self._origin:
            return
        above = owner[1 + owner[0] :]
        if owner.startswith(STAR):
            self._starred.add(above)
            self._waiting.append(above)
        elif (owner in self._taken) != (old is not None and old.there):
            self._waiting.append(above)

    def _let_go(self, owner: bytes, old: Old | None) -> None:
        if old is not None and old.there:
            self._gone[owner] = old

    def _uncover(self, key: bytes) -> None:
        """What was below a cut or a DNAME is of the zone again."""
        end = self._names.owner_of(key)
        for owner in self._names.stored_below(key):
            self._waiting += [owner, *self._names.between(owner, end)]
            if len(self._waiting) > MAX_NAMES:
                raise NotExpressible(f"more than {MAX_NAMES} names were below a delegation that is gone")

    def _find_cuts(self, touched: Mapping[bytes, frozenset[int]]) -> None:
        """Have the delegations looked at that may have glue of these names, or of names below them."""
        hosts = {owner for owner, kinds in touched.items() if kinds & ADDRESS_TYPES}
        for owner, kinds in touched.items():
            if layout.DNAME in kinds:  # what is below it is redirected, or no longer
                hosts.update(islice(self._names.stored_below(self._names.key_of(owner)), MAX_NAMES + 1))
                if len(hosts) > MAX_NAMES:
                    raise NotExpressible(f"more than {MAX_NAMES} names are below a DNAME that came or went")
        cuts: set[bytes] = set()
        for host in hosts:
            for count, cut in enumerate(self._overlay.named_by(host)):
                cuts.add(cut)
                if len(cuts) > MAX_NAMES or count > MAX_NOTED:
                    raise NotExpressible(f"addresses changed that go with more than {MAX_NAMES} delegations")
        self._waiting += cuts

    def _note_hosts(self, cut: bytes, servers: Row | None) -> None:
        """Note of which hosts a delegation has glue, but for those whose names lead to it."""
        for target in hosts_of(servers) if servers is not None else ():
            host = origin_wire(target)
            if target.is_subdomain(self._finder.info.origin) and not target.is_subdomain(name_from_wire(cut)):
                self._overlay.note_host(host, cut)

    # Writing.

    def _write(self, flags: Mapping[bytes, int] | None = None) -> ZoneRecord:
        """Write all nodes; `flags` are theirs where they are known."""
        written = {}
        for owner in set(self._overlay.strays()).difference(self._gone, self._taken):
            self._overlay.write(owner, *self._as_it_was(owner))
        for owner, old in self._gone.items():
            written[owner] = self._overlay.write(owner, old, Node(layout.NODE_GONE))
        for owner, before in self._taken.items():
            node = self._nodes[owner]
            if flags is None:
                node.flags = self._with_wildcard(owner, node.flags, before)
            written[owner] = self._overlay.write(owner, before, node)
        patch, patch_entries = self._chains.write(written)
        self._overlay.finish()
        info = self._finder.info
        return replace(
            self._record,
            flags=self._record.flags | layout.ZONE_DELTA,
            first_end=min([self._record.first_end, *self._ends]),
            last_end=max([self._record.last_end, *self._ends]),
            negative=self._negative or self._record.negative,
            serial=info.serial or 0,
            generation=self._overlay.generation,
            version=info.version,
            records=min(info.records, layout.MASK32),
            patch=patch,
            patch_entries=patch_entries,
        )

    def _as_it_was(self, owner: bytes) -> tuple[Old | None, Node]:
        """The node of a name that this change does not touch, and the same again."""
        old = self._overlay.find(owner)
        return old, Node(layout.NODE_GONE) if old is None else Node(old.flags, old.link, dict(old.sets))

    def _with_wildcard(self, owner: bytes, flags: int, old: Old | None) -> int:
        flags &= ~layout.NODE_WILDCARD
        if flags & layout.NODE_END and owner != self._origin:
            return flags
        if old is not None and old.there and not old.flags & layout.NODE_END and owner not in self._starred:
            return flags | (old.flags & layout.NODE_WILDCARD)
        return flags | (layout.NODE_WILDCARD if self._names.has_below(self._names.key_of(owner) + WILDCARD) else 0)


def _denying(apex: Parts) -> Parts:
    """What the apex has, with what negative answers begin with: that before the change may not stay."""
    if not apex[2]:
        raise NotExpressible("its SOA and the signatures over it are too large")
    return apex


def _labels(owner: bytes) -> int:
    """How many labels a wire name has, without the root."""
    return len(name_from_wire(owner).labels) - 1
