"""Referrals: the servers of a cut, what is known of its keys, and glue (RFC 1034 section 4.3.2 step 3b, RFC 9471).

A referral is one fragment with all its glue; only where that does not fit, or has signatures, its sets are looked at
one by one. Plain Python; referring.pxd adds the types.
"""

from __future__ import annotations

from image.chaining import Chain
from image.layout import (
    ADDITIONAL,
    AUTHORITY,
    DONE,
    FRAGMENT_FIXED,
    FRAGMENT_OCTETS,
    IN_DOMAIN_SHIFT,
    KIND_REFERRAL,
    LEAVE,
    OCTET,
    OVERFLOW,
    POINTER_OCTETS,
    RECORD_FIXED,
    REFERRAL,
    RRSIG,
    SECOND_FIXED,
    SET_LARGE,
    SET_MORE_GLUE,
    SET_SIGNED_GLUE,
    WITH_GLUE,
    ZONE_SIGNED,
)

TYPE_HIGH = 16  # bits above the covered type


class Referrer(Chain):
    """Refers to the servers of zones below."""

    def too_large(self, entry: int) -> int:
        """What becomes of a set that has no fragment: over UDP the reply is truncated if that is sure."""
        return OVERFLOW if self.arena16[(entry >> 1) + 1] & SET_LARGE and not self.stream else LEAVE

    def refer(self, node: int, level: int, link: int) -> int:
        """A referral with all its glue, and with DO what is known of its keys (RFC 4035 section 3.1.4, RFC 9471)."""
        entry = self.set_of(node, REFERRAL)
        fragment = self.fragment_at(entry)
        if link == 0:
            self.authoritative = 0
            self.kind = KIND_REFERRAL
            if self.limiting:
                self.note(level)
        if fragment == 0:
            return self.too_large(entry)
        if self.owed_count:
            step = self.prove_links()
            if step != DONE:
                return step
        first = self.size
        if not self.add(fragment, level, AUTHORITY):
            return OVERFLOW
        if self.dnssec and self.zone_flags & ZONE_SIGNED:
            step = self.prove_cut(node, level)
            if step != DONE:
                return step
        flags = self.arena16[(entry >> 1) + 1]
        if not flags & (SET_SIGNED_GLUE | SET_MORE_GLUE) and self.add_second(fragment, first, 0, ADDITIONAL):
            return DONE
        return self.add_glue(fragment, first, flags)

    def add_glue(self, fragment: int, first: int, flags: int) -> int:
        """Add set by set what there is room for; the servers are at `first` in the message, and `flags` are the set's.

        Glue that must be there and does not fit is OVERFLOW; other addresses, and signatures, are left out then
        (RFC 9471 section 3, RFC 4035 section 3.1.1). Each record begins with a pointer and has no other.
        """
        if self.stream and flags & SET_MORE_GLUE:
            return LEAVE
        source = self.source_of(fragment)
        servers = self.arena16[source >> 1]
        if not servers & WITH_GLUE:  # none of it is of any use
            return DONE
        servers &= FRAGMENT_OCTETS
        skipped = self.arena[source + 2]
        source += FRAGMENT_FIXED
        records = self.arena[source + 3]
        table = source + SECOND_FIXED + skipped * POINTER_OCTETS
        wire = table + self.arena[source + 2] * POINTER_OCTETS + servers
        number = 0
        while number < records:
            kind = self.kind_of(wire)
            target = self.arena16[(table >> 1) + 1]
            octets = 0
            count = 0
            while number + count < records and self.is_of_set(wire + octets, kind, table, count, target):
                octets += RECORD_FIXED + (self.arena[wire + octets + 10] << OCTET | self.arena[wire + octets + 11])
                count += 1
            if self.dnssec or kind >> TYPE_HIGH != RRSIG:
                if self.size + octets <= self.limit:
                    self.add_glue_set(wire, octets, count, target, first)
                elif number < flags >> IN_DOMAIN_SHIFT:
                    return OVERFLOW
                elif self.stream:
                    return LEAVE
            wire += octets
            table += count * POINTER_OCTETS
            number += count
        return DONE

    def kind_of(self, wire: int) -> int:
        """Type << 16 | covered type of the record there in the arena."""
        rdtype = self.arena[wire + 2] << OCTET | self.arena[wire + 3]
        covered = 0
        if rdtype == RRSIG:
            covered = self.arena[wire + RECORD_FIXED] << OCTET | self.arena[wire + RECORD_FIXED + 1]
        return rdtype << TYPE_HIGH | covered

    def is_of_set(self, wire: int, kind: int, table: int, number: int, target: int) -> int:
        """Whether the record there is of a set; its pointer is that of this number in the table."""
        if number == 0:
            return 1
        same = self.arena16[((table + number * POINTER_OCTETS) >> 1) + 1] == target
        return 1 if same and self.kind_of(wire) == kind else 0

    def add_glue_set(self, wire: int, octets: int, count: int, target: int, first: int) -> int:
        """Add so many records that have the same owner; there is room for them."""
        if self.arena[wire + octets - 1] < 0:  # it is in the arena, or this raises IndexError
            return 0
        self.copy(self.replies_address + self.at + self.size, self.arena_address + wire, octets)
        self.first_part = first
        place = self.size
        for _ in range(count):
            self.relocate(place, target, 0)
            at = self.at + place
            place += RECORD_FIXED + (self.replies[at + 10] << OCTET | self.replies[at + 11])
        self.size += octets
        self.counts[ADDITIONAL] += count
        return 0
