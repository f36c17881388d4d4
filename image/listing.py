"""Which zones are not just served as the directory has them: those with a policy, and those that may be missing.

A listing says of the hash of an origin, as the directory has it, a number: in its lower half the list that says who may
ask (image/access.py), in its upper half the row in which the zone is counted, from 1 on. A hash that is there for
another name, which happens once in 2^64 pairs, gives that the same number.

In front of the tables is a sieve, which is asked for every name above the one in a question, and of which nearly all
that is not listed gets no further: one bit of a few words, by the hash that is there anyway.

What was told to a reader is never changed. A change of a few of 100 000 zones makes another listing, which has the
large table in common with the one before and the changes in a small one; when these are too many, both become one
table, without a look at a name. Plain Python; listing.pxd adds the types.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from image.layout import BIT_MASK, HALF, MASK64, NO_HASH, NOT_LISTED
from image.names import NameReader, buffer

ROOM = 2  # places an entry
SIEVE_BITS = 32  # an entry, at least: one of so many that are not listed passes
SMALLEST_SIEVE = 6  # words, as a power of two
WORD_BITS = 64
ONE = 1
MAX_CHANGES = 1000  # of which a small table is made at each change; then the large one, 2 ms for 100 000 zones


class OriginReader(NameReader):
    """Hashes origins."""

    def hash_of(self, origin: bytes) -> int:
        """Of an origin in wire form, in any case, as the directory has it."""
        self.attach(memoryview(origin))
        self.scan(0, len(origin))
        return self.mix(self.hashes[self.depth], 0)


class Table:
    """Numbers by hashes, with linear probing. Only who makes it puts anything in."""

    def __init__(self, entries: int) -> None:
        """There is room for so many."""
        self.size = ROOM * entries + 1
        self.used = 0
        self.keys = buffer(8 * self.size).cast("Q")
        self.numbers = buffer(8 * self.size).cast("Q")

    def put(self, value: int, number: int) -> None:
        """A number for a hash, in place of what it had."""
        self.enter(value, number)

    def enter(self, value: int, number: int) -> int:
        """As put(), for compiled callers."""
        at = ((value >> HALF) * self.size) >> HALF
        wanted = value if value else NO_HASH
        while self.keys[at] and self.keys[at] != wanted:
            at += 1
            if at == self.size:
                at = 0
        if self.keys[at] == 0:
            self.keys[at] = wanted
            self.used += 1
        self.numbers[at] = number
        return 0

    def look_up(self, value: int) -> int:
        """The place of a hash, -1 where it has none."""
        at = ((value >> HALF) * self.size) >> HALF
        wanted = value if value else NO_HASH
        for _ in range(self.size):
            entry = self.keys[at]
            if entry == wanted:
                return at
            if entry == 0:
                break
            at += 1
            if at == self.size:
                at = 0
        return -1

    def mark(self, sieve: memoryview, shift: int) -> None:
        """Have a sieve let pass what is in this table."""
        self.mark_in(sieve, shift)

    def mark_in(self, sieve: memoryview, shift: int) -> int:
        """As mark(), compiled."""
        for at in range(self.size):
            value = self.keys[at]
            if value:
                sieve[value >> shift] |= ONE << (value & BIT_MASK)
            if value == NO_HASH:  # or it is 0
                sieve[0] |= ONE
        return 0

    def take(self, other: Table, without: Table, gone: int) -> None:
        """Put in what another has and `without` does not tell; `gone` where that is listed no more, too."""
        self.pour(other, without, gone)

    def pour(self, other: Table, without: Table, gone: int) -> int:
        """As take(), compiled."""
        for at in range(other.size):
            value = other.keys[at]
            if value and (gone or other.numbers[at] != NOT_LISTED) and without.look_up(value) < 0:
                self.enter(value, other.numbers[at])
        return 0


NO_TABLE = Table(0)


class Listing:
    """A large table and what has changed since."""

    def __init__(self, base: Table, changes: Table | None = None, sieve: memoryview | None = None) -> None:
        """`sieve` is one that lets pass what is in `base`; it is not changed."""
        self.base = base
        self.changes = NO_TABLE if changes is None else changes
        self.count = self.base.used + self.changes.used  # 0: nothing is listed
        words = max(SMALLEST_SIEVE, (self.count * SIEVE_BITS // WORD_BITS).bit_length())
        self.sieve_shift = WORD_BITS - words  # of a hash, to the number of its word
        self.sieve = buffer(8 << words).cast("Q")
        if sieve is not None and len(sieve) == len(self.sieve):
            self.sieve[:] = sieve
        else:
            self.base.mark(self.sieve, self.sieve_shift)
        self.changes.mark(self.sieve, self.sieve_shift)

    @classmethod
    def of(cls, numbers: Iterable[tuple[int, int]], entries: int) -> Listing:
        """A listing of these hashes and numbers, at most so many."""
        table = Table(entries)
        for value, number in numbers:
            table.put(value, number)
        return cls(table)

    def number_of(self, value: int) -> int | None:
        """As find(), for callers that are not compiled."""
        number = self.find(value)
        return None if number == NOT_LISTED else number

    def may_have(self, value: int) -> bool:
        """What the sieve says of a hash. Who is compiled looks into the sieve himself."""
        return bool(self.sieve[value >> self.sieve_shift] >> (value & BIT_MASK) & 1)

    def find(self, value: int) -> int:
        """The number of the origin with this hash, or NOT_LISTED."""
        if self.changes.used:
            at = self.changes.look_up(value)
            if at >= 0:
                return self.changes.numbers[at]
        at = self.base.look_up(value)
        return self.base.numbers[at] if at >= 0 else NOT_LISTED

    def changed(self, numbers: Mapping[int, int | None]) -> Listing:
        """Another one, in which these hashes have other numbers, or none."""
        changes = Table(self.changes.used + len(numbers))
        changes.take(self.changes, NO_TABLE, gone=1)
        for value, number in numbers.items():
            changes.put(value, MASK64 if number is None else number)
        if changes.used <= MAX_CHANGES:
            return Listing(self.base, changes, self.sieve)
        base = Table(self.base.used + changes.used)
        base.take(self.base, changes, gone=0)
        base.take(changes, NO_TABLE, gone=0)
        return Listing(base)
