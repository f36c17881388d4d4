"""Memory by addresses, where nothing is compiled; raw.pyx is the same for the compiler. Callers check all bounds.

Numbers are read and written whole: the interpreter copies them with memcpy, and holds its lock meanwhile.
"""

from __future__ import annotations

import ctypes
import time

MILLISECOND = 1_000_000  # nanoseconds
WORD = 8  # octets
WORD_BITS = 64
MASK64 = (1 << WORD_BITS) - 1


class Memory:
    """Octets by their addresses."""

    def copy(self, to: int, source: int, size: int) -> int:
        """Copy octets that do not overlap."""
        ctypes.memmove(to, source, size)
        return 0

    def copy_bytes(self, to: int, source: bytes, size: int) -> int:
        """Copy leading octets of an object."""
        ctypes.memmove(to, source, size)
        return 0

    def copy_down(self, to: int, source: int, size: int) -> int:
        """Copy octets that may overlap."""
        ctypes.memmove(to, source, size)
        return 0

    def equal(self, one: int, other: int, size: int) -> int:
        """Whether the octets are the same."""
        return ctypes.string_at(one, size) == ctypes.string_at(other, size)

    def word(self, address: int) -> int:
        """Read 8 octets as a number."""
        return int.from_bytes(ctypes.string_at(address, 8), "little")

    def put_word(self, address: int, value: int) -> int:
        """Write a number as 8 octets."""
        ctypes.memmove(address, value.to_bytes(8, "little"), 8)
        return 0

    def fetch(self, address: int) -> int:  # noqa: ARG002 - the interpreter has no use for it
        """Begin to bring a cache line near."""
        return 0

    def load(self, address: int) -> int:
        """Read an aligned number of 64 bits before anything that is read after it."""
        return ctypes.c_uint64.from_address(address).value

    def store(self, address: int, value: int) -> int:
        """Write an aligned number of 64 bits after everything that was written before it."""
        ctypes.c_uint64.from_address(address).value = value
        return 0

    def milliseconds(self) -> int:
        """The monotonic clock, which all processes of the machine have in common."""
        return time.monotonic_ns() // MILLISECOND

    def publish(self, address: int, value: int) -> None:
        """Write a number that other processes look at, after everything that was written before it."""
        self.store(address, value)

    def observe(self, address: int) -> int:
        """Read a number that another process writes, before anything that is read after it."""
        return self.load(address)


class Hasher(Memory):
    """Hashes of octets, by secrets: who does not know these cannot choose octets whose hashes meet.

    Each 8 octets are one multiplication, of which both halves count. What a change of a word does to the upper half
    depends on the factor in all its bits, so that no change of the next word undoes it whatever the factor is; of the
    lower half alone it does. The addend makes the halves carry differently: without it a word and its complement meet
    once in 2^27 times, not in 2^64.
    """

    def __init__(self, initial: int, factor: int, addend: int) -> None:
        """The hash of no octets; what is multiplied by, an odd number; what is added to upper halves."""
        self.initial = initial
        self.factor = factor
        self.addend = addend

    def mix(self, value: int, word: int) -> int:
        """Go on from a hash with 8 octets, which are this number."""
        product = (value ^ word) * self.factor
        return (product & MASK64) ^ ((product >> WORD_BITS) + self.addend & MASK64)

    def hashed(self, value: int, address: int, size: int) -> int:
        """Go on from a hash with so many octets. Of the last word all 8 are read, whatever they are."""
        while size >= WORD:
            value = self.mix(value, self.word(address))
            address += WORD
            size -= WORD
        return self.mix(value, self.word(address) & ((1 << (size << 3)) - 1)) if size > 0 else value
