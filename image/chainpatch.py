"""The chain of a zone as it is to be after a change: entries of the image, and what a patch in the delta says of them.

An entry is at a *place*, by which entries are ordered: of NSEC the key of its owner, of NSEC3 the hash. The patch is
written anew with each change, so that who holds the record before it sees the patch before it. Whether the chain is
still whole (each record names the next) is judged by what changed: where that does not fit, the zone is built anew.
"""

from __future__ import annotations

import struct
from bisect import bisect_left, bisect_right
from collections.abc import Callable

from datasrc.keys import labels_key
from image import layout
from image.overlay import NODE, SET, Place

HEAD = struct.Struct("<II")  # rank; node or fragment


class ChainPatch:
    """The chain of one zone; for one change."""

    def __init__(self, place: Place) -> None:
        """As the record of the zone has it."""
        self.hashed = bool(place.record.flags & layout.ZONE_NSEC3)
        self.changed: dict[bytes, bytes | None] = {}  # places, and what they name as the next; None: they are gone
        self._delta = place.delta
        self._view = place.arena.view
        row = place.image.row()
        self._nodes = row[layout.ROW_NODES]
        self._start = row[layout.ROW_CHAIN] + place.record.chain * layout.UNIT
        self._base = _Places(place.record.chain_entries, self._hash_in_image if self.hashed else self._key_in_image)
        self._places: list[bytes] = []  # of the patch, in order
        self._values: list[int] = []  # node or fragment
        self._there: list[bool] = []  # whether they are in the chain
        self._ranks: list[int] = []
        self._moved: set[bytes] = set()  # that came or went
        self._read(place.delta.heap + place.record.patch * layout.UNIT, place.record.patch_entries)

    def is_there(self, place: bytes) -> bool:
        """Whether there is an entry at a place."""
        number = bisect_left(self._places, place)
        if number < len(self._places) and self._places[number] == place:
            return self._there[number]
        return self.in_image(place) != 0

    def in_image(self, place: bytes) -> int:
        """The entry of the image at a place, from 1; 0 where there is none."""
        rank = bisect_right(self._base, place)
        return rank if rank and self._base[rank - 1] == place else 0

    def put(self, place: bytes, value: int, following: bytes | None) -> None:
        """Have this node or fragment at a place; it names the place `following` as the next, None: it is gone."""
        there = following is not None
        if self.is_there(place) != there:
            self._moved.add(place)
        self.changed[place] = following
        number = bisect_left(self._places, place)
        if number < len(self._places) and self._places[number] == place:
            self._values[number], self._there[number] = value, there
            return
        rank = bisect_right(self._base, place)
        exact = rank > 0 and self._base[rank - 1] == place
        if exact or there:
            self._places.insert(number, place)
            self._values.insert(number, value)
            self._there.insert(number, there)
            self._ranks.insert(number, rank | (layout.IN_DELTA if exact else 0))

    def came(self) -> set[bytes]:
        """The places that are there now, and were not, neither before the change nor in the image."""
        return {place for place in self._moved if self.changed[place] is not None and not self.in_image(place)}

    def is_whole(self) -> bool:
        """Whether what changed still makes one chain with what did not."""
        for place, following in self.changed.items():
            if following is not None and self._next(place, 1) != following:
                return False
            if place in self._moved and self.changed.get(self._next(place, -1)) is None:
                return False
        return True

    def write(self) -> tuple[int, int]:
        """Write the patch to the delta; where it is, in units, and how many entries it has. Raises DeltaFull."""
        octets = b"".join(
            HEAD.pack(rank, value) + (place if self.hashed else b"")
            for rank, value, place in zip(self._ranks, self._values, self._places, strict=True)
        )
        return (self._delta.append(octets) // layout.UNIT, len(self._places)) if octets else (0, 0)

    def _next(self, place: bytes, step: int) -> bytes:
        """The entry behind a place (step 1) or before it (-1); the chain is a ring."""
        bisect = bisect_right if step > 0 else bisect_left
        behind = 0 if step > 0 else 1
        found = self._from(bisect(self._base, place) - behind, bisect(self._places, place) - behind, step)
        if found is None:
            last = (0, 0) if step > 0 else (len(self._base) - 1, len(self._places) - 1)
            found = self._from(*last, step)
        return place if found is None else found

    def _from(self, entry: int, number: int, step: int) -> bytes | None:
        """The first entry that is there, from these on; None behind the last."""
        while True:
            base = self._base[entry] if 0 <= entry < len(self._base) else None
            patched = self._places[number] if 0 <= number < len(self._places) else None
            if patched is None or (base is not None and (base < patched if step > 0 else base > patched)):
                return base
            if base == patched:
                entry += step
            if self._there[number]:
                return patched
            number += step

    def _read(self, at: int, entries: int) -> None:
        for _ in range(entries):
            rank, value = HEAD.unpack_from(self._view, at)
            self._ranks.append(rank)
            self._values.append(value)
            at += HEAD.size
            if self.hashed:
                self._places.append(bytes(self._view[at : at + layout.HASH_OCTETS]))
                self._there.append(value != 0)
                at += layout.HASH_OCTETS
            else:
                node = self._delta.heap + value * layout.UNIT
                self._places.append(self._key_at(node))
                self._there.append(self._has_nsec(node))

    def _hash_in_image(self, entry: int) -> bytes:
        at = self._start + entry * layout.NSEC3_ENTRY
        return bytes(self._view[at : at + layout.HASH_OCTETS])

    def _key_in_image(self, entry: int) -> bytes:
        at = self._start + entry * layout.NSEC_ENTRY
        return self._key_at(self._nodes + int.from_bytes(self._view[at : at + 4], "little") * layout.UNIT)

    def _key_at(self, node: int) -> bytes:
        """The key of the name of a node at a place of the arena."""
        _, octets, sets, _ = NODE.unpack_from(self._view, node)
        at = node + layout.NODE_FIXED + layout.SET_OCTETS * sets
        end = at + octets
        labels = []
        while at < end:
            labels.append(bytes(self._view[at + 1 : at + 1 + self._view[at]]))
            at += 1 + self._view[at]
        return labels_key(labels)

    def _has_nsec(self, node: int) -> bool:
        count = NODE.unpack_from(self._view, node)[2]
        start = node + layout.NODE_FIXED
        sets = (SET.unpack_from(self._view, start + number * layout.SET_OCTETS) for number in range(count))
        return any(rdtype == layout.NSEC for rdtype, _, _ in sets)


class _Places:
    """The places of the entries of the image, read as they are asked for."""

    def __init__(self, count: int, read: Callable[[int], bytes]) -> None:
        self._count = count
        self._read = read

    def __len__(self) -> int:
        return self._count

    def __getitem__(self, entry: int) -> bytes:
        if not 0 <= entry < self._count:
            raise IndexError(entry)
        return self._read(entry)
