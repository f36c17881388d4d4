"""Making nodes of names: their sets as fragments, and the names above them that have nothing.

Plain Python; nodemaking.pxd adds the types.
"""

from __future__ import annotations

from image.growing import GrowingOctets
from image.layout import (
    CNAME,
    DNAME,
    DS,
    MAX_DEPTH,
    MAX_LABEL,
    MAX_NAME,
    NO_END,
    NODE_CNAME,
    NODE_CUT,
    NODE_DNAME,
    NODE_END,
    NODE_WILDCARD,
    NS,
    NSEC,
    NSEC3,
    NSEC_ENTRY,
    RRSIG,
    SET_LARGE,
    SIG,
    SOA,
    STAR,
    TO_OWNER,
    UNIT,
    UPPER_A,
    UPPER_Z,
    WITH_SIGNATURES,
    ZONE_NSEC,
    ZONE_NSEC3,
)
from image.names import buffer
from image.referralmaking import ReferralMaker
from image.rowlayout import ESCAPE, HIGH, NAME_ENTRY, NAME_ROOM, WHOLE_SET
from image.zonerows import ZoneRows

KEY_LABELS = 256  # ends of labels in a key, more than there can be
MINIMUM_OCTETS = 4  # at the end of SOA RDATA


class NodeMaker(ReferralMaker):
    """The nodes of the zone at hand."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, ZoneRows())
        self.names = GrowingOctets(NAME_ENTRY)
        self.negative = 0
        self.first_end = NO_END
        self.last_end = 0
        self.owner = buffer(NAME_ROOM)
        self.owner_octets = 0
        self.ends = buffer(8 * KEY_LABELS).cast("q")
        self.node_at = buffer(8 * (MAX_DEPTH + 1)).cast("q")  # of the suffix of so many labels, octets
        self.before_at = 0  # key of the last name that is in the image
        self.before_size = 0
        self.origin = b""
        self.origin_octets = 0

    def begin_zone(self, origin: bytes, octets: int) -> int:
        """Begin the zone of these rows; 0 where it cannot be answered from."""
        self.negative = 0
        self.first_end = NO_END
        self.last_end = 0
        self.chain_flag = 0
        self.chain_entries = 0
        self.zone_flags = 0
        self.origin = origin
        self.origin_octets = octets
        self.attach(self.owner)
        if self.zone_rows.damaged or not self.scan_owner(0):
            return 0
        self.zone_labels = self.depth
        return self.survey()

    def read_owner(self, name: int) -> int:
        """Read the name of a key; 0 where there can be no such key."""
        at = self.zone_rows.key_start(name)
        size = self.zone_rows.key_size(name)
        count = 0
        for index in range(size):
            if self.heap.octets[at + index] == 0:
                if count == KEY_LABELS:
                    return 0
                self.ends[count] = at + index
                count += 1
        if size and self.heap.octets[at + size - 1]:
            return 0
        self.owner_octets = 0
        while count:
            count -= 1
            start = self.ends[count - 1] + 1 if count else at
            if not self.put_label(start, self.ends[count]):
                return 0
        return self.scan_owner(self.owner_octets)

    def scan_owner(self, octets: int) -> int:
        """Read the owner, of so many octets below the origin; 0 where it is too long."""
        if octets + self.origin_octets > MAX_NAME:
            return 0
        for index in range(self.origin_octets):
            self.owner[octets + index] = self.origin[index]
        end = octets + self.origin_octets
        return 1 if self.scan(0, end) == end else 0

    def put_label(self, at: int, end: int) -> int:
        """Add a label of a key to the owner (datasrc.keys); 0 where there can be no such label."""
        place = self.owner_octets
        if end - at > 2 * MAX_LABEL or place > MAX_NAME:
            return 0
        octets = 0
        while at < end:
            octet = self.heap.octets[at]
            if UPPER_A <= octet <= UPPER_Z:
                return 0
            if octet == ESCAPE:
                at += 1
                octet = self.heap.octets[at] - 1
                if at == end or octet > ESCAPE:
                    return 0
            octets += 1
            self.owner[place + octets] = octet
            at += 1
        if octets == 0 or octets > MAX_LABEL:
            return 0
        self.owner[place] = octets
        self.owner_octets = place + octets + 1
        return 1

    def add_name(self, name: int) -> int:
        """Add the node of the name that was read, and of the empty non-terminals above it (RFC 4592 section 2.2.2)."""
        if name:
            self.set_count = 0
            for level in range(self.zone_labels + self.common(name) + 1, self.depth):
                self.add_node(level, 0, 0)
        self.before_at = self.zone_rows.key_start(name)
        self.before_size = self.zone_rows.key_size(name)
        flags = self.kind(name)
        return self.add_node(self.depth, flags, self.add_sets(name, flags))

    def add_sets(self, name: int, flags: int) -> int:
        """Make the sets of a node of these flags; its number in the NSEC chain."""
        link = 0
        self.set_count = 0
        self.sets.used = 0
        if flags & NODE_CUT:
            self.add_referral(name)
        for row in range(self.zone_rows.first_row(name), self.zone_rows.first_row(name + 1)):
            rdtype = self.zone_rows.type_of(row) >> HIGH
            if rdtype in (RRSIG, SIG, NSEC3):
                continue
            if flags & NODE_CUT and rdtype != DS and rdtype != CNAME and rdtype != NSEC:
                continue
            fragment = self.add_set(name, row, rdtype)
            if rdtype == NSEC and self.chain_flag == ZONE_NSEC:
                if fragment == 0:
                    self.chain_flag = 0  # every proof is left
                else:
                    link = self.link_next(fragment)
            elif rdtype == SOA and name == 0:
                self.add_negative(name, row)
        return link

    def common(self, name: int) -> int:
        """How many labels below the origin the name has in common with the one before."""
        at = self.zone_rows.key_start(name)
        count = 0
        for index in range(min(self.before_size, self.zone_rows.key_size(name))):
            octet = self.heap.octets[at + index]
            if octet != self.heap.octets[self.before_at + index]:
                break
            if octet == 0:
                count += 1
        return count

    def kind(self, name: int) -> int:
        """Flags of the node of a name; where it is an end, what is below is not seen."""
        flags = 0
        for row in range(self.zone_rows.first_row(name), self.zone_rows.first_row(name + 1)):
            rdtype = self.zone_rows.type_of(row) >> HIGH
            if rdtype == CNAME:
                flags |= NODE_CNAME
            elif rdtype == NS and name:
                flags |= NODE_CUT
            elif rdtype == DNAME and not flags & NODE_CUT:
                flags |= NODE_DNAME
        if flags & NODE_END:
            self.cover(name)
            self.first_end = min(self.depth, self.first_end)
            self.last_end = max(self.depth, self.last_end)
        return flags

    def add_set(self, name: int, row: int, rdtype: int) -> int:
        """Add a set with its signatures to the node; its fragment, 0 where it is too large."""
        ttl = self.zone_rows.ttl_of(row)
        self.begin_fragment(self.known_labels())
        self.put_set(row, ttl, TO_OWNER, 0)
        fragment = self.store_signed(name, rdtype, ttl)
        flags = SET_LARGE if fragment == 0 and self.is_large(row) else 0
        self.add_entry(flags << HIGH | rdtype, fragment)
        return fragment

    def known_labels(self) -> int:
        """How many labels of the name end all names that it answers for: a wildcard's `*` is none of them."""
        if self.depth and self.name[0] == 1 and self.name[1] == STAR:
            return self.depth - 1
        return self.depth

    def store_signed(self, name: int, rdtype: int, ttl: int) -> int:
        """Store the set that was rendered, with its signatures; their TTL is that of the set (RFC 4034 section 3)."""
        signatures = self.zone_rows.find_row(name, RRSIG << HIGH | rdtype)
        if signatures < 0:
            return self.store_fragment(0)
        self.begin_second()
        self.put_set(signatures, min(ttl, self.zone_rows.ttl_of(signatures)), TO_OWNER, 0)
        return self.store_fragment(WITH_SIGNATURES)

    def add_negative(self, name: int, row: int) -> int:
        """The SOA with the TTL of negative answers (RFC 2308 section 3)."""
        end = self.zone_rows.blob_of(row) + self.zone_rows.blob_size(row)
        minimum = 0
        for index in range(end - MINIMUM_OCTETS, end):
            minimum = minimum << 8 | self.heap.octets[index]
        ttl = min(minimum, self.zone_rows.ttl_of(row))
        self.begin_fragment(self.depth)
        self.put_set(row, ttl, TO_OWNER, 0)
        self.negative = self.store_signed(name, SOA, ttl)
        return 0

    def link_next(self, fragment: int) -> int:
        """Fill the next entry of the NSEC chain, for the node that comes next; its number."""
        word = (self.chain_start + self.next_entry * NSEC_ENTRY) >> 2
        self.chain.words[word] = self.nodes.used >> 2
        self.chain.words[word + 1] = fragment
        self.next_entry += 1
        return self.next_entry

    def add_node(self, level: int, flags: int, link: int) -> int:
        """Add the node of the suffix of so many labels, with the sets at hand."""
        start = self.starts[level]
        relative = self.starts[self.zone_labels] - start
        if level > self.zone_labels and self.name[start] == 1 and self.name[start + 1] == STAR:
            self.nodes.octets[self.node_at[level - 1]] |= NODE_WILDCARD
        if self.chain_flag == ZONE_NSEC3:
            link = self.link_hashed(level)
        self.nodes.make_room(UNIT * (3 + WHOLE_SET * self.set_count) + relative)
        at = self.nodes.used >> 2
        self.node_at[level] = self.nodes.used
        self.names.make_room(NAME_ENTRY)
        entry = self.names.used >> 3
        self.names.longs[entry] = self.mix(self.hashes[level], self.number)
        self.names.longs[entry + 1] = at
        self.names.used += NAME_ENTRY
        self.nodes.words[at] = flags | relative << 8 | self.set_count << HIGH
        self.nodes.words[at + 1] = link
        at += 2
        for index in range(self.set_count * WHOLE_SET):
            self.nodes.words[at + index] = self.sets.words[index]
        self.nodes.used = UNIT * (at + self.set_count * WHOLE_SET)
        self.nodes.append(self.name_address + start, relative)
        self.nodes.align(UNIT)
        return 0
