"""The chain of NSEC or NSEC3 records of a zone, as an image has it: only where it is whole and of one piece, so that
answers need not look whether there is a gap (auth/denial.py does). Plain Python; chainmaking.pxd adds the types.
"""

from __future__ import annotations

from image.fragmentstore import FragmentStore
from image.growing import GrowingOctets
from image.layout import (
    DNAME,
    DS,
    HASH_OCTETS,
    NS,
    NSEC,
    NSEC3,
    NSEC3_ENTRY,
    NSEC3PARAM,
    NSEC_ENTRY,
    RRSIG,
    TO_FRAGMENT,
    UNIT,
    WITH_SIGNATURES,
    ZONE_NSEC,
    ZONE_NSEC3,
    ZONE_SIGNED,
)
from image.names import buffer
from image.rowlayout import HIGH, LENGTH, NUMBER
from image.zonerows import ZoneRows

SHA1 = 1  # the only hash there is (RFC 5155 section 11)
MAX_ITERATIONS = 100  # as datasrc.nsec3 has it
MAX_FOREIGN = 64  # records of other chains, beyond which auth.denial takes the chain for broken
FIXED = 5  # octets of NSEC3 parameters before the salt
HASH_LABEL = 32  # octets of a SHA-1 digest in base32hex
DIGITS = b"0123456789abcdefghijklmnopqrstuv"
NO_DIGIT = 0xFF
NAME_STEPS = 4
BLOCK = 64  # octets of SHA-1
BLOCK_LENGTH = 8  # octets of the last one that say how much was hashed
BLOCK_STEPS = 64


