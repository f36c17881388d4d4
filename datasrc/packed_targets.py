"""Whether the targets of NS, MX, SRV and CNAME records of a packed zone are what they should be, looked up as
datasrc.checks_targets does it, which tells what is wrong with those that are not. Plain Python; packed_targets.pxd adds
the types.
"""

from __future__ import annotations

from time import sleep

from datasrc.growth import zeros
from datasrc.octets import (
    ADDRESS,
    BLOB,
    BLOB_LENGTH,
    BREATH,
    CASE,
    CNAME,
    ELSEWHERE,
    ESCAPED_BELOW,
    HAS_ADDRESS,
    HAS_CNAME,
    HAS_DNAME,
    HAS_NS,
    LED_TO,
    MALFORMED,
    MAX_LABEL,
    MAX_LABELS,
    MAX_NAME,
    MX,
    NINE,
    NS,
    NUMBERS,
    SRV,
    STAR,
    UPPER_A,
    UPPER_Z,
    WITHIN,
    ZERO,
)
from datasrc.packed_index import NameIndex
from datasrc.packed_zone import PackedZone

MX_NUMBERS = 2  # octets before the name
SRV_NUMBERS = 6
ADDRESS_LABELS = 4
ADDRESS_DIGITS = 3

# What was found out of a name, at its first set, in flags; another one is LED_TO.
ON_WAY = 2  # on the way through a chain of aliases
ENDS = 4  # such a chain ends
CIRCLES = 8  # or it does not, as far as was looked
NO_ALIAS = -1
ODD_ALIAS = -2


