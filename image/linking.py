"""Going on from the name of the question to another one: that which a record in the message names.

Plain Python; linking.pxd adds the types.
"""

from __future__ import annotations

from image.composer import Composer
from image.layout import (
    ANSWER,
    CASE,
    CNAME,
    LABEL_TYPE,
    MAX_DEPTH,
    MAX_NAME,
    OCTET,
    POINTER,
    POINTER_MASK,
    RECORD_FIXED,
    UPPER_A,
    UPPER_Z,
)


class Linker(Composer):
    """Follows names in the reply; the name that is followed is the current one from then on."""

    def add_cname(self, level: int, prefix: int, dname: int, target: int) -> int:
        """Add the CNAME that a DNAME stands for: what the current name has in front of its suffix of `level` labels, so
        many octets, in front of the name at `target`. 0 where there is no room.
        """
        start = self.at + self.size
        octets = prefix + (2 if self.replies[self.at + target] else 1)
        if self.size + RECORD_FIXED + octets > self.limit:
            return 0
        self.put16(start, POINTER | self.places[self.depth])
        self.put16(start + 2, CNAME)
        self.copy(self.replies_address + start + 4, self.replies_address + self.at + dname + 4, 6)  # class and TTL
        self.put16(start + 10, octets)
        at = start + RECORD_FIXED
        for each in range(self.depth - level):
            place = self.at + self.places[self.depth - each]
            size = self.replies[place] + 1
            self.copy(self.replies_address + at, self.replies_address + place, size)
            at += size
        if self.replies[self.at + target]:
            self.put16(at, POINTER | target)
        else:
            self.replies[at] = 0
        self.size += RECORD_FIXED + octets
        self.counts[ANSWER] += 1
        return 1

    def prefix_octets(self, level: int) -> int:
        """Octets of what the current name has in front of its suffix of so many labels."""
        return self.starts[self.levels_at + level] - self.starts[self.levels_at + self.depth]

    def octets_of(self, offset: int) -> int:
        """Octets of the name at `offset` of the message, without compression."""
        octets = 1
        while octets <= MAX_NAME:
            length = self.replies[self.at + offset]
            if length >= LABEL_TYPE:  # none: RDATA of DNAME is not compressed (RFC 6672 section 2.5)
                raise IndexError("a pointer in a DNAME")
            if length == 0:
                break
            octets += length + 1
            offset += length + 1
        return octets

    def follow(self, offset: int) -> int:
        """Make the name at `offset` of the message the current one; 0 where that is not possible."""
        size = 0
        depth = 0
        pointers = 0
        while True:
            length = self.replies[self.at + offset]
            if length >= LABEL_TYPE:
                pointers += 1
                if pointers > MAX_DEPTH:  # round in a circle: the image is damaged
                    return 0
                offset = (length << OCTET | self.replies[self.at + offset + 1]) & POINTER_MASK
                continue
            if length == 0:
                break
            if size + length + 2 > MAX_NAME:
                return 0
            self.lefts[depth] = self.names_at + size
            self.parts_of_name[depth] = offset
            depth += 1
            for index in range(length + 1):
                octet = self.replies[self.at + offset + index]
                if UPPER_A <= octet <= UPPER_Z:
                    octet |= CASE
                self.name[self.names_at + size + index] = octet
            size += length + 1
            offset += length + 1
        self.name[self.names_at + size] = 0
        self.name_octets = size + 1
        self.depth = depth
        self.hash_suffixes()
        for level in range(1, depth + 1):
            self.places[level] = self.parts_of_name[depth - level]
        return 1
