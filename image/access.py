"""What access control lists say of an address, without an object a query.

A list changes its mind about addresses at boundaries; between two of them all addresses are alike. So it is a table of
ranges, in numbers of 64 bits, where its number says (auth/access_lists.py writes them):

    u32 ranges of IPv4, and above them u32 ranges of IPv6; then of each range of IPv4 its first address above 8 bits of
    ADMITS, REFUSES or DROPS; then of each range of IPv6 its first address in two halves, and that

in order of addresses; the first range of each family begins with the lowest one. Plain Python; access.pxd adds the
types.
"""

from __future__ import annotations

from image.layout import BYTE, HALF, IPV4_OCTETS, MASK32, OCTET

WIDE = 3  # numbers of a range of IPv6
NOBODY = memoryview(bytearray(16))


class Access:
    """Looks addresses up."""

    def __init__(self) -> None:
        self.words = memoryview(bytearray(8)).cast("Q")
        self.addresses = NOBODY

    def heed(self, words: memoryview) -> None:
        """The lists are in these numbers from now on."""
        self.words = words

    def attach(self, addresses: memoryview) -> None:
        """Addresses are in this buffer."""
        self.addresses = addresses

    def says(self, place: int, at: int, octets: int) -> int:
        """As decide(), for callers that are not compiled."""
        return self.decide(place, at, octets)

    def decide(self, place: int, at: int, octets: int) -> int:
        """What the list at that place says of the address of so many octets (4 or 16) at `at` of the addresses."""
        narrow = self.words[place] & MASK32
        if octets == IPV4_OCTETS:
            return self.decide4(place + 1, narrow, self.number(at, IPV4_OCTETS))
        half = octets >> 1
        wide = self.words[place] >> HALF
        return self.decide6(place + 1 + narrow, wide, self.number(at, half), self.number(at + half, half))

    def decide4(self, first: int, count: int, address: int) -> int:
        """Of the ranges of IPv4 that begin at `first`."""
        low = 0
        high = count
        while high - low > 1:
            middle = (low + high) >> 1
            if self.words[first + middle] >> OCTET <= address:
                low = middle
            else:
                high = middle
        return self.words[first + low] & BYTE

    def decide6(self, first: int, count: int, upper: int, lower: int) -> int:
        """Of the ranges of IPv6 that begin at `first`; the address is given in halves."""
        low = 0
        high = count
        while high - low > 1:
            middle = (low + high) >> 1
            at = first + WIDE * middle
            start = self.words[at]
            if start < upper or (start == upper and self.words[at + 1] <= lower):
                low = middle
            else:
                high = middle
        return self.words[first + WIDE * low + 2]

    def number(self, at: int, octets: int) -> int:
        """The number in so many octets of the addresses."""
        value = 0
        for index in range(octets):
            value = value << OCTET | self.addresses[at + index]
        return value
