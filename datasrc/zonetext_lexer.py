"""Zone text into entries of words (RFC 1035 section 5.1): lines, comments, quotes, parentheses.

A line of plain words, as nearly all are, costs one match and one split; any other goes through the tokens one by one.
Words keep their escapes: `\\DDD` and `\\X` mean something only to whoever reads the word. Octets above 127 become
`\\DDD`, so every word is ASCII and stands for octets: text in UTF-8 or Latin-1 gives the octets that are in the file.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NamedTuple

from datasrc.findings import Code, Finding, Place

Report = Callable[[Finding], None]


class Taken(NamedTuple):
    """How far somebody else read: the octet to go on at, and the lines read by then."""

    position: int
    lines: int


# Reads whole entries of text[start:end], whole lines of which `lines` come before, as far as it likes.
Plain = Callable[[bytes, int, int, int], Taken]

BLOCK = 1 << 18  # octets read at a time
# One entry. The longest record, 65 535 octets of RDATA each written \DDD in quotes, needs a quarter of it.
MAX_ENTRY = 1 << 20

BYTE_ORDER_MARK = b"\xef\xbb\xbf"

# Marks of a word.
QUOTED = 1
GLUED = 2  # nothing stands between it and the word before

# A line without quotes, parentheses, comment, backslash, control or non-ASCII octets.
_PLAIN_LINE = re.compile(rb"[\t !#-'*-:<-\[\]-~]*+\r?\n?")

_TOKEN = re.compile(
    r"""
    (?P<space>   [ \t]++ )
  | (?P<word>    (?: [^\x00-\x20"();\\\x7f]++ | \\[^\x00-\x1f\x7f] )++ )
  | " (?P<quoted> (?: [^\x00-\x08\x0a-\x1f"\\\x7f]++ | \\[^\x00-\x1f\x7f] )*+ ) "
  | (?P<open>    \( )
  | (?P<close>   \) )
  | (?P<comment> ;[^\x00]*+ )
    """,
    re.VERBOSE,
)
_NON_ASCII = re.compile(r"\\?[\x80-\xff]")


@dataclass(slots=True)
class Entry:
    """The words of one record or directive. Per word: marks and line; None where all are plain and on one line."""

    line: int
    blank: bool  # begins with blank space: the owner is the one before
    words: list[str]
    marks: list[int] | None = None
    lines: list[int] | None = None

    def line_of(self, index: int) -> int:
        """The line of a word; past the end, of the last one."""
        if self.lines is None:
            return self.line
        return self.lines[min(index, len(self.lines) - 1)]


@dataclass(slots=True)
class _Open:
    """The entry being gathered, over as many lines as its parentheses span."""

    line: int
    blank: bool
    words: list[str] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    parentheses: list[int] = field(default_factory=list)  # the line of each open one
    size: int = 0


class _Blocks:
    """A stream in blocks, so that whole lines can be looked at where they lie."""

    def __init__(self, stream: BinaryIO) -> None:
        self.text = b""
        self.at = 0
        self._stream = stream
        self._ended = False

    def fill(self) -> bool:
        """Read more; whether there was any. Raises OSError."""
        if self._ended:
            return False
        more = self._stream.read(BLOCK)
        self._ended = not more
        self.text = self.text[self.at :] + more
        self.at = 0
        return bool(more)

    def lines_end(self) -> int:
        """Where the last whole line that is in hand ends, or 0. Raises OSError."""
        if self.at == len(self.text):
            self.fill()
        return self.text.rfind(b"\n", self.at) + 1

    def readline(self, limit: int) -> bytes:
        """The next line, or as much of it; nothing at the end. Raises OSError."""
        while True:
            end = self.text.find(b"\n", self.at, self.at + limit) + 1
            if not end and len(self.text) - self.at < limit and self.fill():
                continue
            end = end or min(len(self.text), self.at + limit)
            line = self.text[self.at : end]
            self.at = end
            return line


class Lexer:
    """Iterates over the entries of one stream; faults are reported and the entry they are in is left out.

    Before each entry `plain` may read some by itself.
    """

    def __init__(self, stream: BinaryIO, file: str, report: Report, plain: Plain | None = None) -> None:
        self.file = file
        self.octets = 0  # read so far
        self._blocks = _Blocks(stream)
        self._report = report
        self._plain = plain
        self._line = 0
        self._open: _Open | None = None
        self._resynchronise = False  # skip to the next line that begins in the first column

    def __iter__(self) -> Iterator[Entry]:
        for raw in self._raw_lines():
            if self._open is None and not self._resynchronise and _PLAIN_LINE.fullmatch(raw):
                words = raw.decode("ascii").split()
                if words:
                    yield Entry(self._line, raw[0] in b" \t", words)
                continue
            entry = self._take(raw)
            if entry is not None:
                yield entry
        if self._open is not None:
            self._fault(self._open.parentheses[0], "this parenthesis is never closed")

    def _raw_lines(self) -> Iterator[bytes]:
        """Lines of at most MAX_ENTRY octets; longer ones are reported and left out."""
        too_long = False
        try:
            while True:
                if not too_long and self._open is None and not self._resynchronise:
                    self._skip_plain()
                raw = self._blocks.readline(MAX_ENTRY)
                if not raw:
                    return
                self.octets += len(raw)
                whole = raw.endswith(b"\n") or len(raw) < MAX_ENTRY
                if not too_long:
                    self._line += 1
                    if whole:
                        yield raw.removeprefix(BYTE_ORDER_MARK) if self._line == 1 else raw
                    else:
                        self._fault(self._line, f"the line is longer than {MAX_ENTRY} octets")
                too_long = not whole
        except OSError as error:
            place = Place(self.file, self._line + 1)
            self._report(Finding(Code.UNREADABLE, f"cannot read on: {error.strerror or error}", place))

    def _skip_plain(self) -> None:
        """Let `plain` read what it can."""
        if self._plain is None:
            return
        blocks = self._blocks
        while end := blocks.lines_end():
            position, self._line = self._plain(blocks.text, blocks.at, end, self._line)
            self.octets += position - blocks.at
            blocks.at = position
            if position < end or not blocks.fill():
                return

    def _take(self, raw: bytes) -> Entry | None:
        """Gather one line; the entry, when it ends here."""
        text = raw.decode("latin-1").removesuffix("\n").removesuffix("\r")
        if self._resynchronise:
            if not text or text[0] in " \t;)":
                return None
            self._resynchronise = False
        if self._open is None:
            self._open = _Open(self._line, text[:1] in (" ", "\t"))
        if not self._gather(text, self._open):
            self._resynchronise = bool(self._open.parentheses)
            self._open = None
            return None
        if self._open.parentheses:
            return None
        entry, self._open = self._open, None
        if not entry.words:
            return None
        return Entry(entry.line, entry.blank, entry.words, entry.marks, entry.lines)

    def _gather(self, text: str, entry: _Open) -> bool:
        """Add the words of one line to the entry; False where the line is at fault."""
        position, glued = 0, 0
        entry.size += len(text) + 1
        while position < len(text):
            token = _TOKEN.match(text, position)
            if token is None:
                self._fault(self._line, _reason(text, position))
                return False
            kind = token.lastgroup
            if kind == "word" or kind == "quoted":
                self._add(entry, token[kind], glued | (QUOTED if kind == "quoted" else 0))
            elif kind == "open":
                entry.parentheses.append(self._line)
            elif kind == "close":
                if not entry.parentheses:
                    self._fault(self._line, "a closing parenthesis without an opening one")
                    return False
                entry.parentheses.pop()
            glued = GLUED if kind == "word" or kind == "quoted" else 0
            position = token.end()
        if entry.size > MAX_ENTRY:
            self._fault(entry.line, f"the entry is longer than {MAX_ENTRY} octets (is a parenthesis not closed?)")
            return False
        return True

    def _add(self, entry: _Open, word: str, marks: int) -> None:
        if not word.isascii():
            if not marks & QUOTED:
                text = (
                    "octets outside ASCII in an unquoted word are taken as they are "
                    "(an internationalised name is written in its xn-- form)"
                )
                self._report(Finding(Code.NON_ASCII, text, Place(self.file, self._line)))
            # An escaped octet and a bare one mean the same.
            word = _NON_ASCII.sub(lambda found: f"\\{ord(found[0][-1]):03d}", word)
        entry.words.append(word)
        entry.marks.append(marks)
        entry.lines.append(self._line)

    def _fault(self, line: int, text: str) -> None:
        self._report(Finding(Code.SYNTAX, text, Place(self.file, line)))


def _reason(text: str, position: int) -> str:
    """Why no token begins at this position."""
    fault = position
    if text[position] == '"':
        fault = next((at for at in range(position, len(text)) if _is_control(text[at])), len(text))
        if fault == len(text):
            return "the quoted string does not end on its line"
    elif text[position] == "\\":
        fault = position + 1
        if fault == len(text):
            return "a backslash ends the line"
    elif text[position] == ";":
        fault = text.index("\0", position)
    octet = ord(text[fault])
    if octet == 0:
        return "a NUL octet (is the file in UTF-16?)"
    return f"the control octet 0x{octet:02x} (in data it is written \\{octet:03d})"


def _is_control(character: str) -> bool:
    return (character < " " and character != "\t") or character == "\x7f"
