"""Which names of a packed zone need the checks of datasrc.checks; of most names of a large zone a glance tells that
nothing can be wrong. Plain Python; packed_nodes.pxd adds the types.

Whatever is doubtful is left to the checks, so this decides nothing but how long they take.
"""

from __future__ import annotations

from time import sleep

from datasrc.octets import (
    AAAA,
    BREATH,
    CNAME,
    DS,
    MX,
    NS,
    NSEC,
    RRSIG,
    SRV,
    STAR,
    A,
)
from datasrc.packed_zone import PackedZone

# Sets of these types say nothing that a check looks at, whatever name they are of.
HARMLESS = (1, 12, 13, 16, 17, 28, 35, 44, 47, 50, 52, 64, 65, 99, 257)
WILDCARD_OCTETS = 2  # of a key
TYPES = 512  # types below this one can be harmless
MX_NUMBERS = 2  # octets before the name
SRV_NUMBERS = 6
LARGE = 16_384  # octets: whether a set fits in a message is looked at elsewhere

# What the sets of a name are, in flags.
HAS_NS = 1
HAS_CNAME = 2
HAS_DS = 4
HAS_OTHERS = 8  # of a type that a check may look at
NOT_BESIDE_CNAME = 16  # one that may not be beside a CNAME
NOT_BESIDE_NS = 32  # one that may not be beside the NS of a delegation
DOUBTFUL = 64  # one that needs a look by itself


