"""Answers from images: a query in one buffer, its reply in another, no object in between.

What an image does not answer (what is malformed, long chains, a few proofs) is left to the
plain implementation (auth/answer.py), which is also what every answer is compared with. Plain Python; the sidecars of
this module and those below it add the types.
"""

from __future__ import annotations

from image.courtesy import Courtesy
from image.layout import (
    ADDITIONAL,
    ANSWER,
    ANY,
    AUTHORITY,
    BELOW_DELTA,
    CNAME,
    DNAME,
    DONE,
    DROPPED,
    DS,
    EDE,
    EDE_OCTETS,
    FOLLOW,
    FORBIDDEN,
    HALF,
    IN_DELTA,
    KEY,
    KIND_ANSWER,
    KIND_ERROR,
    KIND_REFERRAL,
    LEAVE,
    LOOKED_PLACE,
    MAX_NAME,
    NO_ZONE,
    NODE_CNAME,
    NODE_CUT,
    NODE_DNAME,
    NODE_WILDCARD,
    NOT_ADMITTED,
    NOT_AUTHORITATIVE,
    NOT_MAPPED,
    NOWHERE,
    NSEC,
    NXT,
    OFFSET_MASK,
    OVERFLOW,
    PROHIBITED,
    RD,
    RECORD_FIXED,
    REFERRAL,
    REFUSED,
    ROW,
    ROW_BUCKET_COUNT,
    ROW_BUCKETS,
    ROW_FRAGMENTS,
    ROW_HEAP,
    ROW_NODES,
    ROW_ZONES,
    SET_PLAIN,
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
    YXDOMAIN,
    ZONE_LEFT,
    ZONE_SIGNED,
    ZONE_TAG_MASK,
    ZONE_TAG_SHIFT,
    ZONE_UNIT,
)
from image.names import address_of, buffer

MAX_LINKS = 8  # CNAMEs that are followed; longer chains are left


# What is kept of a query between prepare() and compose().
SAVED = 17
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
SAVED_CLIENT = 15
SAVED_CLIENT_OCTETS = 16
FETCHED_LEVELS = 3  # labels of names, from the whole one on: most have no more below their zones
FETCHED_BUCKETS = 4  # of a cache line, about
LINE = 64  # octets


