"""Tables of very many keys without an object for any of them: a hash of each is kept, and a number where it has one.

The hashes are those of the interpreter (PEP 456: SipHash, keyed anew at each start), so nobody can choose names that
meet. A key whose hash another one has, which happens once in 2^64 pairs, is taken for that one. A table is no thing to
store. Plain Python; keytable.pxd adds the types.

A place is linear in the hash, and the next free one where it is taken: what grows is gone through from front to back.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from datasrc.growth import zeros

FIRST_PLACES = 64
FULL_PARTS, PARTS = 3, 4  # that share of the places may be in use
HALF = 32  # bits
MASK64 = (1 << 64) - 1
NO_HASH = 1  # in place of a hash of 0, which means that a place is free


class KeyTable:
    """A set of keys; with `numbered` a mapping of keys to numbers below 2^63. For one thread at a time."""

    def __init__(self, keys: Iterable[bytes] = (), *, numbered: bool = False) -> None:
        self.used = 0
        self.places = FIRST_PLACES
        self.numbered = numbered
        self.hashes = _words(FIRST_PLACES)
        self.numbers = _words(FIRST_PLACES if numbered else 1)
        self.update(keys)

    def __len__(self) -> int:
        return self.used

    def __contains__(self, key: Any) -> bool:
        return self.hashes[self.find(self.hash_of(key))] != 0

    def add(self, key: bytes) -> None:
        """Have this key."""
        self.put_hash(self.hash_of(key), 0)

    def put(self, key: bytes, number: int) -> None:
        """Have this key with this number."""
        self.put_hash(self.hash_of(key), number)

    def update(self, keys: Iterable[bytes]) -> None:
        """Have all of these keys."""
        for key in keys:
            self.put_hash(self.hash_of(key), 0)

    def number(self, key: bytes) -> int:
        """The number of a key; -1 where there is no such key."""
        at = self.find(self.hash_of(key))
        return self.numbers[at] if self.hashes[at] else -1

    def discard(self, key: bytes) -> None:
        """Have this key no more."""
        hole = self.find(self.hash_of(key))
        if self.hashes[hole] == 0:
            return
        self.used -= 1
        at = hole
        while True:  # what was put behind it for want of this place moves up
            at = at + 1 if at + 1 < self.places else 0
            value = self.hashes[at]
            if value == 0:
                break
            home = self.home(value)
            if (home <= hole or home > at) if hole < at else at < home <= hole:
                self.hashes[hole] = value
                if self.numbered:
                    self.numbers[hole] = self.numbers[at]
                hole = at
        self.hashes[hole] = 0

    def add_all(self, other: KeyTable) -> None:
        """Have the keys of another table, too.

        They come in the order of their hashes: in a table with too little room all would want its beginning.
        """
        self.make_room(self.used + other.used)
        for at in range(other.places):
            value = other.hashes[at]
            if value:
                self.put_hash(value, 0)

    def in_any(self, others: list[KeyTable]) -> int:
        """How many of the keys others of these tables have, too."""
        found = 0
        for at in range(self.places if others else 0):
            value = self.hashes[at]
            if value:
                for other in others:
                    if other.has_hash(value):
                        found += 1
                        break
        return found

    def hash_of(self, key: bytes) -> int:
        """What is kept of a key."""
        value = hash(key) & MASK64
        return value if value else NO_HASH

    def home(self, value: int) -> int:
        """Where a hash goes, if that is free."""
        return ((value >> HALF) * self.places) >> HALF

    def find(self, value: int) -> int:
        """Where a hash is; where it would go if it is not there."""
        at = self.home(value)
        while self.hashes[at] and self.hashes[at] != value:
            at = at + 1 if at + 1 < self.places else 0
        return at

    def has_hash(self, value: int) -> int:
        """Whether a hash is there."""
        return self.hashes[self.find(value)] != 0

    def put_hash(self, value: int, number: int) -> int:
        """Have a hash with this number."""
        at = self.find(value)
        if self.hashes[at] == 0:
            if (self.used + 1) * PARTS > self.places * FULL_PARTS:
                self.enlarge(self.places + self.places // 2)
                at = self.find(value)
            self.hashes[at] = value
            self.used += 1
        if self.numbered:
            self.numbers[at] = number
        return 0

    def make_room(self, keys: int) -> None:
        """Have room for so many."""
        if keys * PARTS > self.places * FULL_PARTS:
            self.enlarge(keys * PARTS // FULL_PARTS + 1)

    def enlarge(self, places: int) -> None:
        """Have so many places; where there is no memory for that all stays as it is."""
        hashes = _words(places)
        numbers = _words(places if self.numbered else 1)
        for old in range(self.places):
            value = self.hashes[old]
            if value:
                at = ((value >> HALF) * places) >> HALF
                while hashes[at]:
                    at = at + 1 if at + 1 < places else 0
                hashes[at] = value
                if self.numbered:
                    numbers[at] = self.numbers[old]
        self.hashes = hashes
        self.numbers = numbers
        self.places = places


def _words(count: int) -> memoryview:
    return memoryview(zeros(8 * count)).cast("Q")
