"""RDATA of types that clients of services look up, in plain zone text: SVCB and HTTPS, TLSA, SSHFP, CAA, NAPTR, URI.

Plain Python; zonescan_services.pxd adds the types.
"""

from __future__ import annotations

from datasrc.octets import (
    A_OCTETS,
    AAAA_OCTETS,
    ALPN,
    ALPN_WORD,
    CERTIFICATE,
    COMMA,
    EQUALS,
    FINGERPRINT,
    IPV4HINT,
    IPV4HINT_WORD,
    IPV6HINT,
    IPV6HINT_WORD,
    ISSUER,
    LOWER_A,
    LOWER_Z,
    MAX_RDATA,
    MAX_STRING,
    MAX_U16,
    NEWLINE,
    NINE,
    POINTER,
    POINTER_NUMBERS,
    POINTER_STRINGS,
    PORT,
    PORT_WORD,
    QUOTE,
    SERVICE,
    SHA1,
    SHA1_OCTETS,
    SHA256,
    SHA256_OCTETS,
    SHA512_OCTETS,
    TLSA_SHA256,
    TLSA_SHA512,
    UPPER_A,
    UPPER_Z,
    WORD,
    WORD_OCTETS,
    ZERO,
)
from datasrc.zonescan_rdata import RdataScanner

SSHFP_NUMBERS = 2  # octets before what follows them
TLSA_NUMBERS = 3
URI_NUMBERS = 4