class Glance:
    """Walks over the names of one zone."""

    def __init__(
        self, records: PackedZone, apex: bytes, origin_key: bytes, repeats: bool, algorithms: bytes = b""
    ) -> None:
        """`apex` is the origin's wire form in lower case; `repeats`: names that end in it twice are worth a look; so is
        what is not signed with each of these algorithms (datasrc.checks_signatures).
        """
        self.records = records
        self.harmless = bytearray(TYPES)
        for rdtype in HARMLESS:
            self.harmless[rdtype] = 1
        self.apex = apex
        self.apex_length = len(apex)
        self.origin_key = origin_key
        self.origin_length = len(origin_key)
        self.repeats = repeats
        self.algorithms = algorithms
        self.signed = bool(algorithms)
        self.cover = 0  # a set of the name that may hide what lies below it
        self.covered = False  # whether there is one

    def doubtful(self) -> list[tuple[int, int]]:
        """(first set, set after the last) of each name that needs a look, in order."""
        found = []
        index = 0
        count = self.records.set_count
        turns = 0
        while index < count:
            turns += 1
            if turns & BREATH == 0:  # others may have the interpreter
                sleep(0)
            after = index + 1
            while after < count and self.records.same_name(index, after):
                after += 1
            if not self.is_fine(index, after, count):
                end = self.end_of_delegation(index, after, count)
                if end:
                    index = end
                    continue
                found.append((index, after))
            index = after
        return found

    def end_of_delegation(self, first: int, after: int, count: int) -> int:
        """Where the sets end of a delegation with all its glue, of which nothing can be wrong; 0 where it is not such.

        Each server is outside of the zone or has its address below the cut, and each name there is one of a server.
        """
        servers = -1
        for index in range(first, after):
            rdtype = self.records.set_type(index)
            if rdtype == NS:
                servers = index
            elif rdtype == RRSIG:
                if not self.covers_present(index, first, after):
                    return 0
            elif rdtype not in (DS, NSEC):
                return 0
            if self.records.set_size(index) > LARGE:
                return 0
        length = self.records.name_length(first)
        if servers < 0 or length == 0 or self.is_wildcard(first, length) or self.is_hidden(first):
            return 0
        if self.repeats and self.records.begins_with(first, self.origin_key, self.origin_length):
            return 0
        if self.signed and not self.is_signed(first, after, True):
            return 0
        end = after
        while end < count and self.records.is_below(end, first):
            if self.records.set_type(end) not in (A, AAAA) or self.records.set_size(end) > LARGE:
                return 0
            if not self.records.is_led_to(servers, self.apex, self.apex_length, end):
                return 0
            end += 1
        if not self.records.leads_to_own(servers, self.apex, self.apex_length, after, end):
            return 0
        self.covered = False
        return end

    def is_hidden(self, first: int) -> bool:
        """Whether another name hides this one: is_fine() has made a delegation its own cover."""
        return self.covered and self.cover != first

    def is_fine(self, first: int, after: int, count: int) -> bool:
        """Whether nothing can be wrong with a name."""
        length = self.records.name_length(first)
        if length == 0:
            return False
        if self.covered:
            if self.records.is_below(first, self.cover):
                return False
            self.covered = False
        flags = self.look_at_types(first, after)
        if flags & (HAS_NS | HAS_OTHERS):  # others: a DNAME, perhaps
            self.cover = first
            self.covered = True
        if flags & (HAS_OTHERS | DOUBTFUL) or (flags & HAS_DS and not flags & HAS_NS):
            return False
        if flags & HAS_CNAME and flags & NOT_BESIDE_CNAME:
            return False
        if flags & HAS_NS and (
            flags & NOT_BESIDE_NS or self.is_wildcard(first, length) or self.is_above(first, after, count)
        ):
            return False
        if self.signed and not self.is_signed(first, after, flags & HAS_NS != 0):
            return False
        return not (self.repeats and self.records.begins_with(first, self.origin_key, self.origin_length))

    def look_at_types(self, first: int, after: int) -> int:
        """What the sets of a name are, and whether one is doubtful by itself."""
        flags = 0
        for index in range(first, after):
            rdtype = self.records.set_type(index)
            if rdtype == NS:
                flags |= HAS_NS
            elif rdtype == CNAME:
                flags |= HAS_CNAME
            elif rdtype == DS:
                flags |= HAS_DS
            elif rdtype == RRSIG:
                if not self.covers_present(index, first, after):
                    flags |= DOUBTFUL
            elif rdtype != MX and rdtype != SRV and (rdtype >= TYPES or not self.harmless[rdtype]):
                flags |= HAS_OTHERS
            if rdtype != RRSIG and rdtype != NSEC:
                if rdtype != CNAME:
                    flags |= NOT_BESIDE_CNAME
                if rdtype != NS and rdtype != DS:
                    flags |= NOT_BESIDE_NS
            if self.records.set_size(index) > LARGE:
                flags |= DOUBTFUL
            if rdtype in (NS, MX, SRV):
                if not self.leads_away(index, rdtype):
                    flags |= DOUBTFUL
            elif rdtype == CNAME and (self.records.set_members(index) != 1 or not self.leads_away(index, rdtype)):
                flags |= DOUBTFUL
        return flags

    def is_signed(self, first: int, after: int, is_cut: bool) -> bool:
        """Whether each set of a name has a signature of each algorithm; of a delegation its DS and NSEC."""
        for index in range(first, after):
            rdtype = self.records.set_type(index)
            if rdtype == RRSIG or (is_cut and rdtype != DS and rdtype != NSEC):
                continue
            signatures = self.signatures_of(rdtype, first, after)
            if signatures == after:
                return False
            for place in range(len(self.algorithms)):
                if not self.records.set_signs(signatures, self.algorithms[place]):
                    return False
        return True

    def signatures_of(self, rdtype: int, first: int, after: int) -> int:
        """The set of a name with the signatures of this type; `after` where there is none."""
        for index in range(first, after):
            if self.records.set_type(index) == RRSIG and self.records.set_covers(index) == rdtype:
                return index
        return after

    def covers_present(self, signatures: int, first: int, after: int) -> bool:
        """Whether the type that signatures cover is at the name."""
        covered = self.records.set_covers(signatures)
        for index in range(first, after):
            if self.records.set_type(index) == covered:
                return True
        return False

    def is_wildcard(self, first: int, length: int) -> bool:
        """Whether the first label of the name is an asterisk."""
        if length < WILDCARD_OCTETS or self.records.key_octet(first, length - 2) != STAR:
            return False
        return length == WILDCARD_OCTETS or self.records.key_octet(first, length - 3) == 0

    def is_above(self, first: int, after: int, count: int) -> bool:
        """Whether the next name lies below this one."""
        return after < count and self.records.is_below(after, first)

    def leads_away(self, index: int, rdtype: int) -> bool:
        """Whether all targets of a set lie outside of the zone and do not look like addresses."""
        skipped = 0
        if rdtype == MX:
            skipped = MX_NUMBERS
        elif rdtype == SRV:
            skipped = SRV_NUMBERS
        return self.records.leads_outside(index, skipped, self.apex, self.apex_length)
