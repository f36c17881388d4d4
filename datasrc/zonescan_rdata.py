"""RDATA of plain zone text, from its words to wire form. Plain Python; zonescan_rdata.pxd adds the types."""

from __future__ import annotations

from datasrc.octets import (
    A_OCTETS,
    AAAA_OCTETS,
    ADDRESS4,
    ADDRESS6,
    AUTHORITY,
    BACKSLASH,
    COLON,
    COMMA,
    DIGEST,
    DOT,
    GROUP_DIGITS,
    KEY,
    LAST_PRINTABLE,
    MAX_RDATA,
    MAX_STRING,
    MAX_TTL,
    MAX_U8,
    MAX_U32,
    NAME,
    NEWLINE,
    NEXT_NAME,
    NINE,
    NO_DIGIT,
    NUMBER_NAME,
    NUMBERS_NAME,
    ODD,
    QUOTATION_MARK,
    QUOTE,
    SIGNATURE,
    SOA_NUMBERS,
    SPACE,
    STRINGS,
    TAB,
    WORD,
    ZERO,
)
from datasrc.zonescan_dnssec import DnssecScanner


class RdataScanner(DnssecScanner):
    """Reads the RDATA of the common types. Each reader leaves `word` behind what it read."""

    def data(self, form: int, start: int, end: int) -> int:
        """Read RDATA from its first word on; its length, or 0 where it is not plain. `self.word` is left behind it."""
        self.word = start
        if form == STRINGS:
            return self.strings(end)
        if self.kinds[self.text[start]] != WORD:
            return 0
        if form == ADDRESS4:
            return self.address4()
        if form == ADDRESS6:
            return self.address6()
        if form == NAME:
            return self.numbers_name(end, 0)
        if form == NUMBER_NAME:
            return self.numbers_name(end, 1)
        if form == NUMBERS_NAME:
            return self.numbers_name(end, 3)
        if form == DIGEST:
            return self.digest(end)
        if form == KEY:
            return self.public_key(end)
        if form == SIGNATURE:
            return self.signature(end)
        if form == NEXT_NAME:
            return self.next_name(end)
        if form == AUTHORITY:
            return self.authority(end)
        return self.next_hash(end)

    def address4(self) -> int:
        """An IPv4 address."""
        at = self.four_numbers(self.word, 0)
        if at == 0 or self.kinds[self.text[at]] == WORD:
            return 0
        self.word = at
        return A_OCTETS

    def four_numbers(self, start: int, place: int) -> int:
        """Read four numbers, as inet_pton does, into the RDATA; where they end, or 0."""
        at = start
        for index in range(A_OCTETS):
            value = 0
            first = at
            while ZERO <= self.text[at] <= NINE and at - first < A_OCTETS:
                value = value * 10 + self.text[at] - ZERO
                at += 1
            if at == first or value > MAX_U8 or (at - first > 1 and self.text[first] == ZERO):
                return 0
            self.rdata[place + index] = value
            if index < A_OCTETS - 1:
                if self.text[at] != DOT:
                    return 0
                at += 1
        return at

    def address6(self) -> int:
        """An IPv6 address."""
        at = self.groups(self.word, 0)
        if at == 0 or self.kinds[self.text[at]] == WORD:
            return 0
        self.word = at
        return AAAA_OCTETS

    def groups(self, start: int, place: int) -> int:
        """Read groups of hexadecimal digits, as inet_pton does, into the RDATA; where they end, or 0.

        The end is that of the word, or a comma. Not with an IPv4 address at the end.
        """
        at = start
        filled = 0
        gap = -1
        if self.text[at] == COLON:
            if self.text[at + 1] != COLON:
                return 0
            at += 1
        while True:
            if self.text[at] == COLON:  # the second of two colons
                if gap >= 0:
                    return 0
                gap = filled
                at += 1
                if self.ends_address(at):
                    break
            value = 0
            first = at
            while self.hexadecimal[self.text[at]] != NO_DIGIT and at - first < GROUP_DIGITS:
                value = value << 4 | self.hexadecimal[self.text[at]]
                at += 1
            if at == first or filled == AAAA_OCTETS:
                return 0
            self.rdata[place + filled] = value >> 8
            self.rdata[place + filled + 1] = value & 0xFF
            filled += 2
            if self.ends_address(at):
                break
            if self.text[at] != COLON:
                return 0
            at += 1
            if self.ends_address(at):  # a colon at the end
                return 0
        if gap >= 0:
            if filled == AAAA_OCTETS:
                return 0
            self.spread(place, filled, gap)
        elif filled != AAAA_OCTETS:
            return 0
        return at

    def ends_address(self, at: int) -> bool:
        """Whether no address goes on there."""
        return self.text[at] == COMMA or self.kinds[self.text[at]] != WORD

    def spread(self, place: int, filled: int, gap: int) -> int:
        """Make the octets of an IPv6 address, so many of which were read, whole: zeros stand at the gap."""
        moved = filled - gap
        for index in range(moved):
            self.rdata[place + AAAA_OCTETS - 1 - index] = self.rdata[place + filled - 1 - index]
        for index in range(gap, AAAA_OCTETS - moved):
            self.rdata[place + index] = 0
        return 0

    def numbers_name(self, end: int, count: int) -> int:
        """So many 16-bit numbers, and a name."""
        length = 0
        for _index in range(count):
            if not self.u16(length):
                return 0
            length += 2
            if not self.next_word(end):
                return 0
        return self.name_at(length)

    def authority(self, end: int) -> int:
        """RDATA of a SOA: two names, the serial and four times in seconds."""
        length = self.name_at(0)
        if length == 0 or not self.next_word(end):
            return 0
        length = self.name_at(length)
        if length == 0:
            return 0
        for index in range(SOA_NUMBERS):
            if not self.next_word(end):
                return 0
            stop = self.word_end(self.word)
            value = self.number(self.word, stop, MAX_TTL if index else MAX_U32)
            if value < 0:
                return 0
            self.word = stop
            self.put_u32(value, length)
            length += 4
        return length

    def strings(self, end: int) -> int:
        """Words and quoted strings to the end, each a character-string (RFC 1035 section 3.3)."""
        length = 0
        at = self.word
        if self.kinds[self.text[at]] == NEWLINE:
            return 0
        while True:
            quoted = self.kinds[self.text[at]] == QUOTE
            first = at + 1 if quoted else at
            at = self.quote_end(first) if quoted else self.word_end(first)
            if at < 0 or at - first > MAX_STRING or length + 1 + at - first > MAX_RDATA:
                return 0
            self.rdata[length] = at - first
            length += 1
            for index in range(first, at):
                self.rdata[length] = self.text[index]
                length += 1
            if quoted:
                at += 1
            self.word = at
            if self.kinds[self.text[at]] == ODD:
                return 0
            at = self.skip(at, end)
            if at < 0:
                return 0
            if self.kinds[self.text[at]] == NEWLINE:
                self.word = at
                return length

    def quote_end(self, start: int) -> int:
        """Where the quoted string ends, at its quote; -1 where it has anything in it but printable ASCII and tabs."""
        at = start
        while True:
            octet = self.text[at]
            if octet == QUOTATION_MARK:
                return at
            if octet == BACKSLASH or octet > LAST_PRINTABLE or (octet < SPACE and octet != TAB):
                return -1
            at += 1
