"""Which names of a packed zone need the checks of datasrc.checks: a glance tells of most names of a large zone that
nothing can be wrong. Plain Python; packed_nodes.pxd adds the types.

Whatever is doubtful is left to the checks, so this decides nothing but how long they take.
"""

from __future__ import annotations

from time import sleep

from datasrc.growth import zeros
from datasrc.octets import (
    AAAA,
    BREATH,
    CNAME,
    DNAME,
    DS,
    HAS_ADDRESS,
    HAS_CNAME,
    HAS_DNAME,
    HAS_NS,
    IS_NAME,
    LED_TO,
    MX,
    NS,
    NSEC,
    RRSIG,
    SRV,
    STAR,
    A,
)
from datasrc.packed_targets import PackedTargets
from datasrc.packed_zone import PackedZone

# Sets of these types are left to the checks wherever they are (SOA, SIG, KEY, NXT, OPT, DNSKEY, NSEC3PARAM, CDS,
# CDNSKEY, CSYNC, ZONEMD), and so are those that no zone may have; most others say nothing that a check looks at.
PARTICULAR = (0, 6, 24, 25, 30, 41, 48, 51, 59, 60, 62, 63)
META_FROM = 128  # to below TYPES
TYPES = 256  # types from this one on say nothing either
WILDCARD_OCTETS = 2  # of a key
BEHIND_LABEL = b"\1"  # in place of the end of a label: behind all that has it
LARGE = 16_384  # octets: whether a set fits in a message is looked at elsewhere

# What the sets of a name are, in flags, beside those of datasrc.octets.
HAS_DS = 64
NOT_BESIDE_CNAME = 128  # one that may not be beside a CNAME
NOT_BESIDE_NS = 256  # one that may not be beside the NS of a delegation
IS_ODD = 512  # one that needs a look by itself
NO_ADDRESS = 1024  # any that has no addresses

# What a name is, at its first set.
DOUBTFUL = 1
COVERS = 2  # it hides what lies below it
HIDDEN = 4  # by the last one before it that covers
GLUE = 8  # it has addresses that something has to lead to


