"""Reading names: small letters, where labels begin, a hash of every suffix. Plain Python; names.pxd adds the types."""

from __future__ import annotations

import ctypes

from image.layout import (
    CASE,
    MASK64,
    MAX_LABEL,
    MAX_NAME,
    MIX,
    PRIME,
    STAGE_LEVELS,
    STAGE_NAME,
    STAGES,
    UPPER_A,
    UPPER_Z,
)
from image.raw import Memory

Octets = bytes | bytearray | memoryview


def buffer(octets: int) -> memoryview:
    """Zeros to write into."""
    return memoryview(bytearray(octets))


def address_of(octets: memoryview) -> int:
    """Where the first octet of a writable buffer is."""
    return ctypes.addressof(ctypes.c_char.from_buffer(octets)) if len(octets) else 0


class NameReader(Memory):
    """The names that were read last, one a stage; the buffers of a stage are used again for its next name.

    `lefts` and `starts` are offsets in `name`, where the stage begins at `names_at`; the levels of a stage begin at
    `levels_at`.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.depth = 0  # labels, without the root
        self.name_octets = 0  # with the root
        self.name_end = 0  # offset behind it
        self.names_at = 0
        self.levels_at = 0
        self.octets = memoryview(b"")
        self.name = buffer(STAGES * STAGE_NAME)
        self.name_address = address_of(self.name)
        self.starts = buffer(8 * STAGES * STAGE_LEVELS).cast("q")  # of the suffix of so many labels
        self.lefts = buffer(8 * STAGE_LEVELS).cast("q")
        self.hashes = buffer(8 * STAGES * STAGE_LEVELS).cast("Q")  # of the suffix of so many labels

    def attach(self, octets: memoryview) -> None:
        """Read from these octets from now on."""
        self.octets = octets

    def read(self, start: int, end: int) -> int:
        """Read the uncompressed name at `start`; the offset behind it, or 0 where there is none before `end`."""
        return self.scan(start, end)

    def place(self, value: int, zone: int) -> int:
        """Where a suffix hash belongs, in a zone (0: among the origins)."""
        return self.mix(value, zone)

    def scan(self, start: int, end: int) -> int:
        """As read(), for compiled callers."""
        at = start
        depth = 0
        while True:
            if at >= end:
                return 0
            length = self.octets[at]
            if length == 0:
                break
            if length > MAX_LABEL or at + length >= end or at - start + length + 2 > MAX_NAME:
                return 0
            self.lefts[depth] = self.names_at + at - start
            depth += 1
            at += length + 1
        self.depth = depth
        self.name_octets = at - start + 1
        for index in range(self.name_octets):
            octet = self.octets[start + index]
            if UPPER_A <= octet <= UPPER_Z:  # a length is never that large: 63 is below A
                octet |= CASE
            self.name[self.names_at + index] = octet
        self.hash_suffixes()
        return at + 1

    def hash_suffixes(self) -> int:
        """From the root up."""
        base = self.levels_at
        value = self.seed
        self.name_end = self.names_at + self.name_octets
        self.hashes[base] = value
        self.starts[base] = self.name_end - 1
        for level in range(1, self.depth + 1):
            start = self.lefts[self.depth - level]
            for index in range(start, start + self.name[start] + 1):
                value = ((value ^ self.name[index]) * PRIME) & MASK64
            value = value ^ (value >> 32)
            self.hashes[base + level] = value
            self.starts[base + level] = start
        return 0

    def mix(self, value: int, zone: int) -> int:
        """As place(), for compiled callers."""
        mixed = ((value ^ zone) * MIX) & MASK64
        mixed = ((mixed ^ (mixed >> 29)) * MIX) & MASK64
        return mixed ^ (mixed >> 32)

    def below(self, level: int, octet: int) -> int:
        """The hash of the name with a label of one octet in front of the suffix of `level` labels."""
        value = ((self.hashes[self.levels_at + level] ^ 1) * PRIME) & MASK64
        value = ((value ^ octet) * PRIME) & MASK64
        return value ^ (value >> 32)
