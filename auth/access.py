"""Which access control lists admit an address and which refuse it, without an object a query.

Where an ACL changes its mind about addresses there is a boundary; between two boundaries all addresses are alike. So
all ACLs together are two tables, one a family: boundaries in order, and for the range behind each the set of those that
admit it and the set of those that refuse it, as bits. auth/access_ranges.py makes them. Plain Python; access.pxd adds
the types.
"""

from __future__ import annotations

from auth.sizes import IPV4_OCTETS
from image.layout import ADMITTED

NOTHING_YET = memoryview(bytearray(16)).cast("Q")


class Access:
    """Looks addresses up. Without ranges everybody is admitted by everything."""

    def __init__(self) -> None:
        self.ranges = 0  # in both tables
        self.admitted = ADMITTED  # by these, who was looked up last,
        self.refused = 0  # and refused by these
        self.starts4 = NOTHING_YET
        self.masks4 = NOTHING_YET  # two numbers a range: who admits it, who refuses it
        self.count4 = 0
        self.starts6 = NOTHING_YET  # two numbers each
        self.masks6 = NOTHING_YET
        self.count6 = 0
        self.addresses = memoryview(b"")

    def heed(self, starts4: memoryview, masks4: memoryview, starts6: memoryview, masks6: memoryview) -> None:
        """Go by these tables from now on; the first range of each begins with the lowest address."""
        self.starts4 = starts4
        self.masks4 = masks4
        self.count4 = len(masks4) >> 1
        self.starts6 = starts6
        self.masks6 = masks6
        self.count6 = len(masks6) >> 1
        self.ranges = self.count4 + self.count6

    def rest(self) -> None:
        """There are no ACLs."""
        self.ranges = 0

    def attach(self, addresses: memoryview) -> None:
        """Addresses are in this buffer."""
        self.addresses = addresses

    def of(self, at: int, octets: int) -> tuple[int, int]:
        """What look_up() finds, for callers that are not compiled."""
        self.look_up(at, octets)
        return self.admitted, self.refused

    def look_up(self, at: int, octets: int) -> int:
        """Find the ACLs that admit the address of so many octets (4 or 16) at this place of the addresses, and those
        that refuse it, as bits.
        """
        if self.ranges == 0:
            self.admitted = ADMITTED
            self.refused = 0
        elif octets == IPV4_OCTETS:
            place = 2 * self.range4(self.number(at, IPV4_OCTETS))
            self.admitted = self.masks4[place]
            self.refused = self.masks4[place + 1]
        else:
            half = octets >> 1
            place = 2 * self.range6(self.number(at, half), self.number(at + half, half))
            self.admitted = self.masks6[place]
            self.refused = self.masks6[place + 1]
        return 0

    def range4(self, address: int) -> int:
        """The range an IPv4 address is in."""
        low = 0
        high = self.count4
        while high - low > 1:
            middle = (low + high) >> 1
            if self.starts4[middle] <= address:
                low = middle
            else:
                high = middle
        return low

    def range6(self, first: int, second: int) -> int:
        """The range an IPv6 address is in, given in halves."""
        low = 0
        high = self.count6
        while high - low > 1:
            middle = (low + high) >> 1
            start = self.starts6[2 * middle]
            if start < first or (start == first and self.starts6[2 * middle + 1] <= second):
                low = middle
            else:
                high = middle
        return low

    def number(self, at: int, octets: int) -> int:
        """The number in so many octets of the addresses."""
        value = 0
        for index in range(octets):
            value = value << 8 | self.addresses[at + index]
        return value
