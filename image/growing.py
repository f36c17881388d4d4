"""Octets that become more. Plain Python; growing.pxd adds the types."""

from __future__ import annotations

from datasrc.growth import grow, larger
from image.names import address_of, buffer
from image.raw import Memory

LEAST = 4096
NO_VIEW = buffer(8)  # in place of one of a block that is about to grow
NO_WORDS, NO_LONGS = NO_VIEW.cast("I"), NO_VIEW.cast("Q")


class GrowingOctets(Memory):
    """Octets, of which `used` are in use; also as numbers of 32 and 64 bits. Nobody may have a view when it grows."""

    def __init__(self, octets: int) -> None:
        """Begin with room for so many."""
        self.used = 0
        self.capacity = 0
        self.block = bytearray()
        self.octets = NO_VIEW
        self.words = NO_WORDS
        self.longs = NO_LONGS
        self.address = 0
        self.enlarge(max(octets, LEAST))

    def make_room(self, octets: int) -> int:
        """Have room for so many octets more."""
        if self.used + octets > self.capacity:
            self.enlarge(larger(self.used + octets))
        return 0

    def enlarge(self, octets: int) -> None:
        """Have room for so many; nobody may have a view."""
        size = (octets + 7) & ~7
        self.octets, self.words, self.longs = NO_VIEW, NO_WORDS, NO_LONGS
        grow(self.block, size)
        view = memoryview(self.block)
        self.octets = view
        self.words = view.cast("I")
        self.longs = view.cast("Q")
        self.address = address_of(view)
        self.capacity = size

    def append(self, source: int, octets: int) -> int:
        """Copy octets from an address to the end."""
        self.make_room(octets)
        self.copy(self.address + self.used, source, octets)
        self.used += octets
        return 0

    def align(self, alignment: int) -> int:
        """Zeros up to the next multiple of a power of 2."""
        self.make_room(alignment)
        while self.used & (alignment - 1):
            self.octets[self.used] = 0
            self.used += 1
        return 0

    def view(self) -> memoryview:
        """What is in use."""
        return memoryview(self.octets)[: self.used]
