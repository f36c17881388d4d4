"""The records of a zone, packed: one heap of octets, and a few numbers a record.

A record in the heap is its composite key (datasrc.pending: name key, 00, type, covered type), the wire form of its
owner where the key does not say it, then its RDATA behind two octets of length: the set of one record needs no copy.
A million records are two blocks of memory, not a million objects. Plain Python; packed.pxd adds the types.
"""

from __future__ import annotations

from datasrc.growth import grow, larger
from datasrc.octets import (
    FIRST_SIZE,
    LENGTHS,
    NUMBERS,
    OFFSET,
    PLACE,
    PREFIX,
    PREFIX_OCTETS,
)

Octets = bytes | bytearray | memoryview
NO_VIEW = memoryview(bytearray(8))  # in place of one of a block that is about to grow
NO_NUMBERS = NO_VIEW.cast("Q")


class PackedRecords:
    """Records as they come."""

    def __init__(self) -> None:
        self.count = 0
        self.end = 0  # of what is used of the heap
        self.turns = 0  # records that came behind one whose key is greater
        self.block = bytearray(FIRST_SIZE)
        self.heap = memoryview(self.block)
        self.numbers_block = bytearray(FIRST_SIZE)
        self.numbers = memoryview(self.numbers_block).cast("Q")

    def append(
        self,
        file: int,
        line: int,
        ttl: int,
        key: Octets,
        key_length: int,
        owner: Octets,
        owner_length: int,
        rdata: Octets,
        rdata_length: int,
    ) -> int:
        """Add a record: its place, its TTL, and the leading octets of three buffers."""
        needed = key_length + owner_length + rdata_length + 2
        if self.end + needed > len(self.heap):
            self.grow_heap(needed)
        at = (self.count + 1) * NUMBERS
        if at > len(self.numbers):
            self.grow_numbers()
        at -= NUMBERS
        start = self.end
        copy(self.heap, start, key, key_length)
        copy(self.heap, start + key_length, owner, owner_length)
        end = start + key_length + owner_length
        self.heap[end] = rdata_length >> 8
        self.heap[end + 1] = rdata_length & 0xFF
        copy(self.heap, end + 2, rdata, rdata_length)
        self.numbers[at + OFFSET] = start
        self.numbers[at + PLACE] = line << 32 | ttl
        self.numbers[at + LENGTHS] = file << 48 | rdata_length << 32 | owner_length << 16 | key_length
        self.numbers[at + PREFIX] = prefix_of(self.heap, start, key_length)
        self.end = start + needed
        self.count += 1
        if self.count > 1 and self.less(self.count - 1, self.count - 2):
            self.turns += 1
        return 0

    def less(self, one: int, other: int) -> bool:
        """Whether the key of one record comes before that of the other."""
        first = self.numbers[one * NUMBERS + PREFIX]
        second = self.numbers[other * NUMBERS + PREFIX]
        if first != second:
            return first < second
        return self.compare(one, other) < 0

    def compare(self, one: int, other: int) -> int:
        """-1, 0 or 1 as the key of one record comes before, equals or comes after that of the other."""
        first = self.numbers[one * NUMBERS + OFFSET]
        second = self.numbers[other * NUMBERS + OFFSET]
        first_length = self.numbers[one * NUMBERS + LENGTHS] & 0xFFFF
        second_length = self.numbers[other * NUMBERS + LENGTHS] & 0xFFFF
        return self.compare_octets(first, first_length, second, second_length)

    def compare_octets(self, first: int, first_length: int, second: int, second_length: int) -> int:
        """-1, 0 or 1 as octets sort."""
        for index in range(min(first_length, second_length)):
            difference = self.heap[first + index] - self.heap[second + index]
            if difference != 0:
                return -1 if difference < 0 else 1
        if first_length == second_length:
            return 0
        return -1 if first_length < second_length else 1

    def rdata_at(self, record: int) -> int:
        """Where the length of the RDATA is in the heap, and behind it the RDATA."""
        lengths = self.numbers[record * NUMBERS + LENGTHS]
        return self.numbers[record * NUMBERS + OFFSET] + (lengths & 0xFFFF) + (lengths >> 16 & 0xFFFF)

    def rdata_length(self, record: int) -> int:
        """How many octets the RDATA has."""
        return self.numbers[record * NUMBERS + LENGTHS] >> 32 & 0xFFFF

    def type_of(self, record: int) -> int:
        """The type."""
        end = self.numbers[record * NUMBERS + OFFSET] + (self.numbers[record * NUMBERS + LENGTHS] & 0xFFFF)
        return self.heap[end - 4] << 8 | self.heap[end - 3]

    def add_octets(self, octets: bytes) -> int:
        """Have these octets in the heap, too; where they are."""
        start = self.end
        length = len(octets)
        if start + length > len(self.heap):
            self.grow_heap(length)
        copy(self.heap, start, octets, length)
        self.end += length
        return start

    def grow_heap(self, needed: int) -> None:
        """Make room for so many octets more."""
        self.heap = NO_VIEW
        grow(self.block, larger(len(self.block)) + needed)
        self.heap = memoryview(self.block)

    def grow_numbers(self) -> None:
        """Make room for more records."""
        self.numbers = NO_NUMBERS
        grow(self.numbers_block, larger(len(self.numbers_block)) // (8 * NUMBERS) * (8 * NUMBERS))
        self.numbers = memoryview(self.numbers_block).cast("Q")


def copy(target: memoryview, at: int, source: Octets, length: int) -> int:
    """Copy the leading octets of a buffer."""
    for index in range(length):
        target[at + index] = source[index]
    return 0


def prefix_of(heap: memoryview, start: int, length: int) -> int:
    """The first eight octets of a key as a number that sorts as they do."""
    prefix = 0
    for index in range(PREFIX_OCTETS):
        prefix = prefix << 8
        if index < length:
            prefix |= heap[start + index]
    return prefix
