"""The order of packed records, and the sets that they are. Plain Python; packed_order.pxd adds the types.

Compiled code keeps the interpreter until it returns, and over ten million records it would do so for seconds: what goes
over all of them lets other threads have it now and then, by sleep(0).
"""

from __future__ import annotations

from time import sleep

from datasrc.growth import zeros
from datasrc.octets import (
    AAAA,
    BLOB,
    BLOB_LENGTH,
    BREATH,
    CNAME,
    DNAME,
    FEW,
    FIRST,
    HAS_ADDRESS,
    HAS_CNAME,
    HAS_DNAME,
    HAS_NS,
    HAS_OTHERS,
    IS_NAME,
    LENGTHS,
    NAPTR,
    NS,
    NUMBERS,
    OFFSET,
    PLACE,
    POINTER_NUMBERS,
    POINTER_STRINGS,
    PTR,
    TTL,
    TTL_BITS,
    TXT,
    TYPES_SIZE,
    UPPER_A,
    UPPER_Z,
    A,
)
from datasrc.packed import NO_VIEW, PackedRecords
from datasrc.rdata import NAMED_TYPES, NAMES_COUNT, NAMES_FROM

# What a record has that the one before it has not.
NOTHING = 0
NEW_TYPE = 1
NEW_NAME = 2


