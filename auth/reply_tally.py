"""Counting what compiled code answers, as auth/tally.py counts what the plain implementation answers.

Plain Python; reply_tally.pxd adds the types.
"""

from __future__ import annotations

from auth.counted import (
    AUTHORITATIVE,
    COUNTED,
    NODATA,
    NOT_AUTHORITATIVE,
    OPCODE_QUERY,
    QTYPE_COUNTERS,
    QTYPE_OTHER,
    QTYPE_PLACES,
    RCODE_BADCOOKIE,
    RCODE_OTHER,
    RCODES,
    RECURSION,
    REFERRAL,
    REJECTED,
    REQUEST_DO,
    REQUEST_EDNS,
    RESPONSE_EDNS,
    RESPONSES,
    SUCCESS,
    TRUNCATED,
)
from image.layout import BADCOOKIE, KIND_ANSWER, KIND_REFERRAL

# Of a reply (RFC 1035 section 4.1.1).
AA = 0x04
TC = 0x02
RD = 0x01
REFUSED = 5
LAST_NAMED = 10  # rcodes up to NOTZONE have a counter each


class ReplyTally:
    """Counts of one thread, in the order of COUNTED."""

    def __init__(self) -> None:
        self.counts = memoryview(bytearray(8 * len(COUNTED))).cast("Q")
        self.at = 0  # where the counts begin
        self.types = memoryview(QTYPE_COUNTERS)

    def count_in(self, slots: memoryview) -> None:
        """Go on in these slots, of a mapped page: as soon as it is made a count outlives this process."""
        self.counts = slots

    def add(self, number: int, amount: int) -> int:
        """Count."""
        self.counts[self.at + number] += amount
        return 0

    def asked(self, flags: int, edns: int, dnssec: int) -> int:
        """Count a query by the first octet of its flags, and what it has."""
        at = self.at
        self.counts[at + OPCODE_QUERY] += 1
        if flags & RD:
            self.counts[at + RECURSION] += 1
        if edns:
            self.counts[at + REQUEST_EDNS] += 1
            if dnssec:
                self.counts[at + REQUEST_DO] += 1
        return 0

    def typed(self, rdtype: int) -> int:
        """Count a query by the type of its question."""
        self.counts[self.at + (self.types[rdtype] if rdtype < QTYPE_PLACES else QTYPE_OTHER)] += 1
        return 0

    def replied(self, flags: int, rcode: int, kind: int, edns: int) -> int:
        """Count a reply by the first octet of its flags, its rcode and kind (image.layout), and whether it has OPT."""
        at = self.at
        self.counts[at + RESPONSES] += 1
        if edns:
            self.counts[at + RESPONSE_EDNS] += 1
        if flags & TC:
            self.counts[at + TRUNCATED] += 1
        self.counts[at + (AUTHORITATIVE if flags & AA else NOT_AUTHORITATIVE)] += 1
        if rcode <= LAST_NAMED:
            self.counts[at + RCODES + rcode] += 1
        else:
            self.counts[at + (RCODE_BADCOOKIE if rcode == BADCOOKIE else RCODE_OTHER)] += 1
        if rcode == 0:
            if kind == KIND_ANSWER:
                self.counts[at + SUCCESS] += 1
            else:
                self.counts[at + (REFERRAL if kind == KIND_REFERRAL else NODATA)] += 1
        elif rcode == REFUSED and not flags & RD:
            self.counts[at + REJECTED] += 1
        return 0
