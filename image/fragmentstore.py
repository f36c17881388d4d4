"""The fragments of an image: equal ones are stored once. Plain Python; fragmentstore.pxd adds the types."""

from __future__ import annotations

from image.growing import GrowingOctets
from image.layout import BYTE, FRAGMENT_OCTETS, HALF, MASK32, UNIT, WITH_GLUE, WITH_SIGNATURES
from image.names import buffer
from image.rendering import FragmentRenderer
from image.rowlayout import HIGH, LOW, NUMBER
from image.zonerows import ZoneRows

FIRST_SEEN = 1024  # places, to begin with
SEEN_FULL = 3  # of every 4 places


class FragmentStore(FragmentRenderer):
    """Where fragments go once they are rendered."""

    def __init__(self, seed: int, rows: ZoneRows) -> None:
        super().__init__(seed, rows)
        self.fragments = GrowingOctets(UNIT)
        self.fragments.used = UNIT  # no fragment is at 0
        self.seen = buffer(8 * FIRST_SEEN).cast("Q")  # hash << 32 | place in units; 0: none
        self.seen_before = self.seen
        self.seen_size = FIRST_SEEN
        self.seen_count = 0

    def store_fragment(self, flag: int) -> int:
        """Where the fragment that was rendered is, in units; 0 where it is too large for an image."""
        start = self.fragments.used
        if not self.pack(self.fragments, flag):
            return 0
        if flag == WITH_SIGNATURES:  # no two are alike
            return start >> 2
        octets = self.fragments.used - start
        self.fragments.make_room(NUMBER)  # which the last word of it may reach into
        value = self.hashed(self.initial, self.fragments.address + start, octets)
        return self.place_of(value & MASK32, start, octets)

    def place_of(self, value: int, start: int, octets: int) -> int:
        """The place of the fragment at the end, or of one before that is equal: then the last is dropped."""
        at = (value * self.seen_size) >> HALF
        while self.seen[at]:
            if self.seen[at] >> HALF == value:
                place = self.seen[at] & MASK32
                if place * UNIT + octets <= start and self.equal(
                    self.fragments.address + place * UNIT, self.fragments.address + start, octets
                ):
                    self.fragments.used = start
                    return place
            at += 1
            if at == self.seen_size:
                at = 0
        self.seen[at] = value << HALF | start >> 2
        self.seen_count += 1
        if self.seen_count * 4 > self.seen_size * SEEN_FULL:
            self.grow_seen()
        return start >> 2

    def fragment_octets(self, fragment: int) -> bytes:
        """The octets of a fragment; none for one that was too large."""
        if fragment == 0:
            return b""
        at = fragment
        octets = self.fragments.words[at] & LOW
        pointers = self.fragments.words[at] >> HIGH & BYTE
        at += 1
        if octets & (WITH_GLUE | WITH_SIGNATURES):
            octets = (octets & FRAGMENT_OCTETS) + (self.fragments.words[at] & LOW)
            pointers += self.fragments.words[at] >> HIGH & BYTE
            at += 1
        return bytes(self.fragments.view()[fragment * UNIT : (at + pointers) * UNIT + octets])

    def forget_fragments(self) -> int:
        """Begin again with none."""
        self.fragments.used = UNIT
        for index in range(self.seen_size):
            self.seen[index] = 0
        self.seen_count = 0
        return 0

    def grow_seen(self) -> int:
        """Double the table."""
        self.seen_before = self.seen
        size = self.seen_size
        self.seen_size = 2 * size
        self.seen = buffer(8 * self.seen_size).cast("Q")
        for index in range(size):
            entry = self.seen_before[index]
            if entry:
                at = ((entry >> HALF) * self.seen_size) >> HALF
                while self.seen[at]:
                    at += 1
                    if at == self.seen_size:
                        at = 0
                self.seen[at] = entry
        self.seen_before = self.seen
        return 0