class OrderedRecords(PackedRecords):
    """Sets in canonical order, once finish() has made them of the records that came."""

    def __init__(self) -> None:
        super().__init__()
        self.set_count = 0
        self.order = memoryview(bytearray(8)).cast("Q")
        self.merged = self.order
        self.sets = memoryview(bytearray(8)).cast("Q")
        self.kinds = NO_VIEW  # of each name, at its first set, what it has; 0 at all others
        self.names = 0  # how many
        self.names_from = NAMES_FROM
        self.names_count = NAMES_COUNT

    def finish(self) -> list[int]:
        """Put the records in order and into sets; returns the sets that this could not bring into normal form.

        Those have several TTLs, duplicates, capital letters in names of their RDATA, or very many records.
        """
        self.put_in_order()
        self.find_sets()
        left = []
        for index in range(self.set_count):
            if index & BREATH == BREATH:
                sleep(0)
            if not self.merge(index):
                left.append(index)
        return left

    def put_in_order(self) -> int:
        """Order the records by key; of equal keys as they came. Runs that came in order, as most texts have, stay."""
        self.order = memoryview(zeros(8 * max(self.count, 1))).cast("Q")
        for index in range(self.count):
            self.order[index] = index
        if self.turns == 0:
            return 0
        self.merged = memoryview(zeros(8 * self.count)).cast("Q")
        runs = self.find_runs()
        count = self.turns + 1
        while count > 1:
            kept = 0
            for number in range((count + 1) // 2):
                start = runs[2 * number]
                middle = runs[2 * number + 1]
                end = middle if 2 * number + 2 > count else runs[2 * number + 2]
                self.merge_runs(start, middle, end)
                runs[kept] = start
                kept += 1
            runs[kept] = self.count
            count = kept
            self.order, self.merged = self.merged, self.order
        self.merged = memoryview(bytearray(8)).cast("Q")
        return 0

    def find_runs(self) -> memoryview:
        """Where each run of records begins that came in order, and behind these where the last one ends."""
        runs = memoryview(zeros(8 * (self.turns + 2))).cast("Q")
        found = 1  # the first one begins with the first record
        for index in range(1, self.count):
            if index & BREATH == BREATH:
                sleep(0)
            if self.less(index, index - 1):
                runs[found] = index
                found += 1
        runs[found] = self.count
        return runs

    def merge_runs(self, start: int, middle: int, end: int) -> int:
        """Merge two runs that are in order, one behind the other; the second may be empty."""
        left = start
        right = middle
        for at in range(start, end):
            if at & BREATH == BREATH:
                sleep(0)
            if left < middle and (right >= end or not self.less(self.order[right], self.order[left])):
                self.merged[at] = self.order[left]
                left += 1
            else:
                self.merged[at] = self.order[right]
                right += 1
        return 0

    def find_sets(self) -> int:
        """Find where the sets begin, and what those of each name make of it: later, each would have to be fetched."""
        sets = memoryview(zeros(8 * NUMBERS * (self.count + 1))).cast("Q")
        kinds = memoryview(zeros(self.count + 1))
        number = 0
        name = 0  # its first set
        self.names = 0
        for at in range(self.count):
            if at & BREATH == BREATH:
                sleep(0)
            record = self.order[at]
            new = NEW_NAME if at == 0 else self.what_is_new(record, self.order[at - 1])
            if new == NOTHING:
                continue
            if new == NEW_NAME:
                name = number
                self.names += 1
            kinds[name] |= IS_NAME | self.kind_of(record)
            sets[number * NUMBERS + FIRST] = at
            number += 1
        sets[number * NUMBERS + FIRST] = self.count  # where the set after the last one would begin
        kinds[number] = IS_NAME  # and the name
        self.set_count = number
        self.sets, self.kinds = sets, kinds
        if number < self.count // 2:
            self.sets = memoryview(zeros(8 * NUMBERS * (number + 1))).cast("Q")
            self.sets[:] = sets[: NUMBERS * (number + 1)]
            self.kinds = memoryview(zeros(number + 1))
            self.kinds[:] = kinds[: number + 1]
        return 0

    def what_is_new(self, one: int, other: int) -> int:
        """What of the key of a record that of the one before it has not; from the end, neighbours begin alike."""
        length = self.numbers[one * NUMBERS + LENGTHS] & 0xFFFF
        if self.numbers[other * NUMBERS + LENGTHS] & 0xFFFF != length:
            return NEW_NAME
        first = self.numbers[one * NUMBERS + OFFSET]
        second = self.numbers[other * NUMBERS + OFFSET]
        new = NOTHING
        for index in range(length - TYPES_SIZE, length):
            if self.heap[first + index] != self.heap[second + index]:
                new = NEW_TYPE
        for index in range(length - TYPES_SIZE - 1, -1, -1):
            if self.heap[first + index] != self.heap[second + index]:
                return NEW_NAME
        return new

    def merge(self, index: int) -> bool:
        """Bring one set into normal form (datasrc.rdata.normal_form); whether that was possible here."""
        first = self.sets[index * NUMBERS + FIRST]
        size = self.sets[(index + 1) * NUMBERS + FIRST] - first
        record = self.order[first]
        ttl = self.numbers[record * NUMBERS + PLACE] & TTL_BITS
        self.sets[index * NUMBERS + TTL] = ttl
        if size == 1:
            self.sets[index * NUMBERS + BLOB] = self.rdata_at(record)
            self.sets[index * NUMBERS + BLOB_LENGTH] = self.rdata_length(record) + 2
            return True
        if size > FEW:
            return False
        total = 0
        for at in range(first, first + size):
            record = self.order[at]
            if self.numbers[record * NUMBERS + PLACE] & TTL_BITS != ttl or self.has_capitals(record):
                return False
            total += self.rdata_length(record) + 2
        return self.sort_set(index, first, size, total)

    def sort_set(self, index: int, first: int, size: int, total: int) -> bool:
        """Pack the RDATAs of a small set in order; not where two are equal."""
        for at in range(first + 1, first + size):  # insertion sort: of the order itself, the set is one run of it
            record = self.order[at]
            place = at
            while place > first:
                comparison = self.compare_rdata(record, self.order[place - 1])
                if comparison == 0:
                    return False
                if comparison > 0:
                    break
                self.order[place] = self.order[place - 1]
                place -= 1
            self.order[place] = record
        if self.end + total > len(self.heap):
            self.grow_heap(total)
        start = self.end
        for at in range(first, first + size):
            record = self.order[at]
            length = self.rdata_length(record) + 2
            copy_within(self.heap, self.end, self.rdata_at(record), length)
            self.end += length
        self.sets[index * NUMBERS + BLOB] = start
        self.sets[index * NUMBERS + BLOB_LENGTH] = total
        return True

    def set_merged(self, index: int, ttl: int, blob: bytes) -> None:
        """Say what a set is that finish() left."""
        self.sets[index * NUMBERS + TTL] = ttl
        self.sets[index * NUMBERS + BLOB] = self.add_octets(blob)
        self.sets[index * NUMBERS + BLOB_LENGTH] = len(blob)

    def has_capitals(self, record: int) -> bool:
        """Whether the canonical form of the RDATA may be another: a name in it that is made small has a capital letter
        (RFC 4034 section 6.2).
        """
        rdtype = self.type_of(record)
        if rdtype >= NAMED_TYPES or (rdtype != NAPTR and not self.names_count[rdtype]):
            return False
        at = self.rdata_at(record) + 2
        end = at + self.rdata_length(record)
        count = 1 if rdtype == NAPTR else self.names_count[rdtype]
        at = self.behind_strings(at, end) if rdtype == NAPTR else at + self.names_from[rdtype]
        while count > 0 and at < end:
            label_end = at + 1 + self.heap[at]
            if label_end == at + 1:  # the root
                count -= 1
            if label_end > end:
                return True
            for place in range(at + 1, label_end):
                if UPPER_A <= self.heap[place] <= UPPER_Z:
                    return True
            at = label_end
        return count > 0  # malformed: looked at elsewhere

    def behind_strings(self, start: int, end: int) -> int:
        """Where the name in the RDATA of NAPTR begins (RFC 3403 section 4.1)."""
        at = start + POINTER_NUMBERS
        for _index in range(POINTER_STRINGS):
            if at >= end:
                return end
            at += 1 + self.heap[at]
        return at

    def compare_rdata(self, one: int, other: int) -> int:
        """-1, 0 or 1 by the octets of the RDATA."""
        return self.compare_octets(
            self.rdata_at(one) + 2,
            self.rdata_length(one),
            self.rdata_at(other) + 2,
            self.rdata_length(other),
        )

    def kind_of(self, record: int) -> int:
        """What a record makes of its name, as far as others care."""
        rdtype = self.type_of(record)
        if rdtype in (A, AAAA):
            return HAS_ADDRESS
        if rdtype in (PTR, TXT):
            return 0
        if rdtype == CNAME:
            return HAS_CNAME
        if rdtype == NS:
            return HAS_NS
        return HAS_DNAME if rdtype == DNAME else HAS_OTHERS

    def first_record(self, index: int) -> int:
        """The record that comes first in the order of a set."""
        return self.order[self.sets[index * NUMBERS + FIRST]]


def copy_within(heap: memoryview, at: int, start: int, length: int) -> int:
    """Copy octets within the heap."""
    for index in range(length):
        heap[at + index] = heap[start + index]
    return 0
