"""What the packed records and sets of a zone are. Plain Python; packed_sets.pxd adds the types."""

from __future__ import annotations

from datasrc.octets import (
    BLOB,
    BLOB_LENGTH,
    FIRST,
    LENGTHS,
    NUMBERS,
    OFFSET,
    PLACE,
    SIGNING,
    TTL,
    TTL_BITS,
    TYPES_SIZE,
)
from datasrc.packed import Octets
from datasrc.packed_order import OrderedRecords


class PackedSets(OrderedRecords):
    """The sets of a zone once finish() has made them, by number, and the keys of their names."""

    def key(self, record: int) -> bytes:
        """The composite key of a record."""
        start = self.numbers[record * NUMBERS + OFFSET]
        return bytes(self.heap[start : start + (self.numbers[record * NUMBERS + LENGTHS] & 0xFFFF)])

    def owner(self, record: int) -> bytes | None:
        """The wire form of the owner, or None where the key says it."""
        lengths = self.numbers[record * NUMBERS + LENGTHS]
        start = self.numbers[record * NUMBERS + OFFSET] + (lengths & 0xFFFF)
        length = lengths >> 16 & 0xFFFF
        return bytes(self.heap[start : start + length]) if length else None

    def owner_length(self, record: int) -> int:
        """How many octets the owner has; 0 where the key says it."""
        return self.numbers[record * NUMBERS + LENGTHS] >> 16 & 0xFFFF

    def rdata(self, record: int) -> bytes:
        """The RDATA of a record."""
        start = self.rdata_at(record) + 2
        return bytes(self.heap[start : start + self.rdata_length(record)])

    def place(self, record: int) -> tuple[int, int]:
        """File number and line of a record."""
        return self.numbers[record * NUMBERS + LENGTHS] >> 48, self.numbers[record * NUMBERS + PLACE] >> 32

    def ttl(self, record: int) -> int:
        """The TTL of a record."""
        return self.numbers[record * NUMBERS + PLACE] & TTL_BITS

    def members(self, index: int) -> list[int]:
        """The records of a set, by number: as they came, or in the order of their RDATA."""
        first = self.sets[index * NUMBERS + FIRST]
        return [self.order[at] for at in range(first, self.sets[(index + 1) * NUMBERS + FIRST])]

    def first_of(self, index: int) -> int:
        """The record of a set that came first: its owner is spelled as the set's is."""
        first = self.sets[index * NUMBERS + FIRST]
        record = self.order[first]
        for at in range(first, self.sets[(index + 1) * NUMBERS + FIRST]):
            if self.order[at] < record:
                record = self.order[at]
        return record

    def set_ttl(self, index: int) -> int:
        """The TTL of a set."""
        return self.sets[index * NUMBERS + TTL]

    def set_blob(self, index: int) -> bytes:
        """The packed RDATA of a set."""
        start = self.sets[index * NUMBERS + BLOB]
        return bytes(self.heap[start : start + self.sets[index * NUMBERS + BLOB_LENGTH]])

    def set_type(self, index: int) -> int:
        """The type of a set."""
        return self.type_of(self.first_record(index))

    def set_covers(self, index: int) -> int:
        """The type that a set of signatures covers."""
        end = self.numbers[self.first_record(index) * NUMBERS + OFFSET] + self.name_length(index) + TYPES_SIZE
        return self.heap[end - 2] << 8 | self.heap[end - 1]

    def set_size(self, index: int) -> int:
        """How many octets the packed RDATA has."""
        return self.sets[index * NUMBERS + BLOB_LENGTH]

    def set_members(self, index: int) -> int:
        """How many records came, duplicates counted."""
        return self.sets[(index + 1) * NUMBERS + FIRST] - self.sets[index * NUMBERS + FIRST]

    def set_signs(self, index: int, algorithm: int) -> bool:
        """Whether a set of signatures has one of this algorithm (RFC 4034 section 3.1)."""
        at = self.sets[index * NUMBERS + BLOB]
        end = at + self.sets[index * NUMBERS + BLOB_LENGTH]
        while at < end:
            length = self.heap[at] << 8 | self.heap[at + 1]
            if length > SIGNING and self.heap[at + 2 + SIGNING] == algorithm:
                return True
            at += 2 + length
        return False

    def name_length(self, index: int) -> int:
        """How many octets the key of the name has."""
        return (self.numbers[self.first_record(index) * NUMBERS + LENGTHS] & 0xFFFF) - TYPES_SIZE

    def key_octet(self, index: int, at: int) -> int:
        """One octet of the key of the name."""
        return self.heap[self.numbers[self.first_record(index) * NUMBERS + OFFSET] + at]

    def is_below(self, one: int, other: int) -> bool:
        """Whether a set is of the name of another, or of one below it."""
        length = self.name_length(other)
        if self.name_length(one) < length:
            return False
        first = self.numbers[self.first_record(one) * NUMBERS + OFFSET]
        second = self.numbers[self.first_record(other) * NUMBERS + OFFSET]
        return self.compare_octets(first, length, second, length) == 0

    def before(self, index: int, name: Octets, length: int) -> bool:
        """Whether the key of a set comes before all that begin with a name's."""
        record = self.order[self.sets[index * NUMBERS + FIRST]]
        start = self.numbers[record * NUMBERS + OFFSET]
        own = self.numbers[record * NUMBERS + LENGTHS] & 0xFFFF
        for at in range(min(own, length)):
            difference = self.heap[start + at] - name[at]
            if difference != 0:
                return difference < 0
        return own < length

    def begins_with(self, index: int, name: Octets, length: int) -> bool:
        """Whether a set is of a name or of one below it."""
        record = self.order[self.sets[index * NUMBERS + FIRST]]
        start = self.numbers[record * NUMBERS + OFFSET]
        if (self.numbers[record * NUMBERS + LENGTHS] & 0xFFFF) < length:
            return False
        for at in range(length):
            if self.heap[start + at] != name[at]:
                return False
        return True
