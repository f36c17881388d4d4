"""RDATA in zone text: words to wire form and back. Common types are read here, all others by dnspython.

`\\#` (RFC 3597 section 5) is taken for every type; for types dnspython knows the octets are then checked as that type.
"""

from __future__ import annotations

import socket
import struct

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.RP
import dns.rdtypes.nsbase
import dns.tokenizer
from dns.name import Name
from dns.rdatatype import RdataType
from dns.rdtypes.ANY.LOC import LOC

from datasrc.rdata import MAX_RDATA
from datasrc.zonetext_lexer import GLUED, QUOTED, Entry
from datasrc.zonetext_names import NameReader, shown, word_octets

# Types whose RDATA is so many 16-bit numbers and then one name.
_NUMBERS_THEN_NAME: dict[int, int] = {
    RdataType.NS: 0,
    RdataType.CNAME: 0,
    RdataType.PTR: 0,
    RdataType.DNAME: 0,
    RdataType.MX: 1,
    RdataType.AFSDB: 1,
    RdataType.RT: 1,
    RdataType.KX: 1,
    RdataType.SRV: 3,
}
_ADDRESS_FAMILIES: dict[int, tuple[socket.AddressFamily, str]] = {
    RdataType.A: (socket.AF_INET, "IPv4"),
    RdataType.AAAA: (socket.AF_INET6, "IPv6"),
}
_ADDRESS_LENGTHS: dict[int, int] = {RdataType.A: 4, RdataType.AAAA: 16}
# Character-strings and nothing else.
_STRINGS = frozenset({int(RdataType.TXT), int(RdataType.SPF)})
MAX_STRING = 255  # RFC 1035 section 3.3
_LOC_LENGTH = 16  # RFC 1876 section 2
_U16 = struct.Struct("!H")
_MAX_U16 = 0xFFFF

# Types of RFC 1035 section 3.3 that dnspython has no class for.
_OLD_TYPES: dict[RdataType, type[dns.rdata.Rdata]] = {
    RdataType.MD: dns.rdtypes.nsbase.NSBase,
    RdataType.MF: dns.rdtypes.nsbase.NSBase,
    RdataType.MB: dns.rdtypes.nsbase.NSBase,
    RdataType.MG: dns.rdtypes.nsbase.NSBase,
    RdataType.MR: dns.rdtypes.nsbase.NSBase,
    RdataType.MINFO: dns.rdtypes.ANY.RP.RP,
}


class RdataFault(ValueError):
    """The words are no RDATA of the type. `index` is the word the reader stopped at."""

    def __init__(self, reason: str, index: int) -> None:
        super().__init__(reason)
        self.index = index


class RdataReader:
    """Reads the RDATA words of an entry. Names are read relative to the name reader's origin."""

    def __init__(self, names: NameReader) -> None:
        self._names = names
        self._tokens = _EntryTokens()

    def read(self, rdtype: int, entry: Entry, at: int) -> bytes:
        """The wire form of the words from `at` on. Raises RdataFault."""
        if entry.marks is None and at < len(entry.words):
            family = _ADDRESS_FAMILIES.get(rdtype)
            if family is not None:
                return _address(family, entry.words, at)
            numbers = _NUMBERS_THEN_NAME.get(rdtype)
            if numbers is not None:
                return self._numbers_then_name(numbers, entry.words, at)
        if rdtype in _STRINGS and at < len(entry.words) and entry.words[at] != "\\#":
            return _strings(entry.words, at)
        return self._by_dnspython(rdtype, entry, at)

    def _numbers_then_name(self, numbers: int, words: list[str], at: int) -> bytes:
        last = at + numbers
        _expect_end(words, last)
        wire = b""
        for index in range(at, last):
            word = words[index]
            if not word.isdigit() or len(word) > len(str(_MAX_U16)) or int(word) > _MAX_U16:
                raise RdataFault(f"{shown(word)} is not a number from 0 to {_MAX_U16}", index)
            wire += _U16.pack(int(word))
        try:
            return wire + self._names.wire(words[last])
        except ValueError as error:
            raise RdataFault(str(error), last) from error

    def _by_dnspython(self, rdtype: int, entry: Entry, at: int) -> bytes:
        tokens = self._tokens
        tokens.begin(entry, at)
        try:
            return _limited(_wire(RdataType.make(rdtype), tokens, self._names.origin), at)
        except dns.exception.SyntaxError as error:
            last = max(tokens.index - 1, at)
            raise RdataFault(_explained(str(error), rdtype, tokens), last) from error


def rdata_text(rdtype: int, wire: bytes) -> str:
    """The text of RDATA; reading it gives the same octets, in `\\#` form where no other does."""
    family = _ADDRESS_FAMILIES.get(rdtype)
    if family is not None and len(wire) == _ADDRESS_LENGTHS[rdtype]:
        return socket.inet_ntop(family[0], wire)
    kind = RdataType.make(rdtype)
    if _is_opaque(kind):
        return _generic_text(wire)
    try:
        with dns.exception.ExceptionWrapper(dns.exception.FormError):
            rdata = dns.rdata.from_wire(dns.rdataclass.IN, kind, wire, 0, len(wire))
            if rdata.to_wire() == wire:
                text = rdata.to_text()
                if _wire(kind, text, dns.name.root) == wire:
                    return text
    except (dns.exception.FormError, dns.exception.SyntaxError):
        pass  # octets that are no RDATA of the type still have the form below
    return _generic_text(wire)


