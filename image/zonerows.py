"""The sets of one zone as they are stored, in a few buffers, and in canonical order: what an image is made of.

A name has three numbers: where its key is in the heap and how long, how the key begins, and its first set. A set has
three: where its packed RDATA is, how long that is with the TTL, type and covered type. Plain Python; zonerows.pxd adds
the types.
"""

from __future__ import annotations

from time import sleep

from datasrc.octets import BLOB, BLOB_LENGTH, LENGTHS, NUMBERS, OFFSET, TTL, TYPES_SIZE
from datasrc.packed_zone import PackedZone
from datasrc.rows import Columns, Row
from image.growing import GrowingOctets
from image.layout import CASE, MASK32, MAX_DEPTH, MAX_LABEL, MAX_NAME, UPPER_A, UPPER_Z
from image.names import address_of, buffer
from image.rowlayout import (
    ANY_OCTETS,
    BEHIND_NAMES,
    BREATH_STEPS,
    ESCAPE,
    HIGH,
    LENGTH,
    LOW,
    MALFORMED,
    NAME,
    NAME_FIRST,
    NAME_KEY,
    NAME_PREFIX,
    NAMES_IN,
    NAMES_MASK,
    NAMES_SHIFT,
    NUMBER,
    OCTETS_A_STEP,
    OUTSIDE,
    PREFIX,
    ROW,
    ROW_BLOB,
    ROW_SIZE,
    ROW_TYPE,
    SIZE_BITS,
    TYPES_WITH_NAMES,
)

FIRST_ROOM = 4096
SET_STEPS = 16  # to store one
MAX_KEY = 2 * MAX_NAME


