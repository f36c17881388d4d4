"""Finding zones, names and proofs in images, by hashes of the suffixes of the current name.

directory -> record of the zone -> delta, where the zone has one -> buckets -> node
"""

from __future__ import annotations

from image.composer import Composer
from image.layout import (
    BELOW_DELTA,
    CAPACITY_WORD,
    FRAGMENT_FIXED,
    HALF,
    HASH_OCTETS,
    HEADER_OCTETS,
    IN_DELTA,
    MAX_DEPTH,
    MAX_SLOTS,
    NODE_BEFORE,
    NODE_FIXED,
    NODE_GONE,
    NODE_LINK,
    NOT_MAPPED,
    NOWHERE,
    NSEC,
    NSEC3_ENTRY,
    NSEC_ENTRY,
    OFFSET_MASK,
    PATCH_HASH,
    PATCH_NSEC3_ENTRY,
    PATCH_NSEC_ENTRY,
    POINTER_OCTETS,
    RESTRICTED,
    ROW,
    ROW_BUCKET_COUNT,
    ROW_BUCKETS,
    ROW_CHAIN,
    ROW_FRAGMENTS,
    ROW_HEAP,
    ROW_NODES,
    ROW_TABLE,
    ROW_ZONES,
    SECOND_FIXED,
    SET_OCTETS,
    SLOT_MASK,
    SLOT_SHIFT,
    STAR,
    TAG_MASK,
    TAG_SHIFT,
    UNIT,
    WITH_SIGNATURES,
    ZONE_CHAIN,
    ZONE_CHAIN_ENTRIES,
    ZONE_DELTA,
    ZONE_FIRST_END,
    ZONE_FIXED,
    ZONE_FLAGS,
    ZONE_GENERATION,
    ZONE_GONE,
    ZONE_ITERATIONS,
    ZONE_LABELS,
    ZONE_LAST_END,
    ZONE_NEGATIVE,
    ZONE_NODES,
    ZONE_NODES_END,
    ZONE_NUMBER,
    ZONE_ORIGIN_OCTETS,
    ZONE_PATCH,
    ZONE_PATCH_ENTRIES,
    ZONE_SALT_OCTETS,
    ZONE_TAG_MASK,
    ZONE_TAG_SHIFT,
    ZONE_UNIT,
)
from image.names import buffer

NEAR_NAMES = 10_000  # that are near without being fetched: about what a cache of 2 MB holds
NSEC3_FLAGS = 11  # octets behind the owner: type, class, TTL, RDLENGTH, hash algorithm