class _EntryTokens(dns.tokenizer.Tokenizer):
    """The words of one entry as dnspython's RDATA classes read them."""

    def __init__(self) -> None:
        super().__init__("")
        self.index = 0  # of the next word
        self.ended = False  # whether the end was read
        self._entry = Entry(0, False, [])

    def begin(self, entry: Entry, at: int) -> None:
        """Read the words of this entry from `at` on."""
        self._entry = entry
        self.index = at
        self.ended = False
        self.ungotten_token = None

    @property
    def last_word(self) -> str:
        """The word read last."""
        return self._entry.words[self.index - 1]

    @property
    def last_quoted(self) -> bool:
        """Whether that was in quotes."""
        return self._entry.marks is not None and bool(self._entry.marks[self.index - 1] & QUOTED)

    def get(self, want_leading: bool = False, want_comment: bool = False) -> dns.tokenizer.Token:
        """The next token; blank space counts only where it is asked for, comments never do."""
        del want_comment
        token = self.ungotten_token
        if token is not None:
            self.ungotten_token = None
            if want_leading or not token.is_whitespace():
                return token
        entry, index = self._entry, self.index
        if index >= len(entry.words):
            self.ended = True
            return dns.tokenizer.Token(dns.tokenizer.EOL, "\n")
        marks = entry.marks[index] if entry.marks else 0
        if want_leading and not marks & GLUED:
            return dns.tokenizer.Token(dns.tokenizer.WHITESPACE, " ")
        self.index = index + 1
        word = entry.words[index]
        kind = dns.tokenizer.QUOTED_STRING if marks & QUOTED else dns.tokenizer.IDENTIFIER
        return dns.tokenizer.Token(kind, word, "\\" in word)


def _generic_text(wire: bytes) -> str:
    return f"\\# {len(wire)} {wire.hex()}".rstrip()


def _wire(rdtype: RdataType, text: str | dns.tokenizer.Tokenizer, origin: Name) -> bytes:
    """The wire form of RDATA as dnspython reads it. Raises dns.exception.SyntaxError."""
    with dns.exception.ExceptionWrapper(dns.exception.SyntaxError):
        rdata = dns.rdata.from_text(dns.rdataclass.IN, rdtype, text, origin, relativize=False)
        wire = (_exact(rdata) if isinstance(rdata, LOC) else rdata).to_wire()
    assert wire is not None
    return wire


def _exact(rdata: LOC) -> LOC:
    """Mend dnspython's LOC: floating point cost it a centimetre of altitude, and it takes points beyond the poles."""
    exact = LOC(
        rdata.rdclass,
        rdata.rdtype,
        rdata.latitude,
        rdata.longitude,
        round(rdata.altitude),
        rdata.size,
        rdata.horizontal_precision,
        rdata.vertical_precision,
    )
    dns.rdata.from_wire(rdata.rdclass, rdata.rdtype, exact.to_wire() or b"", 0, _LOC_LENGTH)  # refuses such points
    return exact


def _address(family: tuple[socket.AddressFamily, str], words: list[str], at: int) -> bytes:
    _expect_end(words, at)
    try:
        return socket.inet_pton(family[0], words[at])
    except OSError as error:
        raise RdataFault(f"{shown(words[at])} is not an {family[1]} address", at) from error


def _strings(words: list[str], at: int) -> bytes:
    wire = bytearray()
    for index in range(at, len(words)):
        try:
            octets = word_octets(words[index])
        except ValueError as error:
            raise RdataFault(str(error), index) from error
        if len(octets) > MAX_STRING:
            raise RdataFault(f"a string of {len(octets)} octets is longer than {MAX_STRING}", index)
        wire.append(len(octets))
        wire += octets
    return _limited(bytes(wire), at)


def _limited(wire: bytes, at: int) -> bytes:
    if len(wire) > MAX_RDATA:
        raise RdataFault(f"more than {MAX_RDATA} octets of RDATA (RFC 1035 section 3.2.1)", at)
    return wire


def _expect_end(words: list[str], last: int) -> None:
    if len(words) != last + 1:
        reason = "too few fields" if len(words) <= last else f"{shown(words[last + 1])} is one field too many"
        raise RdataFault(reason, min(last + 1, len(words)))


def _explained(reason: str, rdtype: int, tokens: _EntryTokens) -> str:
    """dnspython's reason in terms of the line, as far as it has read."""
    if reason.startswith("generic rdata does not start"):
        return "this type has no other text form than \\# <length> <hexadecimal octets> (RFC 3597 section 5)"
    if tokens.ended and reason.startswith(("expecting", "Text input")) and not _is_opaque(rdtype):
        return "too few fields"
    word = shown(tokens.last_word)
    if reason.startswith("expected EOL"):
        return f"{word} is one field too many"
    if reason.startswith("expecting") and tokens.last_quoted:
        return f"{word} must not be in quotes"
    return f"{reason.rstrip('.')}, at {word}"


def _is_opaque(rdtype: int) -> bool:
    """Whether dnspython knows nothing of the type."""
    return dns.rdata.get_rdata_class(dns.rdataclass.IN, RdataType.make(rdtype)) is dns.rdata.GenericRdata


for _type, _class in _OLD_TYPES.items():
    if _is_opaque(_type):
        dns.rdata.register_type(_class, _type, _type.name)
