"""Answers from an image: a query in one buffer, its reply in another, no object in between.

What an image does not answer (chains of CNAMEs, DNAME, ANY, options of EDNS, signatures, replies that do not fit, what
is malformed) is left to the plain implementation. Plain Python; responder.pxd adds the types.
"""

from __future__ import annotations

from image.file import ImageFile
from image.layout import (
    AA,
    ALIGNMENT,
    APEXES,
    BUCKETS,
    BYTE,
    CLASS_IN,
    DO,
    DS,
    FIRST_META,
    FRAGMENT_FIXED,
    FRAGMENTS,
    HALF,
    LAST_META,
    MESSAGE_HEADER,
    MIN_UDP_SIZE,
    NODE_CNAME,
    NODE_CUT,
    NODE_DNAME,
    NODE_FIXED,
    NODE_WILDCARD,
    NODES,
    NSEC,
    NXDOMAIN,
    NXT,
    OCTET,
    OFFSET_MASK,
    OPT,
    OPT_OCTETS,
    POINTER,
    POINTER_OCTETS,
    QR,
    QUESTION_FIXED,
    RD,
    REFERRAL,
    RRSIG,
    SET_OCTETS,
    SIG,
    STAR,
    TAG_MASK,
    TAG_SHIFT,
    TO_FRAGMENT,
    TO_OWNER,
    UNUSUAL_FLAGS,
    UNUSUAL_FLAGS_TOO,
    ZONE_FIXED,
    ZONE_LEFT,
    ZONE_SIGNED,
    ZONES,
)
from image.names import NameReader


