"""Words of plain zone text. Plain Python; zonescan_words.pxd adds the types."""

from __future__ import annotations

from dns.rdatatype import RdataType

from datasrc.octets import (
    AT_SIGN,
    BLANK,
    CASE,
    CLOSE,
    COMMENT,
    DOT,
    LINE_FEED,
    LOWER_A,
    LOWER_Z,
    MAX_LABEL,
    MAX_NAME,
    NEWLINE,
    NINE,
    NO_DIGIT,
    NUMBER_DIGITS,
    ODD,
    OPEN,
    QUOTE,
    RETURN,
    UPPER_A,
    UPPER_Z,
    WORD,
    WORD_OCTETS,
    ZERO,
)
from datasrc.rdata import META_TYPES, OPT


def _kinds() -> bytes:
    """The kind of each octet; what the lexer refuses or reads with care is odd."""
    kinds = bytearray([ODD] * 256)
    for octet in range(0x21, 0x7F):
        kinds[octet] = WORD
    special = {
        b"\t ": BLANK,
        b"\n": NEWLINE,
        b"\r": RETURN,
        b";": COMMENT,
        b"(": OPEN,
        b")": CLOSE,
        b'"': QUOTE,
        b"\\": ODD,
    }
    for octets, kind in special.items():
        for octet in octets:
            kinds[octet] = kind
    return bytes(kinds)


def _digits(alphabet: bytes, *, fold: bool) -> bytes:
    """The value of each octet as a digit; 255 for what is none."""
    values = bytearray([NO_DIGIT] * 256)
    for value, octet in enumerate(alphabet):
        values[octet] = value
        if fold:
            values[bytes((octet,)).lower()[0]] = value
    return bytes(values)


def _mnemonics() -> tuple[list[int], list[int]]:
    """Words for types as numbers, in order, and the types: what can be in a zone and is written in eight octets."""
    found = {}
    for rdtype in RdataType:
        word = rdtype.name.replace("_", "-").encode()
        if rdtype not in META_TYPES and rdtype not in (0, OPT) and len(word) <= WORD_OCTETS:
            found[int.from_bytes(word, "big")] = int(rdtype)
    words = sorted(found)
    return words, [found[word] for word in words]


def _numbers(values: list[int]) -> memoryview:
    view = memoryview(bytearray(8 * len(values))).cast("Q")
    for index, value in enumerate(values):
        view[index] = value
    return view


KINDS = _kinds()
HEX = _digits(b"0123456789ABCDEF", fold=True)
BASE32 = _digits(b"0123456789ABCDEFGHIJKLMNOPQRSTUV", fold=True)
BASE64 = _digits(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", fold=False)
MNEMONICS, MNEMONIC_TYPES = map(_numbers, _mnemonics())  # made once: there is a scanner for each zone


class Words:
    """Finds words and reads the simple ones. What is not plain is 0, False or -1: the caller leaves the entry."""

    def __init__(self) -> None:
        self.kinds = KINDS
        self.hexadecimal = HEX
        self.base32 = BASE32
        self.base64 = BASE64
        self.words = MNEMONICS
        self.types = MNEMONIC_TYPES
        self.text = b""  # being scanned; it ends with a newline
        self.origin = b""  # $ORIGIN in wire form
        self.origin_length = 0
        self.word = 0  # where the word found last begins
        self.line = 0  # lines seen
        self.depth = 0  # of parentheses

    def skip(self, start: int, end: int) -> int:
        """Where the next word or quote begins, or the line ends (at its newline); -1 where it is not plain."""
        at = start
        while at < end:
            kind = self.kinds[self.text[at]]
            if kind == BLANK:
                at += 1
            elif kind in (WORD, QUOTE):
                return at
            elif kind == NEWLINE:
                if self.depth == 0:
                    return at
                self.line += 1
                at += 1
            elif kind == RETURN:
                if at + 1 >= end or self.kinds[self.text[at + 1]] != NEWLINE:
                    return -1
                at += 1
            elif kind == COMMENT:
                while self.text[at] != LINE_FEED:
                    if self.text[at] == 0:
                        return -1
                    at += 1
            elif kind == OPEN:
                self.depth += 1
                at += 1
            elif kind == CLOSE:
                if self.depth == 0:
                    return -1
                self.depth -= 1
                at += 1
            else:
                return -1
        return -1

    def word_end(self, start: int) -> int:
        """Where the word ends; the text ends with a newline."""
        at = start
        while self.kinds[self.text[at]] == WORD:
            at += 1
        return at

    def next_word(self, end: int) -> bool:
        """Go on to the next word; whether there is a plain one."""
        at = self.skip(self.word, end)
        if at < 0 or self.kinds[self.text[at]] != WORD:
            return False
        self.word = at
        return True

    def name(self, start: int, end: int, target: bytearray, at: int) -> int:
        """Write the name of a word to a buffer; its length in octets, or 0 where it is not plain."""
        length = end - start
        if length > MAX_NAME:
            return 0
        if length == 1 and self.text[start] == AT_SIGN:  # @
            for index in range(self.origin_length):
                target[at + index] = self.origin[index]
            return self.origin_length
        if length == 1 and self.text[start] == DOT:
            target[at] = 0
            return 1
        label = at
        place = at + 1
        for index in range(start, end):
            octet = self.text[index]
            if octet == DOT:
                size = place - label - 1
                if size == 0 or size > MAX_LABEL:
                    return 0
                target[label] = size
                label = place
                place += 1
            elif octet == AT_SIGN:
                return 0
            else:
                target[place] = octet
                place += 1
        size = place - label - 1
        if size == 0:
            target[label] = 0
            length = place - at
        else:
            if size > MAX_LABEL or place - at + self.origin_length > MAX_NAME:
                return 0
            target[label] = size
            for index in range(self.origin_length):
                target[place + index] = self.origin[index]
            length = place - at + self.origin_length
        return length if length <= MAX_NAME else 0

    def number(self, start: int, end: int, most: int) -> int:
        """The value of a word of digits; -1 for another one, or where it is larger."""
        if end - start > NUMBER_DIGITS or end <= start:
            return -1
        value = 0
        for index in range(start, end):
            digit = self.text[index]
            if digit < ZERO or digit > NINE:
                return -1
            value = value * 10 + digit - ZERO
        return value if value <= most else -1

    def type_of(self, start: int, end: int) -> int:
        """The type a word stands for; 0 where this does not know."""
        if end - start > WORD_OCTETS:
            return 0
        word = 0
        for index in range(start, end):
            octet = self.text[index]
            if LOWER_A <= octet <= LOWER_Z:
                octet = octet - CASE
            word = word << 8 | octet
        low = 0
        high = len(self.words)
        while low < high:
            middle = (low + high) >> 1
            if self.words[middle] < word:
                low = middle + 1
            else:
                high = middle
        if low < len(self.words) and self.words[low] == word:
            return self.types[low]
        return 0

    def lower(self, octet: int) -> int:
        """The octet, a capital letter in lower case (RFC 4343 section 3)."""
        return octet + CASE if UPPER_A <= octet <= UPPER_Z else octet
