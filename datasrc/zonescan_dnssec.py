"""RDATA of the types of DNSSEC in plain zone text. Plain Python; zonescan_dnssec.pxd adds the types."""

from __future__ import annotations

from datasrc.octets import (
    BASE64_GROUP,
    BITMAP_OCTETS,
    BITMAP_TYPES,
    DASH,
    DATE_DIGITS,
    EPOCH_YEAR,
    EQUALS,
    FEBRUARY,
    HASH_DIGITS,
    HASH_OCTETS,
    LAST_YEAR,
    LONG_MONTH,
    MAX_NAME,
    MAX_PADDING,
    MAX_RDATA,
    MAX_TTL,
    MAX_U8,
    MAX_U16,
    NEWLINE,
    NO_DIGIT,
    OCTET_BITS,
    QUOTE,
    SECONDS_A_DAY,
    SHA1,
    SHA1_OCTETS,
    SHA256,
    SHA256_OCTETS,
    SHA384,
    SHA384_OCTETS,
    U16_DIGITS,
    WORD,
)
from datasrc.zonescan_words import Words


class DnssecScanner(Words):
    """Reads the RDATA of these types, and names and numbers. Each reader leaves `word` behind what it read."""

    def __init__(self) -> None:
        super().__init__()
        self.rdata = bytearray(MAX_RDATA + MAX_NAME + 8)
        self.bitmap = bytearray(BITMAP_OCTETS)

    def name_at(self, length: int) -> int:
        """The name of the word at hand behind so much RDATA; the length with it, or 0."""
        word = self.word
        stop = self.word_end(word)
        size = self.name(word, stop, self.rdata, length)
        if size == 0:
            return 0
        self.word = stop
        return length + size

    def u8(self, at: int) -> bool:
        """Put the number of the word at hand into the RDATA as one octet."""
        stop = self.word_end(self.word)
        value = self.number(self.word, stop, MAX_U8)
        if value < 0:
            return False
        self.rdata[at] = value
        self.word = stop
        return True

    def u16(self, at: int) -> bool:
        """Put the number of the word at hand into the RDATA as two octets."""
        stop = self.word_end(self.word)
        if stop - self.word > U16_DIGITS:  # more digits, with zeros in front, are judged elsewhere
            return False
        value = self.number(self.word, stop, MAX_U16)
        if value < 0:
            return False
        self.rdata[at] = value >> 8
        self.rdata[at + 1] = value & 0xFF
        self.word = stop
        return True

    def put_u32(self, value: int, at: int) -> int:
        """Put a number into the RDATA as four octets."""
        self.rdata[at] = value >> 24
        self.rdata[at + 1] = value >> 16 & 0xFF
        self.rdata[at + 2] = value >> 8 & 0xFF
        self.rdata[at + 3] = value & 0xFF
        return 0

    def digest(self, end: int) -> int:
        """DS: key tag, algorithm, digest type, hexadecimal digits (RFC 4034 section 5.3)."""
        if not self.u16(0) or not self.next_word(end):
            return 0
        if not self.u8(2) or not self.next_word(end):
            return 0
        if not self.u8(3) or not self.next_word(end):
            return 0
        length = self.digits_to_end(end, 4)
        return self.digest_checked(length) if length else 0

    def digits_to_end(self, end: int, length: int) -> int:
        """Hexadecimal words to the end of the entry behind so much RDATA; the length with them, or 0."""
        half = -1
        while True:
            while self.kinds[self.text[self.word]] == WORD:
                digit = self.hexadecimal[self.text[self.word]]
                if digit == NO_DIGIT or length >= MAX_RDATA:
                    return 0
                if half < 0:
                    half = digit
                else:
                    self.rdata[length] = half << 4 | digit
                    length += 1
                    half = -1
                self.word += 1
            at = self.skip(self.word, end)
            if at < 0 or self.kinds[self.text[at]] == QUOTE:
                return 0
            self.word = at
            if self.kinds[self.text[at]] == NEWLINE:
                return length if half < 0 else 0

    def digest_checked(self, length: int) -> int:
        """Only lengths that fit the digest type; all others are judged elsewhere (as dnspython does)."""
        kind = self.rdata[3]
        size = length - 4
        if (
            (kind == SHA1 and size == SHA1_OCTETS)
            or (kind == SHA256 and size == SHA256_OCTETS)
            or (kind == SHA384 and size == SHA384_OCTETS)
        ):
            return length
        return 0

    def public_key(self, end: int) -> int:
        """DNSKEY: flags, protocol, algorithm, base 64 (RFC 4034 section 2.2)."""
        if not self.u16(0) or not self.next_word(end):
            return 0
        if not self.u8(2) or not self.next_word(end):
            return 0
        if not self.u8(3) or not self.next_word(end):
            return 0
        return self.base64_to_end(end, 4)

    def base64_to_end(self, end: int, length: int) -> int:
        """Decode words to the end of the entry behind so much RDATA; the length with them, or 0."""
        bits = 0
        group = 0
        padding = 0
        while True:
            while self.kinds[self.text[self.word]] == WORD:
                octet = self.text[self.word]
                if octet == EQUALS:
                    padding += 1
                    bits = bits << 6
                else:
                    digit = self.base64[octet]
                    if digit == NO_DIGIT or padding > 0:
                        return 0
                    bits = bits << 6 | digit
                group += 1
                if group == BASE64_GROUP:
                    if padding > MAX_PADDING or length + 3 > MAX_RDATA:
                        return 0
                    self.rdata[length] = bits >> 16
                    self.rdata[length + 1] = bits >> 8 & 0xFF
                    self.rdata[length + 2] = bits & 0xFF
                    length += 3 - padding
                    bits = 0
                    group = 0
                elif padding > 0 and group < BASE64_GROUP - 1:
                    return 0
                self.word += 1
            at = self.skip(self.word, end)
            if at < 0 or self.kinds[self.text[at]] == QUOTE:
                return 0
            self.word = at
            if self.kinds[self.text[at]] == NEWLINE:
                return length if group == 0 else 0

    def signature(self, end: int) -> int:
        """RRSIG (RFC 4034 section 3.2)."""
        stop = self.word_end(self.word)
        covered = self.type_of(self.word, stop)
        if covered == 0:
            return 0
        self.rdata[0] = covered >> 8
        self.rdata[1] = covered & 0xFF
        self.word = stop
        if not self.next_word(end) or not self.u8(2):
            return 0
        if not self.next_word(end) or not self.u8(3):
            return 0
        if not self.next_word(end):
            return 0
        stop = self.word_end(self.word)
        ttl = self.number(self.word, stop, MAX_TTL)
        if ttl < 0:
            return 0
        self.put_u32(ttl, 4)
        self.word = stop
        if not self.next_word(end) or not self.date(8):
            return 0
        if not self.next_word(end) or not self.date(12):
            return 0
        if not self.next_word(end) or not self.u16(16):
            return 0
        if not self.next_word(end):
            return 0
        length = self.name_at(18)
        if length == 0 or not self.next_word(end):
            return 0
        return self.base64_to_end(end, length)

    def date(self, at: int) -> bool:
        """A time of fourteen digits, as seconds since 1970."""
        stop = self.word_end(self.word)
        if stop - self.word != DATE_DIGITS:
            return False
        year = self.number(self.word, self.word + 4, 9999)
        month = self.number(self.word + 4, self.word + 6, 12)
        day = self.number(self.word + 6, self.word + 8, 28)
        hour = self.number(self.word + 8, self.word + 10, 23)
        minute = self.number(self.word + 10, self.word + 12, 59)
        second = self.number(self.word + 12, self.word + 14, 59)
        if day < 0:  # 29 to 31: only in months that have them
            day = self.number(self.word + 6, self.word + 8, 31)
            if month == FEBRUARY or (day == LONG_MONTH and (month in (4, 6, 9, 11))):
                return False
        if year < EPOCH_YEAR or year > LAST_YEAR or month < 1 or day < 1 or hour < 0 or minute < 0 or second < 0:
            return False
        self.put_u32(days_from_epoch(year, month, day) * SECONDS_A_DAY + hour * 3600 + minute * 60 + second, at)
        self.word = stop
        return True

    def next_name(self, end: int) -> int:
        """NSEC (RFC 4034 section 4.2)."""
        length = self.name_at(0)
        if length == 0:
            return 0
        return self.type_bitmap(end, length)

    def next_hash(self, end: int) -> int:
        """NSEC3 (RFC 5155 section 3.3)."""
        if not self.u8(0) or not self.next_word(end):
            return 0
        if not self.u8(1) or not self.next_word(end):
            return 0
        if not self.u16(2) or not self.next_word(end):
            return 0
        length = self.salt()
        if length == 0 or not self.next_word(end):
            return 0
        return self.type_bitmap_after_hash(end, length)

    def salt(self) -> int:
        """Hexadecimal digits or a dash, behind the length of the salt."""
        first = self.word
        stop = self.word_end(first)
        length = 5
        if stop - first == 1 and self.text[first] == DASH:
            self.rdata[4] = 0
        else:
            if (stop - first) & 1 or stop - first > 2 * MAX_U8:
                return 0
            for at in range(first, stop, 2):
                high = self.hexadecimal[self.text[at]]
                low = self.hexadecimal[self.text[at + 1]]
                if high == NO_DIGIT or low == NO_DIGIT:
                    return 0
                self.rdata[length] = high << 4 | low
                length += 1
            self.rdata[4] = length - 5
        self.word = stop
        return length

    def type_bitmap_after_hash(self, end: int, length: int) -> int:
        """The hash of the next owner, 32 digits of base 32 as every SHA-1 has, and the types."""
        first = self.word
        stop = self.word_end(first)
        if stop - first != HASH_DIGITS:
            return 0
        self.rdata[length] = HASH_OCTETS
        length += 1
        bits = 0
        count = 0
        for at in range(first, stop):
            digit = self.base32[self.text[at]]
            if digit == NO_DIGIT:
                return 0
            bits = (bits << 5 | digit) & 0xFFFF
            count += 5
            if count >= OCTET_BITS:
                count -= OCTET_BITS
                self.rdata[length] = bits >> count & 0xFF
                length += 1
        self.word = stop
        return self.type_bitmap(end, length)

    def type_bitmap(self, end: int, length: int) -> int:
        """Types below 256 as a bitmap (RFC 4034 section 4.1.2) behind so much RDATA; the length with it, or 0."""
        for index in range(BITMAP_OCTETS):
            self.bitmap[index] = 0
        last = -1
        while True:
            at = self.skip(self.word, end)
            if at < 0 or self.kinds[self.text[at]] == QUOTE:
                return 0
            if self.kinds[self.text[at]] == NEWLINE:
                self.word = at
                break
            stop = self.word_end(at)
            rdtype = self.type_of(at, stop)
            if rdtype == 0 or rdtype >= BITMAP_TYPES:
                return 0
            self.bitmap[rdtype >> 3] = self.bitmap[rdtype >> 3] | (0x80 >> (rdtype & 7))
            last = max(last, rdtype >> 3)
            self.word = stop
        if last < 0:
            return length
        self.rdata[length] = 0
        self.rdata[length + 1] = last + 1
        for index in range(last + 1):
            self.rdata[length + 2 + index] = self.bitmap[index]
        return length + 3 + last


def days_from_epoch(year: int, month: int, day: int) -> int:
    """Days since 1 January 1970 in the Gregorian calendar."""
    if month <= FEBRUARY:  # a year that begins in March ends with its leap day
        year -= 1
        month += 12
    return 365 * year + year // 4 - year // 100 + year // 400 + (153 * (month - 3) + 2) // 5 + day - 719469
