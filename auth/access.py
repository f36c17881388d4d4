"""Which access control lists admit an address, without an object a query.

Where an ACL changes its mind about addresses there is a boundary; between two boundaries all addresses are alike. So
all ACLs together are two tables, one a family: boundaries in order, and for the range behind each the set of those that
admit it, as bits. auth/access_ranges.py makes them. Plain Python; access.pxd adds the types.
"""

from __future__ import annotations

from auth.sizes import IPV4_OCTETS
from image.layout import ADMITTED

NOTHING_YET = memoryview(bytearray(16)).cast("Q")


class Access:
    """Looks addresses up. Without ranges everybody is admitted by everything."""

    def __init__(self) -> None:
        self.ranges = 0  # in both tables
        self.starts4 = NOTHING_YET
        self.masks4 = NOTHING_YET
        self.count4 = 0
        self.starts6 = NOTHING_YET  # two numbers each
        self.masks6 = NOTHING_YET
        self.count6 = 0
        self.addresses = memoryview(b"")

    def heed(self, starts4: memoryview, masks4: memoryview, starts6: memoryview, masks6: memoryview) -> None:
        """Go by these tables from now on; the first range of each begins with the lowest address."""
        self.starts4 = starts4
        self.masks4 = masks4
        self.count4 = len(masks4)
        self.starts6 = starts6
        self.masks6 = masks6
        self.count6 = len(masks6)
        self.ranges = self.count4 + self.count6

    def rest(self) -> None:
        """There are no ACLs."""
        self.ranges = 0

    def attach(self, addresses: memoryview) -> None:
        """Addresses are in this buffer."""
        self.addresses = addresses

    def of(self, at: int, octets: int) -> int:
        """As admitting(), for callers that are not compiled."""
        return self.admitting(at, octets)

    def admitting(self, at: int, octets: int) -> int:
        """The ACLs that admit the address of so many octets (4 or 16) at this place of the addresses, as bits."""
        if self.ranges == 0:
            return ADMITTED
        if octets == IPV4_OCTETS:
            return self.admitting4(self.number(at, IPV4_OCTETS))
        half = octets >> 1
        return self.admitting6(self.number(at, half), self.number(at + half, half))

    def admitting4(self, address: int) -> int:
        """The same for an IPv4 address."""
        low = 0
        high = self.count4
        while high - low > 1:
            middle = (low + high) >> 1
            if self.starts4[middle] <= address:
                low = middle
            else:
                high = middle
        return self.masks4[low]

    def admitting6(self, first: int, second: int) -> int:
        """The same for an IPv6 address, given in halves."""
        low = 0
        high = self.count6
        while high - low > 1:
            middle = (low + high) >> 1
            start = self.starts6[2 * middle]
            if start < first or (start == first and self.starts6[2 * middle + 1] <= second):
                low = middle
            else:
                high = middle
        return self.masks6[low]

    def number(self, at: int, octets: int) -> int:
        """The number in so many octets of the addresses."""
        value = 0
        for index in range(octets):
            value = value << 8 | self.addresses[at + index]
        return value
