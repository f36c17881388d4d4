"""Assembling the sections of an image, zone by zone, from rows in buffers: no object a name or a record.

What is below a cut or a DNAME is not in it, but for the glue that goes with a referral. Plain Python; assembly.pxd adds
the types.
"""

from __future__ import annotations

from time import sleep

from datasrc.octets import BREATH
from image.growing import GrowingOctets
from image.layout import (
    HALF,
    HOST_ENTRY,
    LOAD,
    NO_END,
    NSEC3,
    RRSIG,
    SOA,
    TAG_MASK,
    TAG_SHIFT,
    UNIT,
    ZONE_LEFT,
    ZONE_NSEC3,
    ZONE_UNIT,
)
from image.nodemaking import NodeMaker
from image.rowlayout import HIGH, LOW, NAME_ENTRY, WHOLE_SET
from image.zonerows import ZoneRows

NODE_STEPS = 16

Parts = tuple[int, list[tuple[int, int, bytes]], bytes]


class ImageAssembler(NodeMaker):
    """The sections of an image in the making."""

    def __init__(self, seed: int) -> None:
        super().__init__(seed)
        self.zones = GrowingOctets(ZONE_UNIT)
        self.zones.used = ZONE_UNIT
        self.nodes_start = 0

    @property
    def rows(self) -> ZoneRows:
        """Where the rows of the next zone go."""
        return self.zone_rows

    def assemble(self, origin: bytes) -> bool:
        """Add the zone whose rows are there; its origin is in wire form and small letters. False: it must be left."""
        self.number += 1
        nodes = self.nodes.used
        self.nodes_start = nodes
        names = self.names.used
        chain = self.chain.used
        hosts = self.hosts.used
        if self.add_zone(origin, len(origin)):
            return True
        self.nodes.used = nodes
        self.names.used = names
        self.chain.used = chain
        self.hosts.used = hosts
        self.negative = 0
        self.first_end = NO_END
        self.last_end = 0
        self.chain_flag = 0
        self.chain_entries = 0
        self.zone_flags = ZONE_LEFT
        return False

    def facts(self) -> tuple[int, int, int, int, int, int, int]:
        """Of the zone that was added: flags, ends, number, negative fragment, chain in units, its entries."""
        flags = self.zone_flags | self.chain_flag
        chain = self.chain_start // UNIT if self.chain_entries else 0
        return flags, self.first_end, self.last_end, self.number, self.negative, chain, self.chain_entries

    def extent(self) -> tuple[int, int]:
        """Where its nodes begin and end, in units."""
        return self.nodes_start // UNIT, self.nodes.used // UNIT

    def parameters(self) -> tuple[bytes, int]:
        """Salt and iterations of its NSEC3 chain."""
        if self.chain_flag == ZONE_NSEC3:
            return bytes(self.salt[: self.salt_octets]), self.iterations
        return b"", 0

    def append_zone(self, record: bytes) -> None:
        """Add the record of a zone."""
        self.zones.make_room(len(record))
        self.zones.copy_bytes(self.zones.address + self.zones.used, record, len(record))
        self.zones.used += len(record)

    def buckets(self) -> memoryview:
        """The table of names; one place always stays free, for there every search ends."""
        count = self.names.used // NAME_ENTRY
        size = int(count * LOAD) + 2
        table = GrowingOctets(8 * size)
        table.used = 8 * size
        self.fill(table, count, size)
        return table.view()

    def fill(self, table: GrowingOctets, count: int, size: int) -> int:
        """Put the names into the table."""
        for index in range(0, 2 * count, 2):
            if index & BREATH == BREATH - 1:
                sleep(0)
            value = self.names.longs[index]
            at = ((value >> HALF) * size) >> HALF
            while table.longs[at]:
                at += 1
                if at == size:
                    at = 0
            table.longs[at] = (value & TAG_MASK) << TAG_SHIFT | self.names.longs[index + 1]
        return 0

    def hosts_in_order(self) -> memoryview:
        """The entries of hosts; to be called once."""
        count = self.hosts.used // HOST_ENTRY
        for root in range(count // 2):  # into a heap (as heapsort has it), the largest first
            if root & BREATH == BREATH:
                sleep(0)
            self.sift(count // 2 - 1 - root, count)
        for last in range(count - 1):
            if last & BREATH == BREATH:
                sleep(0)
            end = count - 1 - last
            value = self.hosts.longs[end]
            self.hosts.longs[end] = self.hosts.longs[0]
            self.hosts.longs[0] = value
            self.sift(0, end)
        return self.hosts.view()

    def sift(self, root: int, end: int) -> int:
        """Let the entry at `root` sink to its place in the heap of so many."""
        value = self.hosts.longs[root]
        child = 2 * root + 1
        while child < end:
            if child + 1 < end and self.hosts.longs[child + 1] > self.hosts.longs[child]:
                child += 1
            if self.hosts.longs[child] <= value:
                break
            self.hosts.longs[root] = self.hosts.longs[child]
            root = child
            child = 2 * root + 1
        self.hosts.longs[root] = value
        return 0

    def add_zone(self, origin: bytes, octets: int) -> int:
        """Add all names; 0 where the zone cannot be answered from."""
        rows = self.zone_rows
        if rows.name_count == 0 or rows.key_size(0) or rows.find_row(0, SOA << HIGH) < 0:
            return 0
        if not self.begin_zone(origin, octets):
            return 0
        self.make_chain()
        for name in range(rows.name_count):
            rows.spend(NODE_STEPS + rows.key_size(name))
            if self.is_covered(name) or self.is_hashed(name):
                continue
            if not self.read_owner(name):
                return 0
            self.add_name(name)
        return 1

    # One name, for what changes an image that is there.

    def render(self, origin: bytes, key: bytes) -> Parts | None:
        """The node of a name in parts: flags; type, flags and fragment of each set (empty: too large); negative SOA.

        The rows must be those of this name, and of those beside it that it takes: the servers of a cut with their
        addresses, DNAMEs above these. None where there is no such name, or its zone cannot be answered from. This
        is for an assembler that assembles nothing else; links to a chain are the caller's matter.
        """
        if not self.begin_zone(origin, len(origin)):
            return None
        self.forget_fragments()
        self.hosts.used = 0  # of what changes in place they are noted by who changes it
        name = self.name_of(key, len(key))
        if name < 0 or not self.read_owner(name):
            return None
        flags = self.kind(name)
        self.add_sets(name, flags)
        sets = []
        for index in range(self.set_count):
            types = self.sets.words[index * WHOLE_SET]
            sets.append((types & LOW, types >> HIGH, self.fragment_octets(self.sets.words[index * WHOLE_SET + 1])))
        return flags, sets, self.fragment_octets(self.negative)

    def render_hashed(self, origin: bytes, key: bytes) -> bytes | None:
        """The fragment of the NSEC3 record at a key, its owner written out; empty: too large. None: there is none.

        As render().
        """
        if not self.begin_zone(origin, len(origin)):
            return None
        self.forget_fragments()
        name = self.name_of(key, len(key))
        if name < 0:
            return None
        row = self.zone_rows.find_row(name, NSEC3 << HIGH)
        if row < 0 or not self.is_hashed(name):
            return None
        return self.fragment_octets(self.store_hashed(name, row, self.zone_rows.find_row(name, RRSIG << HIGH | NSEC3)))

    def name_of(self, key: bytes, octets: int) -> int:
        """The name with this key, or -1."""
        for name in range(self.zone_rows.name_count):
            if self.zone_rows.key_size(name) == octets and self.zone_rows.is_key(name, key, octets):
                return name
        return -1
