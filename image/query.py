"""Reading queries as clients usually send them: one question of class IN, and at most an OPT.

What is unusual or malformed is left to the plain implementation. Of EDNS options those are remembered that a caller may
have an answer to; all others are passed over (RFC 6891 section 6.1.2). Plain Python; query.pxd adds the types.
"""

from __future__ import annotations

from image.layout import (
    ANY,
    CLASS_IN,
    COOKIE,
    DO,
    FIRST_META,
    KEEPALIVE,
    LAST_META,
    MESSAGE_HEADER,
    MIN_UDP_SIZE,
    NSID,
    OCTET,
    OPT,
    OPT_OCTETS,
    OPTION_FIXED,
    POINTER_REACH,
    QUESTION_FIXED,
    RRSIG,
    SIG,
    UNUSUAL_FLAGS,
    UNUSUAL_FLAGS_TOO,
    WANTS_COOKIE,
    WANTS_KEEPALIVE,
    WANTS_NSID,
)
from image.sha1 import NameHasher


class QueryReader(NameHasher):
    """The query that was read last."""

    def __init__(self, seed: int, udp_size: int) -> None:
        super().__init__(seed)
        self.udp_size = udp_size  # octets of the largest reply over UDP, whatever the client takes
        self.stream = 0  # set for TCP: replies have up to POINTER_REACH octets, the rest is left
        self.leaves_any = 0  # set where ANY has another answer than a set of the name
        self.start = 0
        self.question_octets = 0
        self.rdtype = 0
        self.limit = 0  # octets of the reply, its OPT not counted
        self.edns = 0
        self.dnssec = 0
        self.wanted = 0  # options that are there: WANTS_*
        self.cookie_at = 0  # the content of COOKIE, unchecked
        self.cookie_octets = 0

    def read_query(self, start: int, length: int) -> int:
        """Read a query; 0 where it has anything unusual."""
        end = start + length
        if length < MESSAGE_HEADER + QUESTION_FIXED + 1 or end > len(self.octets):
            return 0
        if self.octets[start + 2] & UNUSUAL_FLAGS or self.octets[start + 3] & UNUSUAL_FLAGS_TOO:
            return 0
        for index in range(4, MESSAGE_HEADER):
            if index == 11:  # noqa: PLR2004 - an OPT record
                continue
            if self.octets[start + index] != (index == 5):  # noqa: PLR2004 - one question
                return 0
        at = self.scan(start + MESSAGE_HEADER, end)
        if at == 0 or at + QUESTION_FIXED > end:
            return 0
        self.start = start
        self.rdtype = self.octets[at] << OCTET | self.octets[at + 1]
        if self.octets[at + 2] != 0 or self.octets[at + 3] != CLASS_IN:
            return 0
        if FIRST_META <= self.rdtype <= LAST_META and (self.rdtype != ANY or self.leaves_any):
            return 0
        if self.rdtype in (0, OPT, SIG, RRSIG):
            return 0
        at += QUESTION_FIXED
        self.question_octets = at - start - MESSAGE_HEADER
        return self.read_opt(at, end, self.octets[start + 11])

    def read_opt(self, at: int, end: int, records: int) -> int:
        """Read an OPT, or none; 0 where there is anything else."""
        self.limit = MIN_UDP_SIZE
        self.edns = 0
        self.dnssec = 0
        self.wanted = 0
        if records:
            if records != 1 or end - at < OPT_OCTETS:
                return 0
            if self.octets[at] != 0 or self.octets[at + 1] != 0 or self.octets[at + 2] != OPT:
                return 0
            if self.octets[at + 5] or self.octets[at + 6]:
                return 0  # an extended rcode, another version
            size = self.octets[at + 3] << OCTET | self.octets[at + 4]
            if size > self.udp_size:
                size = self.udp_size
            if size > self.limit:
                self.limit = size
            self.edns = 1
            self.dnssec = self.octets[at + 7] & DO
            options = end - at - OPT_OCTETS
            if options != self.octets[at + 9] << OCTET | self.octets[at + 10]:
                return 0
            if options and not self.read_options(at + OPT_OCTETS, end):
                return 0
        elif at != end:
            return 0
        if self.stream:
            self.limit = POINTER_REACH
        return 1

    def read_options(self, at: int, end: int) -> int:
        """Look through the options; 0 where they are malformed, or what is said by them must not be said."""
        while at < end:
            body = at + OPTION_FIXED
            if body > end:
                return 0
            code = self.octets[at] << OCTET | self.octets[at + 1]
            size = self.octets[at + 2] << OCTET | self.octets[at + 3]
            if body + size > end:
                return 0
            if code == NSID:
                self.wanted |= WANTS_NSID
            elif code == COOKIE:
                if not self.wanted & WANTS_COOKIE:  # of several the first, RFC 7873 section 5.2
                    self.cookie_at = body
                    self.cookie_octets = size
                self.wanted |= WANTS_COOKIE
            elif code == KEEPALIVE and self.stream:  # over UDP it means nothing, RFC 7828 section 3.2.2
                if size:
                    return 0
                self.wanted |= WANTS_KEEPALIVE
            at = body + size
        return 1
