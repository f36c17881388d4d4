"""The chains of signed zones: which record is at a name, before it, or covers its hash."""

from __future__ import annotations

from image.layout import (
    BELOW_DELTA,
    FRAGMENT_FIXED,
    HASH_OCTETS,
    IN_DELTA,
    NODE_FIXED,
    NODE_LINK,
    NSEC,
    NSEC3_ENTRY,
    NSEC_ENTRY,
    PATCH_HASH,
    PATCH_NSEC3_ENTRY,
    PATCH_NSEC_ENTRY,
    POINTER_OCTETS,
    SECOND_FIXED,
    SET_OCTETS,
    STAR,
    UNIT,
    WITH_SIGNATURES,
    ZONE_FIXED,
    ZONE_ITERATIONS,
    ZONE_ORIGIN_OCTETS,
    ZONE_SALT_OCTETS,
)
from image.searcher import Searcher

NSEC3_FLAGS = 11  # octets behind the owner: type, class, TTL, RDLENGTH, hash algorithm


class ChainSearcher(Searcher):
    """Looks up in the chain of NSEC or NSEC3 records of the zone at hand."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.denial = 0  # what denies the wildcard below the node it was looked for last; 0: nothing is known
        self.denial_zone = 0
        self.denial_node = 0
        self.denial_generation = 0

    def map(self, view: memoryview, address: int, directory: int) -> None:
        """As Searcher.map()."""
        super().map(view, address, directory)
        self.denial = 0

    # Whoever asks for names that are not there asks below few that are: the wildcard of one is looked for once.

    def recall_denial(self, node: int) -> int:
        """What was kept for a node of the zone at hand, 0 for nothing."""
        if self.denial_node != node or self.denial_zone != self.zone or self.denial_generation != self.generation:
            return 0
        return self.denial

    def keep_denial(self, node: int, found: int) -> int:
        """Keep it, until the zone is another: with each change its record has another place and generation."""
        self.denial = found
        self.denial_zone = self.zone
        self.denial_node = node
        self.denial_generation = self.generation
        return found

    # NSEC: entries are nodes in canonical order (RFC 4034 section 6.1).

    def nsec_fragment(self, node: int) -> int:
        """The fragment of the NSEC record of a node that has one."""
        return self.fragment_at(self.set_of(node, NSEC))

    def nsec_node(self, entry: int) -> int:
        """The node of an entry of the image, from 1."""
        return self.nodes + self.arena32[(self.chain + (entry - 1) * NSEC_ENTRY) >> 2] * UNIT

    def nsec_before(self, level: int, wildcard: int) -> int:
        """The last node with NSEC at or before a name: the suffix of so many labels, with `*` in front or without."""
        low = 1  # the apex is before every name of its zone
        high = self.chain_entries
        while low < high:
            middle = (low + high + 1) >> 1
            self.fetch(self.arena_address + self.nsec_node((low + middle) >> 1))  # one of both is the next
            self.fetch(self.arena_address + self.nsec_node((middle + high + 1) >> 1))
            if self.compare(self.nsec_node(middle), level, wildcard) <= 0:
                low = middle
            else:
                high = middle - 1
        if self.patch_entries:
            return self.patched_before(low, level, wildcard)
        return self.nsec_node(low)

    def patched_node(self, number: int) -> int:
        """The node of an entry of the patch, from 1."""
        return self.heap + self.arena32[((self.patch + (number - 1) * PATCH_NSEC_ENTRY) >> 2) + 1] * UNIT

    def patched_before(self, entry: int, level: int, wildcard: int) -> int:
        """As nsec_before(), where the image has its last one at `entry`."""
        low = 0
        high = self.patch_entries
        while low < high:
            middle = (low + high + 1) >> 1
            if self.compare(self.patched_node(middle), level, wildcard) <= 0:
                low = middle
            else:
                high = middle - 1
        while low:
            rank = self.arena32[(self.patch + (low - 1) * PATCH_NSEC_ENTRY) >> 2]
            if rank & BELOW_DELTA < entry:
                break
            node = self.patched_node(low)
            if self.set_of(node, NSEC):
                return node
            if rank & IN_DELTA and entry:  # what it replaced is gone
                entry -= 1
            low -= 1
        return self.nsec_node(entry if entry else 1)

    def compare(self, node: int, level: int, wildcard: int) -> int:
        """Below 0 where the node's name is before a name in canonical order, 0 where it is that, above 0 else."""
        owner = node + NODE_FIXED + SET_OCTETS * self.arena16[(node >> 1) + 1]
        left = 0
        labels = 0
        while left < self.arena[node + 1]:
            self.owner_lefts[labels] = left
            labels += 1
            left += self.arena[owner + left] + 1
        wanted = level - self.zone_labels
        for number in range(1, labels + 1):
            at = owner + self.owner_lefts[labels - number]
            if number > wanted + wildcard:
                return 1
            if number > wanted:
                order = self.compare_star(at)
            else:
                order = self.compare_label(at, self.starts[self.levels_at + self.zone_labels + number])
            if order:
                return order
        return 0 if labels == wanted + wildcard else -1

    def compare_label(self, at: int, start: int) -> int:
        """Compare a label of a node with one of the current name, as the order of labels has it."""
        size = self.arena[at]
        other = self.name[start]
        shorter = size if size < other else other
        for index in range(1, shorter + 1):
            if self.arena[at + index] != self.name[start + index]:
                return -1 if self.arena[at + index] < self.name[start + index] else 1
        return size - other

    def compare_star(self, at: int) -> int:
        """Compare a label of a node with `*`."""
        if self.arena[at] == 0 or self.arena[at + 1] < STAR:
            return -1
        if self.arena[at + 1] > STAR:
            return 1
        return self.arena[at] - 1

    # NSEC3: entries are hashes in order.

    def read_parameters(self) -> int:
        """Take salt and iterations of the zone at hand."""
        self.salt_octets = self.arena[self.zone + ZONE_SALT_OCTETS]
        self.iterations = self.arena16[(self.zone + ZONE_ITERATIONS) >> 1]
        salt = self.zone + ZONE_FIXED + self.arena[self.zone + ZONE_ORIGIN_OCTETS]
        for index in range(self.salt_octets):
            self.salt[index] = self.arena[salt + index]
        return 0

    def link_of(self, node: int) -> int:
        """The entry of a node in its zone's chain: of the image, from 1, behind these of the patch; 0 for none."""
        link = self.arena32[(node + NODE_LINK) >> 2]
        if link == 0 or self.patch_entries == 0:
            return 0 if link & IN_DELTA else link
        if link & IN_DELTA:
            number = self.patch_at(self.heap + (link & BELOW_DELTA) * UNIT)
            link = 0
        else:
            number = self.patch_at(self.chain + (link - 1) * NSEC3_ENTRY)
        if number == 0:
            return link
        return self.chain_entries + number if self.nsec3_fragment(self.chain_entries + number) else 0

    def patch_at(self, place: int) -> int:
        """The entry of the patch, from 1, with the hash at a place; 0 where there is none."""
        low = 0
        high = self.patch_entries
        while low < high:
            middle = (low + high) >> 1
            at = self.patch + middle * PATCH_NSEC3_ENTRY + PATCH_HASH
            order = 0
            for index in range(HASH_OCTETS):
                order = self.arena[at + index] - self.arena[place + index]
                if order:
                    break
            if order == 0:
                return middle + 1
            if order < 0:
                low = middle + 1
            else:
                high = middle
        return 0

    def nsec3_fragment(self, entry: int) -> int:
        """The fragment of an entry, from 1."""
        if entry > self.chain_entries:
            return self.arena32[((self.patch + (entry - self.chain_entries - 1) * PATCH_NSEC3_ENTRY) >> 2) + 1]
        return self.arena32[(self.chain + (entry - 1) * NSEC3_ENTRY + HASH_OCTETS) >> 2]

    def nsec3_covering(self, level: int, wildcard: int) -> int:
        """The entry whose span covers the hash of a name; 0 where one has that very hash, and for an empty chain."""
        if self.chain_entries == 0:
            return 0
        self.hash_suffix(level, wildcard, self.iterations)
        if self.patch_entries:
            return self.patched_covering()
        low = 0
        high = self.chain_entries
        while low < high:
            middle = (low + high + 1) >> 1
            self.fetch(self.arena_address + self.chain + ((low + middle) >> 1) * NSEC3_ENTRY)  # about where the next is
            self.fetch(self.arena_address + self.chain + ((middle + high) >> 1) * NSEC3_ENTRY)
            order = self.compare_hash(self.chain + (middle - 1) * NSEC3_ENTRY)
            if order == 0:
                return 0
            if order < 0:
                low = middle
            else:
                high = middle - 1
        return low or self.chain_entries  # what is before the first is in the span of the last

    def patched_covering(self) -> int:
        """As nsec3_covering(), for the digest, where there is a patch."""
        low = 0
        high = self.chain_entries
        while low < high:
            middle = (low + high + 1) >> 1
            if self.compare_hash(self.chain + (middle - 1) * NSEC3_ENTRY) <= 0:
                low = middle
            else:
                high = middle - 1
        entry = low
        low = 0
        high = self.patch_entries
        while low < high:
            middle = (low + high + 1) >> 1
            if self.compare_hash(self.patch + (middle - 1) * PATCH_NSEC3_ENTRY + PATCH_HASH) <= 0:
                low = middle
            else:
                high = middle - 1
        if low and self.compare_hash(self.patch + (low - 1) * PATCH_NSEC3_ENTRY + PATCH_HASH) == 0:
            if self.nsec3_fragment(self.chain_entries + low):
                return 0
        elif entry and self.compare_hash(self.chain + (entry - 1) * NSEC3_ENTRY) == 0:
            return 0
        return self.last_live(entry, low) or self.last_live(self.chain_entries, self.patch_entries)

    def last_live(self, entry: int, number: int) -> int:
        """The last entry that is in the chain, of the image up to one and of the patch up to one; 0 for none."""
        while number:
            rank = self.arena32[(self.patch + (number - 1) * PATCH_NSEC3_ENTRY) >> 2]
            if rank & BELOW_DELTA < entry:
                break
            if self.nsec3_fragment(self.chain_entries + number):
                return self.chain_entries + number
            if rank & IN_DELTA and entry:  # what it replaced is gone
                entry -= 1
            number -= 1
        return entry

    def compare_hash(self, at: int) -> int:
        """Below 0 where the hash at a place is before the digest, 0 where it is that, above 0 else."""
        for index in range(HASH_OCTETS):
            if self.arena[at + index] != self.digest[index]:
                return -1 if self.arena[at + index] < self.digest[index] else 1
        return 0

    def is_opt_out(self, fragment: int) -> int:
        """Whether an NSEC3 record may leave out delegations (RFC 5155 section 3.1.2.1)."""
        source = self.source_of(fragment)
        pointers = self.arena[source + 2]
        wire = source + FRAGMENT_FIXED
        if self.arena16[source >> 1] & WITH_SIGNATURES:
            pointers += self.arena[wire + 2]
            wire += SECOND_FIXED
        wire += pointers * POINTER_OCTETS
        owner = self.arena[wire] + (3 if self.zone_labels else 2)  # a label, and a pointer to the origin or the root
        return self.arena[wire + owner + NSEC3_FLAGS] & 1
