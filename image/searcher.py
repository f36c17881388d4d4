"""Finding zones, names and proofs in images, by hashes of the suffixes of the current name.

directory -> record of the zone -> delta, where the zone has one -> buckets -> node
"""

from __future__ import annotations

from image.access import Access
from image.layout import (
    ADMITS,
    BELOW_DELTA,
    CAPACITY_WORD,
    CLOSED,
    DROPPED,
    HALF,
    HEADER_OCTETS,
    IN_DELTA,
    IPV4_OCTETS,
    MASK32,
    MAX_DEPTH,
    MAX_ENTERED,
    MAX_SLOTS,
    NEAR_NAMES,
    NEAR_ZONES,
    NODE_BEFORE,
    NODE_FIXED,
    NODE_GONE,
    NOT_ADMITTED,
    NOT_LISTED,
    NOT_MAPPED,
    NOWHERE,
    NSEC,
    NSEC3,
    OFFSET_MASK,
    OPEN,
    PART,
    REFERRAL,
    REFUSES,
    ROW,
    ROW_BUCKET_COUNT,
    ROW_BUCKETS,
    ROW_CHAIN,
    ROW_FRAGMENTS,
    ROW_HEAP,
    ROW_LACKING,
    ROW_NODES,
    ROW_TABLE,
    ROW_ZONES,
    SET_OCTETS,
    SLOT_MASK,
    SLOT_SHIFT,
    STAR,
    TAG_MASK,
    TAG_SHIFT,
    UNIT,
    USED_WORD,
    ZONE_CHAIN,
    ZONE_CHAIN_ENTRIES,
    ZONE_DELTA,
    ZONE_FIRST_END,
    ZONE_FIXED,
    ZONE_FLAGS,
    ZONE_GENERATION,
    ZONE_GONE,
    ZONE_LABELS,
    ZONE_LAST_END,
    ZONE_LEFT,
    ZONE_NEGATIVE,
    ZONE_NODES,
    ZONE_NODES_END,
    ZONE_NUMBER,
    ZONE_ORIGIN_OCTETS,
    ZONE_PATCH,
    ZONE_PATCH_ENTRIES,
    ZONE_TAG_MASK,
    ZONE_TAG_SHIFT,
    ZONE_UNIT,
)
from image.linking import Linker
from image.listing import NO_TABLE, Listing
from image.names import buffer

FEW_SETS = 8  # of a node, which are looked at one after the other; among more is searched
NO_BATCH = 63  # bits that a place of a query is shifted by, where all queries have one address


