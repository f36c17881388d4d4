"""Hashed names of NSEC3 (RFC 5155 section 5): SHA-1 (FIPS 180-4) in numbers, for a loop that can hold no objects."""

from __future__ import annotations

from image.layout import BYTE, HASH_OCTETS, MASK32, OCTET, STAR
from image.names import NameReader, buffer

BLOCK = 64
LENGTH_OCTETS = 8
WORDS = 80
FIRST_WORDS = 16
PADDING = 0x80
MAX_INPUT = 576  # octets: a name, a salt, padding; in whole blocks

H0, H1, H2, H3, H4 = 0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0
K0, K1, K2, K3 = 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xCA62C1D6
ROUND1, ROUND2, ROUND3 = 20, 40, 60


class NameHasher(NameReader):
    """The hash of the name that was made last is in `digest`."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.digest = buffer(HASH_OCTETS)
        self.salt = buffer(BYTE + 1)
        self.salt_octets = 0
        self.input = buffer(MAX_INPUT)
        self.words = buffer(4 * WORDS).cast("I")
        self.state = buffer(HASH_OCTETS).cast("I")

    def set_salt(self, salt: bytes) -> None:
        """Take this salt from now on."""
        self.salt_octets = len(salt)
        for index, octet in enumerate(salt):
            self.salt[index] = octet

    def hash_of(self, level: int, wildcard: int, iterations: int) -> bytes:
        """The hash of the suffix of so many labels of the name read last, with `*` in front where that is set."""
        self.hash_suffix(level, wildcard, iterations)
        return bytes(self.digest)

    def hash_suffix(self, level: int, wildcard: int, iterations: int) -> int:
        """As hash_of(), into `digest`, for compiled callers."""
        size = 0
        if wildcard:
            self.input[0] = 1
            self.input[1] = STAR
            size = 2
        for index in range(self.starts[self.levels_at + level], self.name_end):
            self.input[size] = self.name[index]
            size += 1
        self.hash_input(size)
        for _ in range(iterations):
            for index in range(HASH_OCTETS):
                self.input[index] = self.digest[index]
            self.hash_input(HASH_OCTETS)
        return 0

    def hash_input(self, size: int) -> int:
        """Hash so many octets of the input, and the salt."""
        for index in range(self.salt_octets):
            self.input[size + index] = self.salt[index]
        size += self.salt_octets
        self.input[size] = PADDING
        end = (size + LENGTH_OCTETS) // BLOCK * BLOCK + BLOCK
        for index in range(size + 1, end):
            self.input[index] = 0
        self.input[end - 2] = (size * OCTET) >> OCTET & BYTE
        self.input[end - 1] = (size * OCTET) & BYTE
        self.state[0], self.state[1], self.state[2], self.state[3], self.state[4] = H0, H1, H2, H3, H4
        for block in range(end // BLOCK):
            self.compress(BLOCK * block)
        for index in range(HASH_OCTETS):
            self.digest[index] = self.state[index >> 2] >> (24 - OCTET * (index & 3)) & BYTE
        return 0

    def compress(self, block: int) -> int:
        """One block of the input."""
        for index in range(FIRST_WORDS):
            at = block + 4 * index
            high = self.input[at] << 24 | self.input[at + 1] << 16
            self.words[index] = high | self.input[at + 2] << OCTET | self.input[at + 3]
        for index in range(FIRST_WORDS, WORDS):
            word = self.words[index - 3] ^ self.words[index - 8] ^ self.words[index - 14] ^ self.words[index - 16]
            self.words[index] = (word << 1 | word >> 31) & MASK32
        a, b, c, d, e = self.state[0], self.state[1], self.state[2], self.state[3], self.state[4]
        for index in range(WORDS):
            if index < ROUND1:
                mixed = (d ^ (b & (c ^ d))) + K0
            elif index < ROUND2:
                mixed = (b ^ c ^ d) + K1
            elif index < ROUND3:
                mixed = ((b & c) | (d & (b | c))) + K2
            else:
                mixed = (b ^ c ^ d) + K3
            mixed = ((a << 5 | a >> 27) + mixed + e + self.words[index]) & MASK32
            e = d
            d = c
            c = (b << 30 | b >> 2) & MASK32
            b = a
            a = mixed
        self.state[0] = (self.state[0] + a) & MASK32
        self.state[1] = (self.state[1] + b) & MASK32
        self.state[2] = (self.state[2] + c) & MASK32
        self.state[3] = (self.state[3] + d) & MASK32
        self.state[4] = (self.state[4] + e) & MASK32
        return 0