class ZoneRows:
    """The rows of a zone. `damaged`: something is not as it must be, and the zone cannot be answered from.

    `steps` is what work there was, and that of making an image of them: each takes a few ns. Whoever works says so with
    spend(), which lets other threads have the interpreter every few ms.
    """

    def __init__(self) -> None:
        self.heap = GrowingOctets(FIRST_ROOM)
        self.names = GrowingOctets(FIRST_ROOM)
        self.rows = GrowingOctets(FIRST_ROOM)
        self.name_count = 0
        self.row_count = 0
        self.records = 0
        self.steps = 0
        self.breath_at = BREATH_STEPS  # steps
        self.damaged = False
        self.key_at = 0  # of the name at hand, in the heap
        self.key_length = 0
        self.origin = b"\0"
        self.origin_octets = 1
        self.key = buffer(MAX_KEY + 2)  # what key_of() made
        self.key_octets = 0
        self.labels = buffer(8 * (MAX_DEPTH + 1)).cast("q")
        self.names_in = buffer(TYPES_WITH_NAMES)
        for rdtype, what in NAMES_IN.items():
            self.names_in[rdtype] = what
        self.behind_names = buffer(TYPES_WITH_NAMES)
        for rdtype, octets in BEHIND_NAMES.items():
            self.behind_names[rdtype] = octets

    def begin(self, origin: bytes) -> None:
        """Forget the zone before; this one's origin is in wire form and small letters."""
        self.origin = origin
        self.origin_octets = len(origin)
        self.heap.used = 0
        self.names.used = 0
        self.rows.used = 0
        self.name_count = 0
        self.row_count = 0
        self.records = 0
        self.damaged = False
        self.key_length = 0

    def spend(self, steps: int) -> int:
        """Count work; others may have the interpreter meanwhile."""
        self.steps += steps
        if self.steps >= self.breath_at:
            self.breath_at = self.steps + BREATH_STEPS
            sleep(0)
        return 0

    def add_rows(self, rows: list[Row] | list[Columns]) -> None:
        """Add rows as datasrc.rows.Row has them, in order of (key, type, covered type)."""
        for row in rows:
            key = row[0]
            owner = row[4]
            blob = row[5]
            rdtype = row[1]
            covers = row[2]
            ttl = row[3]
            if not self.add(key, len(key), rdtype, covers, ttl, blob, len(blob)):
                self.damaged = True
            if owner is not None and not self.is_owner(owner, len(owner)):
                self.damaged = True

    def add_packed(self, packed: PackedZone) -> None:
        """Add all sets of a zone that was read from text."""
        heap = address_of(packed.heap)
        for index in range(packed.set_count):
            record = packed.first_record(index)
            at = packed.numbers[record * NUMBERS + OFFSET]
            length = (packed.numbers[record * NUMBERS + LENGTHS] & LOW) - TYPES_SIZE
            blob = packed.sets[index * NUMBERS + BLOB]
            size = packed.sets[index * NUMBERS + BLOB_LENGTH]
            ttl = packed.sets[index * NUMBERS + TTL]
            self.spend(SET_STEPS + size // OCTETS_A_STEP)
            if not self.add_at(
                heap + at, length, packed.set_type(index), packed.set_covers(index), ttl, heap + blob, size
            ):
                self.damaged = True

    def add(self, key: bytes, length: int, rdtype: int, covers: int, ttl: int, blob: bytes, size: int) -> int:
        """Add a set; 0 where it is damaged."""
        self.heap.make_room(length + size)
        at = self.heap.used
        self.heap.copy_bytes(self.heap.address + at, key, length)
        self.heap.copy_bytes(self.heap.address + at + length, blob, size)
        return self.take(length, rdtype, covers, ttl, size)

    def add_at(self, key: int, length: int, rdtype: int, covers: int, ttl: int, blob: int, size: int) -> int:
        """As add(), by addresses."""
        self.heap.make_room(length + size)
        at = self.heap.used
        self.heap.copy(self.heap.address + at, key, length)
        self.heap.copy(self.heap.address + at + length, blob, size)
        return self.take(length, rdtype, covers, ttl, size)

    def take(self, length: int, rdtype: int, covers: int, ttl: int, size: int) -> int:
        """Take the set whose key and RDATA were put at the end of the heap."""
        start = self.heap.used
        types = rdtype << HIGH | covers
        if not 0 < rdtype <= LOW or not 0 <= covers <= LOW or not 0 <= ttl <= MASK32:
            return 0
        order = 1
        if self.name_count:
            order = self.compare(start, length, self.key_at, self.key_length)
        if order < 0 or (order == 0 and types <= self.type_of(self.row_count - 1)):
            return 0
        if order == 0:
            self.heap.copy_down(self.heap.address + start, self.heap.address + start + length, size)
        else:
            self.add_name(start, length)
            start += length
        self.heap.used = start + size
        self.rows.make_room(ROW * NUMBER)
        at = self.row_count * ROW
        self.rows.longs[at + ROW_BLOB] = start
        self.rows.longs[at + ROW_SIZE] = size << SIZE_BITS | ttl
        self.rows.longs[at + ROW_TYPE] = types
        self.rows.used += ROW * NUMBER
        self.row_count += 1
        return self.check(rdtype, start, start + size)

    def add_name(self, start: int, length: int) -> int:
        """Begin a name, whose key is at the end of the heap."""
        self.names.make_room(2 * NAME * NUMBER)
        prefix = 0
        for index in range(PREFIX):
            prefix <<= 8
            if index < length:
                prefix |= self.heap.octets[start + index]
        at = self.name_count * NAME
        self.names.longs[at + NAME_KEY] = start << HIGH | length
        self.names.longs[at + NAME_PREFIX] = prefix
        self.names.longs[at + NAME_FIRST] = self.row_count
        self.names.used += NAME * NUMBER
        self.name_count += 1
        self.key_at = start
        self.key_length = length
        return 0

    def check(self, rdtype: int, at: int, end: int) -> int:
        """Whether packed RDATA can be read, and the names in it; counts the records."""
        if at == end:
            return 0
        names = 0
        if rdtype < TYPES_WITH_NAMES:
            names = self.names_in[rdtype]
        while at < end:
            if end - at < LENGTH:
                return 0
            length = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            if length > end - at:
                return 0
            if names and not self.check_names(names, self.behind_names[rdtype], at, at + length):
                return 0
            at += length
            self.records += 1
        return 1

    def check_names(self, names: int, behind: int, at: int, end: int) -> int:
        """Whether the names that RDATA must have are there, and as many octets behind them as there must be."""
        at += names >> NAMES_SHIFT
        for _ in range(names & NAMES_MASK):
            start = at
            while True:
                if at >= end:
                    return 0
                length = self.heap.octets[at]
                if length > MAX_LABEL:
                    return 0
                at += length + 1
                if length == 0:
                    break
            if at > end or at - start > MAX_NAME:
                return 0
        return 1 if behind == ANY_OCTETS or end - at == behind else 0

    def compare(self, one: int, length: int, other: int, other_length: int) -> int:
        """-1, 0 or 1 as one key in the heap is before, equal to or behind the other."""
        shorter = min(length, other_length)
        for index in range(shorter):
            left = self.heap.octets[one + index]
            right = self.heap.octets[other + index]
            if left != right:
                return -1 if left < right else 1
        if length == other_length:
            return 0
        return -1 if length < other_length else 1

    # What is there, once all is.

    def first_row(self, name: int) -> int:
        """The first row of a name; of the number behind the last one, the number of rows."""
        return self.names.longs[name * NAME + NAME_FIRST] if name < self.name_count else self.row_count

    def key_start(self, name: int) -> int:
        """Where the key of a name is in the heap."""
        return self.names.longs[name * NAME + NAME_KEY] >> HIGH

    def key_size(self, name: int) -> int:
        """Octets of the key of a name."""
        return self.names.longs[name * NAME + NAME_KEY] & LOW

    def type_of(self, row: int) -> int:
        """Type << 16 | covered type of a row."""
        return self.rows.longs[row * ROW + ROW_TYPE]

    def ttl_of(self, row: int) -> int:
        """The TTL of a row."""
        return self.rows.longs[row * ROW + ROW_SIZE] & MASK32

    def blob_of(self, row: int) -> int:
        """Where the packed RDATA of a row is in the heap."""
        return self.rows.longs[row * ROW + ROW_BLOB]

    def blob_size(self, row: int) -> int:
        """Octets of the packed RDATA of a row."""
        return self.rows.longs[row * ROW + ROW_SIZE] >> SIZE_BITS

    def find_row(self, name: int, types: int) -> int:
        """The row of a name with this type << 16 | covered type, or -1."""
        low = self.first_row(name)
        end = self.first_row(name + 1)
        high = end
        while low < high:  # they are in order (take()), and a name may have every type there is
            middle = (low + high) >> 1
            if self.type_of(middle) < types:
                low = middle + 1
            else:
                high = middle
        return low if low < end and self.type_of(low) == types else -1

    def find_name(self) -> int:
        """The name whose key is in `key`, or -1."""
        prefix = 0
        for index in range(PREFIX):
            prefix <<= 8
            if index < self.key_octets:
                prefix |= self.key[index]
        low = 0
        high = self.name_count
        while low < high:
            middle = (low + high) >> 1
            if self.names.longs[middle * NAME + NAME_PREFIX] < prefix or (
                self.names.longs[middle * NAME + NAME_PREFIX] == prefix and self.compare_key(middle) < 0
            ):
                low = middle + 1
            else:
                high = middle
        if low < self.name_count and self.compare_key(low) == 0:
            return low
        return -1

    def compare_key(self, name: int) -> int:
        """-1, 0 or 1 as the key of a name is before, equal to or behind `key`."""
        start = self.key_start(name)
        length = self.key_size(name)
        for index in range(min(length, self.key_octets)):
            left = self.heap.octets[start + index]
            if left != self.key[index]:
                return -1 if left < self.key[index] else 1
        if length == self.key_octets:
            return 0
        return -1 if length < self.key_octets else 1

    def is_key(self, name: int, key: bytes, octets: int) -> int:
        """Whether the key of a name, which is as long, is this."""
        start = self.key_start(name)
        for index in range(octets):
            if self.heap.octets[start + index] != key[index]:
                return 0
        return 1

    def key_of(self, at: int, end: int) -> int:
        """Make `key` of the wire name at `at` of the heap; the offset behind it, OUTSIDE of the zone, or MALFORMED."""
        start = at
        count = 0
        while True:
            if at >= end or at - start >= MAX_NAME:
                return MALFORMED
            length = self.heap.octets[at]
            if length > MAX_LABEL:
                return MALFORMED
            if length == 0:
                break
            if count >= MAX_DEPTH:
                return MALFORMED
            self.labels[count] = at
            count += 1
            at += length + 1
        at += 1
        inner = at - start - self.origin_octets
        if inner < 0:
            return OUTSIDE
        relative = 0
        while relative < count and self.labels[relative] - start < inner:
            relative += 1
        if (self.labels[relative] - start if relative < count else at - 1 - start) != inner:
            return OUTSIDE
        for index in range(self.origin_octets):
            octet = self.heap.octets[start + inner + index]
            if UPPER_A <= octet <= UPPER_Z:
                octet |= CASE
            if octet != self.origin[index]:
                return OUTSIDE
        self.write_key(relative)
        return at

    def write_key(self, count: int) -> int:
        """Make `key` of so many labels."""
        size = 0
        for number in range(1, count + 1):
            at = self.labels[count - number]
            for index in range(at + 1, at + 1 + self.heap.octets[at]):
                octet = self.heap.octets[index]
                if UPPER_A <= octet <= UPPER_Z:
                    octet |= CASE
                if octet <= ESCAPE:
                    self.key[size] = ESCAPE
                    size += 1
                    octet += 1
                self.key[size] = octet
                size += 1
            self.key[size] = 0
            size += 1
        self.key_octets = size
        return 0

    def is_owner(self, owner: bytes, length: int) -> int:
        """Whether a wire name is that of the name at hand."""
        self.heap.make_room(length)
        at = self.heap.used
        self.heap.copy_bytes(self.heap.address + at, owner, length)
        if self.key_of(at, at + length) != at + length or self.name_count == 0:
            return 0
        return self.compare_key(self.name_count - 1) == 0
