"""Rendering sets into fragments: wire form whose pointers get their targets when it is sent (image/layout.py).

The owner is the name that was read last; names in RDATA that end as it does, or as one written before, become pointers.
Plain Python; rendering.pxd adds the types.
"""

from __future__ import annotations

from image.growing import GrowingOctets
from image.layout import (
    BYTE,
    CASE,
    CLASS_IN,
    FRAGMENT_OCTETS,
    POINTER,
    TO_FRAGMENT,
    UNIT,
    UPPER_A,
    UPPER_Z,
)
from image.names import address_of, buffer
from image.rowlayout import (
    COMPRESSED,
    HIGH,
    LENGTH,
    MAX_WRITTEN,
    NAMES_MASK,
    NAMES_SHIFT,
    OCTETS_A_STEP,
    OWNER_WRITTEN,
    TYPES_WITH_NAMES,
)
from image.sha1 import NameHasher
from image.zonerows import ZoneRows

MAX_TTL = 0x7FFFFFFF  # seconds; receivers take more for zero, so zero is what we send (RFC 2181 section 8)
MAX_COUNT = 0xFF  # of pointers and of records of a part
WIRE_OCTETS = 2 * FRAGMENT_OCTETS + 0x10000 + 1024  # two parts, and one record more
RECORD_OCTETS = 10  # of a record between owner and RDATA
POINTER_SIZE = 2
RECORDS_AT = 24
WRITTEN = 4
WRITTEN_AT = 0
WRITTEN_OCTETS = 1
WRITTEN_PLACE = 2
WRITTEN_BEFORE = 3  # the one of as many octets before it, from 1 on; 0: there is none
SUFFIX_OCTETS = 256  # more than a suffix has
RECORD_STEPS = 4


