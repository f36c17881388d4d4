"""The names of a packed zone: what each has, and which set is its first, found by a hash of its key.

The hash is a polynomial over the octets of a key, modulo a prime, at a point that is drawn for each zone: who writes
names that are to meet would have to know it. (At no more points than keys have octets the hashes of two are equal.)
Plain Python; packed_index.pxd adds the types.
"""

from __future__ import annotations

from secrets import randbits
from time import sleep

from datasrc.growth import zeros
from datasrc.octets import (
    BREATH,
    GOLDEN,
    HALF_BITS,
    HASH_BITS,
    HASH_PRIME,
    LENGTHS,
    MASK64,
    NUMBERS,
    OFFSET,
    TYPES_SIZE,
    WORD_BITS,
    WORD_MASK,
)
from datasrc.packed import Octets
from datasrc.packed_zone import PackedZone

POINT_BITS = HASH_BITS - 1  # so that what is not yet reduced stays within 32 bits (step())
ROOM = 3, 2  # places for so many names: few have to go far from their own


class NameIndex:
    """Of a zone whose sets do not change meanwhile, before it is compacted. The table is made when needed."""

    def __init__(self, records: PackedZone) -> None:
        self.records = records
        self.kinds = self.records.kinds
        self.point = 1 << POINT_BITS - 1 | randbits(POINT_BITS - 1)
        self.places = 0
        self.table = memoryview(bytearray(8)).cast("Q")

    def after(self, first: int) -> int:
        """The set behind the last one of the name that begins with `first`."""
        index = first + 1
        while self.kinds[index] == 0:
            index += 1
        return index

    def step(self, value: int, octet: int) -> int:
        """The hash, not reduced, with one octet more."""
        value = value * self.point + octet + 1
        return (value & HASH_PRIME) + (value >> HASH_BITS)

    def reduced(self, value: int) -> int:
        """The hash that this is modulo the prime."""
        value = (value & HASH_PRIME) + (value >> HASH_BITS)
        return value - HASH_PRIME if value >= HASH_PRIME else value

    def home(self, value: int) -> int:
        """Where a hash goes, if that is free."""
        return ((value * GOLDEN & MASK64) >> HALF_BITS) * self.places >> HALF_BITS

    def make_table(self) -> int:
        """Have all names in the table."""
        many, few = ROOM
        self.places = self.records.names * many // few + 1
        self.table = memoryview(zeros(8 * self.places)).cast("Q")
        for index in range(self.records.set_count):
            if index & BREATH == BREATH:
                sleep(0)
            if self.kinds[index]:
                self.put(index)
        return 0

    def put(self, index: int) -> int:
        """Have the name that begins with this set in the table."""
        record = self.records.first_record(index)
        start = self.records.numbers[record * NUMBERS + OFFSET]
        value = 0
        for at in range(start, start + (self.records.numbers[record * NUMBERS + LENGTHS] & 0xFFFF) - TYPES_SIZE):
            value = self.step(value, self.records.heap[at])
        value = self.reduced(value)
        place = self.home(value)
        while self.table[place]:
            place = place + 1 if place + 1 < self.places else 0
        self.table[place] = value << WORD_BITS | index + 1
        return 0

    def find(self, key: Octets, length: int, value: int) -> int:
        """The first set of the name whose key are the leading octets, with what step() made of them; or -1."""
        if self.places == 0:
            self.make_table()
        value = self.reduced(value)
        place = self.home(value)
        while self.table[place]:
            word = self.table[place]
            if word >> WORD_BITS == value:
                index = (word & WORD_MASK) - 1
                if self.records.name_length(index) == length and self.records.begins_with(index, key, length):
                    return index
            place = place + 1 if place + 1 < self.places else 0
        return -1

    def shared(self, index: int, key: Octets, length: int) -> int:
        """How many octets of a key are that of the longest name which it and the name of a set are at or below."""
        if index < 0 or index >= self.records.set_count:
            return 0
        found = 0
        for at in range(min(length, self.records.name_length(index))):
            if key[at] != self.records.key_octet(index, at):
                break
            if key[at] == 0:
                found = at + 1
        return found