class ServiceScanner(RdataScanner):
    """Reads the RDATA of these types. Each reader leaves `word` behind what it read."""

    def service_data(self, form: int, start: int, end: int) -> int:
        """Read RDATA from its first word on; its length, or 0 where it is not plain."""
        self.word = start
        if self.kinds[self.text[start]] != WORD:
            return 0
        if form == SERVICE:
            return self.service(end)
        if form == CERTIFICATE:
            return self.certificate(end)
        if form == FINGERPRINT:
            return self.fingerprint(end)
        if form == ISSUER:
            return self.issuer(end)
        if form == POINTER:
            return self.pointer(end)
        return self.resource(end)

    def certificate(self, end: int) -> int:
        """TLSA and SMIMEA: usage, selector, matching type, hexadecimal digits (RFC 6698 section 2.2)."""
        for index in range(TLSA_NUMBERS):
            if not self.u8(index) or not self.next_word(end):
                return 0
        length = self.digits_to_end(end, TLSA_NUMBERS)
        size = length - TLSA_NUMBERS
        kind = self.rdata[TLSA_NUMBERS - 1]
        if (
            size <= 0
            or (kind == TLSA_SHA256 and size != SHA256_OCTETS)
            or (kind == TLSA_SHA512 and size != SHA512_OCTETS)
        ):
            return 0
        return length

    def fingerprint(self, end: int) -> int:
        """SSHFP: algorithm, type, hexadecimal digits (RFC 4255 section 3.2), of SHA-1 or SHA-256: others are left."""
        for index in range(SSHFP_NUMBERS):
            if not self.u8(index) or not self.next_word(end):
                return 0
        length = self.digits_to_end(end, SSHFP_NUMBERS)
        size = length - SSHFP_NUMBERS
        kind = self.rdata[SSHFP_NUMBERS - 1]
        return length if (kind == SHA1 and size == SHA1_OCTETS) or (kind == SHA256 and size == SHA256_OCTETS) else 0

    def issuer(self, end: int) -> int:
        """CAA: flags, tag, value (RFC 8659 section 4.1.1)."""
        if not self.u8(0) or not self.next_word(end):
            return 0
        start = self.word
        stop = self.word_end(start)
        if stop - start > MAX_STRING:
            return 0
        for at in range(start, stop):
            octet = self.text[at]
            if not (ZERO <= octet <= NINE or LOWER_A <= octet <= LOWER_Z or UPPER_A <= octet <= UPPER_Z):
                return 0
        self.rdata[1] = stop - start
        length = self.take_over(start, stop, 2)
        self.word = stop
        return self.text_at(end, length, MAX_RDATA - length)

    def pointer(self, end: int) -> int:
        """NAPTR: order, preference, three strings, a name (RFC 3403 section 4.1)."""
        if not self.u16(0) or not self.next_word(end) or not self.u16(2):
            return 0
        length = POINTER_NUMBERS
        for _index in range(POINTER_STRINGS):
            after = self.text_at(end, length + 1, MAX_STRING)
            if after == 0:
                return 0
            self.rdata[length] = after - length - 1
            length = after
        return self.name_at(length) if self.next_word(end) else 0

    def resource(self, end: int) -> int:
        """URI: priority, weight, target (RFC 7553 section 4.5), which must not be empty."""
        if not self.u16(0) or not self.next_word(end) or not self.u16(2):
            return 0
        length = self.text_at(end, URI_NUMBERS, MAX_RDATA - URI_NUMBERS)
        return length if length > URI_NUMBERS else 0

    def text_at(self, end: int, length: int, most: int) -> int:
        """The next word or quoted string behind so much RDATA; the length with it, or 0."""
        at = self.skip(self.word, end)
        if at < 0 or at == self.word or self.kinds[self.text[at]] == NEWLINE:
            return 0  # where nothing is between this and the last one, too
        quoted = self.kinds[self.text[at]] == QUOTE
        start = at + 1 if quoted else at
        stop = self.quote_end(start) if quoted else self.word_end(start)
        if stop < 0 or stop - start > most:
            return 0
        self.word = stop + 1 if quoted else stop
        return self.take_over(start, stop, length)

    def take_over(self, start: int, stop: int, length: int) -> int:
        """Copy octets of the text behind so much RDATA; the length with them."""
        for at in range(start, stop):
            self.rdata[length] = self.text[at]
            length += 1
        return length

    def service(self, end: int) -> int:
        """SVCB and HTTPS: priority, target, parameters (RFC 9460 section 2.1) in order of their keys."""
        if not self.u16(0) or not self.next_word(end):
            return 0
        length = self.name_at(2)
        if length == 0:
            return 0
        last = 0
        while True:
            at = self.skip(self.word, end)
            if at < 0 or (at == self.word and self.kinds[self.text[at]] == WORD):  # glued to a quote
                return 0
            if self.kinds[self.text[at]] == NEWLINE:
                self.word = at
                return length
            if self.kinds[self.text[at]] != WORD or (self.rdata[0] == 0 and self.rdata[1] == 0):
                return 0
            self.word = at
            after = self.parameter(length)
            if after == 0:
                return 0
            key = self.rdata[length + 1]
            if key <= last:
                return 0
            last = key
            length = after

    def parameter(self, length: int) -> int:
        """A parameter that has a value, behind so much RDATA; the length with it, or 0."""
        at = self.word
        name = 0
        while LOWER_A <= self.text[at] <= LOWER_Z or ZERO <= self.text[at] <= NINE:
            if at - self.word == WORD_OCTETS:
                return 0
            name = name << 8 | self.text[at]
            at += 1
        if self.text[at] != EQUALS:
            return 0
        at += 1
        quoted = self.kinds[self.text[at]] == QUOTE
        start = at + 1 if quoted else at
        stop = self.quote_end(start) if quoted else self.word_end(start)
        if stop <= start or length + 4 + stop - start >= MAX_RDATA:  # a list is an octet longer than its text
            return 0
        after = self.value(name, start, stop, length + 4)
        if after == 0:
            return 0
        size = after - length - 4
        self.rdata[length] = 0
        self.rdata[length + 2] = size >> 8
        self.rdata[length + 3] = size & 0xFF
        self.word = stop + 1 if quoted else stop
        return after

    def value(self, name: int, start: int, stop: int, length: int) -> int:
        """The value of a parameter behind so much RDATA, and its key where that goes; the length with it, or 0."""
        key = length - 3
        if name == ALPN_WORD:
            self.rdata[key] = ALPN
            return self.protocols(start, stop, length)
        if name == PORT_WORD:
            self.rdata[key] = PORT
            number = self.number(start, stop, MAX_U16)
            if number < 0:
                return 0
            self.rdata[length] = number >> 8
            self.rdata[length + 1] = number & 0xFF
            return length + 2
        if name == IPV4HINT_WORD:
            self.rdata[key] = IPV4HINT
            return self.addresses(start, stop, length, A_OCTETS)
        if name == IPV6HINT_WORD:
            self.rdata[key] = IPV6HINT
            return self.addresses(start, stop, length, AAAA_OCTETS)
        return 0

    def protocols(self, start: int, stop: int, length: int) -> int:
        """A list of strings, none of them empty, with commas between, behind so much RDATA; the length, or 0."""
        at = start
        while True:
            first = at
            while at < stop and self.text[at] != COMMA:
                at += 1
            if at == first or at - first > MAX_STRING:
                return 0
            self.rdata[length] = at - first
            length = self.take_over(first, at, length + 1)
            if at == stop:
                return length
            at += 1

    def addresses(self, start: int, stop: int, length: int, size: int) -> int:
        """Addresses of so many octets with commas between, behind so much RDATA; the length with them, or 0."""
        at = start
        while True:
            if length + size > MAX_RDATA:
                return 0
            at = self.four_numbers(at, length) if size == A_OCTETS else self.groups(at, length)
            if at == 0:
                return 0
            length += size
            if at >= stop:
                return length if at == stop else 0
            if self.text[at] != COMMA:
                return 0
            at += 1