class FragmentRenderer(NameHasher):
    """A fragment in the making; `failed` where it is too large for an image."""

    def __init__(self, seed: int, rows: ZoneRows) -> None:
        super().__init__(seed)
        self.zone_rows = rows
        self.heap = self.zone_rows.heap
        self.wire = buffer(WIRE_OCTETS)
        self.wire_address = address_of(self.wire)
        self.wire_used = 0
        self.pointers = buffer(UNIT * (2 * MAX_COUNT + 1)).cast("I")
        self.pointer_count = 0
        self.record_count = 0
        self.part_start = 0
        self.first_pointers = 0
        self.first_records = 0
        self.failed = False
        self.known = 0  # labels of the name that every answer ends in
        self.written = buffer(8 * WRITTEN * MAX_WRITTEN).cast("q")
        self.written_count = 0
        self.last_written = buffer(8 * SUFFIX_OCTETS).cast("q")  # of so many octets, from 1 on; 0: there is none
        self.compressed = buffer(TYPES_WITH_NAMES)
        for rdtype, names in COMPRESSED.items():
            self.compressed[rdtype] = names

    def begin_fragment(self, known: int) -> int:
        """Begin; so many labels of the name at hand end every name that this will be sent for."""
        self.known = known
        self.wire_used = 0
        self.part_start = 0
        self.pointer_count = 0
        self.record_count = 0
        self.first_pointers = 0
        self.first_records = 0
        for number in range(self.written_count):
            self.last_written[self.written[number * WRITTEN + WRITTEN_OCTETS]] = 0
        self.written_count = 0
        self.failed = False
        return 0

    def begin_second(self) -> int:
        """What follows is the second part."""
        self.end_part()
        self.part_start = self.wire_used
        self.first_pointers = self.pointer_count
        self.first_records = self.record_count
        return 0

    def end_part(self) -> int:
        """Judge the size of the part at hand."""
        if self.wire_used - self.part_start > FRAGMENT_OCTETS:
            self.failed = True
        if self.pointer_count - self.first_pointers > MAX_COUNT or self.record_count - self.first_records > MAX_COUNT:
            self.failed = True
        return 0

    def put_set(self, row: int, ttl: int, target: int, owner: int) -> int:
        """Add the set of a row. Its owner is a pointer to `target`, OWNER_WRITTEN: the name at `owner` of the heap."""
        rdtype = self.zone_rows.type_of(row) >> HIGH
        at = self.zone_rows.blob_of(row)
        end = at + self.zone_rows.blob_size(row)
        if ttl > MAX_TTL:
            ttl = 0
        while at < end:
            length = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            if self.failed or self.wire_used - self.part_start > FRAGMENT_OCTETS:
                self.failed = True
                return 0
            if target == OWNER_WRITTEN:
                self.put_name(owner)
            else:
                self.point(target)
            self.put_record(rdtype, ttl, at, length)
            at += length
            self.zone_rows.spend(RECORD_STEPS + length // OCTETS_A_STEP)
        return 0

    def put_record(self, rdtype: int, ttl: int, at: int, length: int) -> int:
        """Add what follows the owner of a record."""
        start = self.wire_used
        self.wire[start] = rdtype >> 8
        self.wire[start + 1] = rdtype & BYTE
        self.wire[start + 2] = 0
        self.wire[start + 3] = CLASS_IN
        self.wire[start + 4] = ttl >> 24
        self.wire[start + 5] = ttl >> 16 & BYTE
        self.wire[start + 6] = ttl >> 8 & BYTE
        self.wire[start + 7] = ttl & BYTE
        start += RECORD_OCTETS
        self.wire_used = start
        self.put_rdata(rdtype, at, length)
        length = self.wire_used - start
        self.wire[start - 2] = length >> 8
        self.wire[start - 1] = length & BYTE
        self.record_count += 1
        return 0

    def put_rdata(self, rdtype: int, at: int, length: int) -> int:
        """Add RDATA, with pointers where every receiver can undo them."""
        names = 0
        if rdtype < TYPES_WITH_NAMES:
            names = self.compressed[rdtype]
        end = at + length
        if names:
            skipped = names >> NAMES_SHIFT
            self.put_octets(at, skipped)
            at += skipped
            for _ in range(names & NAMES_MASK):
                at = self.put_name(at)
        return self.put_octets(at, end - at)

    def put_octets(self, at: int, length: int) -> int:
        """Copy octets of the heap."""
        if length > WIRE_OCTETS - self.wire_used or at + length > self.heap.used:
            raise IndexError("a record is behind the end of its buffer")
        self.copy(self.wire_address + self.wire_used, self.heap.address + at, length)
        self.wire_used += length
        return 0

    def put_name(self, at: int) -> int:
        """Add the uncompressed name at `at` of the heap; the offset behind it."""
        level = 0
        end = at
        while self.heap.octets[end]:
            end += self.heap.octets[end] + 1
            level += 1
        end += 1
        while level:
            octets = end - at
            if level <= self.known and self.is_known(at, octets, level):
                self.point(level)
                return end
            index = self.find_written(at, octets)
            if index >= 0:
                self.point(TO_FRAGMENT + self.written[index + WRITTEN_PLACE])
                return end
            if self.written_count < MAX_WRITTEN:
                index = self.written_count * WRITTEN
                self.written[index + WRITTEN_AT] = at
                self.written[index + WRITTEN_OCTETS] = octets
                self.written[index + WRITTEN_PLACE] = self.wire_used
                self.written[index + WRITTEN_BEFORE] = self.last_written[octets]
                self.written_count += 1
                self.last_written[octets] = self.written_count
            octets = self.heap.octets[at] + 1
            self.put_octets(at, octets)
            at += octets
            level -= 1
        self.wire[self.wire_used] = 0
        self.wire_used += 1
        return end

    def find_written(self, at: int, octets: int) -> int:
        """Where in `written` the suffix at `at` of the heap is, or -1: there are few of as many octets."""
        looked_at = 1
        found = -1
        number = self.last_written[octets]
        while number and found < 0:
            index = (number - 1) * WRITTEN
            looked_at += 1
            if self.equal(self.heap.address + self.written[index + WRITTEN_AT], self.heap.address + at, octets):
                found = index
            number = self.written[index + WRITTEN_BEFORE]
        self.zone_rows.spend(looked_at)
        return found

    def is_known(self, at: int, octets: int, level: int) -> int:
        """Whether a name of so many octets and labels in the heap ends the name at hand."""
        start = self.starts[level]
        if self.name_octets - start != octets:
            return 0
        for index in range(octets):
            octet = self.heap.octets[at + index]
            if UPPER_A <= octet <= UPPER_Z:
                octet |= CASE
            if octet != self.name[start + index]:
                return 0
        return 1

    def point(self, target: int) -> int:
        """Add a pointer that gets its target later."""
        if self.pointer_count > 2 * MAX_COUNT:
            self.failed = True
            return 0
        self.pointers[self.pointer_count] = target << HIGH | self.wire_used
        self.pointer_count += 1
        self.wire[self.wire_used] = POINTER >> 8
        self.wire[self.wire_used + 1] = 0
        self.wire_used += POINTER_SIZE
        return 0

    def pack(self, out: GrowingOctets, flag: int) -> int:
        """Put the fragment at the end of `out`; `flag` says what the second part is, 0: there is none."""
        self.end_part()
        if self.failed:
            return 0
        out.make_room(self.wire_used + UNIT * (self.pointer_count + 3))
        at = out.used >> 2
        if flag:
            first = self.part_start | flag
            out.words[at] = first | self.first_pointers << HIGH | self.first_records << RECORDS_AT
            at += 1
            pointers = self.pointer_count - self.first_pointers
            records = self.record_count - self.first_records
            out.words[at] = (self.wire_used - self.part_start) | pointers << HIGH | records << RECORDS_AT
        else:
            out.words[at] = self.wire_used | self.pointer_count << HIGH | self.record_count << RECORDS_AT
        at += 1
        for index in range(self.pointer_count):
            out.words[at + index] = self.pointers[index]
        out.used = UNIT * (at + self.pointer_count)
        out.append(self.wire_address, self.wire_used)
        out.align(UNIT)
        return 1
