"""Questions to the packed sets of a zone. Plain Python; packed_zone.pxd adds the types."""

from __future__ import annotations

from time import sleep

from datasrc.growth import shrink
from datasrc.octets import (
    BATCH_OCTETS,
    BLOB,
    BLOB_LENGTH,
    BREATH,
    CLOSE_BRACKET,
    COMMA,
    COVERS_END,
    FIRST,
    KEY_BITS,
    LENGTHS,
    NUMBERS,
    OFFSET,
    OPEN_BRACKET,
    OWNER_END,
    PLACE_WIDTH,
    PREFIX,
    RDATA_END,
    SPACE,
    TTL,
    TTL_END,
    TYPE_END,
    TYPES_SIZE,
    ZERO,
)
from datasrc.packed import NO_NUMBERS, NO_VIEW, Octets
from datasrc.packed_sets import PackedSets


class PackedZone(PackedSets):
    """The sets of a zone once finish() has made them, and what they are asked."""

    def set_of(self, record: int) -> int:
        """The set a record is in."""
        return self.find(self.key(record))

    def find(self, key: bytes) -> int:
        """The set of a composite key, or -1."""
        low, high = 0, self.set_count
        while low < high:
            middle = (low + high) // 2
            if self.key(self.order[self.sets[middle * NUMBERS + FIRST]]) < key:
                low = middle + 1
            else:
                high = middle
        if low < self.set_count and self.key(self.order[self.sets[low * NUMBERS + FIRST]]) == key:
            return low
        return -1

    def row(self, index: int) -> tuple[bytes, int, int, int, bytes | None, bytes]:
        """One set as the columns of datasrc.rows.Row."""
        record = self.first_of(index)
        lengths = self.numbers[record * NUMBERS + LENGTHS]
        start = self.numbers[record * NUMBERS + OFFSET]
        end = start + (lengths & 0xFFFF)
        return (
            bytes(self.heap[start : end - TYPES_SIZE]),
            self.heap[end - 4] << 8 | self.heap[end - 3],
            self.heap[end - 2] << 8 | self.heap[end - 1],
            self.sets[index * NUMBERS + TTL],
            self.owner(record),
            self.set_blob(index),
        )

    def rows(self, start: int, limit: int) -> list[tuple[bytes, int, int, int, bytes | None, bytes]]:
        """So many sets from one on, as the columns of datasrc.rows.Row."""
        return [self.row(index) for index in range(start, min(start + limit, self.set_count))]

    def batch_end(self, start: int, limit: int) -> int:
        """Behind which set a batch ends that begins with `start`: so many sets, fewer where they are large."""
        octets = 0
        end = start
        while end < self.set_count and end - start < limit and octets < BATCH_OCTETS:
            octets += self.set_size(end)
            end += 1
        return end

    def batch(self, start: int, end: int, spelled: bool) -> tuple[str, bytearray, bytearray]:
        """Those sets from `start` to before `end` whose owner the key does not say (`spelled`), or all others.

        For SQL that takes them apart (datasrc.database.batches), so without an object a set. The octets, which come
        last, are packed RDATA, key and owner of each set. The numbers before them are decimals, to the right of fields
        of fixed width. The text is a JSON array of where in the octets each key is, counted from 1, with its length in
        the lower bits.
        """
        count = 0
        size = 0
        for index in range(start, end):
            record = self.first_of(index)
            if (self.owner_length(record) > 0) == spelled:
                count += 1
                size += self.set_size(index) + self.name_length(index) + self.owner_length(record)
        places = bytearray(b" ") * (count * PLACE_WIDTH + 2)
        numbers = bytearray(b" ") * (count * OWNER_END)
        octets = bytearray(size)
        self.fill_batch(start, end, spelled, places, numbers, octets)
        return places.decode("ascii"), numbers, octets

    def fill_batch(
        self, start: int, end: int, spelled: bool, places: bytearray, numbers: bytearray, octets: bytearray
    ) -> int:
        """Write the sets of a batch into its blocks."""
        at = 0
        number = 0
        place = 1
        for index in range(start, end):
            record = self.first_of(index)
            owner = self.owner_length(record)
            if (owner > 0) != spelled:
                continue
            key = self.numbers[record * NUMBERS + OFFSET]
            length = self.name_length(index)
            size = self.set_size(index)
            self.lift(octets, at, self.sets[index * NUMBERS + BLOB], size)
            at += size
            self.lift(octets, at, key, length)
            places[place] = COMMA
            place += PLACE_WIDTH
            write_decimal(places, place, (at + 1) << KEY_BITS | length)
            at += length
            self.lift(octets, at, key + length + TYPES_SIZE, owner)
            at += owner
            types = key + length + 1
            write_decimal(numbers, number + TYPE_END, self.heap[types] << 8 | self.heap[types + 1])
            write_decimal(numbers, number + COVERS_END, self.heap[types + 2] << 8 | self.heap[types + 3])
            write_decimal(numbers, number + TTL_END, self.sets[index * NUMBERS + TTL])
            write_decimal(numbers, number + RDATA_END, size)
            write_decimal(numbers, number + OWNER_END, owner)
            number += OWNER_END
        places[0] = OPEN_BRACKET
        places[1] = SPACE  # where a comma stands, or nothing
        places[place] = CLOSE_BRACKET
        return 0

    def lift(self, target: bytearray, at: int, start: int, length: int) -> int:
        """Copy octets from the heap."""
        for step in range(length):
            target[at + step] = self.heap[start + step]
        return 0

    def types_at(self, name: bytes) -> int:
        """The types of a name, given by its key, as bits; 0 where others lie below it; -1 where it is not there."""
        length = len(name)
        low = self.lower(name)
        types = -1
        while low < self.set_count and self.begins_with(low, name, length):
            record = self.order[self.sets[low * NUMBERS + FIRST]]
            if (self.numbers[record * NUMBERS + LENGTHS] & 0xFFFF) != length + TYPES_SIZE:
                return max(types, 0)
            types = max(types, 0) | self.kind_of(record)
            low += 1
        return types

    def lower(self, key: Octets) -> int:
        """The first set whose name has this key or comes behind it; behind the last one, how many there are."""
        length = len(key)
        low, high = 0, self.set_count
        while low < high:
            middle = (low + high) // 2
            if self.before(middle, key, length):
                low = middle + 1
            else:
                high = middle
        return low

    def span(self, key: bytes) -> tuple[int, int]:
        """The first set of the name with this key, and the one behind its last."""
        length = len(key)
        first = self.lower(key)
        end = first
        while end < self.set_count and self.name_length(end) == length and self.begins_with(end, key, length):
            end += 1
        return first, end

    def last_of_type(self, before: int, rdtype: int) -> int:
        """The last set of a type, not of signatures, that comes before a set; -1 where there is none."""
        index = before - 1
        while index >= 0:
            if self.set_type(index) == rdtype and self.set_covers(index) == 0:
                return index
            index -= 1
        return -1

    def octets(self) -> int:
        """How much memory this takes."""
        return len(self.heap) + len(self.kinds) + 8 * (len(self.numbers) + len(self.order) + len(self.sets))

    def compact(self) -> None:
        """Give back what was taken ahead, and what the checks look at: nothing comes any more."""
        self.kinds = NO_VIEW
        self.heap, self.numbers = NO_VIEW, NO_NUMBERS
        self.block = shrink(self.block, self.end)
        self.numbers_block = shrink(self.numbers_block, 8 * NUMBERS * max(self.count, 1))
        self.heap = memoryview(self.block)
        self.numbers = memoryview(self.numbers_block).cast("Q")

    def parts(self) -> list[memoryview]:
        """Its memory behind compact(), for another process: numbers of 64 bits, and last the octets of the heap."""
        return [memoryview(self.numbers), memoryview(self.order), memoryview(self.sets), memoryview(self.heap)]

    def adopt(self, count: int, set_count: int, parts: list[memoryview]) -> None:
        """Be the zone of another process, in its memory: see parts(), and `count` and `set_count` there."""
        self.count = count
        self.set_count = set_count
        self.numbers, self.order, self.sets, self.heap = parts
        self.end = len(self.heap)

    def differences(self, before: PackedZone, limit: int) -> list[tuple[int, int]] | None:
        """The sets that are not as they were, each as its number before and now, -1 where it is not there.

        In order of their keys. None: more than `limit`.
        """
        found: list[tuple[int, int]] = []
        old = 0
        new = 0
        turns = 0
        while old < before.set_count or new < self.set_count:
            turns += 1
            if turns & BREATH == 0:  # others may have the interpreter
                sleep(0)
            order = 1
            if old == before.set_count:
                order = -1
            elif new < self.set_count:
                order = self.compare_sets(new, before, old)
            if order == 0 and not self.same_set(new, before, old):
                found.append((old, new))
            elif order < 0:
                found.append((-1, new))
            elif order > 0:
                found.append((old, -1))
            if len(found) > limit:
                return None
            if order <= 0:
                new += 1
            if order >= 0:
                old += 1
        return found

    def compare_sets(self, index: int, other: PackedZone, at: int) -> int:
        """-1, 0 or 1 as the composite key of a set comes before, equals or comes after that of one of another zone."""
        first = self.first_record(index)
        second = other.first_record(at)
        if self.numbers[first * NUMBERS + PREFIX] != other.numbers[second * NUMBERS + PREFIX]:
            return -1 if self.numbers[first * NUMBERS + PREFIX] < other.numbers[second * NUMBERS + PREFIX] else 1
        length = self.numbers[first * NUMBERS + LENGTHS] & 0xFFFF
        other_length = other.numbers[second * NUMBERS + LENGTHS] & 0xFFFF
        start = self.numbers[first * NUMBERS + OFFSET]
        other_start = other.numbers[second * NUMBERS + OFFSET]
        for step in range(min(length, other_length)):
            difference = self.heap[start + step] - other.heap[other_start + step]
            if difference != 0:
                return -1 if difference < 0 else 1
        if length == other_length:
            return 0
        return -1 if length < other_length else 1

    def same_set(self, index: int, other: PackedZone, at: int) -> bool:
        """Whether two sets of one key are the same, in TTL, RDATA and the spelling of their owner."""
        size = self.sets[index * NUMBERS + BLOB_LENGTH]
        if (
            self.sets[index * NUMBERS + TTL] != other.sets[at * NUMBERS + TTL]
            or other.sets[at * NUMBERS + BLOB_LENGTH] != size
        ):
            return False
        if not self.same_octets(self.sets[index * NUMBERS + BLOB], other, other.sets[at * NUMBERS + BLOB], size):
            return False
        first = self.first_of(index)
        second = other.first_of(at)
        length = self.numbers[first * NUMBERS + LENGTHS] >> 16 & 0xFFFF
        if other.numbers[second * NUMBERS + LENGTHS] >> 16 & 0xFFFF != length:
            return False
        start = self.numbers[first * NUMBERS + OFFSET] + (self.numbers[first * NUMBERS + LENGTHS] & 0xFFFF)
        other_start = other.numbers[second * NUMBERS + OFFSET] + (other.numbers[second * NUMBERS + LENGTHS] & 0xFFFF)
        return length == 0 or self.same_octets(start, other, other_start, length)

    def same_octets(self, start: int, other: PackedZone, other_start: int, size: int) -> bool:
        """Whether octets of two heaps are the same."""
        for step in range(size):
            if self.heap[start + step] != other.heap[other_start + step]:
                return False
        return True


def write_decimal(target: bytearray, end: int, number: int) -> int:
    """Write a number so that it ends there; what is in front of it stays."""
    while True:
        end -= 1
        target[end] = ZERO + number % 10
        number //= 10
        if number == 0:
            return 0
