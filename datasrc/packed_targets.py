"""Where the names in the RDATA of packed sets lead. Plain Python; packed_targets.pxd adds the types."""

from __future__ import annotations

from datasrc.octets import (
    BLOB,
    BLOB_LENGTH,
    CASE,
    NINE,
    NUMBERS,
    UPPER_A,
    UPPER_Z,
    ZERO,
)
from datasrc.packed_sets import PackedSets


class PackedTargets(PackedSets):
    """Sets whose records name hosts, and what is known of these without an object."""

    def leads_outside(self, index: int, skipped: int, apex: bytes, apex_length: int) -> bool:
        """Whether the names behind so many octets of each RDATA lie outside the zone and do not begin with a number."""
        at = self.sets[index * NUMBERS + BLOB]
        end = at + self.sets[index * NUMBERS + BLOB_LENGTH]
        while at < end:
            length = (self.heap[at] << 8 | self.heap[at + 1]) - skipped
            start = at + 2 + skipped
            if not self.name_outside(start, length, apex, apex_length):
                return False
            at = start + length
        return True

    def name_outside(self, start: int, length: int, apex: bytes, apex_length: int) -> bool:
        """Whether a name in the heap is not in the zone and does not begin with a number."""
        digits = True
        for at in range(start + 1, start + 1 + self.heap[start]):
            if self.heap[at] < ZERO or self.heap[at] > NINE:
                digits = False
        if digits and self.heap[start] > 0:
            return False
        return not self.name_within(start, length, apex, apex_length)

    def name_within(self, start: int, length: int, apex: bytes, apex_length: int) -> bool:
        """Whether a name in the heap is in the zone."""
        inner = length - apex_length
        if inner < 0:
            return False
        at = 0
        while at < inner:
            at += 1 + self.heap[start + at]
        if at != inner:
            return False
        for index in range(apex_length):
            octet = self.heap[start + inner + index]
            if UPPER_A <= octet <= UPPER_Z:
                octet += CASE
            if octet != apex[index]:
                return False
        return True

    def leads_to_own(self, index: int, apex: bytes, apex_length: int, first: int, end: int) -> bool:
        """Whether each name of a set of NS lies outside of the zone, or is the name of one of the sets from `first`."""
        at = self.sets[index * NUMBERS + BLOB]
        last = at + self.sets[index * NUMBERS + BLOB_LENGTH]
        while at < last:
            length = self.heap[at] << 8 | self.heap[at + 1]
            start = at + 2
            at = start + length
            if self.name_outside(start, length, apex, apex_length):
                continue
            if not self.name_within(start, length, apex, apex_length):
                return False
            other = first
            while other < end and not self.is_named(start, length - apex_length, other):
                other += 1
            if other == end:
                return False
        return True

    def is_led_to(self, index: int, apex: bytes, apex_length: int, other: int) -> bool:
        """Whether one name of a set of NS is that of another set."""
        at = self.sets[index * NUMBERS + BLOB]
        last = at + self.sets[index * NUMBERS + BLOB_LENGTH]
        while at < last:
            length = self.heap[at] << 8 | self.heap[at + 1]
            start = at + 2
            at = start + length
            if self.name_within(start, length, apex, apex_length) and self.is_named(start, length - apex_length, other):
                return True
        return False

    def is_named(self, start: int, inner: int, other: int) -> bool:
        """Whether the name in the heap, of `inner` octets without the origin, is that of a set (rare octets: no)."""
        key = self.name_length(other)
        if key != inner:  # each label has one octet more, its length here and its end there
            return False
        at = 0
        while at < inner:
            size = self.heap[start + at]
            key -= size + 1
            if key < 0 or self.key_octet(other, key + size) != 0:
                return False
            for index in range(size):
                octet = self.heap[start + at + 1 + index]
                if octet <= 1:  # spelled with two octets in a key
                    return False
                if UPPER_A <= octet <= UPPER_Z:
                    octet += CASE
                if octet != self.key_octet(other, key + index):
                    return False
            at += size + 1
        return True