class Glance:
    """Walks over the names of one zone, once its sets are made and before it is compacted."""

    def __init__(
        self,
        records: PackedZone,
        apex: bytes,
        origin: bytes,
        origin_key: bytes,
        repeats: bool,
        algorithms: bytes = b"",
    ) -> None:
        """`apex` is the wire form of the origin in small letters, `origin` the same as it is spelled; `repeats`: names
        that end in it twice are worth a look; so is what is not signed with each of these algorithms
        (datasrc.checks_signatures).
        """
        self.records = records
        self.targets = PackedTargets(records, apex, origin)
        self.states = memoryview(zeros(records.set_count + 1))
        self.particular = bytearray(TYPES)
        for rdtype in (*PARTICULAR, *range(META_FROM, TYPES)):
            self.particular[rdtype] = 1
        self.repeats_from = self.repeats_until = 0  # sets of names that end in the origin twice
        if repeats:
            self.repeats_from = records.lower(origin_key)
            self.repeats_until = records.lower(origin_key[:-1] + BEHIND_LABEL)
        self.algorithms = algorithms
        self.signed = bool(algorithms)
        self.cover = 0  # a name that hides what lies below it
        self.covered = False  # whether there is one
        self.hides = False  # whether there was any
        self.delegated = False  # whether it is a delegation, and has no DNAME

    def doubtful(self) -> list[tuple[int, int]]:
        """(first set, set after the last) of each name that needs a look, in order; once."""
        first = 0
        turns = 0
        while first < self.records.set_count:
            turns += 1
            if turns & BREATH == 0:  # others may have the interpreter
                sleep(0)
            after = self.targets.names.after(first)
            if not self.is_plain(first, after):
                self.look_at(first, after)
            first = after
        if self.hides:
            self.settle()
        found = []
        for index in range(self.records.set_count):
            if index & BREATH == BREATH:
                sleep(0)
            if self.states[index] & DOUBTFUL:
                found.append((index, self.targets.names.after(index)))
        return found

    def is_server(self, key: bytes) -> bool:
        """Whether an NS record that the zone answers or refers with leads to the name of this key."""
        return self.targets.is_led_to(key)

    def settle(self) -> int:
        """What nothing leads to is doubtful; so is what hides anything that is."""
        cover = 0
        for index in range(self.records.set_count):
            if index & BREATH == BREATH:
                sleep(0)
            state = self.states[index]
            if state & GLUE and not self.targets.marks[index] & LED_TO:
                state |= DOUBTFUL
                self.states[index] = state
            if state & COVERS:
                cover = index
            if state & HIDDEN and state & DOUBTFUL:
                self.states[cover] |= DOUBTFUL
        return 0

    def is_plain(self, first: int, after: int) -> bool:
        """Whether nothing can be wrong with a name; nothing of its records is fetched for that."""
        if self.covered or self.signed or first == 0 or self.repeats_from <= first < self.repeats_until:
            return False
        if self.targets.names.kinds[first] & ~HAS_ADDRESS != IS_NAME:
            return False
        for index in range(first, after):
            if self.records.set_size(index) > LARGE:
                return False
        return True

    def look_at(self, first: int, after: int) -> int:
        """Note what a name is."""
        if self.covered and not self.records.is_below(first, self.cover):
            self.covered = False
        flags = self.look_at_types(first, after)
        length = self.records.name_length(first)
        if length == 0:
            self.states[first] = DOUBTFUL
            if flags & HAS_DNAME:
                self.states[first] = DOUBTFUL | COVERS
                self.cover_with(first, False)
            self.are_fine(first, after)  # some are marked so
            return 0
        state = HIDDEN if self.covered else 0
        if self.is_odd(first, flags, length):
            state |= DOUBTFUL
        if self.covered:
            if flags & NO_ADDRESS or not self.delegated:
                state |= DOUBTFUL
            else:
                state |= GLUE
        else:
            if not self.are_fine(first, after):
                state |= DOUBTFUL
            if self.signed and not self.is_signed(first, after, flags & HAS_NS != 0):
                state |= DOUBTFUL
            if flags & (HAS_NS | HAS_DNAME):
                state |= COVERS
                self.cover_with(first, flags & HAS_DNAME == 0)
            if flags & HAS_NS and flags & HAS_ADDRESS:
                state |= GLUE
        self.states[first] = state
        return 0

    def cover_with(self, first: int, delegated: bool) -> int:
        """Have what lies below a name hidden."""
        self.cover = first
        self.covered = self.hides = True
        self.delegated = delegated
        return 0

    def is_odd(self, first: int, flags: int, length: int) -> bool:
        """Whether anything may be wrong with a name below the apex whatever other names have."""
        if flags & IS_ODD:
            return True
        if flags & HAS_DS and not flags & HAS_NS:
            return True
        if flags & HAS_CNAME and flags & NOT_BESIDE_CNAME:
            return True
        if flags & HAS_NS and flags & (NOT_BESIDE_NS | HAS_DNAME):
            return True
        if flags & (HAS_NS | HAS_DNAME) and self.is_wildcard(first, length):
            return True
        return self.repeats_from <= first < self.repeats_until

    def look_at_types(self, first: int, after: int) -> int:
        """What the sets of a name are, and whether one is odd by itself."""
        flags = 0
        for index in range(first, after):
            rdtype = self.records.set_type(index)
            if rdtype in (A, AAAA):
                flags |= HAS_ADDRESS | NOT_BESIDE_CNAME
            elif rdtype == CNAME:
                flags |= HAS_CNAME | NO_ADDRESS | NOT_BESIDE_NS
            elif rdtype == NS:
                flags |= HAS_NS | NO_ADDRESS | NOT_BESIDE_CNAME
            elif rdtype == DS:
                flags |= HAS_DS | NO_ADDRESS | NOT_BESIDE_CNAME
            elif rdtype == RRSIG:
                flags |= NO_ADDRESS
                if not self.covers_present(index, first, after):
                    flags |= IS_ODD
            elif rdtype == NSEC:
                flags |= NO_ADDRESS
            elif rdtype == DNAME:
                flags |= HAS_DNAME | NO_ADDRESS | NOT_BESIDE_CNAME
            else:
                flags |= NO_ADDRESS | NOT_BESIDE_CNAME | NOT_BESIDE_NS
                if rdtype < TYPES and self.particular[rdtype]:
                    flags |= IS_ODD
            if self.records.set_size(index) > LARGE:
                flags |= IS_ODD
            if rdtype in (CNAME, DNAME) and self.records.set_members(index) != 1:
                flags |= IS_ODD
        return flags

    def are_fine(self, first: int, after: int) -> bool:
        """Whether nothing is wrong with the targets of a name that is not hidden."""
        fine = True
        for index in range(first, after):
            rdtype = self.records.set_type(index)
            if rdtype in (NS, CNAME, MX, SRV) and not self.targets.are_fine(index, rdtype, first):
                fine = False
        return fine

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
        index = self.lower_set(RRSIG, rdtype, first, after)
        if index < after and self.records.set_type(index) == RRSIG and self.records.set_covers(index) == rdtype:
            return index
        return after

    def covers_present(self, signatures: int, first: int, after: int) -> bool:
        """Whether the type that signatures cover is at the name."""
        covered = self.records.set_covers(signatures)
        index = self.lower_set(covered, 0, first, after)
        return index < after and self.records.set_type(index) == covered

    def lower_set(self, rdtype: int, covers: int, first: int, after: int) -> int:
        """The first set of a name that is of this type or comes behind; they are in order, and may be very many."""
        low, high = first, after
        while low < high:
            middle = (low + high) // 2
            middle_type = self.records.set_type(middle)
            if middle_type < rdtype or (middle_type == rdtype and self.records.set_covers(middle) < covers):
                low = middle + 1
            else:
                high = middle
        return low

    def is_wildcard(self, first: int, length: int) -> bool:
        """Whether the first label of the name is an asterisk."""
        if length < WILDCARD_OCTETS or self.records.key_octet(first, length - 2) != STAR:
            return False
        return length == WILDCARD_OCTETS or self.records.key_octet(first, length - 3) == 0
