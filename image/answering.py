"""The algorithm of answering (RFC 1034 section 4.3.2) for a query that was read, from the zones of images.

What an image does not answer (all of it is in image/README.md) is left to the plain implementation, auth/answer.py,
which is also what every answer is compared with. Plain Python; answering.pxd adds the types.
"""

from __future__ import annotations

from image.layout import (
    ANSWER,
    ANY,
    CNAME,
    DNAME,
    DONE,
    DROPPED,
    DS,
    EDE,
    EDE_OCTETS,
    FOLLOW,
    FORBIDDEN,
    KEY,
    KIND_ANSWER,
    KIND_ERROR,
    LEAVE,
    MAX_NAME,
    NO_ZONE,
    NODE_CNAME,
    NODE_CUT,
    NODE_DNAME,
    NODE_END,
    NODE_WILDCARD,
    NOT_ADMITTED,
    NOT_AUTHORITATIVE,
    NOT_MAPPED,
    NOWHERE,
    NSEC,
    NXT,
    OVERFLOW,
    PROHIBITED,
    RECORD_FIXED,
    REFUSED,
    TO_DROP,
    YXDOMAIN,
    ZONE_LEFT,
    ZONE_SIGNED,
)
from image.names import address_of, buffer
from image.referring import Referrer


class Answerer(Referrer):
    """Answers the query at hand, in the zone at hand."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed, udp_size)
        self.reason = buffer(EDE_OCTETS)
        self.reason_address = address_of(self.reason)

    def walk(self, at: int) -> int:
        """Answer from the zone at hand, and along a chain of CNAMEs from others."""
        if self.zone == NO_ZONE:
            return self.refuse(at, NOT_AUTHORITATIVE)
        if self.zone == FORBIDDEN:
            return self.refuse(at, PROHIBITED)
        if self.zone == TO_DROP:  # a caller who can drop does not come here
            return 0
        if not self.begin(at):
            return 0
        self.answer_records = 0
        self.link_count = 0
        self.dname_count = 0
        self.owed_count = 0
        self.entered_count = 0
        while True:
            step = self.step(self.link_count)
            if step == DONE and self.owed_count == 0 and self.answer_records == 0:
                return self.finish()
            if step != FOLLOW:
                return self.conclude(step)
            if self.is_at_end():
                return self.conclude(DONE)
            self.as_before()
            place = self.zone_for_query()
            if place in (NOWHERE, NOT_ADMITTED, DROPPED):  # it goes on where we are not asked, or not by this client
                return self.conclude(DONE)
            if place < 0:
                return 0
            self.as_before()

    def conclude(self, step: int) -> int:
        """The reply that has come to its end with this step; its octets, 0 where it is left."""
        if step == DONE and self.owed_count:
            step = self.prove_links()
        if step == DONE and self.courteous and self.answer_records:
            step = self.be_courteous()
        if step == DONE:
            return self.finish()
        return self.truncate() if step == OVERFLOW else 0

    def refuse(self, at: int, reason: int) -> int:
        """The reply to who asks for a name of none of our zones, or of one that is not for them (RFC 8914)."""
        before = self.options_octets
        if self.edns:
            self.reason[1] = reason
            self.put_option(EDE, self.reason_address, EDE_OCTETS)
        size = self.fail(at, REFUSED)
        self.options_octets = before
        return size

    def zone_for_query(self) -> int:
        """Enter the zone to answer the current name from; its place, or why there is none (image.layout)."""
        place = self.find_zone(self.depth)
        is_known = place >= 0 or place in (NOT_ADMITTED, DROPPED)
        if is_known and self.rdtype == DS and self.depth and self.zone_labels == self.depth:
            return self.zone_for_ds(place)
        return place

    def zone_for_ds(self, found: int) -> int:
        """For DS at the apex of the zone at hand, of which `found` was said: the one above, if it knows of the cut;
        else that zone itself (RFC 4035 section 3.1.4.1). Each is asked who may ask only if it comes to that.
        """
        zone = self.zone
        slot = self.slot
        row = self.row
        above = self.find_zone(self.depth - 1)
        if above != NOWHERE:
            if above < 0:
                return above
            if self.zone_flags & ZONE_LEFT:
                return NOT_MAPPED
            if self.knows_of_cut():
                return above
        self.enter(zone, slot)
        self.row = row
        return found

    def knows_of_cut(self) -> int:
        """Whether the zone at hand has the current name, so that it says itself what there is of DS."""
        for level in range(self.zone_labels, self.depth):
            node = self.find_node(level)
            if node and self.arena[node] & NODE_END:
                return 0
        node = self.find_node(self.depth)
        return 1 if node and not self.arena[node] & NODE_CNAME else 0

    def step(self, link: int) -> int:
        """Answer for the current name from the zone at hand."""
        if self.zone_flags & ZONE_LEFT:
            return LEAVE
        first = self.first_end
        if first < self.zone_labels:
            first = self.zone_labels
        last = self.last_end
        if last > self.depth:
            last = self.depth
        for level in range(first, last + 1):
            node = self.find_node(level)
            if node:
                flags = self.arena[node]
                if flags & NODE_CUT and not (level == self.depth and self.rdtype == DS):
                    return self.refer(node, level, link)
                if flags & NODE_DNAME and level < self.depth:
                    return self.redirect(node, level)
        node = self.find_node(self.depth)
        if node:
            return self.answer_node(node, 0, self.depth)
        there = self.closest(self.depth)
        node = self.find_node(there)
        if node and self.arena[node] & NODE_WILDCARD:
            node = self.find_wildcard(there)
            if self.limiting:
                self.note_encloser(there)
            return self.answer_node(node, 1, there) if node else LEAVE
        return self.deny_name(there, node)

    def redirect(self, node: int, level: int) -> int:
        """The DNAME of a node, and the CNAME it stands for, which is not signed (RFC 6672 sections 3.2, 5.3.1)."""
        entry = self.set_of(node, DNAME)
        fragment = self.fragment_at(entry) if entry else 0
        if fragment == 0:
            return LEAVE
        if self.limiting:
            self.note_encloser(level)
        self.kind = KIND_ANSWER
        at = self.dname_at(level)
        if at == 0:
            at = self.size
            if not self.add(fragment, level, ANSWER):
                return OVERFLOW
            self.note_dname(level, at)
        return self.link_to(level, at)

    def link_to(self, level: int, dname: int) -> int:
        """The CNAME from the current name by the DNAME at that place of the message, which is its suffix of `level`."""
        target = dname + RECORD_FIXED
        prefix = self.prefix_octets(level)
        if prefix + self.octets_of(target) > MAX_NAME:
            self.rcode = YXDOMAIN  # RFC 6672 section 2.2
            self.kind = KIND_ERROR
            self.counted_octets = 0
            return DONE
        link = self.size
        if not self.add_cname(level, prefix, dname, target):
            return OVERFLOW
        if self.rdtype in (CNAME, ANY):
            return DONE
        return FOLLOW if self.go_to(link + RECORD_FIXED) else LEAVE

    def answer_node(self, node: int, wildcard: int, there: int) -> int:
        """What a node has of the type, or that it has nothing; of a wildcard, whose encloser has `there` labels."""
        flags = self.arena[node]
        if wildcard and flags & NODE_END:
            return LEAVE
        entry = self.set_for_any(node) if self.rdtype == ANY else self.set_of(node, self.rdtype)
        if wildcard and self.rdtype in (DS, NXT, NSEC):  # of the wildcard itself (RFC 4592 sections 4.6 to 4.8)
            entry = 0
        is_link = entry == 0 and flags & NODE_CNAME and self.rdtype not in (KEY, NXT, NSEC)
        if is_link:
            entry = self.set_of(node, CNAME)
        if entry == 0:
            return self.deny_type(node, wildcard, there)
        fragment = self.fragment_at(entry)
        self.kind = KIND_ANSWER
        if fragment == 0:
            return self.too_large(entry)
        proven = wildcard and self.dnssec and self.zone_flags & ZONE_SIGNED
        at = self.size
        if not self.add(fragment, self.depth, ANSWER):
            return OVERFLOW
        if is_link:
            if proven:
                self.owe_proof(there)
            return FOLLOW if self.go_to(at + RECORD_FIXED) else LEAVE
        if self.courteous:
            self.note_answer(fragment, self.arena16[entry >> 1], at)
        if proven:
            return self.prove_wildcard(there)
        return DONE
