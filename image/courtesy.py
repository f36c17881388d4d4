"""What comes with an answer where it is asked for: the name servers of the zone, and addresses of what is named.

Nobody needs it: what does not fit is left out, without TC (RFC 2181 section 9). Where it would take data that images
do not have, the query is left. As auth/additional.py has it; plain Python, courtesy.pxd adds the types.
"""

from __future__ import annotations

from image.layout import (
    AAAA,
    ADDITIONAL,
    AUTHORITY,
    DONE,
    DROPPED,
    HTTPS,
    LEAVE,
    MAX_ADDITIONAL_NAMES,
    MX,
    NODE_CUT,
    NODE_DNAME,
    NODE_END,
    NODE_WILDCARD,
    NOT_ADMITTED,
    NOWHERE,
    NS,
    OCTET,
    RECORD_FIXED,
    SRV,
    SVCB,
    ZONE_LEFT,
    A,
)
from image.names import buffer
from image.proving import Prover

NO_TARGET = -1
MX_TARGET = 2  # octets of the RDATA before the name: the preference (RFC 1035 section 3.3.9)
SRV_TARGET = 6  # priority, weight and port (RFC 2782)
SVCB_TARGET = 2  # the priority (RFC 9460 section 2.2)


class Courtesy(Prover):
    """Adds to an answer that is complete. `courteous` is set where that is wanted."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.courteous = 0
        # Of the set that was asked for, as it is in the message.
        self.answer_at = 0
        self.answer_records = 0  # 0: there is none
        self.answer_type = 0
        self.answer_name = 0  # its hash
        self.targets = buffer(8 * 2 * MAX_ADDITIONAL_NAMES).cast("q")  # names of hosts: where they are in the message
        self.target_hashes = buffer(8 * 2 * MAX_ADDITIONAL_NAMES).cast("Q")
        self.target_count = 0

    def note_answer(self, fragment: int, rdtype: int, at: int) -> int:
        """The set of the current name that was asked for is at this place of the message."""
        self.answer_at = at
        self.answer_records = self.arena[self.source_of(fragment) + 3]
        self.answer_type = rdtype
        self.answer_name = self.hashes[self.levels_at + self.depth]
        return 0

    def be_courteous(self) -> int:
        """Add to the answer; DONE, or LEAVE where images do not have what there is to add."""
        self.as_before()
        dnssec = self.dnssec
        self.dnssec = 0  # signatures come last (RFC 4035 section 3.1.1)
        step = self.add_courtesies(dnssec)
        self.dnssec = dnssec
        return step

    def add_courtesies(self, dnssec: int) -> int:
        """The name servers of the zone at hand, the addresses, the signatures of these."""
        servers_at = self.size
        servers = 0
        if self.answer_type != NS or self.depth != self.zone_labels:
            node = self.find_node(self.zone_labels)
            entry = self.set_of(node, NS) if node else 0
            fragment = self.fragment_at(entry) if entry else 0
            if fragment == 0:
                return LEAVE
            if self.add(fragment, self.zone_labels, AUTHORITY):
                servers = self.arena[self.source_of(fragment) + 3]
            elif self.stream:
                return LEAVE
            if dnssec and not self.add_second(fragment, self.size, self.zone_labels, AUTHORITY) and self.stream:
                return LEAVE
        self.target_count = 0
        if not self.gather(self.answer_type, self.answer_at, self.answer_records):
            return DONE
        before = self.target_count
        if not self.gather(NS, servers_at, servers):
            self.target_count = before
        step = DONE
        for signatures in range(2 if dnssec else 1):
            for target in range(self.target_count):
                if step == DONE:
                    step = self.add_addresses(target, signatures)
        return step

    def gather(self, rdtype: int, at: int, records: int) -> int:
        """Remember the hosts that these records name, each once; 0 where they are too many (CVE-2024-11187)."""
        offset = self.target_offset(rdtype)
        if offset == NO_TARGET:
            return 1
        own = 0
        first = self.target_count
        for _ in range(records):
            place = at + RECORD_FIXED + offset
            if self.replies[self.at + place] == 0 and rdtype in (SVCB, HTTPS) and self.has_priority(at):
                place = at  # the owner itself (RFC 9460 section 2.5.2)
            at += RECORD_FIXED + (self.replies[self.at + at + 10] << OCTET | self.replies[self.at + at + 11])
            if not self.follow(place):
                continue
            value = self.hashes[self.levels_at + self.depth]
            if self.is_among(value, first, self.target_count):
                continue
            own += 1
            if own > MAX_ADDITIONAL_NAMES:
                return 0
            self.targets[self.target_count] = place
            self.target_hashes[self.target_count] = value
            self.target_count += 1
        return 1

    def target_offset(self, rdtype: int) -> int:
        """Where in the RDATA of a type the name of a host is."""
        if rdtype == NS:
            return 0
        if rdtype == MX:
            return MX_TARGET
        if rdtype == SRV:
            return SRV_TARGET
        return SVCB_TARGET if rdtype in (SVCB, HTTPS) else NO_TARGET

    def has_priority(self, at: int) -> int:
        """Whether the SVCB record there is of a service, not an alias (RFC 9460 section 2.4.1)."""
        rdata = self.at + at + RECORD_FIXED
        return self.replies[rdata] != 0 or self.replies[rdata + 1] != 0

    def is_among(self, value: int, first: int, end: int) -> int:
        """Whether a name is among these targets."""
        for target in range(first, end):
            if self.target_hashes[target] == value:
                return 1
        return 0

    def add_addresses(self, target: int, signatures: int) -> int:
        """Add the addresses of a host, or their signatures. Of a wildcard these would want a proof: none are sent."""
        value = self.target_hashes[target]
        if self.is_among(value, 0, target) or not self.follow(self.targets[target]):
            return DONE
        place = self.find_zone(self.depth)
        if place in (NOWHERE, NOT_ADMITTED, DROPPED):
            return DONE
        if place < 0:
            return LEAVE
        self.as_before()
        if self.zone_flags & ZONE_LEFT or self.is_occluded():
            return LEAVE
        node = self.find_node(self.depth)
        if node == 0:
            there = self.closest(self.depth)
            node = self.find_node(there)
            if node == 0 or not self.arena[node] & NODE_WILDCARD or signatures:
                return DONE
            node = self.find_wildcard(there)
            if node == 0 or self.arena[node] & NODE_END:
                return LEAVE
        if not self.add_address(node, A, value, signatures) or not self.add_address(node, AAAA, value, signatures):
            return LEAVE
        return DONE

    def is_occluded(self) -> int:
        """Whether the current name is at or below a cut, or below a DNAME: images do not have what is there."""
        first = self.first_end if self.first_end > self.zone_labels else self.zone_labels
        last = self.last_end if self.last_end < self.depth else self.depth
        for level in range(first, last + 1):
            node = self.find_node(level)
            flags = self.arena[node] if node else 0
            if flags & NODE_CUT or (flags & NODE_DNAME and level < self.depth):
                return 1
        return 0

    def add_address(self, node: int, rdtype: int, value: int, signatures: int) -> int:
        """Add the set of a node, or its signatures, if it is not the answer; 0 where images are not enough for that."""
        entry = self.set_of(node, rdtype)
        if entry == 0 or (rdtype == self.answer_type and value == self.answer_name):
            return 1
        fragment = self.fragment_at(entry)
        if fragment == 0:
            return 0
        if signatures:
            return self.add_second(fragment, self.size, self.depth, ADDITIONAL) or not self.stream
        return self.add(fragment, self.depth, ADDITIONAL) or not self.stream
