"""Reading names: small letters, where labels begin, a hash of every suffix. Plain Python; names.pxd adds the types."""

from __future__ import annotations

import ctypes
import hashlib
import mmap
import struct

from image.layout import (
    CASE,
    MAX_LABEL,
    MAX_NAME,
    OCTET,
    STAGE_LEVELS,
    STAGE_NAME,
    STAGES,
    UPPER_A,
    UPPER_Z,
)
from image.raw import Hasher

WORD = 8  # octets
MANY = 1 << 14  # octets
LOW_BITS = 0x7F7F7F7F7F7F7F7F
HIGH_BITS = 0x8080808080808080
FROM_A = 0x3F3F3F3F3F3F3F3F  # 0x80 - A in each octet
BEYOND_Z = 0x2525252525252525  # 0x7F - Z in each octet

SECRETS = struct.Struct("<QQQ")

Octets = bytes | bytearray | memoryview


def buffer(octets: int) -> memoryview:
    """Zeros to write into; where they are many, in pages that cost nothing until they are written to."""
    if octets < MANY:
        return memoryview(bytearray(octets))
    return memoryview(mmap.mmap(-1, octets, mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS))


def address_of(octets: memoryview) -> int:
    """Where the first octet of a buffer is; 0 where it is empty or may not be written to."""
    view = memoryview(octets)
    return 0 if view.readonly or not len(view) else ctypes.addressof(ctypes.c_char.from_buffer(view))


def secrets_of(seed: int) -> tuple[int, int, int]:
    """What names are hashed with: the arguments of a Hasher."""
    digest = hashlib.blake2b(seed.to_bytes(WORD, "little"), digest_size=SECRETS.size).digest()
    initial, factor, addend = SECRETS.unpack(digest)
    return initial, factor | 1, addend


class NameReader(Hasher):
    """The names that were read last, one a stage; the buffers of a stage are used again for its next name.

    `lefts` and `starts` are offsets in `name`, where the stage begins at `names_at`; the levels of a stage begin at
    `levels_at`.
    """

    def __init__(self, seed: int) -> None:
        super().__init__(*secrets_of(seed))
        self.seed = seed
        self.depth = 0  # labels, without the root
        self.name_octets = 0  # with the root
        self.name_end = 0  # offset behind it
        self.names_at = 0
        self.levels_at = 0
        self.octets = memoryview(b"")
        self.octets_address = 0
        self.name = buffer(STAGES * STAGE_NAME + WORD)
        self.name_address = address_of(self.name)
        self.starts = buffer(8 * STAGES * STAGE_LEVELS).cast("q")  # of the suffix of so many labels
        self.lefts = buffer(8 * STAGE_LEVELS).cast("q")
        self.hashes = buffer(8 * STAGES * STAGE_LEVELS).cast("Q")  # of the suffix of so many labels

    def attach(self, octets: memoryview) -> None:
        """Read from these octets from now on."""
        self.octets = octets
        self.octets_address = address_of(octets)

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
        if self.octets_address and start + STAGE_NAME <= len(self.octets):
            self.copy_words(start)
        else:
            self.copy_octets(start)
        self.hash_suffixes()
        return at + 1

    def copy_octets(self, start: int) -> int:
        """Copy a name to its stage in small letters."""
        for index in range(self.name_octets):
            octet = self.octets[start + index]
            if UPPER_A <= octet <= UPPER_Z:  # a length is never that large: 63 is below A
                octet |= CASE
            self.name[self.names_at + index] = octet
        return 0

    def copy_words(self, start: int) -> int:
        """As copy_octets(), 8 at once, with what is behind the name; there must be STAGE_NAME octets."""
        source = self.octets_address + start
        to = self.name_address + self.names_at
        for index in range(0, self.name_octets, 8):
            word = self.word(source + index)
            low = word & LOW_BITS
            upper = (low + FROM_A) & ~(low + BEYOND_Z) & ~word & HIGH_BITS  # the highest bit of octets from A to Z
            self.put_word(to + index, word | upper >> 2)
        return 0

    def hash_suffixes(self) -> int:
        """From the root up."""
        base = self.levels_at
        value = self.initial
        self.name_end = self.names_at + self.name_octets
        self.hashes[base] = value
        self.starts[base] = self.name_end - 1
        for level in range(1, self.depth + 1):
            start = self.lefts[self.depth - level]
            value = self.hashed(value, self.name_address + start, self.name[start] + 1)
            self.hashes[base + level] = value
            self.starts[base + level] = start
        return 0

    def below(self, level: int, octet: int) -> int:
        """The hash of the name with a label of one octet in front of the suffix of `level` labels."""
        return self.mix(self.hashes[self.levels_at + level], octet << OCTET | 1)