class ChainMaker(FragmentStore):
    """The chain of the zone at hand."""

    def __init__(self, seed: int, rows: ZoneRows) -> None:
        super().__init__(seed, rows)
        self.chain = GrowingOctets(UNIT)
        self.chain.used = UNIT
        self.chain_start = 0  # octets
        self.chain_entries = 0
        self.chain_flag = 0
        self.digits = buffer(256)
        for octet in range(256):
            self.digits[octet] = DIGITS.index(octet) if octet in DIGITS else NO_DIGIT
        self.iterations = 0
        self.dnames = GrowingOctets(NUMBER)  # names with a DNAME that are not below one, in order
        self.zone_flags = 0
        self.nsec_entries = 0
        self.nsec_broken = False
        self.next_entry = 0
        self.zone_labels = 0
        self.cover_at = 0  # key of the last cut or DNAME, while names are below it
        self.cover_size = -1

    def survey(self) -> int:
        """Look what kind of zone it is, and whether NSEC records are a chain; 0 where it cannot be answered from."""
        rows = self.zone_rows
        self.zone_flags = 0
        self.dnames.used = 0
        self.nsec_entries = 0
        self.nsec_broken = False
        self.cover_size = -1
        for name in range(rows.name_count):
            rows.spend(NAME_STEPS + rows.first_row(name + 1) - rows.first_row(name))
            below = self.is_covered(name)
            for row in range(rows.first_row(name), rows.first_row(name + 1)):
                types = rows.type_of(row)
                rdtype = types >> HIGH
                if rdtype in (RRSIG, DS, NSEC3PARAM):
                    self.zone_flags = ZONE_SIGNED
                elif rdtype == NSEC:
                    self.zone_flags = ZONE_SIGNED
                    self.link_nsec(name, row, below)
                elif rdtype == NSEC3:
                    self.zone_flags = ZONE_SIGNED
                elif rdtype == DNAME:
                    self.note_dname(name)
                    if not below:
                        self.cover(name)
                elif rdtype == NS and name and not below:
                    self.cover(name)
                if (rdtype == NSEC3 or types == (RRSIG << HIGH | NSEC3)) and not self.may_be_hashed(name):
                    return 0
        if self.nsec_entries and rows.key_octets:
            self.nsec_broken = True  # it does not end at the apex
        self.cover_size = -1
        return 1

    def note_dname(self, name: int) -> int:
        """Note a name with a DNAME, but for one below another."""
        rows = self.zone_rows
        count = self.dnames.used // NUMBER
        if count:
            last = self.dnames.longs[count - 1]
            size = rows.key_size(last)
            at = self.heap.address + rows.key_start(last)
            if rows.key_size(name) >= size and self.equal(self.heap.address + rows.key_start(name), at, size):
                return 0
        self.dnames.make_room(NUMBER)
        self.dnames.longs[count] = name
        self.dnames.used += NUMBER
        return 0

    def cover(self, name: int) -> int:
        """What is below this name is not seen."""
        self.cover_at = self.zone_rows.key_start(name)
        self.cover_size = self.zone_rows.key_size(name)
        return 0

    def is_covered(self, name: int) -> int:
        """Whether a name is below a cut or a DNAME; names come in order."""
        if self.cover_size < 0:
            return 0
        at = self.zone_rows.key_start(name)
        if self.zone_rows.key_size(name) > self.cover_size and self.equal(
            self.heap.address + at, self.heap.address + self.cover_at, self.cover_size
        ):
            return 1
        self.cover_size = -1
        return 0

    def link_nsec(self, name: int, row: int, below: int) -> int:
        """Look whether an NSEC record is what the one before names, and note what it names."""
        rows = self.zone_rows
        if self.nsec_entries == 0:
            if name or rows.key_size(name):
                self.nsec_broken = True
        elif rows.key_octets == 0 or rows.compare_key(name):
            self.nsec_broken = True
        self.nsec_entries += 1
        at = rows.blob_of(row)
        end = at + rows.blob_size(row)
        size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
        at += LENGTH
        if below or at + size != end or rows.key_of(at, end) < 0:
            self.nsec_broken = True
            rows.key_octets = 0
        return 0

    def may_be_hashed(self, name: int) -> int:
        """Whether a name could be that of an NSEC3 record."""
        at = self.zone_rows.key_start(name)
        if self.zone_rows.key_size(name) != HASH_LABEL + 1:
            return 0
        for index in range(HASH_LABEL):
            if self.digits[self.heap.octets[at + index]] == NO_DIGIT:
                return 0
        return 1

    def is_hashed(self, name: int) -> int:
        """Whether a name has nothing but NSEC3 records and their signatures: it is none (RFC 5155 section 7.2.8)."""
        rows = self.zone_rows
        for row in range(rows.first_row(name), rows.first_row(name + 1)):
            types = rows.type_of(row)
            if types >> HIGH != NSEC3 and types != (RRSIG << HIGH | NSEC3):
                return 0
        return 1

    def make_chain(self) -> int:
        """Make the chain, where there is one: NSEC3 before NSEC, as auth.denial.prover_of has it."""
        rows = self.zone_rows
        self.chain_start = self.chain.used
        self.chain_entries = 0
        self.chain_flag = 0
        self.next_entry = 0
        parameters = self.find_parameters()
        if parameters:
            if self.collect_nsec3(parameters):
                self.chain_flag = ZONE_NSEC3
            else:
                self.chain.used = self.chain_start
                self.chain_entries = 0
        elif self.nsec_entries and not self.nsec_broken and rows.find_row(0, NSEC << HIGH) >= 0:
            self.chain_flag = ZONE_NSEC
            self.chain_entries = self.nsec_entries
            self.chain.make_room(self.nsec_entries * NSEC_ENTRY)
            self.chain.used += self.nsec_entries * NSEC_ENTRY
        return 0

    def find_parameters(self) -> int:
        """Where the parameters of a chain that may be used are in the heap (RFC 5155 section 4.1.2); 0: nowhere."""
        row = self.zone_rows.find_row(0, NSEC3PARAM << HIGH)
        if row < 0:
            return 0
        at = self.zone_rows.blob_of(row)
        end = at + self.zone_rows.blob_size(row)
        while at < end:
            size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            if size >= FIXED and size >= FIXED + self.heap.octets[at + 4]:
                self.iterations = self.heap.octets[at + 2] << 8 | self.heap.octets[at + 3]
                known = self.heap.octets[at] == SHA1 and self.heap.octets[at + 1] == 0
                if known and self.iterations <= MAX_ITERATIONS:
                    self.salt_octets = self.heap.octets[at + 4]
                    for index in range(self.salt_octets):
                        self.salt[index] = self.heap.octets[at + FIXED + index]
                    return at
            at += size
        return 0

    def collect_nsec3(self, parameters: int) -> int:
        """Collect the records of the chain with these parameters; whether each names the next."""
        rows = self.zone_rows
        foreign = 0
        entry = self.chain.used
        for name in range(rows.name_count):
            rows.spend(NAME_STEPS)
            row = rows.find_row(name, NSEC3 << HIGH)
            if row < 0:
                continue
            at = rows.blob_of(row)
            size = self.heap.octets[at] << 8 | self.heap.octets[at + 1]
            at += LENGTH
            if not self.is_of_chain(at, size, parameters):
                foreign += 1
                if foreign > MAX_FOREIGN:
                    return 0
                continue
            if size + LENGTH != rows.blob_size(row):
                return 0  # several records in one place
            self.chain.make_room(NSEC3_ENTRY)
            entry = self.chain.used
            self.decode(rows.key_start(name), entry)
            if self.chain_entries and not self.names_next(self.chain.words[(entry >> 2) - 1], entry):
                return 0
            self.chain.words[(entry + HASH_OCTETS) >> 2] = name
            self.chain.used += NSEC3_ENTRY
            self.chain_entries += 1
        if self.chain_entries == 0 or not self.names_next(
            self.chain.words[(entry + HASH_OCTETS) >> 2], self.chain_start
        ):
            return 0
        return self.store_nsec3()

    def is_of_chain(self, at: int, size: int, parameters: int) -> int:
        """Whether NSEC3 RDATA can be read and has these parameters; its flags may differ."""
        fixed = FIXED + self.salt_octets
        if size < fixed + 1 or size < fixed + 1 + self.heap.octets[at + fixed] or self.heap.octets[at + fixed] == 0:
            return 0
        for index in range(fixed):
            if index != 1 and self.heap.octets[at + index] != self.heap.octets[parameters + index]:
                return 0
        return 1

    def names_next(self, name: int, entry: int) -> int:
        """Whether the NSEC3 record of a name has the hash of an entry as the next one."""
        at = self.zone_rows.blob_of(self.zone_rows.find_row(name, NSEC3 << HIGH)) + LENGTH + FIXED
        at += self.salt_octets
        if self.heap.octets[at] != HASH_OCTETS:
            return 0
        return self.equal(self.heap.address + at + 1, self.chain.address + entry, HASH_OCTETS)

    def decode(self, at: int, entry: int) -> int:
        """Write the hash that a key in the heap stands for (RFC 4648 section 7) to an entry."""
        bits = 0
        value = 0
        for index in range(HASH_LABEL):
            value = value << 5 | self.digits[self.heap.octets[at + index]]
            bits += 5
            if bits >= 8:  # noqa: PLR2004 - an octet
                bits -= 8
                self.chain.octets[entry] = value >> bits & 0xFF
                entry += 1
            value &= 0xFF
        return 0

    def store_nsec3(self) -> int:
        """Put the fragments of the records into the entries, which have their names until then."""
        rows = self.zone_rows
        for index in range(self.chain_entries):
            rows.spend(NAME_STEPS)
            word = (self.chain_start + index * NSEC3_ENTRY + HASH_OCTETS) >> 2
            name = self.chain.words[word]
            row = rows.find_row(name, NSEC3 << HIGH)
            fragment = self.store_hashed(name, row, rows.find_row(name, RRSIG << HIGH | NSEC3))
            if fragment == 0:
                return 0
            self.chain.words[word] = fragment
        return 1

    def store_hashed(self, name: int, row: int, signatures: int) -> int:
        """The fragment of an NSEC3 record, its owner written out."""
        rows = self.zone_rows
        ttl = rows.ttl_of(row)
        at = rows.blob_of(row) + LENGTH
        self.begin_fragment(self.zone_labels)
        self.wire[0] = HASH_LABEL
        self.wire_used = 1
        self.put_octets(rows.key_start(name), HASH_LABEL)
        if self.zone_labels:
            self.point(self.zone_labels)
        else:
            self.wire[self.wire_used] = 0
            self.wire_used += 1
        self.put_record(NSEC3, ttl, at, rows.blob_size(row) - LENGTH)
        if signatures < 0:
            return self.store_fragment(0)
        self.begin_second()
        self.put_set(signatures, min(ttl, rows.ttl_of(signatures)), TO_FRAGMENT, 0)
        return self.store_fragment(WITH_SIGNATURES)

    def link_hashed(self, level: int) -> int:
        """The entry, from 1, with the hash of the suffix of so many labels; 0 where there is none."""
        self.hash_suffix(level, 0, self.iterations)
        blocks = (HASH_OCTETS + self.salt_octets + BLOCK_LENGTH) // BLOCK + 1  # of each iteration
        self.zone_rows.spend(blocks * (self.iterations + 1) * BLOCK_STEPS)
        low = 0
        high = self.chain_entries
        while low < high:
            middle = (low + high) >> 1
            order = self.compare_digest(self.chain_start + middle * NSEC3_ENTRY)
            if order == 0:
                return middle + 1
            if order < 0:
                low = middle + 1
            else:
                high = middle
        return 0

    def compare_digest(self, entry: int) -> int:
        """Below 0 where the hash of an entry is before the digest, 0 where it is that, above 0 else."""
        for index in range(HASH_OCTETS):
            left = self.chain.octets[entry + index]
            if left != self.digest[index]:
                return -1 if left < self.digest[index] else 1
        return 0
