"""The delta of an image: what changed in its zones since it was built, in a heap and a table of fixed size.

One writer appends, and publishes by stores of 8 octets; readers of the same memory see what the record of the zone
that they hold has, and nothing newer. A delta lives as long as its machine runs: whatever reached the disk of it before
a crash proves nothing.
"""

from __future__ import annotations

import os
import struct
import tempfile
from pathlib import Path

from image import layout
from image.arena import Arena
from image.errors import ImageError
from image.raw import Memory

HEAD = struct.Struct("<8sIIQQQQ36s")  # magic, version, torn, seed, capacity, octets of the heap, used, boot
STATE_PLACE = 8  # octet of the header: version, and in the upper half whether a change is being written
USED_PLACE = 40
TORN = 1 << 32
ENTRY = 8
FULL = 2 / 3  # of the table: beyond that searches become long
BEFORE = struct.Struct("<III")  # generation of the zone, offset of what the node replaces, number of the zone


class DeltaFull(Exception):
    """There is no room for a change: the zone, or all that is in the slot, is to be built anew."""


def create(path: Path, seed: int, boot: str, capacity: int, heap: int) -> int:
    """Make an empty delta, whole or not at all; `heap` in octets. Its octets. Raises OSError."""
    octets = layout.HEADER_OCTETS + ENTRY * capacity + heap
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, octets)  # a full disk must not show as a signal later
            head = (layout.MAGIC_DELTA, layout.VERSION, 0, seed, capacity, heap, layout.ZONE_UNIT, boot.encode())
            file.write(HEAD.pack(*head))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    return octets


class DeltaFile:
    """A delta at its place in the arena."""

    def __init__(self, arena: Arena, path: Path, *, seed: int, boot: str, writable: bool = False) -> None:
        """Raises ImageError, also for a delta of another boot, or one whose writer died at work; OSError."""
        self.path = path
        self._arena = arena
        with path.open("r+b" if writable else "rb") as file:
            self.octets = os.fstat(file.fileno()).st_size
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                raise ImageError(path, f"it has {self.octets} octets, less than a header")
            magic, version, torn, found_seed, self.capacity, self.heap_octets, used, found_boot = HEAD.unpack(head)
            if magic != layout.MAGIC_DELTA:
                raise ImageError(path, "it is not the delta of an image")
            if version != layout.VERSION:
                raise ImageError(path, f"its layout is version {version}, not {layout.VERSION}")
            if found_seed != seed:
                raise ImageError(path, "its names are hashed with another seed")
            if found_boot.decode("ascii", "replace") != boot:
                raise ImageError(path, "it is from before the machine was started")
            if writable and torn:
                raise ImageError(path, "a change was being written to it when its writer ended")
            if self.octets != layout.HEADER_OCTETS + ENTRY * self.capacity + self.heap_octets:
                raise ImageError(path, f"it has {self.octets} octets, not what its header says")
            if not layout.ZONE_UNIT <= used <= self.heap_octets:
                raise ImageError(path, f"{used} of {self.heap_octets} octets of its heap are in use")
            self.place = arena.map(file.fileno(), self.octets, writable=writable)
        self.table = self.place + layout.HEADER_OCTETS
        self.heap = self.table + ENTRY * self.capacity

    def row(self) -> list[int]:
        """What the searcher wants to know (image/searcher.py, ROW_TABLE and ROW_HEAP)."""
        return [self.table >> 3, self.heap]

    def close(self) -> None:
        """Unmap it; nobody may look there any more."""
        self._arena.unmap(self.place)


class Delta(DeltaFile):
    """A delta that is written to. Offsets count octets within the heap."""

    def __init__(self, arena: Arena, path: Path, *, seed: int, boot: str) -> None:
        super().__init__(arena, path, seed=seed, boot=boot, writable=True)
        self._memory = Memory()
        self._base = arena.address + self.place
        self._entries = sum(1 for at in range(self.capacity) if self._entry(at))

    @property
    def used(self) -> int:
        """Octets of the heap in use."""
        return self._memory.observe(self._base + USED_PLACE)

    @property
    def filling(self) -> float:
        """How full it is, from 0 to 1: of heap and table what is fuller."""
        return float(max(self.used / self.heap_octets, self._entries / (FULL * self.capacity)))

    def begin(self) -> None:
        """Mark that a change is being written; a writer that dies now leaves what must be thrown away."""
        self._memory.publish(self._base + STATE_PLACE, layout.VERSION | TORN)

    def end(self) -> None:
        """The change is whole, and published or of no consequence."""
        self._memory.publish(self._base + STATE_PLACE, layout.VERSION)

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
        tag = (value & layout.TAG_MASK) << layout.TAG_SHIFT
        self._memory.publish(self._base + layout.HEADER_OCTETS + ENTRY * at, tag | node // layout.UNIT)

    def expect(self, entries: int, octets: int) -> None:
        """Make sure that so many entries and octets find room. Raises DeltaFull."""
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
