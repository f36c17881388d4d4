"""$GENERATE: a range of numbers and words in which `$` stands for the number, as BIND 9 has it.

    $GENERATE start-stop[/step] owner [ttl] [class] type rdata

`${offset[,width[,base]]}` adds an offset and formats: base `d`, `o`, `x`, `X`, or `n`, `N` for hexadecimal digits in
reverse order with dots between, as names below ip6.arpa have them; the width then counts the dots too. `$$` and `\\$`
are a dollar sign.
"""

from __future__ import annotations

import io
import re
from dataclasses import dataclass

from datasrc.findings import Finding
from datasrc.zonetext_header import Field, FieldFault, classify
from datasrc.zonetext_lexer import QUOTED, Entry, Lexer

# What one zone text may generate in all: four /10 networks of reverse names.
MAX_GENERATED = 1 << 22
# The numbers of a range, and what an offset makes of them (a C int in BIND 9).
MAX_NUMBER = (1 << 31) - 1
# A number cannot be wider than a name (RFC 1035 section 2.3.4).
MAX_WIDTH = 255

_RANGE = re.compile(r"([0-9]{1,10})-([0-9]{1,10})(?:/([0-9]{1,10}))?")
_PART = re.compile(r"\\.|\$\$|\$\{[^}]*\}|\$\{?|[^\\$]+")
_ESCAPED = re.compile(r"\\.")
_FORMAT = re.compile(r"\$\{(-?[0-9]{1,10})(?:,([0-9]{1,3})(?:,([doxXnN]))?)?\}")


@dataclass(frozen=True, slots=True)
class _Number:
    """One `$` of a template."""

    offset: int = 0
    width: int = 0
    base: str = "d"

    def format(self, value: int) -> str:
        number = value + self.offset
        if not 0 <= number <= MAX_NUMBER:
            raise ValueError(f"{value} with offset {self.offset} is not from 0 to {MAX_NUMBER}")
        if self.base in "nN":
            return _nibbles(number, self.width, self.base)
        return format(number, f"0{self.width}{self.base}") if self.width else format(number, self.base)


class Template:
    """A word in which `$` stands for a number. Raises ValueError with the reason where it is malformed."""

    def __init__(self, word: str) -> None:
        self._parts = [_part(text) for text in _PART.findall(word)]

    def expand(self, value: int) -> str:
        """The word for this number; ValueError where an offset takes it out of range."""
        return "".join([part if isinstance(part, str) else part.format(value) for part in self._parts])


def parse_range(word: str) -> range:
    """The numbers of `start-stop[/step]`. Raises ValueError with the reason."""
    found = _RANGE.fullmatch(word)
    if found is None:
        raise ValueError(f"{word[:40]!r} is not a range start-stop or start-stop/step")
    start, stop, step = int(found[1]), int(found[2]), int(found[3] or 1)
    if step == 0:
        raise ValueError("the step of a range is at least 1")
    if start > stop:
        raise ValueError(f"the range begins at {start}, after its end {stop}")
    if stop > MAX_NUMBER or step > MAX_NUMBER:
        raise ValueError(f"the numbers of a range go up to {MAX_NUMBER}")
    return range(start, stop + 1, step)


def record_pattern(entry: Entry) -> Entry:
    """The words of the record a $GENERATE entry describes: owner, TTL, class, type, RDATA.

    RDATA that is one quoted word is the text of all its fields, as in BIND 9. Raises ValueError where that is no text.
    """
    words = entry.words[2:]
    if entry.marks is None:
        return Entry(entry.line, False, words)
    marks = entry.marks[2:]
    first = next((at for at in range(1, len(words)) if _is_type(words[at])), len(words)) + 1
    if first == len(words) - 1 and marks[first] & QUOTED:
        fields = _fields(words[first])
        words[first:] = fields.words
        marks[first:] = fields.marks or [0] * len(fields.words)
    plain = not any(marks) and not any("\\" in word for word in words)
    return Entry(entry.line, False, words, None if plain else marks)


def _is_type(word: str) -> bool:
    try:
        return classify(word)[0] is Field.TYPE
    except FieldFault:
        return False


def _fields(quoted: str) -> Entry:
    """The words within a quoted word."""
    text = _ESCAPED.sub(lambda found: '"' if found[0] == '\\"' else found[0], quoted)
    findings: list[Finding] = []
    entries = list(Lexer(io.BytesIO(text.encode("ascii")), "", findings.append))
    if findings:
        raise ValueError(findings[0].text)
    return entries[0] if entries else Entry(0, False, [])


def _part(text: str) -> str | _Number:
    if text == "$":
        return _Number()
    if text == "$$":
        return "$"
    if not text.startswith("$"):
        return text
    found = _FORMAT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text[:40]!r} is not ${{offset,width,base}} with base d, o, x, X, n or N")
    width = int(found[2] or 0)
    if width > MAX_WIDTH:
        raise ValueError(f"the width {width} is more than {MAX_WIDTH}")
    return _Number(int(found[1]), width, found[3] or "d")


def _nibbles(number: int, width: int, base: str) -> str:
    """Hexadecimal digits, the lowest first, a dot after each but the last, at least `width` characters."""
    text = ""
    while True:
        text += format(number & 0xF, "x" if base == "n" else "X")
        number >>= 4
        if number == 0 and len(text) >= width:
            return text
        text += "."
        if number == 0 and len(text) >= width:
            return text
