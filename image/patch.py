"""Changing a zone in place: the names that a change touches are written to the delta, and nothing else.

    record = Patch(place, finder, seed).change(touched_by(differences))

Publishing the record makes all of it visible at once. What a delta cannot express (a chain of NSEC or NSEC3, which
stands in the image; glue of more delegations than can be looked at; too many names) is said, and the zone built anew.
"""

from __future__ import annotations

import base64
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from datasrc.keys import AFTER_ALL, APEX, WILDCARD, key_labels, path
from datasrc.nsec3 import SHA1, Parameters, hashed_key
from datasrc.records import Difference, RRset
from datasrc.source import Finder
from image import layout
from image.arena import Arena
from image.delta import Delta
from image.file import ImageFile
from image.fragments import Fragment
from image.names import NameReader
from image.zone import ADDRESS_TYPES, Node, Zone, name_of, target_of, wire
from image.zonerecord import ZoneRecord

MAX_NAMES = 1000  # that are written; more take longer than to build the zone anew in the background
MAX_CUTS = 500  # delegations that are looked at, where an address changed
NODE = struct.Struct("<BBHI")  # flags, octets of the owner, sets, link
SET = struct.Struct("<HHI")  # type, flags, fragment
STAR = b"\x01*"
_ENDS = layout.NODE_CUT | layout.NODE_DNAME
_CHAINED = frozenset({layout.NSEC, layout.NSEC3, layout.NSEC3PARAM})
_SIGNED = frozenset({layout.RRSIG, layout.DNSKEY, layout.DS, layout.SIG})
_LOOKED_AT = frozenset({*ADDRESS_TYPES, layout.DNAME})  # what glue depends on

Touched = Mapping[bytes, frozenset[int]]
"""Owners in wire form, small letters, and the types that changed there: of signatures also those that they cover."""


Cuts = dict[bytes, frozenset[bytes]]
"""The delegations of a zone, and what their NS records name; in wire form, small letters."""


class NotExpressible(Exception):
    """A change that a delta cannot hold: the zone is to be built anew."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where the nodes of a zone are."""

    arena: Arena
    image: ImageFile
    delta: Delta
    record: ZoneRecord


@dataclass(frozen=True, slots=True)
class _Old:
    """A node as it is now; `at` is its place in the heap, 0 where it is in the image."""

    at: int
    flags: int
    link: int
    sets: Mapping[int, tuple[int, int]]  # type: flags, fragment

    @property
    def there(self) -> bool:
        """Whether it is a name of the zone."""
        return not self.flags & layout.NODE_GONE


def touched_by(differences: Iterable[Difference]) -> dict[bytes, frozenset[int]]:
    """What they touch. Raises NotExpressible."""
    found: dict[bytes, set[int]] = {}
    for difference in differences:
        if difference.from_serial is None or difference.to_serial is None:
            raise NotExpressible("it had no data")
        for rrset in (*difference.deleted, *difference.added):
            types = found.setdefault(wire(rrset.name).lower(), set())
            types |= {rrset.rdtype, rrset.covers} - {0}
            if len(found) > MAX_NAMES:
                raise NotExpressible(f"more than {MAX_NAMES} names changed")
    return {owner: frozenset(types) for owner, types in found.items()}


