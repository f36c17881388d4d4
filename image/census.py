"""What a directory points to, gone through as a whole: how many zones there are, of which data sources and versions.

It takes 0.1 us a zone, some thousand at a time: others have the interpreter in between. Plain Python; census.pxd adds
the types.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from datasrc.keytable import KeyTable
from image.layout import (
    BELOW_DELTA,
    BYTE,
    IN_DELTA,
    MAX_SLOTS,
    OCTET,
    SLOT_MASK,
    SLOT_SHIFT,
    ZONE_FIXED,
    ZONE_FLAGS,
    ZONE_GONE,
    ZONE_ORIGIN_OCTETS,
    ZONE_SOURCE,
    ZONE_UNIT,
    ZONE_VERSION,
)
from image.rowlayout import ESCAPE

ROOM = 1 << 10  # octets of a key: at most two for each of the name
MAX_LABELS = 128  # RFC 1035 section 2.3.4: of 255 octets, the root among them
OCTETS32, OCTETS64 = 4, 8


class Census:
    """Looks at records by the entries of a directory."""

    def __init__(self, view: memoryview, heaps: Mapping[int, tuple[int, int]]) -> None:
        """`view` is the arena; `heaps` has of each slot the places of ZONES and of the heap."""
        self.view = view
        self.images = memoryview(bytearray(OCTETS64 * MAX_SLOTS)).cast("Q")
        self.heaps = memoryview(bytearray(OCTETS64 * MAX_SLOTS)).cast("Q")
        self.counts = memoryview(bytearray(OCTETS64 * MAX_SLOTS)).cast("Q")  # of zones, by slots
        self.key = bytearray(ROOM)
        self.starts = bytearray(MAX_LABELS)
        for slot, (zones, heap) in heaps.items():
            self.images[slot] = zones
            self.heaps[slot] = heap

    def count(self, entries: memoryview, ends: Mapping[int, int]) -> bool:
        """Count zones by slots; False where an entry points to what is not there.

        `ends` are the octets of the heap of each slot that are in use.
        """
        for at in range(len(entries)):
            entry = entries[at]
            if entry == 0:
                continue
            if self.place(entry) == 0:
                return False
            slot = entry >> SLOT_SHIFT & SLOT_MASK
            if entry & IN_DELTA and not ZONE_UNIT <= (entry & BELOW_DELTA) * ZONE_UNIT < ends.get(slot, 0):
                return False
            self.counts[slot] += 1
        return True

    def counted(self) -> Counter[int]:
        """How many zones each slot has, of the entries that were counted."""
        return Counter({slot: zones for slot, zones in enumerate(memoryview(self.counts).tolist()) if zones})

    def add_sources(self, entries: memoryview, found: Counter[int]) -> None:
        """How many zones there are of each data source, by its number; those that are gone not among them."""
        for at in range(len(entries)):
            place = self.place(entries[at]) if entries[at] else 0
            if place and not self.view[place + ZONE_FLAGS] & ZONE_GONE:
                found[self.number(place + ZONE_SOURCE, OCTETS32)] += 1

    def add_versions(self, entries: memoryview, source: int, found: KeyTable) -> None:
        """The version of each zone of a data source, by its key (datasrc.keys)."""
        for at in range(len(entries)):
            place = self.place(entries[at]) if entries[at] else 0
            if (
                place
                and self.number(place + ZONE_SOURCE, OCTETS32) == source
                and not self.view[place + ZONE_FLAGS] & ZONE_GONE
            ):
                octets = self.make_key(place + ZONE_FIXED, self.view[place + ZONE_ORIGIN_OCTETS])
                found.put(bytes(self.key[:octets]), self.number(place + ZONE_VERSION, OCTETS64))

    def place(self, entry: int) -> int:
        """Where the record of an entry is in the arena; 0 where its slot is not there."""
        slot = entry >> SLOT_SHIFT & SLOT_MASK
        if slot >= MAX_SLOTS:
            return 0
        base = self.heaps[slot] if entry & IN_DELTA else self.images[slot]
        return base + (entry & BELOW_DELTA) * ZONE_UNIT if base else 0

    def number(self, place: int, octets: int) -> int:
        """The number of so many octets at a place of the arena."""
        value = 0
        for index in range(octets - 1, -1, -1):
            value = value << OCTET | self.view[place + index]
        return value

    def make_key(self, start: int, octets: int) -> int:
        """Make the key of the name there (wire form, small letters); how many octets it has."""
        labels = at = 0
        while at < octets and self.view[start + at]:
            self.starts[labels] = at
            labels += 1
            at += 1 + self.view[start + at]
        end = 0
        for label in range(labels - 1, -1, -1):
            at = start + self.starts[label]
            for index in range(at + 1, at + 1 + self.view[at]):
                value = self.view[index]
                if value <= ESCAPE:
                    self.key[end] = ESCAPE
                    end += 1
                    value += 1
                self.key[end] = value & BYTE
                end += 1
            self.key[end] = 0
            end += 1
        return end
