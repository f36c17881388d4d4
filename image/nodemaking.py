"""Making nodes of names: their sets as fragments, referrals with glue, and the names above them that have nothing.

Plain Python; nodemaking.pxd adds the types.
"""

from __future__ import annotations

from image.chainmaking import ChainMaker
from image.growing import GrowingOctets
from image.layout import (
    CNAME,
    DNAME,
    DS,
    HALF,
    HOST_ENTRY,
    IN_DOMAIN_SHIFT,
    MAX_DATAGRAM,
    MAX_DEPTH,
    MAX_LABEL,
    MAX_NAME,
    MESSAGE_HEADER,
    NO_END,
    NODE_CNAME,
    NODE_CUT,
    NODE_DNAME,
    NODE_WILDCARD,
    NS,
    NSEC,
    NSEC3,
    NSEC_ENTRY,
    QUESTION_FIXED,
    RECORD_FIXED,
    REFERRAL,
    RRSIG,
    SET_LARGE,
    SET_MORE_GLUE,
    SET_SIGNED_GLUE,
    SIG,
    SOA,
    STAR,
    TO_OWNER,
    UNIT,
    UPPER_A,
    UPPER_Z,
    WITH_GLUE,
    WITH_SIGNATURES,
    ZONE_NSEC,
    ZONE_NSEC3,
)
from image.names import NameReader, buffer
from image.rowlayout import (
    ESCAPE,
    HIGH,
    LENGTH,
    LOW,
    MAX_WRITTEN,
    NAME_ENTRY,
    OWNER_WRITTEN,
    TYPES_WITH_NAMES,
)
from image.zonerows import ZoneRows

A = 1
AAAA = 28
KEY_LABELS = 256  # ends of labels in a key, more than there can be
OWNER_ROOM = 1024
MINIMUM_OCTETS = 4  # at the end of SOA RDATA
WHOLE_SET = 2  # numbers of 32 bits