class Searcher(Composer):
    """Looks up in the images that are attached."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.arena64 = buffer(8).cast("Q")
        self.rows = buffer(8 * ROW * MAX_SLOTS).cast("Q")
        self.directory = 0  # place of its header in the arena
        self.directory_entries = 0  # number of 64 bits in the arena where they begin
        self.directory_capacity = 0
        self.is_far = 0  # what there is is larger than caches
        self.listed = buffer(8).cast("Q")  # what image.listing made: zones that are not just served as they are there
        self.listings = 0
        self.owner_lefts = buffer(8 * (MAX_DEPTH + 1)).cast("q")
        # Of the zone at hand, in the arena.
        self.zone = 0
        self.slot = 0
        self.zone_flags = 0
        self.first_end = 0
        self.last_end = 0
        self.negative = 0
        self.number = 0
        self.buckets = 0
        self.bucket_count = 0
        self.nodes = 0
        self.first_node = 0  # of the zone, in units
        self.end_node = 0
        self.table = 0
        self.generation = 0
        self.chain = 0
        self.chain_entries = 0
        self.iterations = 0
        self.patch = 0
        self.patch_entries = 0

    def map(self, view: memoryview, address: int, directory: int) -> None:
        """Look up in this arena from now on, by the directory there; to be called after changes of `rows`, too."""
        self.arena = view
        self.arena16 = view.cast("H")
        self.arena32 = view.cast("I")
        self.arena64 = view.cast("Q")
        self.arena_address = address
        self.directory = directory
        self.directory_entries = (directory + HEADER_OCTETS) >> 3
        self.directory_capacity = self.arena64[(directory >> 3) + CAPACITY_WORD]
        self.is_far = self.names() > NEAR_NAMES

    def names(self) -> int:
        """About how many names there are in all images."""
        return sum(self.rows[slot * ROW + ROW_BUCKET_COUNT] for slot in range(MAX_SLOTS)) * 2 // 3

    def heed(self, table: memoryview, count: int) -> None:
        """Leave zones of this table (image/listing.py) that are restricted or not in the directory."""
        self.listed = table
        self.listings = count

    def find_zone(self, deepest: int) -> int:
        """Enter the zone that is the longest match among suffixes of up to `deepest` labels; its place in the arena."""
        for level in range(deepest, -1, -1):
            value = self.mix(self.hashes[self.levels_at + level], 0)
            place = self.look_up_zone(value, level)
            if self.listings and self.is_left(value, place):
                return NOT_MAPPED
            if place != NOWHERE:
                return place
        return NOWHERE

    def is_left(self, value: int, place: int) -> int:
        """Whether the origin with this hash is listed, and restricted or not at a place of the directory."""
        size = len(self.listed)
        at = ((value >> HALF) * size) >> HALF
        for _ in range(size):
            entry = self.listed[at]
            if entry == 0:
                return 0
            if entry | RESTRICTED == value | RESTRICTED:
                return place == NOWHERE or entry & RESTRICTED != 0
            at += 1
            if at == size:
                at = 0
        return 0

    def look_up_zone(self, value: int, level: int) -> int:
        """Enter the zone of the suffix of `level` labels, whose hash is `value`."""
        at = ((value >> HALF) * self.directory_capacity) >> HALF
        for _ in range(self.directory_capacity):
            entry = self.load(self.arena_address + ((self.directory_entries + at) << 3))
            if entry == 0:
                return NOWHERE
            if entry >> ZONE_TAG_SHIFT == value & ZONE_TAG_MASK:
                slot = entry >> SLOT_SHIFT & SLOT_MASK
                offset = entry & (IN_DELTA | BELOW_DELTA)
                base = self.rows[slot * ROW + (ROW_HEAP if offset & IN_DELTA else ROW_ZONES)]
                if base == 0:
                    return NOT_MAPPED
                place = base + (offset & BELOW_DELTA) * ZONE_UNIT
                if self.is_origin(place, level):
                    if self.arena[place + ZONE_FLAGS] & ZONE_GONE:
                        return NOWHERE
                    self.enter(place, slot)
                    return place
            at += 1
            if at == self.directory_capacity:
                at = 0
        return NOWHERE

    def is_origin(self, place: int, level: int) -> int:
        """Whether the record is that of the suffix of so many labels."""
        start = self.starts[self.levels_at + level]
        size = self.name_end - start
        if self.arena[place + ZONE_ORIGIN_OCTETS] != size:
            return 0
        return self.equal(self.arena_address + place + ZONE_FIXED, self.name_address + start, size)

    def enter(self, place: int, slot: int) -> int:
        """Make this zone the one at hand."""
        word = place >> 2
        row = slot * ROW
        self.zone = place
        self.slot = slot
        self.zone_flags = self.arena[place + ZONE_FLAGS]
        self.first_end = self.arena[place + ZONE_FIRST_END]
        self.last_end = self.arena[place + ZONE_LAST_END]
        self.zone_labels = self.arena[place + ZONE_LABELS]
        self.negative = self.arena32[word + (ZONE_NEGATIVE >> 2)]
        self.number = self.arena32[word + (ZONE_NUMBER >> 2)]
        self.generation = self.arena32[word + (ZONE_GENERATION >> 2)]
        self.buckets = self.rows[row + ROW_BUCKETS]
        self.bucket_count = self.rows[row + ROW_BUCKET_COUNT]
        self.nodes = self.rows[row + ROW_NODES]
        self.first_node = self.arena32[word + (ZONE_NODES >> 2)]
        self.end_node = self.arena32[word + (ZONE_NODES_END >> 2)]
        self.fragments = self.rows[row + ROW_FRAGMENTS]
        self.table = self.rows[row + ROW_TABLE]
        self.heap = self.rows[row + ROW_HEAP]
        self.chain = self.rows[row + ROW_CHAIN] + self.arena32[word + (ZONE_CHAIN >> 2)] * UNIT
        self.chain_entries = self.arena32[word + (ZONE_CHAIN_ENTRIES >> 2)]
        self.patch = self.heap + self.arena32[word + (ZONE_PATCH >> 2)] * UNIT
        self.patch_entries = self.arena32[word + (ZONE_PATCH_ENTRIES >> 2)]
        return 0

    def find_node(self, level: int) -> int:
        """The node of the suffix of so many labels, 0 where there is none."""
        return self.probe(self.hashes[self.levels_at + level], self.starts[self.levels_at + level], 0)

    def find_wildcard(self, level: int) -> int:
        """The node of `*` below the suffix of so many labels, 0 where there is none."""
        return self.probe(self.below(level, STAR), self.starts[self.levels_at + level], 1)

    def probe(self, suffix: int, start: int, wildcard: int) -> int:
        """The node with the hash `suffix`: the name from `start`, with `*` in front where `wildcard` is set."""
        value = self.mix(suffix, self.number)
        if self.zone_flags & ZONE_DELTA:
            node = self.probe_delta(value, start, wildcard)
            if node:
                return 0 if self.arena[node] & NODE_GONE else node
        size = self.bucket_count
        bucket = ((value >> HALF) * size) >> HALF
        for _ in range(size):
            entry = self.arena64[self.buckets + bucket]
            if entry == 0:
                break
            if entry >> TAG_SHIFT == value & TAG_MASK:
                offset = entry & OFFSET_MASK
                if self.first_node <= offset < self.end_node:  # else it is of another zone of the image
                    node = self.nodes + offset * UNIT
                    if self.is_owner(node, start, wildcard):
                        return node
            bucket += 1
            if bucket == size:
                bucket = 0
        return 0

    def probe_delta(self, value: int, start: int, wildcard: int) -> int:
        """The node in the delta as this generation of the zone has it, 0 where there is none."""
        size = self.arena64[self.table - (HEADER_OCTETS >> 3) + CAPACITY_WORD]
        bucket = ((value >> HALF) * size) >> HALF
        for _ in range(size):
            entry = self.load(self.arena_address + ((self.table + bucket) << 3))
            if entry == 0:
                break
            if entry >> TAG_SHIFT == value & TAG_MASK:
                node = self.heap + (entry & OFFSET_MASK) * UNIT
                if self.arena32[(node >> 2) - 1] == self.number and self.is_owner(node, start, wildcard):
                    return self.as_of(node)
            bucket += 1
            if bucket == size:
                bucket = 0
        return 0

    def as_of(self, node: int) -> int:
        """What the generation at hand has in place of a node of the delta."""
        while self.arena32[(node - NODE_BEFORE) >> 2] > self.generation:
            older = self.arena32[(node - NODE_BEFORE + 4) >> 2]
            if older == 0 or self.heap + older * UNIT >= node:  # what is older was written before
                return 0
            node = self.heap + older * UNIT
        return node

    def is_owner(self, node: int, start: int, wildcard: int) -> int:
        """Whether the node's name is that."""
        size = self.starts[self.levels_at + self.zone_labels] - start
        if self.arena[node + 1] != size + 2 * wildcard:
            return 0
        at = node + NODE_FIXED + SET_OCTETS * self.arena16[(node >> 1) + 1]
        if wildcard:
            if self.arena[at] != 1 or self.arena[at + 1] != STAR:
                return 0
            at += 2
        return self.equal(self.arena_address + at, self.name_address + start, size)

    def closest(self, missing: int) -> int:
        """Labels of the closest encloser of a name of the zone that is not there, whose suffix of `missing` is not."""
        there = self.zone_labels
        while missing - there > 1:  # all names above one that is there are there
            level = (there + missing) >> 1
            if self.find_node(level):
                there = level
            else:
                missing = level
        return there

    def set_of(self, node: int, rdtype: int) -> int:
        """Place of the entry of a type, 0 where the node has none of it."""
        at = node + NODE_FIXED
        for _ in range(self.arena16[(node >> 1) + 1]):
            if self.arena16[at >> 1] == rdtype:
                return at
            at += SET_OCTETS
        return 0

    def fragment_at(self, entry: int) -> int:
        """The fragment of an entry of a node; 0 where it is too large for an image."""
        return self.arena32[(entry >> 2) + 1]

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
