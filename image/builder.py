"""Building an image from the finders of zones.

The image answers what is common; a name, set or zone that it cannot answer is marked, and left to the plain
implementation. What is below a cut or a DNAME is not in it, but for the glue that goes with a referral.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path

from dns.name import Name

from datasrc.errors import DataSourceError
from datasrc.records import Match, RRset, ZoneState
from datasrc.source import Finder
from image import layout
from image.fragments import Fragment, labels
from image.names import NameReader

ADDRESS_TYPES = (1, 28)  # A, AAAA
_SOA_MINIMUM = struct.Struct("!I")
_ZONE = struct.Struct("<BBBBIII")
_NODE = struct.Struct("<BBHI")
_SET = struct.Struct("<HHI")
_SECTION = struct.Struct("<QQII")
_HEAD = struct.Struct("<8sIIQQ")
_SIGNED = frozenset({layout.RRSIG, layout.DNSKEY, layout.NSEC, layout.SIG})


def build(finders: Iterable[Finder], path: Path, seed: int | None = None) -> None:
    """Write an image of these zones: whole or not at all, replacing what was there. Each origin comes once.

    Raises OSError, StorageError.
    """
    builder = _Builder(int.from_bytes(os.urandom(8)) if seed is None else seed)
    for finder in finders:
        builder.add(finder)
    _write(path, builder.finish())


def _write(path: Path, chunks: list[bytes]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class _Node:
    flags: int = 0
    sets: list[tuple[int, int]] = field(default_factory=list)  # type, fragment


class _Builder:
    """Sections in the making; offsets within NODES, ZONES and FRAGMENTS become those of the file at the end."""

    def __init__(self, seed: int) -> None:
        self._seed = seed
        self._reader = NameReader(seed)
        self._zones = 0
        # No offset is 0: that says there is none.
        self._sections = {number: bytearray(layout.ALIGNMENT) for number in (layout.ZONES, layout.NODES)}
        self._fragments = bytearray(layout.ALIGNMENT)
        self._known: dict[bytes, int] = {}
        self._apexes: list[tuple[int, int]] = []  # hash, offset
        self._names: list[tuple[int, int]] = []

    def add(self, finder: Finder) -> None:
        """Add a zone."""
        self._zones += 1
        zone = _Zone(finder, self._fragment)
        zone.read()
        origin = wire(finder.info.origin).lower()
        section = self._sections[layout.ZONES]
        self._apexes.append((self._place(origin, 0), len(section)))
        barriers = zone.barriers or {0}
        section += _ZONE.pack(
            zone.flags, min(barriers), max(barriers), len(origin), labels(origin), zone.negative, self._zones
        )
        section += origin
        _pad(section, layout.ALIGNMENT)
        for owner, node in zone.nodes.items():
            self._add_node(owner, len(owner) - len(origin), node)

    def finish(self) -> list[bytes]:
        """All octets of the file."""
        sections = [
            bytes(self._sections[layout.ZONES]),
            _buckets(self._apexes),
            _buckets(self._names),
            bytes(self._sections[layout.NODES]),
            bytes(self._fragments),
            b"",
        ]
        chunks, table, offset = [], b"", layout.HEADER_OCTETS
        for octets in sections:
            table += _SECTION.pack(offset, len(octets), zlib.crc32(octets), 0)
            padded = octets.ljust(-(-len(octets) // layout.SECTION_ALIGNMENT) * layout.SECTION_ALIGNMENT, b"\0")
            chunks.append(padded)
            offset += len(padded)
        head = _HEAD.pack(layout.MAGIC, layout.VERSION, len(sections), offset, self._seed) + table
        head = head.ljust(layout.HEADER_OCTETS - 4, b"\0")
        return [head + zlib.crc32(head).to_bytes(4, "little"), *chunks]

    def _add_node(self, owner: bytes, relative: int, node: _Node) -> None:
        section = self._sections[layout.NODES]
        self._names.append((self._place(owner, self._zones), len(section)))
        section += _NODE.pack(node.flags, relative, len(node.sets), 0)
        for rdtype, fragment in sorted(node.sets):
            section += _SET.pack(rdtype, 0, fragment)
        section += owner[:relative]
        _pad(section, layout.ALIGNMENT)

    def _place(self, name: bytes, zone: int) -> int:
        self._reader.attach(memoryview(name))
        self._reader.read(0, len(name))
        return self._reader.place(self._reader.hashes[self._reader.depth], zone)

    def _fragment(self, fragment: Fragment) -> int:
        """Where the fragment is, in units; 0 where it is too large. Equal ones are stored once."""
        packed = fragment.packed()
        if packed is None:
            return 0
        known = self._known.get(packed)
        if known is None:
            known = self._known[packed] = len(self._fragments) // layout.ALIGNMENT
            self._fragments += packed
            _pad(self._fragments, layout.ALIGNMENT)
        return known


class _Zone:
    """One zone: its nodes by the wire form of their owner, small letters."""

    def __init__(self, finder: Finder, store: Callable[[Fragment], int]) -> None:
        self._finder = finder
        self._store = store
        self._origin = wire(finder.info.origin).lower()
        self._ends: set[bytes] = set()  # cuts and DNAMEs: what is below is not here
        self.nodes: dict[bytes, _Node] = {}
        self.flags = 0
        self.negative = 0
        self.barriers: set[int] = set()

    def read(self) -> None:
        """Read the zone. A zone that cannot be answered from is left to the plain implementation."""
        try:
            if self._finder.info.state is not ZoneState.READY:
                self.flags = layout.ZONE_LEFT
                return
            by_owner: dict[bytes, list[RRset]] = {}
            for rrset in self._finder.rrsets():
                by_owner.setdefault(wire(rrset.name).lower(), []).append(rrset)
            for owner, sets in by_owner.items():  # in canonical order: a cut comes before what is below
                self._take(owner, sets)
        except DataSourceError:
            self.nodes.clear()
            self.flags = layout.ZONE_LEFT

    def _take(self, owner: bytes, sets: list[RRset]) -> None:
        """Add a name with its sets."""
        types = {rrset.rdtype for rrset in sets}
        if types & _SIGNED:
            self.flags |= layout.ZONE_SIGNED
        if any(ancestor in self._ends for ancestor in self._ancestors(owner)):
            return
        node = self._node(owner)
        if layout.CNAME in types:
            node.flags |= layout.NODE_CNAME
        if layout.NS in types and owner != self._origin:
            self._end(owner, node, layout.NODE_CUT)
            self._refer(owner, node, next(rrset for rrset in sets if rrset.rdtype == layout.NS))
            sets = [rrset for rrset in sets if rrset.rdtype == layout.DS]
        elif layout.DNAME in types:
            self._end(owner, node, layout.NODE_DNAME)
        for rrset in sets:
            if rrset.rdtype not in (layout.RRSIG, layout.SIG):
                self._add(owner, node, rrset)

    def _add(self, owner: bytes, node: _Node, rrset: RRset) -> None:
        source = owner.startswith(b"\x01*")
        fragment = Fragment(owner[2:] if source else owner)  # a wildcard is no end of the names it answers for
        fragment.add(None, rrset.rdtype, rrset.ttl, rrset.rdatas)
        node.sets.append((rrset.rdtype, self._store(fragment)))
        if rrset.rdtype == layout.SOA and owner == self._origin:
            (minimum,) = _SOA_MINIMUM.unpack(rrset.rdatas[0][-_SOA_MINIMUM.size :])
            negative = Fragment(owner)
            negative.add(owner, rrset.rdtype, min(rrset.ttl, minimum), rrset.rdatas)  # RFC 2308 section 3
            self.negative = self._store(negative)

    def _end(self, owner: bytes, node: _Node, flag: int) -> None:
        node.flags |= flag
        self._ends.add(owner)
        self.barriers.add(labels(owner))

    def _refer(self, owner: bytes, node: _Node, servers: RRset) -> None:
        """The reply to everything at or below a cut, with the glue that must be there first (RFC 9471)."""
        cut = servers.name
        fragment = Fragment(owner)
        fragment.add(wire(cut), servers.rdtype, servers.ttl, servers.rdatas)
        targets = [target_of(rdata) for rdata in servers.rdatas]
        for in_domain in (True, False):
            for target in targets:
                if target.is_subdomain(self._finder.info.origin) and target.is_subdomain(cut) is in_domain:
                    for rrset in self._glue(target):
                        fragment.add(wire(rrset.name), rrset.rdtype, rrset.ttl, rrset.rdatas, more=True)
        node.sets.append((layout.REFERRAL, self._store(fragment)))

    def _glue(self, target: Name) -> list[RRset]:
        found = self._finder.find(target, layout.ANY, below_cuts=True)
        if found.match is not Match.SUCCESS or found.wildcard:
            return []
        return [rrset for rrset in found.rrsets if rrset.rdtype in ADDRESS_TYPES]

    def _ancestors(self, owner: bytes) -> Iterable[bytes]:
        """The names between this one and the origin, the origin included."""
        while owner != self._origin:
            owner = owner[1 + owner[0] :]
            yield owner

    def _node(self, owner: bytes) -> _Node:
        """The node of a name, with those of the empty non-terminals above it (RFC 4592 section 2.2.2)."""
        node = self.nodes.get(owner)
        if node is None:
            node = self.nodes[owner] = _Node()
            if owner != self._origin:
                parent = self._node(owner[1 + owner[0] :])
                if owner.startswith(b"\x01*"):
                    parent.flags |= layout.NODE_WILDCARD
        return node


def wire(name: Name) -> bytes:
    """An absolute name in wire form."""
    return b"".join(len(label).to_bytes(1) + label for label in name.labels)


def target_of(rdata: bytes) -> Name:
    """The name an NS record names."""
    parts, offset = [], 0
    while length := rdata[offset]:
        parts.append(rdata[offset + 1 : offset + 1 + length])
        offset += 1 + length
    return Name([*parts, b""])


def _buckets(entries: list[tuple[int, int]]) -> bytes:
    """A table of hashes with linear probing; one place always stays free, for there every search ends."""
    size = int(len(entries) * layout.LOAD) + 2
    table = [0] * size
    for value, offset in entries:
        at = ((value >> layout.HALF) * size) >> layout.HALF
        while table[at]:
            at = (at + 1) % size
        table[at] = (value & layout.TAG_MASK) << layout.TAG_SHIFT | offset // layout.ALIGNMENT
    return struct.pack(f"<{size}Q", *table)


def _pad(section: bytearray, alignment: int) -> None:
    section += bytes(-len(section) % alignment)
