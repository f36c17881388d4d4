"""Answers from images: a query in one buffer, its reply in another, no object in between.

query --read, find its zone, fetch what it needs--> Answerer (image/answering.py) --> reply

A batch is worked on side by side, in passes; what is malformed or unusual is left. Plain Python; the sidecars of this
module and those below it add the types.
"""

from __future__ import annotations

from image.answering import Answerer
from image.layout import (
    BELOW_DELTA,
    DROPPED,
    FORBIDDEN,
    HALF,
    IN_DELTA,
    LOOKED_PLACE,
    NO_ZONE,
    NODE_CUT,
    NOT_ADMITTED,
    NOWHERE,
    OFFSET_MASK,
    RD,
    REFERRAL,
    ROW,
    ROW_BUCKET_COUNT,
    ROW_BUCKETS,
    ROW_FRAGMENTS,
    ROW_HEAP,
    ROW_NODES,
    ROW_ZONES,
    SLOT_MASK,
    SLOT_SHIFT,
    STAGE_LEVELS,
    STAGE_NAME,
    STAGES,
    TAG_MASK,
    TAG_SHIFT,
    TO_DROP,
    UNIT,
    VOUCHED_FOR,
    VOUCHED_MASK,
    VOUCHED_PLACE,
    VOUCHED_SHIFT,
    ZONE_TAG_MASK,
    ZONE_TAG_SHIFT,
    ZONE_UNIT,
)
from image.names import buffer

# What is kept of a query between prepare() and compose().
SAVED = 16
SAVED_VALUE = 0
SAVED_ZONE = 1
SAVED_SLOT = 2
SAVED_NODE = 3
SAVED_START = 4
SAVED_QUESTION = 5
SAVED_TYPE = 6
SAVED_LIMIT = 7
SAVED_EDNS = 8
SAVED_DNSSEC = 9
SAVED_DEPTH = 10
SAVED_OCTETS = 11
SAVED_WANTED = 12
SAVED_COOKIE = 13
SAVED_COOKIE_OCTETS = 14
SAVED_ROW = 15
FETCHED_LEVELS = 3  # labels of names, from the whole one on: most have no more below their zones
FETCHED_BUCKETS = 4  # of a cache line, about
LINE = 64  # octets


