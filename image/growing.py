"""Octets that become more. Plain Python; growing.pxd adds the types."""

from __future__ import annotations

from image.names import address_of, buffer
from image.raw import Memory

LEAST = 4096


class GrowingOctets(Memory):
    """Octets, of which `used` are in use; also as numbers of 32 and 64 bits. Views and address change as it grows."""

    def __init__(self, octets: int) -> None:
        """Begin with room for so many."""
        self.used = 0
        self.capacity = 0
        self.octets = buffer(0)
        self.words = buffer(0).cast("I")
        self.longs = buffer(0).cast("Q")
        self.address = 0
        self.replace(max(octets, LEAST))

    def make_room(self, octets: int) -> int:
        """Have room for so many octets more."""
        if self.used + octets > self.capacity:
            self.replace((self.used + octets) * 3 // 2)
        return 0

    def replace(self, octets: int) -> None:
        """Go on in a larger buffer."""
        size = (octets + 7) & ~7
        larger = buffer(size)
        address = address_of(larger)
        if self.used:
            self.copy(address, self.address, self.used)
        self.octets = larger
        self.words = larger.cast("I")
        self.longs = larger.cast("Q")
        self.address = address
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