class Responder(Courtesy):
    """Answers queries from images; for one thread."""

    def __init__(self, seed: int, udp_size: int) -> None:
        """`seed` is that of the directory; `udp_size` the largest reply over UDP, whatever the client takes."""
        super().__init__(seed, udp_size)
        self.counting = 0  # set where somebody wants to know the zone of a query
        self.asked_zone = 0  # hash of its origin, as the directory has it
        self.saved = buffer(8 * SAVED * STAGES).cast("Q")
        self.trusting = 0  # set where the directory is believed when it has no zone for a name
        self.believed = 0  # what it must vouch for then: these data sources,
        self.since = 0  # and all that they had then, in milliseconds of the monotonic clock
        self.reason = buffer(EDE_OCTETS)
        self.reason_address = address_of(self.reason)

    def trust(self, sources: int, since: int) -> None:
        """Refuse names that are in no zone of these data sources (image.directory.fingerprint) where the directory
        vouches that it has whatever they had at a later time than this (milliseconds). Until then they are left.
        """
        self.trusting = 1
        self.believed = sources
        self.since = since

    def come_from(self, address: int, octets: int) -> int:
        """The query that is read next comes from the address of so many octets there (where Access is attached)."""
        self.client = address
        self.client_octets = octets
        return 0

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
        if place < 0:
            if place in (NOT_ADMITTED, DROPPED):
                self.saved[at + SAVED_ZONE] = FORBIDDEN if place == NOT_ADMITTED else TO_DROP
                self.saved[at + SAVED_VALUE] = self.mix(self.hashes[self.levels_at + self.zone_labels], 0)
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
        if self.guarded:
            self.saved[at + SAVED_CLIENT] = self.client
            self.saved[at + SAVED_CLIENT_OCTETS] = self.client_octets
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
        if zone == NO_ZONE:
            return 1
        if zone in (FORBIDDEN, TO_DROP):
            self.asked_zone = self.saved[saved + SAVED_VALUE]
            self.flags = self.octets[self.start + 2] & RD  # no reply may tell of them
            return 1
        self.enter(zone, self.saved[saved + SAVED_SLOT])
        if self.counting:
            self.asked_zone = self.mix(self.hashes[self.levels_at + self.zone_labels], 0)
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
        if self.guarded:
            self.client = self.saved[saved + SAVED_CLIENT]
            self.client_octets = self.saved[saved + SAVED_CLIENT_OCTETS]
        if self.wanted:
            self.cookie_at = self.saved[saved + SAVED_COOKIE]
            self.cookie_octets = self.saved[saved + SAVED_COOKIE_OCTETS]
        return 1

    def walk(self, at: int) -> int:
        """Answer from the zone at hand, and along a chain of CNAMEs from others."""
        if self.zone == NO_ZONE:
            return self.refuse(at, NOT_AUTHORITATIVE)
        if self.zone == FORBIDDEN:
            return self.refuse(at, PROHIBITED)
        if self.zone == TO_DROP:  # a caller who can drop does not come here
            return 0
        if not self.begin(at):
            return 0
        self.answer_records = 0
        for link in range(MAX_LINKS):
            step = self.step(link)
            if step == DONE:
                if self.courteous and self.answer_records and self.be_courteous() == LEAVE:
                    return 0
                return self.finish()
            if step == OVERFLOW:
                return self.truncate()
            if step == LEAVE:
                return 0
            place = self.zone_for_query()
            if place in (NOWHERE, NOT_ADMITTED, DROPPED):  # it goes on where we are not asked, or not by this client
                return self.finish()
            if place < 0:
                return 0
        return 0

    def refuse(self, at: int, reason: int) -> int:
        """The reply to who asks for a name of none of our zones, or of one that is not for them (RFC 8914)."""
        before = self.options_octets
        if self.edns:
            self.reason[1] = reason
            self.put_option(EDE, self.reason_address, EDE_OCTETS)
        size = self.fail(at, REFUSED)
        self.options_octets = before
        return size

    def zone_for_query(self) -> int:
        """Enter the zone to answer the current name from; its place, or why there is none (image.layout)."""
        place = self.find_zone(self.depth)
        is_known = place >= 0 or place in (NOT_ADMITTED, DROPPED)
        if is_known and self.rdtype == DS and self.depth and self.zone_labels == self.depth:
            return self.zone_for_ds(place)
        return place

    def zone_for_ds(self, found: int) -> int:
        """For DS at the apex of the zone at hand, of which `found` was said: the one above, if it knows of the cut;
        else that zone itself (RFC 4035 section 3.1.4.1). Each is asked who may ask only if it comes to that.
        """
        zone = self.zone
        slot = self.slot
        above = self.find_zone(self.depth - 1)
        if above != NOWHERE:
            if above < 0:
                return above
            if self.zone_flags & ZONE_LEFT:
                return NOT_MAPPED
            if self.knows_of_cut():
                return above
        self.enter(zone, slot)
        return found

    def knows_of_cut(self) -> int:
        """Whether the zone at hand has the current name, so that it says itself what there is of DS."""
        for level in range(self.zone_labels, self.depth):
            node = self.find_node(level)
            if node and self.arena[node] & (NODE_CUT | NODE_DNAME):
                return 0
        node = self.find_node(self.depth)
        return 1 if node and not self.arena[node] & NODE_CNAME else 0

    def step(self, link: int) -> int:
        """Answer for the current name from the zone at hand."""
        if self.zone_flags & ZONE_LEFT:
            return LEAVE
        first = self.first_end
        if first < self.zone_labels:
            first = self.zone_labels
        last = self.last_end
        if last > self.depth:
            last = self.depth
        for level in range(first, last + 1):
            node = self.find_node(level)
            if node:
                flags = self.arena[node]
                if flags & NODE_CUT and not (level == self.depth and self.rdtype == DS):
                    return self.refer(node, level, link)
                if flags & NODE_DNAME and level < self.depth:
                    return self.redirect(node, level)
        node = self.find_node(self.depth)
        if node:
            return self.answer_node(node, 0, self.depth)
        there = self.closest(self.depth)
        node = self.find_node(there)
        if node and self.arena[node] & NODE_WILDCARD:
            node = self.find_wildcard(there)
            if self.limiting:
                self.note_encloser(there)
            return self.answer_node(node, 1, there) if node else LEAVE
        return self.deny_name(there, node)

    def redirect(self, node: int, level: int) -> int:
        """The DNAME of a node, and the CNAME it stands for, which is not signed (RFC 6672 sections 3.2, 5.3.1)."""
        entry = self.set_of(node, DNAME)
        fragment = self.fragment_at(entry) if entry else 0
        owner = self.mix(self.hashes[self.levels_at + level], DNAME)
        if fragment == 0 or self.is_added(self.hashes[self.levels_at + self.depth]) or self.is_added(owner):
            return LEAVE  # round in a circle, or the same one twice
        if self.limiting:
            self.note_encloser(level)
        at = self.size
        self.kind = KIND_ANSWER
        if not self.add(fragment, level, ANSWER):
            return OVERFLOW
        return self.link_to(level, at)

    def link_to(self, level: int, dname: int) -> int:
        """The CNAME from the current name by the DNAME at that place of the message, which is its suffix of `level`."""
        target = dname + RECORD_FIXED
        prefix = self.prefix_octets(level)
        if prefix + self.octets_of(target) > MAX_NAME:
            self.rcode = YXDOMAIN  # RFC 6672 section 2.2
            self.kind = KIND_ERROR
            self.counted_octets = 0
            return DONE
        link = self.size
        if not self.add_cname(level, prefix, dname, target):
            return OVERFLOW
        if self.rdtype in (CNAME, ANY):
            return DONE
        return FOLLOW if self.follow(link + RECORD_FIXED) else LEAVE

    def answer_node(self, node: int, wildcard: int, there: int) -> int:
        """What a node has of the type, or that it has nothing; of a wildcard, whose encloser has `there` labels."""
        flags = self.arena[node]
        if wildcard and (flags & (NODE_CUT | NODE_DNAME) or self.rdtype in (DS, NXT, NSEC)):
            return LEAVE
        entry = self.set_for_any(node) if self.rdtype == ANY else self.set_of(node, self.rdtype)
        is_link = entry == 0 and flags & NODE_CNAME and self.rdtype not in (KEY, NXT, NSEC)
        if is_link:
            entry = self.set_of(node, CNAME)
        if entry == 0:
            return self.deny_type(node, wildcard, there)
        fragment = self.fragment_at(entry)
        if fragment == 0:
            return LEAVE
        proven = wildcard and self.dnssec and self.zone_flags & ZONE_SIGNED
        if is_link and proven:
            return LEAVE  # the proof comes behind the answers of the whole chain
        at = self.size
        self.kind = KIND_ANSWER
        if not self.add(fragment, self.depth, ANSWER):
            return OVERFLOW
        if is_link:
            if self.is_added(self.hashes[self.levels_at + self.depth]) or not self.follow(at + RECORD_FIXED):
                return LEAVE  # round in a circle
            return FOLLOW
        if self.courteous:
            self.note_answer(fragment, self.arena16[entry >> 1], at)
        if proven:
            return self.prove_wildcard(there)
        return DONE

    def refer(self, node: int, level: int, link: int) -> int:
        """A referral with all its glue, and with DO what is known of its keys (RFC 4035 section 3.1.4, RFC 9471)."""
        entry = self.set_of(node, REFERRAL)
        fragment = self.fragment_at(entry)
        signed = self.dnssec and self.zone_flags & ZONE_SIGNED
        if fragment == 0 or (signed and self.arena16[(entry >> 1) + 1] & SET_PLAIN):
            return LEAVE
        if link == 0:
            self.authoritative = 0
            self.kind = KIND_REFERRAL
            if self.limiting:
                self.note(level)
        first = self.size
        self.part_count = 0
        if not self.add(fragment, level, AUTHORITY):
            return OVERFLOW
        if signed:
            step = self.prove_cut(node, level)
            if step != DONE:
                return step
        return DONE if self.add_second(fragment, first, 0, ADDITIONAL) else LEAVE
