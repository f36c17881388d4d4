"""The nodes of one zone as they are, in its image and in the delta beside it, and new ones that go over them."""

from __future__ import annotations

import struct
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from image import layout
from image.arena import Arena
from image.delta import Delta
from image.file import ImageFile
from image.names import NameReader
from image.zonerecord import ZoneRecord

NODE = struct.Struct("<BBHI")  # flags, octets of the owner, sets, link
SET = struct.Struct("<HHI")  # type, flags, fragment
RECORD_ROOM = 1024  # octets, more than the record of a zone can have


@dataclass(frozen=True, slots=True)
class Place:
    """Where the nodes of a zone are."""

    arena: Arena
    image: ImageFile
    delta: Delta
    record: ZoneRecord


@dataclass(slots=True)
class Node:
    """A name, as it is to be."""

    flags: int = 0
    link: int = 0  # its entry in the chain, as layout.py has it
    sets: dict[int, tuple[int, int]] = field(default_factory=dict)  # type: flags, fragment


@dataclass(frozen=True, slots=True)
class Old:
    """A node as it is now; `at` is its place in the heap, 0 where it is in the image."""

    at: int
    flags: int
    link: int
    sets: Mapping[int, tuple[int, int]]  # type: flags, fragment

    @property
    def there(self) -> bool:
        """Whether it is a name of the zone."""
        return not self.flags & layout.NODE_GONE


class Overlay:
    """The nodes of a zone; owners are in wire form and small letters."""

    def __init__(self, place: Place, reader: NameReader) -> None:
        """`reader` has the seed of the directory."""
        self._place = place
        self._record = place.record
        self._reader = reader
        self._origin_octets = len(place.record.origin)
        newest = place.delta.newest(place.record.number)
        self._has_strays = newest > place.record.generation
        self.generation = max(newest, place.record.generation) + 1  # of what is written
        self._written: list[tuple[int, int, bytes, int]] = []  # number of a zone, hash, name, place in the heap
        self._hosts: dict[bytes, int] = {}  # that were noted, and where in the heap last

    def find(self, owner: bytes) -> Old | None:
        """The node of a name; also one that says that it is gone."""
        value, relative = self._value(owner), self._relative(owner)
        if self._record.flags & layout.ZONE_DELTA:
            _, node = self._place.delta.find(value, self._record.number, relative)
            node = self._place.delta.as_of(node, self._record.generation)
            if node:
                return self._read(self._place.delta.heap + node, node)
        node = self._in_image(value, relative)
        return self._read(node, 0) if node else None

    def strays(self) -> list[bytes]:
        """Owners whose nodes in the delta are of a change that the record does not have: its record was never
        published, or was lost. A new generation would show them, unless it has nodes of its own over them.
        """
        if not self._has_strays:
            return []
        number, delta = self._record.number, self._place.delta
        return [delta.owner(node)[1] + self._record.origin for node in delta.newer(number, self._record.generation)]

    def write(self, owner: bytes, old: Old | None, node: Node) -> int:
        """Write a node over the one that was there; its place in the heap, in units. Raises DeltaFull.

        It is found when finish() was called.
        """
        relative = self._relative(owner)
        octets = NODE.pack(node.flags, len(relative), len(node.sets), node.link)
        octets += b"".join(SET.pack(rdtype, *entry) for rdtype, entry in sorted(node.sets.items())) + relative
        delta = self._place.delta
        number, value = self._record.number, self._value(owner)
        replaced = old.at if old is not None else 0
        if self._has_strays:  # who still holds a record that was lost sees the nodes of that
            _, replaced = delta.find(value, number, relative)
        written = delta.append_node(number, self.generation, replaced, octets)
        self._written.append((number, value, relative, written))
        return written // layout.UNIT

    def note_host(self, host: bytes, cut: bytes) -> None:
        """Note that a cut names a host of the zone. Raises DeltaFull. It is found when finish() was called."""
        number = self._record.number | layout.HOST_OF
        before = self._hosts[host] if host in self._hosts else self._noted(host)
        owner, below = self._relative(host), self._relative(cut)
        octets = NODE.pack(0, len(owner), 0, len(below)) + owner + below
        self._hosts[host] = self._place.delta.append_node(number, self.generation, before, octets)

    def named_by(self, host: bytes) -> Iterator[bytes]:
        """The cuts that named a host, since the image was made or in it, some of them more than once: they need not
        name it any more.
        """
        origin = self._record.origin
        entries = self._place.image.hosts()
        upper = self._value(host) >> layout.HALF
        at = bisect_left(entries, upper << layout.HALF)
        while at < len(entries) and entries[at] >> layout.HALF == upper:
            node = entries[at] & layout.MASK32
            if self._record.nodes <= node < self._record.nodes_end:  # else it is of another zone of the image
                yield self._owner_at(self._place.image.row()[layout.ROW_NODES] + node * layout.UNIT) + origin
            at += 1
        noted = self._noted(host)
        while noted:
            place = self._place.delta.heap + noted
            _, octets, _, size = NODE.unpack_from(self._place.arena.view, place)
            start = place + layout.NODE_FIXED + octets
            yield bytes(self._place.arena.view[start : start + size]) + origin
            noted = self._place.delta.replaced(noted)

    def _noted(self, host: bytes) -> int:
        """Where in the heap it is noted which cut named a host last; 0 where it is not."""
        number = self._record.number | layout.HOST_OF
        return self._place.delta.find(self._value(host, number), number, self._relative(host))[1]

    def finish(self) -> None:
        """Have what was written found, all of it or nothing: a change that is given up must leave no trace.

        Raises DeltaFull.
        """
        delta = self._place.delta
        number = self._record.number | layout.HOST_OF
        self._written += [
            (number, self._value(host, number), self._relative(host), written) for host, written in self._hosts.items()
        ]
        delta.expect(len(self._written), RECORD_ROOM)
        for zone, value, relative, written in self._written:
            at, _ = delta.find(value, zone, relative)
            delta.put(at, value, written)

    def keep(self, fragment: bytes) -> int:
        """Write a fragment; its number, 0 of one that is too large for an image. Raises DeltaFull."""
        if not fragment:
            return 0
        return layout.IN_DELTA | self._place.delta.append(fragment) // layout.UNIT

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
                if self._owner_at(node) == relative:
                    return int(node)
            bucket = (bucket + 1) % size
        return 0

    def _owner_at(self, node: int) -> bytes:
        """The name, without the origin, of a node in the arena."""
        view = self._place.arena.view
        _, octets, sets, _ = NODE.unpack_from(view, node)
        at = node + layout.NODE_FIXED + layout.SET_OCTETS * sets
        return bytes(view[at : at + octets])

    def _read(self, place: int, at: int) -> Old:
        view = self._place.arena.view
        flags, _, count, link = NODE.unpack_from(view, place)
        sets = {}
        for index in range(count):
            rdtype, set_flags, fragment = SET.unpack_from(view, place + layout.NODE_FIXED + index * layout.SET_OCTETS)
            sets[rdtype] = set_flags, fragment
        return Old(at, flags, link, sets)

    def _relative(self, owner: bytes) -> bytes:
        return owner[: len(owner) - self._origin_octets]

    def _value(self, owner: bytes, number: int | None = None) -> int:
        """The hash of a name by which its node is found, among those of this zone or another number."""
        self._reader.attach(memoryview(owner))
        self._reader.read(0, len(owner))
        zone = self._record.number if number is None else number
        return self._reader.place(self._reader.hashes[self._reader.depth], zone)