class Responder(Answerer):
    """Answers queries from images; for one thread."""

    def __init__(self, seed: int, udp_size: int) -> None:
        """`seed` is that of the directory; `udp_size` the largest reply over UDP, whatever the client takes."""
        super().__init__(seed, udp_size)
        self.asked_row = 0  # where the zone of a query is counted, from 1 on; 0: nowhere
        self.saved = buffer(8 * SAVED * STAGES).cast("Q")
        self.trusting = 0  # set where the directory is believed when it has no zone for a name
        self.believed = 0  # what it must vouch for then: these data sources,
        self.since = 0  # and all that they had then, in milliseconds of the monotonic clock

    def trust(self, sources: int, since: int) -> None:
        """Refuse names that are in no zone of these data sources (image.directory.fingerprint) where the directory
        vouches that it has whatever they had at a later time than this (milliseconds). Until then they are left.
        """
        self.trusting = 1
        self.believed = sources
        self.since = since

    def answer(self, start: int, length: int, at: int) -> int:
        """Answer the query at `start`; octets of the reply at `at`, 0 where it is left to the plain implementation."""
        return self.reply(start, length, at)

    def reply(self, start: int, length: int, at: int) -> int:
        """As answer(), for compiled callers."""
        return self.compose(0, at) if self.prepare(0, start, length) else 0

    # A batch is answered in passes over its queries, so that what one waits for comes while others are looked at:
    # prepare() reads a query and fetches its bucket, fetch_node() its node, fetch_fragment() the fragment.

    # Where there are many zones prepare() is in three: read_ahead() fetches the directory, fetch_zone() the record.

    def prepare(self, stage: int, start: int, length: int) -> int:
        """Read the query at `start` and find its zone; 0 where it is left to the plain implementation."""
        return self.locate_read(stage) if self.read_ahead(stage, start, length) else 0

    def read_ahead(self, stage: int, start: int, length: int) -> int:
        """Read the query at `start`, for locate(); 0 where it is left to the plain implementation."""
        self.names_at = stage * STAGE_NAME
        self.levels_at = stage * STAGE_LEVELS
        at = stage * SAVED
        self.saved[at + SAVED_NODE] = 0
        self.saved[at + SAVED_ZONE] = 0
        if self.directory == 0 or not self.read_query(start, length):
            return 0
        self.keep(at, start)
        if self.is_wide:
            for level in range(self.depth, max(-1, self.depth - FETCHED_LEVELS), -1):
                value = self.mix(self.hashes[self.levels_at + level], 0)
                place = self.directory_entries + (((value >> HALF) * self.directory_capacity) >> HALF)
                self.fetch(self.arena_address + (place << 3))
        return 1

    def fetch_zone(self, stage: int) -> int:
        """Begin to bring the record near of the zone that a query which was read is most likely in."""
        base = stage * STAGE_LEVELS
        depth = self.saved[stage * SAVED + SAVED_DEPTH]
        for level in range(depth, max(-1, depth - FETCHED_LEVELS), -1):
            value = self.mix(self.hashes[base + level], 0)
            at = self.directory_entries + (((value >> HALF) * self.directory_capacity) >> HALF)
            entry = self.load(self.arena_address + (at << 3))
            if entry and entry >> ZONE_TAG_SHIFT == value & ZONE_TAG_MASK:
                offset = entry & (IN_DELTA | BELOW_DELTA)
                row = (entry >> SLOT_SHIFT & SLOT_MASK) * ROW
                place = self.rows[row + (ROW_HEAP if offset & IN_DELTA else ROW_ZONES)]
                place += (offset & BELOW_DELTA) * ZONE_UNIT
                self.fetch(self.arena_address + place)
                self.fetch(self.arena_address + place + LINE)
                return 1
        return 0

    def locate(self, stage: int) -> int:
        """Find the zone of a query that was read ahead; 0 where it is left to the plain implementation."""
        self.take_up(stage)
        return self.locate_read(stage)

    def locate_read(self, stage: int) -> int:
        """As locate(), for the query that was read last."""
        at = stage * SAVED
        place = self.zone_for_query()
        self.saved[at + SAVED_ROW] = self.row
        if place < 0:
            if place in (NOT_ADMITTED, DROPPED):
                self.saved[at + SAVED_ZONE] = FORBIDDEN if place == NOT_ADMITTED else TO_DROP
                return 1
            if place == NOWHERE and self.is_complete():
                self.saved[at + SAVED_ZONE] = NO_ZONE
                return 1
            return 0
        level = self.depth
        if self.first_end <= level and self.zone_labels < level:
            level = self.first_end if self.first_end > self.zone_labels else self.zone_labels + 1
        value = self.mix(self.hashes[self.levels_at + level], self.number)
        self.saved[at + SAVED_VALUE] = value
        self.saved[at + SAVED_ZONE] = self.zone
        self.saved[at + SAVED_SLOT] = self.slot
        bucket = ((value >> HALF) * self.bucket_count) >> HALF
        self.fetch(self.arena_address + ((self.buckets + bucket) << 3))
        return 1

    def keep(self, at: int, start: int) -> int:
        """Keep what was read of a query."""
        self.saved[at + SAVED_START] = start
        self.saved[at + SAVED_QUESTION] = self.question_octets
        self.saved[at + SAVED_TYPE] = self.rdtype
        self.saved[at + SAVED_LIMIT] = self.limit
        self.saved[at + SAVED_EDNS] = self.edns
        self.saved[at + SAVED_DNSSEC] = self.dnssec
        self.saved[at + SAVED_DEPTH] = self.depth
        self.saved[at + SAVED_OCTETS] = self.name_octets
        self.saved[at + SAVED_WANTED] = self.wanted
        if self.wanted:
            self.saved[at + SAVED_COOKIE] = self.cookie_at
            self.saved[at + SAVED_COOKIE_OCTETS] = self.cookie_octets
        return 1

    def is_complete(self) -> int:
        """Whether the directory vouches that a zone it does not have is in none of our data sources."""
        if not self.trusting:
            return 0
        header = self.arena_address + self.directory
        vouched = self.load(header + VOUCHED_PLACE)
        if vouched & VOUCHED_MASK != self.believed or vouched >> VOUCHED_SHIFT <= self.since:
            return 0
        return self.milliseconds() <= self.load(header + LOOKED_PLACE) + VOUCHED_FOR

    def fetch_node(self, stage: int) -> int:
        """Begin to bring the node near that a prepared query most likely asks for."""
        at = stage * SAVED
        zone = self.saved[at + SAVED_ZONE]
        if zone <= TO_DROP:
            return 0
        row = self.saved[at + SAVED_SLOT] * ROW
        value = self.saved[at + SAVED_VALUE]
        size = self.rows[row + ROW_BUCKET_COUNT]
        bucket = ((value >> HALF) * size) >> HALF
        for _ in range(FETCHED_BUCKETS):
            entry = self.arena64[self.rows[row + ROW_BUCKETS] + bucket]
            if entry == 0:
                return 0
            if entry >> TAG_SHIFT == value & TAG_MASK:
                node = self.rows[row + ROW_NODES] + (entry & OFFSET_MASK) * UNIT
                self.saved[at + SAVED_NODE] = node
                self.fetch(self.arena_address + node)
                return 1
            bucket += 1
            if bucket == size:
                return 0
        return 0

    def fetch_fragment(self, stage: int) -> int:
        """Begin to bring the fragment near that a prepared query most likely asks for."""
        at = stage * SAVED
        node = self.saved[at + SAVED_NODE]
        if node == 0:
            return 0
        wanted = REFERRAL if self.arena[node] & NODE_CUT else self.saved[at + SAVED_TYPE]
        entry = self.set_of(node, wanted)
        if entry:
            number = self.fragment_at(entry)
            if number & IN_DELTA == 0:
                place = self.rows[self.saved[at + SAVED_SLOT] * ROW + ROW_FRAGMENTS] + number * UNIT
                self.fetch(self.arena_address + place)
                if self.saved[at + SAVED_DNSSEC]:
                    self.fetch(self.arena_address + place + LINE)
                    self.fetch(self.arena_address + place + 2 * LINE)
        return 0

    def compose(self, stage: int, at: int) -> int:
        """Answer a prepared query; octets of the reply at `at`, 0 where it is left to the plain implementation."""
        return self.walk(at) if self.resume(stage) else 0

    def resume(self, stage: int) -> int:
        """Take up a prepared query, to walk() or fail(); 0 where there is none."""
        saved = stage * SAVED
        zone = self.saved[saved + SAVED_ZONE]
        self.zone = zone
        if zone == 0:
            return 0
        self.take_up(stage)
        self.asked_row = self.saved[saved + SAVED_ROW]
        if zone == NO_ZONE:
            return 1
        if zone in (FORBIDDEN, TO_DROP):
            self.flags = self.octets[self.start + 2] & RD  # no reply may tell of them
            return 1
        self.enter(zone, self.saved[saved + SAVED_SLOT])
        return 1

    def take_up(self, stage: int) -> int:
        """Make a query that was read the one at hand."""
        saved = stage * SAVED
        self.names_at = stage * STAGE_NAME
        self.levels_at = stage * STAGE_LEVELS
        self.start = self.saved[saved + SAVED_START]
        self.question_octets = self.saved[saved + SAVED_QUESTION]
        self.rdtype = self.saved[saved + SAVED_TYPE]
        self.limit = self.saved[saved + SAVED_LIMIT]
        self.edns = self.saved[saved + SAVED_EDNS]
        self.dnssec = self.saved[saved + SAVED_DNSSEC]
        self.depth = self.saved[saved + SAVED_DEPTH]
        self.name_octets = self.saved[saved + SAVED_OCTETS]
        self.name_end = self.names_at + self.name_octets
        self.wanted = self.saved[saved + SAVED_WANTED]
        if self.wanted:
            self.cookie_at = self.saved[saved + SAVED_COOKIE]
            self.cookie_octets = self.saved[saved + SAVED_COOKIE_OCTETS]
        return 1