class Responder(NameReader):
    """Answers queries from one image; for one thread."""

    def __init__(self, image: ImageFile, udp_size: int) -> None:
        """`udp_size` is the largest reply over UDP, whatever the client takes."""
        super().__init__(image.seed)
        self.image = image  # keeps it mapped
        self.udp_size = udp_size
        self.zones = image.sections[ZONES]
        self.nodes = image.sections[NODES]
        self.fragments = image.sections[FRAGMENTS]
        self.apexes = image.numbers(APEXES)
        self.buckets = image.numbers(BUCKETS)
        self.replies = memoryview(bytearray(1))
        self.start = 0  # of the query
        self.at = 0  # of the reply
        self.question_octets = 0
        self.rdtype = 0
        self.limit = 0
        self.edns = 0
        self.dnssec = 0
        self.zone_labels = 0
        self.zone = 0
        self.negative = 0

    def serve(self, queries: memoryview, replies: memoryview) -> None:
        """Take queries from one buffer and put replies into the other from now on."""
        self.attach(queries)
        self.replies = replies

    def answer(self, start: int, length: int, at: int) -> int:
        """Answer the query at `start`; octets of the reply at `at`, 0 where it is left to the plain implementation."""
        if not self.read_query(start, length):
            return 0
        self.at = at
        place = self.find_zone()
        if place == 0:
            return 0
        flags = self.zones[place]
        if flags & ZONE_LEFT or (flags & ZONE_SIGNED and self.dnssec):
            return 0
        if self.rdtype == DS and self.zone_labels == self.depth:
            return 0  # the parent's matter (RFC 4035 section 3.1.4.1)
        self.negative = self.zone32(place + 8)
        first = self.zones[place + 1]
        if first < self.zone_labels:
            first = self.zone_labels
        last = self.zones[place + 2]
        if last > self.depth:
            last = self.depth
        for level in range(first, last + 1):
            node = self.find_node(level)
            if node:
                flags = self.nodes[node]
                if flags & NODE_CUT and not (level == self.depth and self.rdtype == DS):
                    return self.send(self.fragment_of(node, REFERRAL), 0, 0, 1)
                if flags & NODE_DNAME and level < self.depth:
                    return 0
        node = self.find_node(self.depth)
        if node:
            return self.answer_node(node, 0)
        return self.answer_missing()

    def read_query(self, start: int, length: int) -> int:
        """Read a query; 0 where it has anything unusual."""
        end = start + length
        if length < MESSAGE_HEADER + QUESTION_FIXED + 1 or end > len(self.octets):
            return 0
        if self.octets[start + 2] & UNUSUAL_FLAGS or self.octets[start + 3] & UNUSUAL_FLAGS_TOO:
            return 0
        for index in range(4, MESSAGE_HEADER):
            if index == 11:  # noqa: PLR2004 - an OPT record
                continue
            if self.octets[start + index] != (index == 5):  # noqa: PLR2004 - one question
                return 0
        at = self.read(start + MESSAGE_HEADER, end)
        if at == 0 or at + QUESTION_FIXED > end:
            return 0
        self.start = start
        self.rdtype = self.octets[at] << OCTET | self.octets[at + 1]
        if self.octets[at + 2] != 0 or self.octets[at + 3] != CLASS_IN:
            return 0
        if FIRST_META <= self.rdtype <= LAST_META or self.rdtype in (0, OPT, SIG, RRSIG):
            return 0
        at += QUESTION_FIXED
        self.question_octets = at - start - MESSAGE_HEADER
        return self.read_opt(at, end, self.octets[start + 11])

    def read_opt(self, at: int, end: int, records: int) -> int:
        """Read an OPT without options, or none."""
        self.limit = MIN_UDP_SIZE
        self.edns = 0
        self.dnssec = 0
        if records == 0:
            return 1 if at == end else 0
        if records != 1 or end - at != OPT_OCTETS:
            return 0
        if self.octets[at] != 0 or self.octets[at + 1] != 0 or self.octets[at + 2] != OPT:
            return 0
        if self.octets[at + 5] or self.octets[at + 6] or self.octets[at + 9] or self.octets[at + 10]:
            return 0  # an extended rcode, another version, options
        size = self.octets[at + 3] << OCTET | self.octets[at + 4]
        if size > self.udp_size:
            size = self.udp_size
        if size > self.limit:
            self.limit = size
        self.edns = 1
        self.dnssec = self.octets[at + 7] & DO
        return 1

    def find_zone(self) -> int:
        """The zone that is the longest match; its place among the zones, 0 where there is none."""
        size = len(self.apexes)
        for level in range(self.depth, -1, -1):
            value = self.place(self.hashes[level], 0)
            bucket = ((value >> HALF) * size) >> HALF
            for _ in range(size):
                entry = self.apexes[bucket]
                if entry == 0:
                    break
                place = (entry & OFFSET_MASK) * ALIGNMENT
                if entry >> TAG_SHIFT == value & TAG_MASK and self.is_origin(place, level):
                    self.zone_labels = level
                    self.zone = self.zone32(place + 12)
                    return place
                bucket += 1
                if bucket == size:
                    bucket = 0
        return 0

    def is_origin(self, place: int, level: int) -> int:
        """Whether the zone's origin is the suffix of so many labels."""
        start = self.starts[level]
        size = self.name_octets - start
        if self.zones[place + 3] != size:
            return 0
        for index in range(size):
            if self.zones[place + ZONE_FIXED + index] != self.name[start + index]:
                return 0
        return 1

    def find_node(self, level: int) -> int:
        """The node of the suffix of so many labels, 0 where there is none."""
        return self.probe(self.hashes[level], self.starts[level], 0)

    def probe(self, suffix: int, start: int, wildcard: int) -> int:
        """The node with the hash `suffix`: the name from `start`, with `*` in front where `wildcard` is set."""
        size = len(self.buckets)
        value = self.place(suffix, self.zone)
        bucket = ((value >> HALF) * size) >> HALF
        for _ in range(size):
            entry = self.buckets[bucket]
            if entry == 0:
                break
            if entry >> TAG_SHIFT == value & TAG_MASK:
                node = (entry & OFFSET_MASK) * ALIGNMENT
                if self.is_owner(node, start, wildcard):
                    return node
            bucket += 1
            if bucket == size:
                bucket = 0
        return 0

    def is_owner(self, node: int, start: int, wildcard: int) -> int:
        """Whether the node's name is that."""
        size = self.starts[self.zone_labels] - start
        at = node + NODE_FIXED + SET_OCTETS * self.node16(node + 2)
        if self.nodes[node + 1] != size + 2 * wildcard:
            return 0
        if wildcard:
            if self.nodes[at] != 1 or self.nodes[at + 1] != STAR:
                return 0
            at += 2
        for index in range(size):
            if self.nodes[at + index] != self.name[start + index]:
                return 0
        return 1

    def answer_missing(self) -> int:
        """A name that is not there: by the wildcard of its closest encloser (RFC 4592 section 3.3.1), or not at all."""
        there = self.zone_labels
        missing = self.depth
        while missing - there > 1:  # all names above one that is there are there
            level = (there + missing) >> 1
            if self.find_node(level):
                there = level
            else:
                missing = level
        node = self.find_node(there)
        if node and self.nodes[node] & NODE_WILDCARD:
            node = self.probe(self.below(there, STAR), self.starts[there], 1)
            return self.answer_node(node, 1) if node else 0
        return self.send(self.negative, NXDOMAIN, AA, 1)

    def answer_node(self, node: int, wildcard: int) -> int:
        """What a node has of the type, or that it has nothing."""
        flags = self.nodes[node]
        if wildcard and (flags & (NODE_CUT | NODE_DNAME) or self.rdtype in (DS, NXT, NSEC)):
            return 0
        fragment = self.fragment_of(node, self.rdtype)
        if fragment >= 0:
            return self.send(fragment, 0, AA, 0)
        if flags & NODE_CNAME:
            return 0
        return self.send(self.negative, 0, AA, 1)

    def fragment_of(self, node: int, rdtype: int) -> int:
        """The fragment of a type: -1 where the node has none of it, 0 where it is too large for the image."""
        at = node + NODE_FIXED
        for _ in range(self.node16(node + 2)):
            if self.node16(at) == rdtype:
                return self.node16(at + 4) | self.node16(at + 6) << 16
            at += SET_OCTETS
        return -1

    def send(self, fragment: int, rcode: int, authoritative: int, authority: int) -> int:
        """Compose the reply; 0 where there is no fragment or no room for it."""
        if fragment <= 0:
            return 0
        source = fragment * ALIGNMENT
        octets = self.fragment16(source)
        pointers = self.fragment16(source + 2)
        records = self.fragment16(source + 4)
        more = self.fragment16(source + 6)
        before = MESSAGE_HEADER + self.question_octets
        size = before + octets + self.edns * OPT_OCTETS
        if size > self.limit:
            return 0
        at = self.at
        for index in range(before):
            self.replies[at + index] = self.octets[self.start + index]
        self.replies[at + 2] = QR | authoritative | (self.octets[self.start + 2] & RD)
        self.replies[at + 3] = rcode
        self.put16(at + 6, 0 if authority else records)
        self.put16(at + 8, records if authority else 0)
        self.put16(at + 10, more + self.edns)
        source += FRAGMENT_FIXED
        wire = source + pointers * POINTER_OCTETS
        for index in range(octets):
            self.replies[at + before + index] = self.fragments[wire + index]
        for _ in range(pointers):
            self.relocate(at + before, self.fragment16(source), self.fragment16(source + 2), before)
            source += POINTER_OCTETS
        if self.edns:
            self.put_opt(at + before + octets)
        return size

    def relocate(self, wire: int, place: int, target: int, before: int) -> int:
        """Give a pointer its target."""
        if target == TO_OWNER:
            target = MESSAGE_HEADER
        elif target & TO_FRAGMENT:
            target = before + (target - TO_FRAGMENT)
        else:
            target = MESSAGE_HEADER + self.starts[target]
        return self.put16(wire + place, POINTER | target)

    def put_opt(self, at: int) -> int:
        """Our OPT (RFC 6891 section 6.1.2)."""
        for index in range(OPT_OCTETS):
            self.replies[at + index] = 0
        self.replies[at + 2] = OPT
        self.put16(at + 3, self.udp_size)
        self.replies[at + 7] = self.dnssec
        return 0

    def put16(self, at: int, value: int) -> int:
        """Write 16 bits in network order."""
        self.replies[at] = value >> OCTET
        self.replies[at + 1] = value & BYTE
        return 0

    def node16(self, at: int) -> int:
        """Read 16 bits of a node."""
        return self.nodes[at] | self.nodes[at + 1] << OCTET

    def fragment16(self, at: int) -> int:
        """Read 16 bits of a fragment."""
        return self.fragments[at] | self.fragments[at + 1] << OCTET

    def zone32(self, at: int) -> int:
        """Read 32 bits of a zone."""
        low = self.zones[at] | self.zones[at + 1] << OCTET
        high = self.zones[at + 2] | self.zones[at + 3] << OCTET
        return low | high << 16