class NodeMaker(ChainMaker):
    """The nodes of the zone at hand."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed, ZoneRows())
        self.nodes = GrowingOctets(UNIT)
        self.nodes.used = UNIT
        self.names = GrowingOctets(NAME_ENTRY)
        self.hosts = GrowingOctets(HOST_ENTRY)
        self.glue_flags = 0  # of the referral at hand
        self.is_required = 0  # set while glue is added that must be sent
        self.host = buffer(OWNER_ROOM)
        self.host_reader = NameReader(seed)
        self.host_reader.attach(self.host)
        self.number = 0  # of the zone
        self.negative = 0
        self.first_end = NO_END
        self.last_end = 0
        self.sets = GrowingOctets(UNIT)  # of the node at hand
        self.set_count = 0
        self.owner = buffer(OWNER_ROOM)
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
        if flags & (NODE_CUT | NODE_DNAME):
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

    def is_large(self, row: int) -> int:
        """Whether no datagram has room for a set: for so many records as short as they may become."""
        rows = self.zone_rows
        rdtype = rows.type_of(row) >> HIGH
        may_shrink = 1 if rdtype < TYPES_WITH_NAMES and self.compressed[rdtype] else 0
        at = rows.blob_of(row)
        end = at + rows.blob_size(row)
        octets = 0
        while at < end:
            size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH + size
            octets += RECORD_FIXED + (0 if may_shrink else size)
        return 1 if MESSAGE_HEADER + 1 + QUESTION_FIXED + octets > MAX_DATAGRAM else 0

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

    # Referrals.

    def add_referral(self, name: int) -> int:
        """The reply to everything at or below a cut: glue that must be there first (RFC 9471), its signatures last."""
        row = self.zone_rows.find_row(name, NS << HIGH)
        self.begin_fragment(self.depth)
        self.put_set(row, self.zone_rows.ttl_of(row), TO_OWNER, 0)
        self.begin_second()
        self.glue_flags = SET_LARGE if self.failed and self.is_large(row) else 0
        if self.written_count == MAX_WRITTEN:  # owners of glue would not be pointers
            self.failed = True
        if not self.failed:
            self.is_required = 1
            self.add_glue(name, row, 1, 0)
            self.end_part()
            self.glue_flags |= SET_LARGE if self.failed else self.record_count - self.first_records << IN_DOMAIN_SHIFT
        self.is_required = 0
        self.add_glue(name, row, 0, 0)  # also where it has failed: hosts are noted
        if self.glue_flags & SET_SIGNED_GLUE:
            self.add_glue(name, row, 1, 1)
            self.add_glue(name, row, 0, 1)
        has_glue = self.wire_used != self.part_start
        fragment = self.store_fragment(WITH_GLUE) if has_glue else self.store_first()
        if fragment == 0:
            self.glue_flags &= SET_LARGE
        return self.add_entry(self.glue_flags << HIGH | REFERRAL, fragment)

    def store_first(self) -> int:
        """Store the fragment without the second part that was begun."""
        self.part_start = 0
        self.first_pointers = 0
        self.first_records = 0
        return self.store_fragment(0)

    def add_glue(self, cut: int, row: int, in_domain: int, signatures: int) -> int:
        """Add the addresses of the servers that are at or below the cut, or of the others; or their signatures."""
        rows = self.zone_rows
        at = rows.blob_of(row)
        end = at + rows.blob_size(row)
        while at < end:
            size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            behind = rows.key_of(at, at + size)
            if behind > 0 and self.is_in_domain(cut) == in_domain:
                if not in_domain and not signatures:
                    self.note_host(at, behind - at)
                name = self.find_target(cut, in_domain)
                if name >= 0 and not (self.has_dname and self.is_redirected()):
                    self.add_addresses(name, at, signatures)
            at += size
        return 0

    def note_host(self, at: int, octets: int) -> int:
        """Note that the cut whose node comes next names the host at `at` of the heap."""
        if octets > MAX_NAME:  # what is copied by address has its bound here: `host` has room for any name
            raise IndexError("a host is longer than a name")
        self.copy(self.host_reader.octets_address, self.heap.address + at, octets)
        self.host_reader.scan(0, octets)
        value = self.mix(self.host_reader.hashes[self.host_reader.depth], self.number)
        self.hosts.make_room(HOST_ENTRY)
        self.hosts.longs[self.hosts.used >> 3] = value >> HALF << HALF | self.nodes.used >> 2
        self.hosts.used += HOST_ENTRY
        return 0

    def is_in_domain(self, cut: int) -> int:
        """Whether the name of `key` is at or below a cut."""
        rows = self.zone_rows
        size = rows.key_size(cut)
        at = rows.key_start(cut)
        if rows.key_octets < size:
            return 0
        for index in range(size):
            if rows.key[index] != self.heap.octets[at + index]:
                return 0
        return 1

    def find_target(self, cut: int, in_domain: int) -> int:
        """The name of `key`, or -1; those below a cut are near it."""
        rows = self.zone_rows
        if in_domain:
            for name in range(cut, min(cut + 4, rows.name_count)):
                order = rows.compare_key(name)
                if order == 0:
                    return name
                if order > 0:
                    return -1
        return rows.find_name()

    def is_redirected(self) -> int:
        """Whether a name above that of `key` has a DNAME; `key` is used up."""
        rows = self.zone_rows
        while rows.key_octets:
            rows.key_octets -= 1
            while rows.key_octets and rows.key[rows.key_octets - 1]:
                rows.key_octets -= 1
            name = rows.find_name()
            if name >= 0 and rows.find_row(name, DNAME << HIGH) >= 0:
                return 1
        return 0

    def add_addresses(self, name: int, owner: int, signatures: int) -> int:
        """Add the addresses of a name, spelled as at `owner` of the heap, or their signatures."""
        rows = self.zone_rows
        for row in range(rows.first_row(name), rows.first_row(name + 1)):
            types = rows.type_of(row)
            rdtype = types >> HIGH
            if rdtype in (A, AAAA):
                if not signatures and self.is_any_use(row):
                    self.put_set(row, rows.ttl_of(row), OWNER_WRITTEN, owner)
            elif rdtype == RRSIG and types & LOW in (A, AAAA):
                self.glue_flags |= SET_SIGNED_GLUE
                covered = rows.find_row(name, (types & LOW) << HIGH)
                if signatures and covered >= 0:
                    self.put_set(row, min(rows.ttl_of(row), rows.ttl_of(covered)), OWNER_WRITTEN, owner)
        return 0

    def is_any_use(self, row: int) -> int:
        """Whether glue may be sent: what must be, or what a datagram has room for."""
        if self.is_required or not self.is_large(row):
            return 1
        self.glue_flags |= SET_MORE_GLUE
        return 0

    # Nodes.

    def add_entry(self, types: int, fragment: int) -> int:
        """Add a set to the node at hand: its type, and its flags << 16."""
        self.sets.make_room(WHOLE_SET * UNIT)
        at = self.set_count * WHOLE_SET
        self.sets.words[at] = types
        self.sets.words[at + 1] = fragment
        self.sets.used += WHOLE_SET * UNIT
        self.set_count += 1
        return 0

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
