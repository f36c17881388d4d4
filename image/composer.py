"""Composing replies of fragments: copied, their pointers set; in the message of a reply, without an object in between.

Names of the reply are known by their `places`: where the suffix of so many labels of the current name is in the
message. That is the name of the question at first, and then the target of each CNAME.
"""

from __future__ import annotations

from image.layout import (
    AA,
    ADDITIONAL,
    ANSWER,
    AUTHORITY,
    BELOW_DELTA,
    BYTE,
    FRAGMENT_FIXED,
    FRAGMENT_OCTETS,
    IN_DELTA,
    KIND_ERROR,
    KIND_NODATA,
    KIND_REFERRAL,
    LABEL_TYPE,
    MAX_DEPTH,
    MAX_NAME,
    MAX_OPTIONS,
    MESSAGE_HEADER,
    NODE_FIXED,
    OCTET,
    OPT,
    OPT_OCTETS,
    OPTION_FIXED,
    POINTER,
    POINTER_OCTETS,
    QR,
    RD,
    SECOND_FIXED,
    SET_OCTETS,
    TC,
    TO_FRAGMENT,
    TO_OWNER,
    UNIT,
    WITH_GLUE,
    WITH_SIGNATURES,
)
from image.names import address_of, buffer
from image.query import QueryReader

COUNTS = 6  # octet of the header where the numbers of records begin
MAX_PARTS = 32  # records of the authority section that are remembered, so that none comes twice
RCODE = 0x0F  # what is in the header of an rcode
RCODE_BITS = 4


