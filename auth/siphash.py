"""SipHash-2-4 (Aumasson and Bernstein, 2012), of 64-bit words. Plain Python; siphash.pxd adds the types."""

from __future__ import annotations

from auth.siphash_numbers import (
    BYTE,
    FINAL,
    FINAL_ROUNDS,
    MASK64,
    START0,
    START1,
    START2,
    START3,
    WORD_BITS,
    WORD_OCTETS,
    WORD_ROUNDS,
)


class SipHash:
    """One hash at a time: start(), take() for each word of eight octets, finish() with the octets that are left."""

    def __init__(self, key0: int, key1: int) -> None:
        """The key, as two little-endian words."""
        self.key0 = key0
        self.key1 = key1
        self.v0 = self.v1 = self.v2 = self.v3 = 0

    def start(self) -> int:
        """Start afresh."""
        self.v0 = self.key0 ^ START0
        self.v1 = self.key1 ^ START1
        self.v2 = self.key0 ^ START2
        self.v3 = self.key1 ^ START3
        return 0

    def take(self, word: int) -> int:
        """Take in one word."""
        self.v3 ^= word
        self.turn(WORD_ROUNDS)
        self.v0 ^= word
        return 0

    def finish(self, rest: int, octets: int) -> int:
        """Take in the last octets, fewer than eight, and the length of everything in octets; the hash."""
        self.take(rest | (octets & BYTE) << WORD_BITS - 8)
        self.v2 ^= FINAL
        self.turn(FINAL_ROUNDS)
        return self.v0 ^ self.v1 ^ self.v2 ^ self.v3

    def hashed_octets(self, octets: bytes) -> int:
        """The hash of octets; the others take no object."""
        self.start()
        whole = len(octets) // WORD_OCTETS * WORD_OCTETS
        for at in range(0, whole, WORD_OCTETS):
            self.take(int.from_bytes(octets[at : at + WORD_OCTETS], "little"))
        return self.finish(int.from_bytes(octets[whole:], "little"), len(octets))

    def turn(self, rounds: int) -> int:
        """SipRound, so many times."""
        v0, v1, v2, v3 = self.v0, self.v1, self.v2, self.v3
        for _ in range(rounds):
            v0 = (v0 + v1) & MASK64
            v1 = ((v1 << 13) | (v1 >> 51)) & MASK64
            v1 ^= v0
            v0 = ((v0 << 32) | (v0 >> 32)) & MASK64
            v2 = (v2 + v3) & MASK64
            v3 = ((v3 << 16) | (v3 >> 48)) & MASK64
            v3 ^= v2
            v0 = (v0 + v3) & MASK64
            v3 = ((v3 << 21) | (v3 >> 43)) & MASK64
            v3 ^= v0
            v2 = (v2 + v1) & MASK64
            v1 = ((v1 << 17) | (v1 >> 47)) & MASK64
            v1 ^= v2
            v2 = ((v2 << 32) | (v2 >> 32)) & MASK64
        self.v0, self.v1, self.v2, self.v3 = v0, v1, v2, v3
        return 0
