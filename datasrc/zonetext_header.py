"""The words between owner and RDATA of a record: TTL, class, type (RFC 1035 section 5.1, RFC 3597 section 5)."""

from __future__ import annotations

import enum
import functools
import re

from dns import rdatatype
from dns.rdatatype import RdataType

from datasrc.findings import Code
from datasrc.rdata import META_TYPES, OPT

# RFC 2181 section 8: a TTL with the top bit set counts as 0.
MAX_TTL = (1 << 31) - 1
_MAX_U32 = (1 << 32) - 1

_SECONDS = {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
_TTL = re.compile(r"[0-9]{1,10}|(?:[0-9]{1,10}[smhdw]){1,10}", re.IGNORECASE)
_TTL_PART = re.compile(r"([0-9]+)([smhdw]?)", re.IGNORECASE)
_CLASSES = {"IN": 1, "INTERNET": 1, "CS": 2, "CH": 3, "CHAOS": 3, "HS": 4, "HESIOD": 4}
_CLASS_NUMBER = re.compile(r"CLASS([0-9]{1,5})")


class Field(enum.Enum):
    """What a word between owner and RDATA is."""

    TTL = "TTL"
    CLASS = "class"
    TYPE = "type"


class FieldFault(ValueError):
    """The word is no such field."""

    def __init__(self, code: Code, text: str) -> None:
        super().__init__(text)
        self.code = code


@functools.lru_cache(maxsize=4096)  # a zone has few of these words, each thousands of times
def classify(word: str) -> tuple[Field, int]:
    """What the word is, and its value. Raises FieldFault."""
    if word[:1].isdigit():
        return Field.TTL, parse_ttl(word)
    upper = word.upper()
    number = _CLASSES.get(upper)
    if number is not None:
        return Field.CLASS, number
    found = _CLASS_NUMBER.fullmatch(upper)
    if found is not None:
        return Field.CLASS, int(found[1])
    return Field.TYPE, _parse_type(upper)


def parse_ttl(word: str) -> int:
    """Seconds from `3600` or `1h` or `1w2d3h4m5s`; up to 2^32 - 1. Raises FieldFault."""
    if not _TTL.fullmatch(word):
        raise FieldFault(Code.BAD_TTL, f"{word[:40]!r} is not a time (like 3600 or 1w2d3h4m5s)")
    ttl = sum(int(number) * _SECONDS[unit.lower()] for number, unit in _TTL_PART.findall(word))
    if ttl > _MAX_U32:
        raise FieldFault(Code.BAD_TTL, f"a TTL of {ttl} s does not fit in 32 bits")
    return ttl


def _parse_type(word: str) -> int:
    try:
        rdtype = int(rdatatype.from_text(word))
    except (rdatatype.UnknownRdatatype, ValueError) as error:
        raise FieldFault(Code.UNKNOWN_TYPE, f"{word[:40]!r} is neither a TTL nor a class nor a type") from error
    if rdtype in (0, OPT) or rdtype in META_TYPES:
        # RFC 6891 section 6.1.1, RFC 8945 section 4.1, RFC 6895 section 3.1
        name = RdataType.to_text(RdataType.make(rdtype))
        raise FieldFault(Code.META_TYPE, f"{name} is not a type of data and cannot be in a zone")
    return rdtype