class Composer(QueryReader):
    """The reply in the making."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.replies = buffer(1)
        self.replies_address = 0
        self.queries_address = 0
        self.places = buffer(8 * (MAX_DEPTH + 1)).cast("q")
        self.parts_of_name = buffer(8 * (MAX_DEPTH + 1)).cast("q")
        self.counts = buffer(8 * 3).cast("q")
        self.parts = buffer(8 * MAX_PARTS).cast("Q")
        self.part_count = 0
        self.at = 0  # of the reply
        self.size = 0  # octets of the reply so far
        self.options = buffer(MAX_OPTIONS)  # of our OPT
        self.options_address = address_of(self.options)
        self.options_octets = 0
        self.kind = 0
        self.flags = 0  # of the header, in their first octet
        self.rcode = 0
        self.authoritative = 0
        self.limiting = 0  # set where `counted` is asked for
        self.counted = buffer(MAX_NAME + 1)  # the name that replies like this one have in common, in small letters
        self.counted_address = address_of(self.counted)
        self.counted_octets = 0
        self.made_up = 0  # the name that was asked for may have been
        self.truncated = 0
        self.first_part = 0  # place of the first part of the fragment added last, in the message
        # Of the zone at hand: where its fragments are, in the arena.
        self.arena = buffer(8)
        self.arena16 = buffer(8).cast("H")
        self.arena32 = buffer(8).cast("I")
        self.arena_address = 0
        self.fragments = 0
        self.heap = 0
        self.zone_labels = 0

    def serve(self, queries: memoryview, replies: memoryview) -> None:
        """Take queries from one buffer and put replies into the other from now on; both stay where they are."""
        self.attach(queries)
        self.replies = replies
        self.queries_address = address_of(queries)
        self.replies_address = address_of(replies)

    def begin(self, at: int) -> int:
        """Begin the reply at `at`: header, question. 0 where there is no room."""
        self.at = at
        self.size = MESSAGE_HEADER + self.question_octets
        if at + self.limit > len(self.replies):
            self.limit = len(self.replies) - at
        if self.edns:
            self.limit -= OPT_OCTETS + self.options_octets
        if self.size > self.limit:
            return 0
        self.copy(self.replies_address + at, self.queries_address + self.start, self.size)
        shift = MESSAGE_HEADER - self.names_at
        for level in range(self.depth + 1):
            self.places[level] = shift + self.starts[self.levels_at + level]
        self.counts[ANSWER] = 0
        self.counts[AUTHORITY] = 0
        self.counts[ADDITIONAL] = 0
        self.part_count = 0
        self.kind = KIND_NODATA
        self.rcode = 0
        self.authoritative = AA
        self.truncated = 0
        if self.limiting:
            self.made_up = 0
            self.note(self.depth)
        return 1

    def finish(self) -> int:
        """Set header and OPT; octets of the reply."""
        at = self.at
        self.flags = QR | self.authoritative | self.truncated | (self.octets[self.start + 2] & RD)
        self.replies[at + 2] = self.flags
        self.replies[at + 3] = self.rcode & RCODE
        self.put16(at + COUNTS, self.counts[ANSWER])
        self.put16(at + COUNTS + 2, self.counts[AUTHORITY])
        self.put16(at + COUNTS + 4, self.counts[ADDITIONAL] + self.edns)
        if self.edns:
            self.put_opt(at + self.size)
            self.size += OPT_OCTETS + self.options_octets
        return self.size

    def fail(self, at: int, rcode: int) -> int:
        """A reply at `at` that has nothing but an rcode; its octets, 0 where there is no room."""
        if not self.begin(at):
            return 0
        self.authoritative = 0
        self.kind = KIND_ERROR
        self.counted_octets = 0
        self.rcode = rcode
        return self.finish()

    def slip(self) -> int:
        """In place of the reply: an error without more, else TC and nothing, which makes a client ask over TCP; its
        octets. Options that were put since are sent in place of those before.
        """
        self.clear()
        if self.kind == KIND_ERROR:
            self.truncated = 0  # clients that get an error do not look at it
            return self.finish()
        self.authoritative = 0
        self.kind = KIND_REFERRAL  # as it is counted: neither an answer nor authoritative
        self.rcode = 0
        return self.finish()

    def note(self, level: int) -> int:
        """Remember the suffix of so many labels of the current name as what replies like this one have in common."""
        start = self.starts[self.levels_at + level]
        self.counted_octets = self.name_end - start
        self.copy(self.counted_address, self.name_address + start, self.counted_octets)
        return 0

    def note_encloser(self, level: int) -> int:
        """The same where names below the suffix cost nothing to make up; the first of a chain counts."""
        if self.made_up == 0:
            self.made_up = 1
            self.note(level)
        return 0

    def truncate(self) -> int:
        """The reply without records: it does not fit (RFC 2181 section 9). 0 over TCP: it is left."""
        if self.stream:
            return 0
        self.clear()
        return self.finish()

    def clear(self) -> int:
        """Take all records out, and say so."""
        self.size = MESSAGE_HEADER + self.question_octets
        self.truncated = TC
        self.counts[ANSWER] = 0
        self.counts[AUTHORITY] = 0
        self.counts[ADDITIONAL] = 0
        return 0

    def source_of(self, fragment: int) -> int:
        """Where a fragment is in the arena."""
        if fragment & IN_DELTA:
            return self.heap + (fragment & BELOW_DELTA) * UNIT
        return self.fragments + fragment * UNIT

    def add(self, fragment: int, level: int, section: int) -> int:
        """Add the first part, and with DO the signatures; the owner has `level` labels. 0 where there is no room."""
        source = self.source_of(fragment)
        head = self.arena16[source >> 1]
        octets = head & FRAGMENT_OCTETS
        pointers = self.arena[source + 2]
        records = self.arena[source + 3]
        source += FRAGMENT_FIXED
        table = source
        wire = source + pointers * POINTER_OCTETS
        if head & (WITH_SIGNATURES | WITH_GLUE):
            table += SECOND_FIXED
            wire = table + (pointers + self.arena[source + 2]) * POINTER_OCTETS
            if head & WITH_SIGNATURES and self.dnssec:
                octets += self.arena16[source >> 1]
                pointers += self.arena[source + 2]
                records += self.arena[source + 3]
        if self.size + octets > self.limit:
            return 0
        self.first_part = self.size
        self.copy(self.replies_address + self.at + self.size, self.arena_address + wire, octets)
        for _ in range(pointers):
            self.relocate(self.arena16[table >> 1] + self.size, self.arena16[(table >> 1) + 1], level)
            table += POINTER_OCTETS
        self.size += octets
        self.counts[section] += records
        return 1

    def relocate(self, place: int, target: int, level: int) -> int:
        """Set a pointer at a place of the message."""
        if target == TO_OWNER:
            target = self.places[level]
        elif target & TO_FRAGMENT:
            target = self.first_part + (target - TO_FRAGMENT)
        else:
            target = self.places[target]
        return self.put16(self.at + place, POINTER | target)

    def add_second(self, fragment: int, first: int, level: int, section: int) -> int:
        """Add the second part alone, signatures or glue; the first one is at `first` in the message, and the owner has
        `level` labels. 0 where there is no room.
        """
        source = self.source_of(fragment)
        head = self.arena16[source >> 1]
        if not head & (WITH_GLUE | WITH_SIGNATURES):
            return 1
        before = head & FRAGMENT_OCTETS
        skipped = self.arena[source + 2]
        source += FRAGMENT_FIXED
        octets = self.arena16[source >> 1]
        pointers = self.arena[source + 2]
        records = self.arena[source + 3]
        table = source + SECOND_FIXED + skipped * POINTER_OCTETS
        if self.size + octets > self.limit:
            return 0
        wire = table + pointers * POINTER_OCTETS + before
        self.copy(self.replies_address + self.at + self.size, self.arena_address + wire, octets)
        self.first_part = first
        for _ in range(pointers):
            self.relocate(self.arena16[table >> 1] - before + self.size, self.arena16[(table >> 1) + 1], level)
            table += POINTER_OCTETS
        self.size += octets
        self.counts[section] += records
        return 1

    def is_added(self, place: int) -> int:
        """Whether what is at a place in the arena was added to the authority section already (RFC 2181 section 5.5); if
        not it is remembered.
        """
        for index in range(self.part_count):
            if self.parts[index] == place:
                return 1
        if self.part_count < MAX_PARTS:
            self.parts[self.part_count] = place
            self.part_count += 1
        return 0

    def add_proof(self, fragment: int) -> int:
        """Add a record whose owner is written out to the authority section: NSEC3. 0 where there is no room."""
        if self.is_added(self.source_of(fragment)):
            return 1
        return self.add(fragment, self.zone_labels, AUTHORITY)

    def add_owned(self, fragment: int, node: int) -> int:
        """Add the set of a node to the authority section, its owner written out: NSEC. 0 where there is no room."""
        if self.is_added(node):
            return 1
        source = self.source_of(fragment)
        head = self.arena16[source >> 1]
        octets = (head & FRAGMENT_OCTETS) - 2  # the first pointer gives way to the owner
        pointers = self.arena[source + 2]
        records = self.arena[source + 3]
        source += FRAGMENT_FIXED
        table = source
        wire = source + pointers * POINTER_OCTETS
        if head & WITH_SIGNATURES:
            octets += self.arena16[source >> 1]
            records += self.arena[source + 3]
            pointers += self.arena[source + 2]
            table += SECOND_FIXED
            wire = table + pointers * POINTER_OCTETS
        relative = self.arena[node + 1]
        if octets < 0 or self.size + relative + 2 + octets > self.limit:  # none is so short, but in a damaged image
            return 0
        owner = self.size
        self.write_owner(node, relative)
        self.copy(self.replies_address + self.at + self.size, self.arena_address + wire + 2, octets)
        self.first_part = self.size - 2
        for index in range(pointers):
            if index:
                self.relocate_owned(self.arena16[table >> 1], self.arena16[(table >> 1) + 1], owner)
            table += POINTER_OCTETS
        self.size += octets
        self.counts[AUTHORITY] += records
        return 1

    def write_owner(self, node: int, relative: int) -> int:
        """Write the name of a node: its labels below the origin, and the origin as it is in the message."""
        names = node + NODE_FIXED + SET_OCTETS * self.arena16[(node >> 1) + 1]
        self.copy(self.replies_address + self.at + self.size, self.arena_address + names, relative)
        self.size += relative
        if self.zone_labels == 0:
            self.replies[self.at + self.size] = 0
            self.size += 1
        else:
            self.put16(self.at + self.size, POINTER | self.places[self.zone_labels])
            self.size += 2
        return 0

    def relocate_owned(self, place: int, target: int, owner: int) -> int:
        """Set a pointer of a set whose owner is at `owner` in the message, written out."""
        if target == TO_OWNER:
            target = owner
        elif target & TO_FRAGMENT:
            target = self.first_part + (target - TO_FRAGMENT)
        elif target <= self.zone_labels:
            target = self.places[target]
        else:
            target = self.suffix_of(owner, target)
        return self.put16(self.at + self.first_part + place, POINTER | target)

    def suffix_of(self, owner: int, level: int) -> int:
        """Where the suffix of `level` labels is of the name at `owner` in the message, above the origin's labels."""
        labels = self.zone_labels
        offset = owner
        while self.replies[self.at + offset] and self.replies[self.at + offset] < LABEL_TYPE:
            labels += 1
            offset += self.replies[self.at + offset] + 1
        offset = owner
        while labels > level:
            labels -= 1
            offset += self.replies[self.at + offset] + 1
        return offset

    def put_opt(self, at: int) -> int:
        """Our OPT (RFC 6891 section 6.1.2)."""
        self.put16(at + 9, self.options_octets)
        self.replies[at + 8] = 0
        head = OPT << 16 | self.udp_size >> OCTET << 24 | (self.udp_size & BYTE) << 32 | self.rcode >> RCODE_BITS << 40
        self.put_word(self.replies_address + at, head | self.dnssec << 56)
        if self.options_octets:
            self.copy(self.replies_address + at + OPT_OCTETS, self.options_address, self.options_octets)
        return 0

    def put_option(self, code: int, content: int, octets: int) -> int:
        """Add an option to our OPT, before the reply is begun; its content is at an address."""
        at = self.options_octets
        end = at + OPTION_FIXED + octets
        if octets < 0 or end > len(self.options):
            raise IndexError("too many options")
        self.options[at] = code >> OCTET
        self.options[at + 1] = code & BYTE
        self.options[at + 2] = octets >> OCTET
        self.options[at + 3] = octets & BYTE
        self.copy(self.options_address + at + OPTION_FIXED, content, octets)
        self.options_octets = end
        return 0

    def put16(self, at: int, value: int) -> int:
        """Write 16 bits in network order."""
        self.replies[at] = value >> OCTET
        self.replies[at + 1] = value & BYTE
        return 0
