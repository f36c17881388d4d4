"""The delta of an image: what changed in its zones since it was built, in a heap and a table of fixed size.

One writer appends, and publishes by stores of 8 octets; readers of the same memory see what the record of the zone
that they hold has, and nothing newer. A delta lives as long as its machine runs: whatever reached the disk of it before
a crash proves nothing.

Each change is *sealed* by one store that says how far the heap is whole, and the checksum of that. What is behind it
was being written when its writer died, and counts for nothing. Which entries of the table a change put is noted in the
heap, so that what the table should be is known.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from image import layout
from image.arena import Arena
from image.errors import ImageError
from image.raw import Memory

HEAD = struct.Struct("<8sIIQQQQ36s")  # magic, version, 0, seed, capacity, octets of the heap, used, boot
USED_PLACE = 40  # octet of the header
SEAL_PLACE = 88  # how far the heap is whole, in ZONE_UNIT, above the CRC-32 of that
TABLE_PLACE = 96  # how far it was when its writer closed it, above the CRC-32 of the table
SEAL_SHIFT = 32
ENTRY = 8
FULL = 2 / 3  # of the table: beyond that searches become long
BEFORE = struct.Struct("<III")  # generation of the zone, offset of what the node replaces, number of the zone
PUT = struct.Struct("<QQ")  # an entry of the table, and its number
NOTE = struct.Struct("<II")  # at the end of each change: how many entries it put, where the one before ends


class DeltaFull(Exception):
    """There is no room for a change: the zone, or all that is in the slot, is to be built anew."""


def file_octets(capacity: int, heap: int) -> int:
    """Of a delta with so many entries and octets of heap."""
    return layout.HEADER_OCTETS + ENTRY * capacity + heap


def create(path: Path, seed: int, boot: str, capacity: int, heap: int) -> int:
    """Make an empty delta, whole or not at all; `heap` in octets. Its octets. Raises OSError."""
    octets = file_octets(capacity, heap)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, octets)  # a full disk must not show as a signal later
            head = (layout.MAGIC_DELTA, layout.VERSION, 0, seed, capacity, heap, layout.ZONE_UNIT, boot.encode())
            file.write(HEAD.pack(*head))
            file.seek(SEAL_PLACE)
            file.write(_seal(layout.ZONE_UNIT, zlib.crc32(bytes(layout.ZONE_UNIT))).to_bytes(ENTRY, "little"))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return octets


class DeltaFile:
    """A delta at its place in the arena."""

    def __init__(self, arena: Arena, path: Path, *, seed: int, boot: str, writable: bool = False) -> None:
        """Raises ImageError, also for a delta of another boot; OSError."""
        self.path = path
        self._arena = arena
        self._memory = Memory()
        with path.open("r+b" if writable else "rb") as file:
            status = os.fstat(file.fileno())
            self.octets = status.st_size
            self._identity = status.st_dev, status.st_ino
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                raise ImageError(path, f"it has {self.octets} octets, less than a header")
            magic, version, _, found_seed, self.capacity, self.heap_octets, _, found_boot = HEAD.unpack(head)
            if magic != layout.MAGIC_DELTA:
                raise ImageError(path, "it is not the delta of an image")
            if version != layout.VERSION:
                raise ImageError(path, f"its layout is version {version}, not {layout.VERSION}")
            if found_seed != seed:
                raise ImageError(path, "its names are hashed with another seed")
            if found_boot.decode("ascii", "replace") != boot:
                raise ImageError(path, "it is from before the machine was started")
            if self.octets != file_octets(self.capacity, self.heap_octets):
                raise ImageError(path, f"it has {self.octets} octets, not what its header says")
            self.place = arena.map(file.fileno(), self.octets, writable=writable)
        self._base = arena.address + self.place
        self.table = self.place + layout.HEADER_OCTETS
        self.heap = self.table + ENTRY * self.capacity
        try:
            self._check_heap()
        except BaseException:
            self.close()
            raise

    def is_altered(self) -> bool:
        """Whether others find another file by now, or none, as far as that can be seen now."""
        try:
            status = self.path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return (status.st_dev, status.st_ino, status.st_size) != (*self._identity, self.octets)

    @property
    def sealed(self) -> int:
        """Octets of the heap that are whole."""
        return (self._memory.observe(self._base + SEAL_PLACE) >> SEAL_SHIFT) * layout.ZONE_UNIT

    @property
    def used(self) -> int:
        """Octets of the heap in use."""
        return self._memory.observe(self._base + USED_PLACE)

    def _check_heap(self) -> None:
        """Raises ImageError, OSError. What is sealed never changes, so that a reader may ask while another process
        writes.
        """
        heap = self.heap - self.place
        self._arena.read_in(self.place, heap)
        seal = self._memory.observe(self._base + SEAL_PLACE)
        end = (seal >> SEAL_SHIFT) * layout.ZONE_UNIT
        used = self.used
        if not layout.ZONE_UNIT <= end <= used <= self.heap_octets:
            raise ImageError(self.path, f"{used} of {self.heap_octets} octets of its heap are in use, {end} sealed")
        self._arena.read_in(self.place, heap + used)  # what is behind that has no sector yet
        if zlib.crc32(self._arena.view[self.heap : self.heap + end]) != seal & layout.MASK32:
            raise ImageError(self.path, "its heap is damaged: its checksum is wrong")

    def row(self) -> list[int]:
        """What the searcher wants to know (image/searcher.py, ROW_TABLE and ROW_HEAP)."""
        return [self.table >> 3, self.heap]

    def close(self) -> None:
        """Unmap it; nobody may look there any more."""
        self._arena.unmap(self.place)


class Delta(DeltaFile):
    """A delta that is written to. Offsets count octets within the heap."""

    def __init__(self, arena: Arena, path: Path, *, seed: int, boot: str) -> None:
        """Of a change that its writer did not come to the end of nothing is left. Raises ImageError, OSError."""
        super().__init__(arena, path, seed=seed, boot=boot, writable=True)
        self._puts: list[tuple[int, int]] = []  # entries that are not noted yet, and their numbers
        self._newest: dict[int, int] | None = None  # generation of each zone; found when it is asked for first
        self._end = self.sealed
        self._checksum = self._memory.observe(self._base + SEAL_PLACE) & layout.MASK32
        try:
            if self._memory.observe(self._base + TABLE_PLACE) != self._table_seal():
                self._mend_table()
        except BaseException:
            self.close()
            raise
        self._entries = self.capacity - self._table().tolist().count(0)

    @property
    def filling(self) -> float:
        """How full it is, from 0 to 1: of heap and table what is fuller."""
        return float(max(self.used / self.heap_octets, self._entries / (FULL * self.capacity)))

    def seal(self) -> None:
        """All that was appended and put so far is whole, and outlives this process. expect() has made room."""
        puts = b"".join([PUT.pack(entry, at) for at, entry in self._puts])
        note = puts + NOTE.pack(len(self._puts), self._end // layout.ZONE_UNIT)
        end = self.append(note, layout.ZONE_UNIT) + len(note)
        octets = self._arena.view[self.heap + self._end : self.heap + end]
        self._checksum = zlib.crc32(octets, self._checksum)
        self._end = end
        self._puts.clear()
        self._memory.publish(self._base + SEAL_PLACE, _seal(end, self._checksum))

    def settle(self) -> None:
        """Nothing is put any more: who opens it next needs not look through all changes."""
        if not self._puts:
            self._memory.publish(self._base + TABLE_PLACE, self._table_seal())

    def append(self, octets: bytes, alignment: int = layout.UNIT) -> int:
        """Write to the heap; where it is. Raises DeltaFull."""
        used = self.used
        at = -(-used // alignment) * alignment
        end = at + len(octets)
        if end > self.heap_octets or end >> 2 > layout.BELOW_DELTA:
            raise DeltaFull(f"{self.path}: {self.heap_octets - used} octets are left of its heap, {len(octets)} needed")
        self._memory.publish(self._base + USED_PLACE, end)
        start = self.heap + at
        self._arena.view[start : start + len(octets)] = octets
        return at

    def append_record(self, record: bytes) -> int:
        """Write the record of a zone, and seal it with all that it makes visible; where it is. Raises DeltaFull."""
        self.expect(0, len(record) + layout.ZONE_UNIT)
        at = self.append(record, layout.ZONE_UNIT)
        self.seal()
        return at

    def append_node(self, zone: int, generation: int, replaced: int, node: bytes) -> int:
        """Write a node of a zone, in place of the one at `replaced` (0: of none here); where it is."""
        before = BEFORE.pack(generation, replaced // layout.UNIT, zone)
        return self.append(before + node) + layout.NODE_BEFORE

    def find(self, value: int, zone: int, owner: bytes) -> tuple[int, int]:
        """The entry of a name (without the origin, small letters) by its hash, and its node: 0 where there is none."""
        at = ((value >> layout.HALF) * self.capacity) >> layout.HALF
        while entry := self._entry(at):
            node = (entry & layout.OFFSET_MASK) * layout.UNIT
            if entry >> layout.TAG_SHIFT == value & layout.TAG_MASK and self.owner(node) == (zone, owner):
                return at, node
            at = (at + 1) % self.capacity
        return at, 0

    def put(self, at: int, value: int, node: int) -> None:
        """Publish a node at the entry that find() told. Raises DeltaFull."""
        if self._entry(at) == 0:
            if self._entries >= FULL * self.capacity:
                raise DeltaFull(f"{self.path}: its table is full: {self._entries} of {self.capacity} entries")
            self._entries += 1
        if self._newest is not None:
            self._note_generation(self._newest, node)
        entry = (value & layout.TAG_MASK) << layout.TAG_SHIFT | node // layout.UNIT
        self._puts.append((at, entry))
        self._publish(at, entry)

    def expect(self, entries: int, octets: int) -> None:
        """Make sure that so many entries and octets find room, and the note of that. Raises DeltaFull."""
        octets += PUT.size * (entries + len(self._puts)) + NOTE.size + layout.ZONE_UNIT
        if self._entries + entries > FULL * self.capacity:
            raise DeltaFull(f"{self.path}: its table is full: {self._entries} of {self.capacity} entries")
        if self.used + octets > self.heap_octets:
            raise DeltaFull(f"{self.path}: {self.heap_octets - self.used} octets are left of its heap")

    def as_of(self, node: int, generation: int) -> int:
        """What a generation of a zone has in place of a node; 0 where it has none here."""
        while node:
            brought, replaced, _ = BEFORE.unpack_from(self._arena.view, self.heap + node - layout.NODE_BEFORE)
            if brought <= generation:
                return node
            node = replaced * layout.UNIT
        return 0

    def newest(self, zone: int) -> int:
        """The newest generation of a zone that nodes are of, also where its record was lost or never published."""
        if self._newest is None:
            self._newest = {}
            for node in self._nodes():
                self._note_generation(self._newest, node)
        return self._newest.get(zone, 0)

    def newer(self, zone: int, generation: int) -> Iterator[int]:
        """The nodes in the table that a generation of a zone does not have, or has others for."""
        for node in self._nodes():
            brought, _, number = BEFORE.unpack_from(self._arena.view, self.heap + node - layout.NODE_BEFORE)
            if number == zone and brought > generation:
                yield node

    def _nodes(self) -> Iterator[int]:
        return ((entry & layout.OFFSET_MASK) * layout.UNIT for entry in self._table().tolist() if entry)

    def _note_generation(self, newest: dict[int, int], node: int) -> None:
        brought, _, zone = BEFORE.unpack_from(self._arena.view, self.heap + node - layout.NODE_BEFORE)
        newest[zone] = max(brought, newest.get(zone, 0))

    def replaced(self, node: int) -> int:
        """What a node was written in place of; 0 where there is none."""
        _, replaced, _ = BEFORE.unpack_from(self._arena.view, self.heap + node - layout.NODE_BEFORE)
        return int(replaced) * layout.UNIT

    def owner(self, node: int) -> tuple[int, bytes]:
        """The number of the zone of a node, and its name without the origin."""
        view = self._arena.view
        start = self.heap + node
        _, _, zone = BEFORE.unpack_from(view, start - layout.NODE_BEFORE)
        sets = view[start + 2] | view[start + 3] << 8
        at = start + layout.NODE_FIXED + layout.SET_OCTETS * sets
        return zone, bytes(view[at : at + view[start + 1]])

    def _entry(self, at: int) -> int:
        return self._memory.observe(self._base + layout.HEADER_OCTETS + ENTRY * at)

    def _publish(self, at: int, entry: int) -> None:
        self._memory.publish(self._base + layout.HEADER_OCTETS + ENTRY * at, entry)

    def _table(self) -> memoryview:
        return self._arena.view[self.table : self.heap].cast("Q")

    def _table_seal(self) -> int:
        return _seal(self._end, zlib.crc32(self._arena.view[self.table : self.heap]))

    def _mend_table(self) -> None:
        """Take back what the change put that was never sealed. Raises ImageError where anything else is wrong."""
        octets = bytearray(ENTRY * self.capacity)
        right = memoryview(octets).cast("Q")
        for at, entry in self._noted():
            right[at] = entry
        if self._arena.view[self.table : self.heap] == octets:
            return
        found, torn = self._table(), []
        for at, (one, other) in enumerate(zip(found.tolist(), right.tolist(), strict=True)):
            if one != other:
                if (one & layout.OFFSET_MASK) * layout.UNIT < self._end:
                    raise ImageError(self.path, f"entry {at} of its table is damaged")
                torn.append((at, other))
        for at, entry in torn:
            self._publish(at, entry)

    def _noted(self) -> list[tuple[int, int]]:
        """All entries that were put, in order, and their numbers."""
        view, found, end = self._arena.view, list[tuple[int, int]](), self._end
        while end > layout.ZONE_UNIT:
            note = self.heap + end - NOTE.size
            count, before = NOTE.unpack_from(view, note)
            puts = PUT.iter_unpack(view[note - PUT.size * count : note])
            found += reversed([(at, entry) for entry, at in puts])
            end = before * layout.ZONE_UNIT
        found.reverse()
        return found


def _seal(end: int, checksum: int) -> int:
    return end // layout.ZONE_UNIT << SEAL_SHIFT | checksum
