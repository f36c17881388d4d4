"""Making referrals: the servers of a cut with their glue as one set of its node, and notes of which cuts name a host.

Plain Python; referralmaking.pxd adds the types.
"""

from __future__ import annotations

from image.chainmaking import ChainMaker
from image.growing import GrowingOctets
from image.layout import (
    AAAA,
    HALF,
    HOST_ENTRY,
    IN_DOMAIN_SHIFT,
    MAX_DATAGRAM,
    MAX_NAME,
    MESSAGE_HEADER,
    NS,
    QUESTION_FIXED,
    RECORD_FIXED,
    REFERRAL,
    RRSIG,
    SET_LARGE,
    SET_MORE_GLUE,
    SET_SIGNED_GLUE,
    TO_OWNER,
    UNIT,
    WITH_GLUE,
    A,
)
from image.names import NameReader, buffer
from image.rowlayout import (
    HIGH,
    LENGTH,
    MAX_WRITTEN,
    NAME_ROOM,
    NUMBER,
    OWNER_WRITTEN,
    TYPES_WITH_NAMES,
    WHOLE_SET,
)
from image.zonerows import ZoneRows

SERVER_STEPS = 64  # to look for the addresses of a server


class ReferralMaker(ChainMaker):
    """The referrals of the zone at hand."""

    def __init__(self, seed: int, rows: ZoneRows) -> None:
        super().__init__(seed, rows)
        self.nodes = GrowingOctets(UNIT)
        self.nodes.used = UNIT
        self.hosts = GrowingOctets(HOST_ENTRY)
        self.glue_flags = 0  # of the referral at hand
        self.is_required = 0  # set while glue is added that must be sent
        self.host = buffer(NAME_ROOM)
        self.host_reader = NameReader(seed)
        self.host_reader.attach(self.host)
        self.number = 0  # of the zone
        self.sets = GrowingOctets(UNIT)  # of the node at hand
        self.set_count = 0

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
        """Add the addresses of the in-domain or of the sibling servers of a cut (RFC 9499), or their signatures."""
        rows = self.zone_rows
        at = rows.blob_of(row)
        end = at + rows.blob_size(row)
        while at < end:
            size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            rows.spend(SERVER_STEPS + size)
            behind = rows.key_of(at, at + size)
            if behind > 0 and self.is_in_domain(cut) == in_domain:
                if not in_domain and not signatures:
                    self.note_host(at, behind - at)
                name = self.find_target(cut, in_domain)
                if name >= 0 and not (self.dnames.used and self.is_redirected()):
                    if size == 1:  # the root: glue would not begin with a pointer
                        self.failed = True
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
        """Whether the name of `key` is in-domain: at or below the cut."""
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
        """The name of `key`, or -1; those in-domain are near the cut."""
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
        """Whether a name above that of `key` has a DNAME."""
        rows = self.zone_rows
        low = 0
        high = self.dnames.used // NUMBER
        while low < high:  # none is below another: the last one before a name is above it, or none is
            middle = (low + high) >> 1
            if rows.compare_key(self.dnames.longs[middle]) < 0:
                low = middle + 1
            else:
                high = middle
        return 1 if low and self.is_in_domain(self.dnames.longs[low - 1]) else 0

    def add_addresses(self, name: int, owner: int, signatures: int) -> int:
        """Add the addresses of a name, spelled as at `owner` of the heap, or their signatures."""
        self.add_addresses_of(name, A, owner, signatures)
        return self.add_addresses_of(name, AAAA, owner, signatures)

    def add_addresses_of(self, name: int, rdtype: int, owner: int, signatures: int) -> int:
        """As add_addresses(), of one type."""
        rows = self.zone_rows
        row = rows.find_row(name, rdtype << HIGH)
        signed = rows.find_row(name, RRSIG << HIGH | rdtype)
        if signed >= 0:
            self.glue_flags |= SET_SIGNED_GLUE
        if row < 0:
            return 0
        if not signatures:
            if self.is_any_use(row):
                self.put_set(row, rows.ttl_of(row), OWNER_WRITTEN, owner)
        elif signed >= 0:
            self.put_set(signed, min(rows.ttl_of(signed), rows.ttl_of(row)), OWNER_WRITTEN, owner)
        return 0

    def is_any_use(self, row: int) -> int:
        """Whether glue may be sent: what must be, or what a datagram has room for."""
        if self.is_required or not self.is_large(row):
            return 1
        self.glue_flags |= SET_MORE_GLUE
        return 0

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

    def add_entry(self, types: int, fragment: int) -> int:
        """Add a set to the node at hand: its type, and its flags << 16."""
        self.sets.make_room(WHOLE_SET * UNIT)
        at = self.set_count * WHOLE_SET
        self.sets.words[at] = types
        self.sets.words[at + 1] = fragment
        self.sets.used += WHOLE_SET * UNIT
        self.set_count += 1
        return 0