class Patch(Zone):
    """One change of a zone; for one use. Blocks."""

    def __init__(self, place: Place, finder: Finder, seed: int, cuts: Cuts | None = None) -> None:
        """`finder` has the zone as it is to be; `cuts` what the patch before this one left, if that is known."""
        super().__init__(finder, self._keep)
        self._place = place
        self._record = place.record
        self._reader = NameReader(seed)
        self._settled: set[bytes] = set()
        self._taken: dict[bytes, _Old | None] = {}  # owners whose nodes are here as they are to be
        self._gone: dict[bytes, _Old] = {}
        self._starred: set[bytes] = set()  # below which a wildcard may have come or gone
        self._waiting: list[bytes] = []
        self.cuts = cuts

    def change(self, touched: Touched) -> ZoneRecord:
        """Write to the delta what becomes of these names; the record to publish.

        Raises NotExpressible, DeltaFull, DataSourceError; nothing is visible then.
        """
        types = frozenset[int]().union(*touched.values())
        if types & _CHAINED:
            raise NotExpressible("its chain of NSEC or NSEC3 records changed")
        if types & _SIGNED and not self._record.flags & layout.ZONE_SIGNED:
            raise NotExpressible("it was not signed")
        if layout.DNAME in touched.get(self.origin, ()):
            raise NotExpressible("the whole zone is redirected, or no longer")
        self._take_apex(touched.get(self.origin, frozenset()))
        self._waiting = list(touched)
        self._follow_cuts(touched)
        if self._record.last_end and types & _LOOKED_AT:
            self._find_cuts({owner for owner, kinds in touched.items() if kinds & _LOOKED_AT})
        while self._waiting:
            self._settle(self._waiting.pop())
        return self._write()

    def write_all(self) -> ZoneRecord:
        """Write a whole zone that is not signed to the delta, as change() does."""
        self.read()
        if self.flags & layout.ZONE_SIGNED:
            raise NotExpressible("it is signed")
        if len(self.nodes) > MAX_NAMES:
            raise NotExpressible(f"it has more than {MAX_NAMES} names")
        self._record = replace(self._record, flags=self.flags)
        flags = {owner: node.flags for owner, node in self.nodes.items()}
        self._taken = dict.fromkeys(self.nodes)
        return self._write(flags)

    # Which names.

    def _settle(self, owner: bytes) -> None:
        """Bring one name in line, and have those looked at that depend on it."""
        if owner in self._settled:
            return
        self._settled.add(owner)
        if len(self._settled) > MAX_NAMES:
            raise NotExpressible(f"more than {MAX_NAMES} names are concerned")
        key = self._key_of(owner)
        old = self._old(owner)
        sets: list[RRset] = []
        for place, rrset in self._finder.walk(path(key), None):
            if place == key:
                sets.append(rrset)
            elif rrset.rdtype == layout.DNAME or place != APEX:  # nothing is below a cut or a DNAME
                self._let_go(owner, old)
                end = self._owner_of(place)
                self._waiting += [end, *self._between(owner, end)]  # its glue this may be; they may have been for it
                return
        if sets:
            self._take_name(owner, sets, old)
        elif self._has_below(key):
            self._node(owner)
            self._taken[owner] = old
        else:
            self._let_go(owner, old)
        node = self.nodes.get(owner)
        if old is not None and old.flags & _ENDS and (node is None or not node.flags & _ENDS):
            self._uncover(key)
        self._look_above(owner, old)

    def _take_name(self, owner: bytes, sets: list[RRset], old: _Old | None) -> None:
        self._take(owner, sets)
        self._taken[owner] = old
        self.nodes[owner].link = self._link(owner, old)

    def _take_apex(self, types: frozenset[int]) -> None:
        """Only what changed of its sets: it has many, and its SOA record changes every time."""
        old = self._old(self.origin)
        sets = [rrset for _, rrset in self._finder.walk([APEX], None)]
        partial = old is not None and old.there and not types & {layout.CNAME, layout.DNAME}
        if partial:
            sets = [rrset for rrset in sets if (rrset.covers or rrset.rdtype) in types]
        self._take_name(self.origin, sets, old)
        if old is not None and partial:
            node = self.nodes[self.origin]
            node.flags |= old.flags & ~layout.NODE_WILDCARD
            node.sets = {rdtype: entry for rdtype, entry in old.sets.items() if rdtype not in types} | node.sets
        self._settled.add(self.origin)

    def _look_above(self, owner: bytes, old: _Old | None) -> None:
        """The names above one that came or went come and go with it; a wildcard is noted above."""
        if owner == self.origin:
            return
        above = owner[1 + owner[0] :]
        if owner.startswith(STAR):
            self._starred.add(above)
            self._waiting.append(above)
        elif (owner in self._taken) != (old is not None and old.there):
            self._waiting.append(above)

    def _let_go(self, owner: bytes, old: _Old | None) -> None:
        if old is not None and old.there:
            self._gone[owner] = old

    def _uncover(self, key: bytes) -> None:
        """What was below a cut or a DNAME is of the zone again."""
        after = key
        while True:
            _, following = self._finder.neighbours(after + b"\0")
            if following is None or not following.startswith(key):
                return
            owner = self._owner_of(following)
            self._waiting += [owner, *self._between(owner, self._owner_of(key))]
            if len(self._waiting) > MAX_NAMES:
                raise NotExpressible(f"more than {MAX_NAMES} names were below a delegation that is gone")
            after = following

    def _between(self, owner: bytes, end: bytes) -> Iterator[bytes]:
        """The names above one, up to one of them."""
        for above in self._ancestors(owner):
            if above == end:
                return
            yield above

    def _find_cuts(self, owners: set[bytes]) -> None:
        """The delegations that have glue of these names, or of names below them."""
        if self.cuts is None:
            self.cuts = {}
            for key, rrset in self._finder.backwards(AFTER_ALL, layout.NS):
                if key != APEX:
                    self.cuts[self._owner_of(key)] = _targets(rrset)
                if len(self.cuts) > MAX_CUTS:
                    self.cuts = None
                    raise NotExpressible(f"an address changed, which may be glue of more than {MAX_CUTS} delegations")
        for cut, targets in self.cuts.items():
            for target in targets:
                if target in owners or (target.endswith(self.origin) and owners & set(self._ancestors(target))):
                    self._waiting.append(cut)

    def _follow_cuts(self, touched: Touched) -> None:
        """Keep the delegations that are known in line."""
        if self.cuts is None:
            return
        for owner, types in touched.items():
            if layout.NS in types and owner != self.origin:
                rrset = self._finder.rrset(name_of(owner), layout.NS)
                if rrset is None:
                    self.cuts.pop(owner, None)
                else:
                    self.cuts[owner] = _targets(rrset)

    # Nodes as they are.

    def _old(self, owner: bytes) -> _Old | None:
        value = self._place_of(owner)
        relative = owner[: len(owner) - len(self.origin)]
        if self._record.flags & layout.ZONE_DELTA:
            _, node = self._place.delta.find(value, self._record.number, relative)
            if node:
                return self._read_node(self._place.delta.heap + node, node)
        node = self._in_image(value, relative)
        return self._read_node(node, 0) if node else None

    def _in_image(self, value: int, relative: bytes) -> int:
        """The place of a name's node in the arena; 0 where the image has none."""
        view = self._place.arena.view
        row = self._place.image.row()
        start, size, nodes = 8 * row[layout.ROW_BUCKETS], row[layout.ROW_BUCKET_COUNT], row[layout.ROW_NODES]
        bucket = ((value >> layout.HALF) * size) >> layout.HALF
        while entry := int.from_bytes(view[start + 8 * bucket : start + 8 * bucket + 8], "little"):
            offset = entry & layout.OFFSET_MASK
            is_ours = self._record.nodes <= offset < self._record.nodes_end
            if entry >> layout.TAG_SHIFT == value & layout.TAG_MASK and is_ours:
                node = nodes + offset * layout.UNIT
                _, octets, sets, _ = NODE.unpack_from(view, node)
                at = node + layout.NODE_FIXED + layout.SET_OCTETS * sets
                if view[at : at + octets] == relative:
                    return int(node)
            bucket = (bucket + 1) % size
        return 0

    def _read_node(self, place: int, at: int) -> _Old:
        view = self._place.arena.view
        flags, _, count, link = NODE.unpack_from(view, place)
        sets = {}
        for index in range(count):
            rdtype, set_flags, fragment = SET.unpack_from(view, place + layout.NODE_FIXED + index * layout.SET_OCTETS)
            sets[rdtype] = set_flags, fragment
        return _Old(at, flags, link, sets)

    def _link(self, owner: bytes, old: _Old | None) -> int:
        """The entry of a name in the chain, which stays as it is."""
        if old is not None and old.there:
            return old.link
        if not self._record.flags & layout.ZONE_NSEC3:
            return 0
        parameters = Parameters(SHA1, self._record.iterations, self._record.salt)
        wanted = base64.b32hexdecode(hashed_key(name_of(owner), parameters)[:-1].upper())
        row = self._place.image.row()
        start = row[layout.ROW_CHAIN] + self._record.chain * layout.UNIT
        low, high = 1, self._record.chain_entries
        while low <= high:
            middle = (low + high) // 2
            at = start + (middle - 1) * layout.NSEC3_ENTRY
            found = bytes(self._place.arena.view[at : at + layout.HASH_OCTETS])
            if found == wanted:
                return middle
            low, high = (middle + 1, high) if found < wanted else (low, middle - 1)
        return 0

    # Writing.

    def _write(self, flags: Mapping[bytes, int] | None = None) -> ZoneRecord:
        """Write all nodes; `flags` are theirs where they are known."""
        generation = self._record.generation + 1
        for owner, old in self._gone.items():
            self._write_node(generation, owner, old, Node(layout.NODE_GONE))
        for owner, before in self._taken.items():
            node = self.nodes[owner]
            if flags is None:
                node.flags = self._with_wildcard(owner, node.flags, before)
            self._write_node(generation, owner, before, node)
        info = self._finder.info
        return replace(
            self._record,
            flags=self._record.flags | layout.ZONE_DELTA,
            first_end=min([self._record.first_end, *self.ends]),
            last_end=max([self._record.last_end, *self.ends]),
            negative=self.negative or self._record.negative,
            serial=info.serial or 0,
            generation=generation,
            version=info.version,
            records=min(info.records, layout.MASK32),
        )

    def _with_wildcard(self, owner: bytes, flags: int, old: _Old | None) -> int:
        flags &= ~layout.NODE_WILDCARD
        if flags & _ENDS and owner != self.origin:
            return flags
        if old is not None and old.there and not old.flags & _ENDS and owner not in self._starred:
            return flags | (old.flags & layout.NODE_WILDCARD)
        return flags | (layout.NODE_WILDCARD if self._has_below(self._key_of(owner) + WILDCARD) else 0)

    def _write_node(self, generation: int, owner: bytes, old: _Old | None, node: Node) -> None:
        relative = owner[: len(owner) - len(self.origin)]
        octets = NODE.pack(node.flags, len(relative), len(node.sets), node.link)
        octets += b"".join(SET.pack(rdtype, *entry) for rdtype, entry in sorted(node.sets.items())) + relative
        delta = self._place.delta
        written = delta.append_node(self._record.number, generation, old.at if old is not None else 0, octets)
        value = self._place_of(owner)
        at, _ = delta.find(value, self._record.number, relative)
        delta.put(at, value, written)

    def _keep(self, fragment: Fragment) -> int:
        packed = fragment.packed()
        if packed is None:
            return 0
        return layout.IN_DELTA | self._place.delta.append(packed) // layout.UNIT

    # Names and keys.

    def _has_below(self, key: bytes) -> bool:
        """Whether there is anything at this key or below."""
        _, following = self._finder.neighbours(key)
        return following is not None and following.startswith(key)

    def _key_of(self, owner: bytes) -> bytes:
        return self._finder.key_of(name_of(owner))

    def _owner_of(self, key: bytes) -> bytes:
        return b"".join(len(label).to_bytes(1) + label for label in key_labels(key)) + self.origin

    def _place_of(self, owner: bytes) -> int:
        self._reader.attach(memoryview(owner))
        self._reader.read(0, len(owner))
        return self._reader.place(self._reader.hashes[self._reader.depth], self._record.number)


def _targets(rrset: RRset) -> frozenset[bytes]:
    return frozenset(wire(target_of(rdata)).lower() for rdata in rrset.rdatas)
