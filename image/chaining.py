"""Along a chain of CNAMEs: where it has been, and what it owes.

Proofs that no closer name is there than the wildcard of a link (RFC 4035 section 3.1.3.3) go behind the answers of the
whole chain. Plain Python; chaining.pxd adds the types.
"""

from __future__ import annotations

from image.courtesy import Courtesy
from image.layout import DNAME, DONE, MAX_CHAIN
from image.names import buffer

OWED = 4  # numbers a proof: where its name is in the message, place and slot of its zone, labels of the encloser
OWED_NAME = 0
OWED_ZONE = 1
OWED_SLOT = 2
OWED_ENCLOSER = 3


class Chain(Courtesy):
    """The chain that is being followed for the query at hand; it begins when all counts are set to 0."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.link_count = 0
        self.visited = buffer(8 * (MAX_CHAIN + 1)).cast("Q")  # hashes of the names before the current one
        self.dname_count = 0
        self.dnames = buffer(8 * (MAX_CHAIN + 1)).cast("Q")  # hashes of the owners of DNAMEs that were added
        self.dname_places = buffer(8 * (MAX_CHAIN + 1)).cast("q")  # and where they are in the message
        self.owed = buffer(8 * OWED * (MAX_CHAIN + 1)).cast("q")
        self.owed_count = 0

    def go_to(self, place: int) -> int:
        """Make the name at a place of the message the current one, and remember the one before; 0 if that cannot be."""
        self.visited[self.link_count] = self.hashes[self.levels_at + self.depth]
        self.link_count += 1
        return self.follow(place)

    def is_at_end(self) -> int:
        """Whether the current name is not to be followed: the chain comes round, or is too long."""
        if self.link_count > MAX_CHAIN:
            return 1
        value = self.hashes[self.levels_at + self.depth]
        for index in range(self.link_count):
            if self.visited[index] == value:
                return 1
        return 0

    def dname_hash(self, level: int) -> int:
        """What the DNAME at the suffix of so many labels is known by."""
        return self.mix(self.hashes[self.levels_at + level], DNAME)

    def dname_at(self, level: int) -> int:
        """Where the DNAME of the suffix of so many labels is in the message already, or 0."""
        value = self.dname_hash(level)
        for index in range(self.dname_count):
            if self.dnames[index] == value:
                return self.dname_places[index]
        return 0

    def note_dname(self, level: int, place: int) -> int:
        """Remember that it is there."""
        self.dnames[self.dname_count] = self.dname_hash(level)
        self.dname_places[self.dname_count] = place
        self.dname_count += 1
        return 0

    def owe_proof(self, there: int) -> int:
        """Remember that the current name came from a wildcard, whose encloser has so many labels."""
        at = OWED * self.owed_count
        self.owed[at + OWED_NAME] = self.places[self.depth]
        self.owed[at + OWED_ZONE] = self.zone
        self.owed[at + OWED_SLOT] = self.slot
        self.owed[at + OWED_ENCLOSER] = there
        self.owed_count += 1
        return 0

    def prove_links(self) -> int:
        """Add what is owed to the authority section; the current name and the zone at hand stay what they are."""
        name = self.places[self.depth]
        zone = self.zone
        slot = self.slot
        step = DONE
        for index in range(self.owed_count):
            if step == DONE:
                step = self.prove_link(OWED * index)
        self.owed_count = 0
        self.follow(name)
        self.enter(zone, slot)
        return step

    def prove_link(self, at: int) -> int:
        """Add the proof that is noted there."""
        self.follow(self.owed[at + OWED_NAME])
        self.enter(self.owed[at + OWED_ZONE], self.owed[at + OWED_SLOT])
        return self.prove_wildcard(self.owed[at + OWED_ENCLOSER])
