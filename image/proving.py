"""That things are not there: the SOA, and with DO the proofs of RFC 4035 and RFC 5155."""

from __future__ import annotations

from image.chains import ChainSearcher
from image.layout import (
    AUTHORITY,
    DONE,
    DS,
    KIND_NXDOMAIN,
    LEAVE,
    NSEC,
    NXDOMAIN,
    OVERFLOW,
    ZONE_NSEC,
    ZONE_NSEC3,
    ZONE_SIGNED,
)


class Prover(ChainSearcher):
    """Adds denials and proofs to the reply. Each step ends as those of the responder do."""

    def deny_type(self, node: int, wildcard: int, there: int) -> int:
        """NODATA (RFC 2308 section 2.2), with its proof (RFC 4035 section 3.1.3.1, RFC 5155 section 7.2.3)."""
        if self.negative == 0:
            return LEAVE
        if not self.add(self.negative, self.zone_labels, AUTHORITY):
            return OVERFLOW
        if not self.dnssec or not self.zone_flags & ZONE_SIGNED:
            return DONE
        if self.zone_flags & ZONE_NSEC:
            return self.deny_type_nsec(node, wildcard, there)
        if not self.zone_flags & ZONE_NSEC3:
            return LEAVE
        self.read_parameters()
        if not wildcard:
            return self.prove_exact(node, self.depth)
        own = self.link_of(node)
        if own == 0:
            return LEAVE
        step = self.prove_closest(there)
        if step != DONE:
            return step
        return DONE if self.add_proof(self.nsec3_fragment(own)) else OVERFLOW

    def deny_type_nsec(self, node: int, wildcard: int, there: int) -> int:
        """The record at the name; of an empty non-terminal the one before it (RFC 4035 sections 3.1.3.1, 3.1.3.4)."""
        own = self.set_of(node, NSEC)
        if wildcard or own == 0:
            before = self.nsec_before(self.depth, 0)
            if not self.add_owned(self.nsec_fragment(before), before):
                return OVERFLOW
        if wildcard and own == 0:
            node = self.nsec_before(there, 1)
            own = self.set_of(node, NSEC)
        if own and not self.add_owned(self.nsec_fragment(node), node):
            return OVERFLOW
        return DONE

    def deny_name(self, there: int, encloser: int) -> int:
        """NXDOMAIN, with its proof (RFC 4035 section 3.1.3.2, RFC 5155 section 7.2.2); the closest encloser is a node,
        of so many labels.
        """
        if self.negative == 0:
            return LEAVE
        self.rcode = NXDOMAIN
        self.kind = KIND_NXDOMAIN
        if self.limiting:
            self.note(self.zone_labels)
        if not self.add(self.negative, self.zone_labels, AUTHORITY):
            return OVERFLOW
        if not self.dnssec or not self.zone_flags & ZONE_SIGNED:
            return DONE
        if self.zone_flags & ZONE_NSEC:
            before = self.nsec_before(self.depth, 0)
            if not self.add_owned(self.nsec_fragment(before), before):
                return OVERFLOW
            before = self.recall_denial(encloser) or self.keep_denial(encloser, self.nsec_before(there, 1))
            return DONE if self.add_owned(self.nsec_fragment(before), before) else OVERFLOW
        if not self.zone_flags & ZONE_NSEC3:
            return LEAVE
        self.read_parameters()
        step = self.prove_closest(there)
        if step != DONE:
            return step
        entry = self.recall_denial(encloser) or self.keep_denial(encloser, self.nsec3_covering(there, 1))
        if entry == 0:
            return LEAVE
        return DONE if self.add_proof(self.nsec3_fragment(entry)) else OVERFLOW

    def prove_wildcard(self, there: int) -> int:
        """That there is no closer match than the wildcard (RFC 4035 section 3.1.3.3, RFC 5155 section 7.2.6)."""
        if self.zone_flags & ZONE_NSEC:
            before = self.nsec_before(self.depth, 0)
            return DONE if self.add_owned(self.nsec_fragment(before), before) else OVERFLOW
        if not self.zone_flags & ZONE_NSEC3:
            return LEAVE
        self.read_parameters()
        return self.add_cover(there + 1)

    def prove_closest(self, there: int) -> int:
        """The closest encloser, and that the next closer name is not there (RFC 5155 section 7.2.1)."""
        node = self.find_node(there)
        own = self.link_of(node) if node else 0
        if own == 0:
            return LEAVE  # left out of the chain: rare, and not simple
        if not self.add_proof(self.nsec3_fragment(own)):
            return OVERFLOW
        return self.add_cover(there + 1)

    def prove_exact(self, node: int, level: int) -> int:
        """The record of a node; where it was left out, the proof that it may be (RFC 5155 sections 7.2.4, 7.2.7)."""
        own = self.link_of(node)
        if own:
            return DONE if self.add_proof(self.nsec3_fragment(own)) else OVERFLOW
        while level > self.zone_labels:
            level -= 1
            node = self.find_node(level)
            own = self.link_of(node) if node else 0
            if own:
                if not self.add_proof(self.nsec3_fragment(own)):
                    return OVERFLOW
                entry = self.nsec3_covering(level + 1, 0)
                if entry == 0 or not self.is_opt_out(self.nsec3_fragment(entry)):
                    return LEAVE
                return DONE if self.add_proof(self.nsec3_fragment(entry)) else OVERFLOW
        return LEAVE

    def add_cover(self, level: int) -> int:
        """The record whose span covers a name."""
        entry = self.nsec3_covering(level, 0)
        if entry == 0:
            return LEAVE
        return DONE if self.add_proof(self.nsec3_fragment(entry)) else OVERFLOW

    def prove_cut(self, node: int, level: int) -> int:
        """DS, or that there is none."""
        entry = self.set_of(node, DS)
        if entry:
            fragment = self.fragment_at(entry)
            if fragment == 0:
                return LEAVE
            return DONE if self.add(fragment, level, AUTHORITY) else OVERFLOW
        if self.zone_flags & ZONE_NSEC:
            if self.set_of(node, NSEC) == 0:
                return LEAVE
            return DONE if self.add_owned(self.nsec_fragment(node), node) else OVERFLOW
        if not self.zone_flags & ZONE_NSEC3:
            return LEAVE
        self.read_parameters()
        return self.prove_exact(node, level)