class PackedTargets:
    """Looks targets up in the zone that they are in."""

    def __init__(self, records: PackedZone, apex: bytes, origin: bytes) -> None:
        """`apex` is the wire form of the origin in small letters, `origin` the same as it is spelled."""
        self.records = records
        self.names = NameIndex(records)
        self.marks = memoryview(zeros(records.set_count + 1))
        self.apex = apex
        self.origin = origin
        self.apex_length = len(apex)
        self.turns = 0
        # Of the name that was read: where its labels are in the heap; its key below the apex, of so many labels; where
        # they end in it, and what NameIndex.step() makes of it up to there.
        self.labels = memoryview(bytearray(8 * MAX_LABELS)).cast("Q")
        self.key = memoryview(bytearray(2 * MAX_NAME + 2))
        self.depth = 0
        self.ends = memoryview(bytearray(8 * (MAX_LABELS + 1))).cast("Q")
        self.hashes = memoryview(bytearray(8 * (MAX_LABELS + 1))).cast("Q")

    def are_fine(self, index: int, rdtype: int, owner: int) -> bool:
        """Whether nothing is wrong with the targets of a set of a name; those of NS records are marked as led to."""
        skipped = 0
        if rdtype == MX:
            skipped = MX_NUMBERS
        elif rdtype == SRV:
            skipped = SRV_NUMBERS
        fine = True
        at = self.records.sets[index * NUMBERS + BLOB]
        end = at + self.records.sets[index * NUMBERS + BLOB_LENGTH]
        while at < end:
            self.breathe()
            length = self.records.heap[at] << 8 | self.records.heap[at + 1]
            what = self.read(at + 2 + skipped, length - skipped, rdtype != CNAME)
            if what == WITHIN:
                if rdtype == CNAME:
                    fine = fine and (self.other_alias() < 0 or self.ends_somewhere(owner))
                elif not self.is_fine(rdtype, owner):
                    fine = False
            elif what != ELSEWHERE:
                fine = False
            at += 2 + length
        return fine

    def breathe(self) -> int:
        """Let others have the interpreter now and then."""
        self.turns += 1
        if self.turns & BREATH == 0:
            sleep(0)
        return 0

    def read(self, start: int, length: int, may_be_address: bool) -> int:
        """What the name is that has so many octets of the heap; where it is in the zone it is taken apart."""
        if length < 1 or length > MAX_NAME:
            return MALFORMED
        inner = length - self.apex_length  # octets below the apex
        below = -1  # labels
        count = 0
        at = 0
        while True:
            if at == inner:
                below = count
            size = self.records.heap[start + at]
            if size == 0:
                break
            if size > MAX_LABEL:
                return MALFORMED
            self.labels[count] = start + at
            count += 1
            at += 1 + size
            if at >= length:
                return MALFORMED
        if at + 1 != length:
            return MALFORMED
        if may_be_address and self.is_address(start, inner, below, count):
            return ADDRESS
        if below < 0 or count == 0 or not self.is_apex(start + inner):
            return ELSEWHERE
        self.take_apart(below)
        return WITHIN

    def is_apex(self, start: int) -> bool:
        """Whether the octets there are the apex."""
        for index in range(self.apex_length):
            octet = self.records.heap[start + index]
            if UPPER_A <= octet <= UPPER_Z:
                octet += CASE
            if octet != self.apex[index]:
                return False
        return True

    def is_address(self, start: int, inner: int, below: int, count: int) -> bool:
        """Whether a name of so many labels is four numbers, by themselves or completed with the origin as spelled."""
        if count < ADDRESS_LABELS:
            return False
        for number in range(ADDRESS_LABELS):
            at = self.labels[number]
            size = self.records.heap[at]
            if size > ADDRESS_DIGITS:
                return False
            for place in range(at + 1, at + 1 + size):
                if self.records.heap[place] < ZERO or self.records.heap[place] > NINE:
                    return False
        if count == ADDRESS_LABELS:
            return True
        if below != ADDRESS_LABELS:
            return False
        for index in range(self.apex_length):
            if self.records.heap[start + inner + index] != self.origin[index]:
                return False
        return True

    def take_apart(self, below: int) -> int:
        """Make the key of a name that has so many labels below the apex (datasrc.keys)."""
        length = 0
        value = 0
        self.depth = below
        self.ends[0] = 0
        self.hashes[0] = 0
        for level in range(below):
            start = self.labels[below - 1 - level]
            for at in range(start + 1, start + 1 + self.records.heap[start]):
                octet = self.records.heap[at]
                if octet < ESCAPED_BELOW:
                    self.key[length] = 1
                    length += 1
                    value = self.names.step(value, 1)
                    octet += 1
                elif UPPER_A <= octet <= UPPER_Z:
                    octet += CASE
                self.key[length] = octet
                length += 1
                value = self.names.step(value, octet)
            self.key[length] = 0
            length += 1
            value = self.names.step(value, 0)
            self.ends[level + 1] = length
            self.hashes[level + 1] = value
        return 0

    def find(self, level: int) -> int:
        """The first set of so many labels of the key; -1 where no set is of that name."""
        return self.names.find(self.key, self.ends[level], self.hashes[level])

    def is_fine(self, rdtype: int, owner: int) -> bool:
        """Whether the name that was read is a good target for a record of another name that is not hidden."""
        target = self.find(self.depth)
        if rdtype == NS and target >= 0:
            self.marks[target] |= LED_TO
        for level in range(1, self.depth + 1):
            node = target if level == self.depth else self.find(level)
            if node < 0:
                continue
            kinds = self.names.kinds[node]
            if kinds & HAS_NS:  # only the delegation itself cannot do without the address
                return rdtype != NS or node != owner or (target >= 0 and self.names.kinds[target] & HAS_ADDRESS != 0)
            if kinds & HAS_DNAME and node != target:
                return False
        if target < 0:
            target = self.wildcard()
        return target >= 0 and self.names.kinds[target] & (HAS_ADDRESS | HAS_CNAME) == HAS_ADDRESS

    def wildcard(self) -> int:
        """The first set of the wildcard that makes the name up (RFC 4592 section 3.3.1), or -1. The key is spoilt."""
        length = self.ends[self.depth]
        place = self.records.lower(self.key[:length])
        closest = max(self.names.shared(place - 1, self.key, length), self.names.shared(place, self.key, length))
        if closest == length:  # others lie below it
            return -1
        level = 0
        while self.ends[level] != closest:
            level += 1
        self.key[closest] = STAR
        self.key[closest + 1] = 0
        value = self.names.step(self.names.step(self.hashes[level], STAR), 0)
        return self.names.find(self.key, closest + 2, value)

    def ends_somewhere(self, first: int) -> bool:
        """Whether the chain of aliases that begins with this name ends; what was found out is noted at all of them."""
        node = first
        outcome = 0
        while outcome == 0:
            self.breathe()
            mark = self.marks[node]
            if mark & (ENDS | CIRCLES):
                outcome = mark & (ENDS | CIRCLES)
            elif mark & ON_WAY:
                outcome = CIRCLES
            else:
                self.marks[node] |= ON_WAY
                node = self.alias_of(node)
                if node < 0:
                    outcome = ENDS if node == NO_ALIAS else CIRCLES
        node = first
        while node >= 0 and self.marks[node] & ON_WAY:
            self.breathe()
            self.marks[node] = self.marks[node] & ~ON_WAY | outcome
            node = self.alias_of(node)
        return outcome == ENDS

    def alias_of(self, node: int) -> int:
        """The name that this one is an alias of, where that is one, too; NO_ALIAS, or ODD_ALIAS for no plain one."""
        for index in range(node, self.names.after(node)):
            if self.records.set_type(index) == CNAME:
                if self.records.set_members(index) != 1:
                    return ODD_ALIAS
                size = self.records.sets[index * NUMBERS + BLOB_LENGTH] - 2
                what = self.read(self.records.sets[index * NUMBERS + BLOB] + 2, size, False)
                if what != WITHIN:
                    return NO_ALIAS if what == ELSEWHERE else ODD_ALIAS
                return self.other_alias()
        return NO_ALIAS

    def other_alias(self) -> int:
        """The name that was read, where it is an alias; else NO_ALIAS."""
        target = self.find(self.depth)
        return target if target >= 0 and self.names.kinds[target] & HAS_CNAME else NO_ALIAS

    def is_led_to(self, key: bytes) -> bool:
        """Whether an NS record that was looked at leads to the name of this key."""
        first, after = self.records.span(key)
        return first < after and self.marks[first] & LED_TO != 0