class Searcher(Linker):
    """Looks up in the images that are attached."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.arena64 = buffer(8).cast("Q")
        self.rows = buffer(8 * ROW * MAX_SLOTS).cast("Q")
        self.directory = 0  # place of its header in the arena
        self.directory_entries = 0  # number of 64 bits in the arena where they begin
        self.directory_capacity = 0
        self.directory_before = 0  # as directory_entries, of what they were before
        self.is_far = 0  # what there is is larger than caches
        self.is_wide = 0  # so are directory and zones
        self.listing = Listing(NO_TABLE)  # zones that are not just served as they are there
        self.listings = 0
        self.sieve = self.listing.sieve
        self.sieve_shift = self.listing.sieve_shift
        self.usual = OPEN  # who may ask for all other zones
        self.access = Access()
        self.guarded = 0  # set where there are access control lists
        self.client = 0  # where the address of who asks is, or that of who asks the query at 0,
        self.client_shift = NO_BATCH  # and this, of the place of a query, to the number of its address,
        self.client_octets = IPV4_OCTETS  # which has so many octets
        self.client_spacing = 0  # and is so far behind the one before
        self.owner_lefts = buffer(8 * (MAX_DEPTH + 1)).cast("q")
        self.entered = buffer(8 * 2 * MAX_ENTERED).cast("q")  # zones that the answer is from: place and slot of each
        self.entered_count = 0
        # Of the zone at hand, in the arena.
        self.zone = 0
        self.slot = 0
        self.row = 0  # where it is counted, from 1 on; 0: nowhere
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
        self.directory_before = self.directory_entries + self.directory_capacity + self.directory_capacity // PART
        self.is_far = self.names() > NEAR_NAMES
        self.is_wide = self.arena64[(directory >> 3) + USED_WORD] > NEAR_ZONES

    def names(self) -> int:
        """About how many names there are in all images."""
        return sum(self.rows[slot * ROW + ROW_BUCKET_COUNT] for slot in range(MAX_SLOTS)) * 2 // 3

    def heed(self, listing: Listing, usual: int, lists: memoryview, guarded: int) -> None:
        """Go by what this listing says of zones, and by the usual list for all others; lists are in these numbers.

        Zones that are listed and not in the directory are left. `guarded` is set where there is any list.
        """
        self.listing = listing
        self.listings = listing.count
        self.sieve = listing.sieve
        self.sieve_shift = listing.sieve_shift
        self.usual = usual
        self.access.heed(lists)
        self.guarded = guarded

    def come_from(self, address: int, octets: int) -> int:
        """Queries come from the address of so many octets there from now on (where Access is attached)."""
        self.client = address
        self.client_shift = NO_BATCH
        self.client_octets = octets
        return 0

    def come_in_batch(self, first: int, spacing: int, shift: int, octets: int) -> int:
        """Queries begin at multiples of `1 << shift` from now on, and the first of them comes from the address at
        `first`, each other one from what is `spacing` behind: nothing is done for a query of which nobody has to know.
        """
        self.client = first
        self.client_spacing = spacing
        self.client_shift = shift
        self.client_octets = octets
        return 0

    def find_zone(self, deepest: int) -> int:
        """Enter the zone that is the longest match among suffixes of up to `deepest` labels; its place in the arena."""
        self.row = 0
        for level in range(deepest, -1, -1):
            value = self.mix(self.hashes[self.levels_at + level], 0)
            place = self.look_up_zone(value, level)
            who = self.usual
            own = NOT_LISTED
            if self.listings and self.sieve[value >> self.sieve_shift] >> (value & 63) & 1:
                own = self.listing.find(value)
                if own != NOT_LISTED:
                    if place == NOWHERE:
                        return NOT_MAPPED
                    who = own & MASK32
                    self.row = own >> HALF
            if place != NOWHERE:
                if who != OPEN and place != NOT_MAPPED:
                    return self.permitted(place, who, own != NOT_LISTED)
                return place
        return NOWHERE

    def permitted(self, place: int, who: int, is_own: int) -> int:
        """The place of the zone at hand, if who asks may: by this list, which is its own one or the usual one."""
        if who == CLOSED:
            return NOT_MAPPED
        client = self.client + (self.start >> self.client_shift) * self.client_spacing
        action = self.access.decide(who, client, self.client_octets)
        if action == ADMITS:
            return place
        if not is_own and self.zone_flags & ZONE_LEFT:  # what is left may be no zone any more
            return NOT_MAPPED
        return NOT_ADMITTED if action == REFUSES else DROPPED

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
                    entry = self.entry_before(at, slot)
                    if entry == 0:
                        return NOT_MAPPED
                    slot = entry >> SLOT_SHIFT & SLOT_MASK
                    offset = entry & (IN_DELTA | BELOW_DELTA)
                    base = self.rows[slot * ROW + (ROW_HEAP if offset & IN_DELTA else ROW_ZONES)]
                    if base == 0 or not self.is_origin(base + (offset & BELOW_DELTA) * ZONE_UNIT, level):
                        return NOT_MAPPED  # it is damaged, or of another zone with this tag: nobody can tell
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

    def entry_before(self, at: int, slot: int) -> int:
        """What an entry was before its zone moved to this slot, which is not mapped.

        0 where the slot cannot be mapped: that might be answered for ever.
        """
        if self.rows[slot * ROW + ROW_LACKING]:
            return 0
        return self.load(self.arena_address + ((self.directory_before + at) << 3))

    def is_origin(self, place: int, level: int) -> int:
        """Whether the record is that of the suffix of so many labels."""
        start = self.starts[self.levels_at + level]
        size = self.name_end - start
        if self.arena[place + ZONE_ORIGIN_OCTETS] != size or self.arena[place + ZONE_LABELS] != level:
            return 0
        return self.equal(self.arena_address + place + ZONE_FIXED, self.name_address + start, size)

    def as_before(self) -> int:
        """Enter the zone at hand as it was when the answer came to it first: links of one chain, and addresses with
        their signatures, are of one version, whatever is published meanwhile; its place in the arena.
        """
        size = self.arena[self.zone + ZONE_ORIGIN_OCTETS]
        origin = self.arena_address + self.zone + ZONE_FIXED
        for index in range(self.entered_count):
            place = self.entered[2 * index]
            if place == self.zone:
                return place
            same_size = self.arena[place + ZONE_ORIGIN_OCTETS] == size
            if same_size and self.equal(self.arena_address + place + ZONE_FIXED, origin, size):
                self.enter(place, self.entered[2 * index + 1])
                return place
        if self.entered_count < MAX_ENTERED:
            self.entered[2 * self.entered_count] = self.zone
            self.entered[2 * self.entered_count + 1] = self.slot
            self.entered_count += 1
        return self.zone

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
        if size > len(self.arena64) - self.table:
            raise IndexError("a table that ends behind the arena")
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
        count = self.arena16[(node >> 1) + 1]
        if count > FEW_SETS:
            at += SET_OCTETS * self.sets_before(at, count, rdtype)
            return at if self.arena16[at >> 1] == rdtype else 0
        for _ in range(count):
            if self.arena16[at >> 1] == rdtype:
                return at
            at += SET_OCTETS
        return 0

    def sets_before(self, first: int, count: int, rdtype: int) -> int:
        """How many of so many entries, in order of types, come before one of this type; one less than all at most."""
        low = 0
        high = count - 1
        while low < high:
            middle = (low + high) >> 1
            if self.arena16[(first + SET_OCTETS * middle) >> 1] < rdtype:
                low = middle + 1
            else:
                high = middle
        return low

    def set_for_any(self, node: int) -> int:
        """Place of the entry that ANY gets: of the lowest type, NSEC last (RFC 8482 section 4.1); 0: there is none."""
        at = node + NODE_FIXED
        other = 0
        for _ in range(self.arena16[(node >> 1) + 1]):
            rdtype = self.arena16[at >> 1]
            if rdtype in (NSEC, NSEC3):
                other = other or at
            elif rdtype != REFERRAL:
                return at
            at += SET_OCTETS
        return other

    def fragment_at(self, entry: int) -> int:
        """The fragment of an entry of a node; 0 where it is too large for an image."""
        return self.arena32[(entry >> 2) + 1]
