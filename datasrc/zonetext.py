"""Zone text (RFC 1035 section 5, "master files") into records.

    reader = Reader(origin, report)
    for record in reader.read(stream, "example.org.zone"): ...

Faults are reported with their place and reading goes on, up to MAX_ERRORS; after an error the records must not be used.
What a record leaves out: the owner is the one before; the TTL is that of $TTL, else the last one written, else the
SOA's MINIMUM (RFC 2308 section 4). $INCLUDE restores origin and owner at its end; a $TTL in the included file stays, as
in BIND 9.
"""

from __future__ import annotations

import errno
import functools
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple, TypeVar

from dns import rdatatype
from dns.name import Name
from dns.rdataclass import IN
from dns.rdatatype import RdataType

from datasrc.findings import Code, Finding, Place, Severity
from datasrc.signatures import Signature, signature_of
from datasrc.zonetext_generate import MAX_GENERATED, Template, parse_range, record_pattern
from datasrc.zonetext_header import MAX_TTL, Field, FieldFault, classify, parse_ttl
from datasrc.zonetext_lexer import QUOTED, Entry, Lexer, Report, Taken
from datasrc.zonetext_names import NameReader, shown, word_octets
from datasrc.zonetext_plain import PlainLines
from datasrc.zonetext_rdata import RdataFault, RdataReader

MAX_ERRORS = 100
# Files within files, and files in all: a small tree of includes can name exponentially many.
MAX_INCLUDE_DEPTH = 16
MAX_INCLUDES = 10_000
# Errors of the system that say nothing of the file to include.
PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.ESTALE})


class Record(NamedTuple):
    """One resource record of class IN and where it was written."""

    owner: Name
    ttl: int
    rdtype: int
    rdata: bytes  # uncompressed wire form
    file: str
    line: int

    @property
    def place(self) -> Place:
        """Where the record begins."""
        return Place(self.file, self.line)


class _Fault(Exception):
    """An entry cannot be used; `index` is the word at fault."""

    def __init__(self, code: Code, text: str, index: int = 0) -> None:
        super().__init__(text)
        self.code = code
        self.index = index


class _TooManyErrors(Exception):
    """Reading on makes no sense."""


_Text = TypeVar("_Text")
_Value = TypeVar("_Value")


class _Source(NamedTuple):
    """A file being read."""

    file: str  # as messages have it
    directory: Path  # what $INCLUDE is relative to
    identities: tuple[tuple[int, int], ...]  # device and inode of this file and those it was included from


class Reader:
    """Reads the text of one zone. `includes=False` refuses $INCLUDE (text that came from elsewhere).

    With `plain` that takes the plain records it finds for itself, and the others come from read(). `included` is told
    what each file to include looked like before it was first read, None where it could not be looked at.
    """

    def __init__(
        self,
        origin: Name,
        report: Report,
        *,
        includes: bool = True,
        included: dict[str, Signature | None] | None = None,
        plain: PlainLines | None = None,
    ) -> None:
        self.octets = 0  # read so far, included files apart
        self._report_to = report
        self._includes = includes
        self._plain = plain
        self._names = NameReader(origin)
        self._rdata = RdataReader(self._names)
        self._owner: Name | None = None
        self._owner_word: str | None = None  # what self._owner was read from, while the origin stays
        self._owner_faulty = False
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None
        self._soa_minimum: int | None = None
        self._soa_minimum_used = False
        self._errors = 0
        self._included = 0
        self._looked_at = {} if included is None else included
        self._generated = 0

    def read(self, stream: BinaryIO, file: str, directory: Path | None = None) -> Iterator[Record]:
        """The records of a stream messages call `file`; $INCLUDE is relative to `directory`, or to that of `file`."""
        source = _Source(file, Path(file).parent if directory is None else directory, _identity(stream))
        try:
            yield from self._entries(stream, source)
        except _TooManyErrors:
            text = f"after {MAX_ERRORS} errors the rest of {file} was not read"
            self._report_to(Finding(Code.TOO_MANY_ERRORS, text))

    def _entries(self, stream: BinaryIO, source: _Source) -> Iterator[Record]:
        plain = None if self._plain is None else functools.partial(self._take_plain, self._plain, source.file)
        lexer = Lexer(stream, source.file, self._report, plain)
        outermost = len(source.identities) == 1
        for entry in lexer:
            if outermost:
                self.octets = lexer.octets
            try:
                if entry.words[0].startswith("$") and not entry.blank and not _quoted(entry, 0):
                    yield from self._directive(entry, source)
                else:
                    record = self._record(entry, source.file)
                    if record is not None:
                        yield record
            except _Fault as fault:
                place = Place(source.file, entry.line_of(fault.index))
                self._report(Finding(fault.code, str(fault), place))
        if outermost:
            self.octets = lexer.octets

    def _take_plain(self, plain: PlainLines, file: str, text: bytes, start: int, end: int, lines: int) -> Taken:
        """Let the plain records at the beginning of a text go the short way."""
        ttl, lasting = self._ttl_at_hand()
        plain.begin(file, lines, self._names.origin, self._owner, ttl, lasting)
        taken = plain.scan(text, start, end)
        if plain.owner is not None:
            self._owner, self._owner_word, self._owner_faulty = plain.owner, None, False
        if plain.last_ttl is not None:
            self._last_ttl = plain.last_ttl
        return taken

    def _ttl_at_hand(self) -> tuple[int | None, bool]:
        """The TTL of a record that has none, if that goes without saying, and whether it stays that of all of them."""
        if self._default_ttl is not None:
            return self._default_ttl, True
        if self._last_ttl is None and self._soa_minimum is not None and self._soa_minimum_used:
            return (self._soa_minimum if self._soa_minimum <= MAX_TTL else 0), False
        return self._last_ttl, False

    # Records.

    def _record(self, entry: Entry, file: str) -> Record | None:
        at = 0
        if not entry.blank:
            if entry.words[0] != self._owner_word or _quoted(entry, 0):
                self._set_owner(entry)
            at = 1
        elif self._owner is None:
            if self._owner_faulty:  # reported where it was written
                return None
            raise _Fault(Code.NO_OWNER, "the first record has no owner name (the line begins with blank space)")
        return self._typed_record(entry, at, file)

    def _typed_record(self, entry: Entry, at: int, file: str) -> Record:
        """The record of the current owner whose TTL, class and type begin at word `at`."""
        ttl, rdtype, at = self._header(entry, at, file)
        try:
            rdata = self._rdata.read(rdtype, entry, at)
        except RdataFault as fault:
            text = f"bad {rdatatype.to_text(RdataType.make(rdtype))} data: {fault}"
            raise _Fault(Code.BAD_RDATA, text, fault.index) from fault
        if rdtype == RdataType.SOA:
            self._soa_minimum = int.from_bytes(rdata[-4:], "big")
        if ttl is None:
            ttl = self._missing_ttl(entry, file)
        assert self._owner is not None
        return Record(self._owner, ttl, rdtype, rdata, file, entry.line)

    def _set_owner(self, entry: Entry) -> None:
        word = entry.words[0]
        self._owner, self._owner_word, self._owner_faulty = None, None, True
        if _quoted(entry, 0):
            raise _Fault(Code.BAD_NAME, "the owner name is in quotes")
        self._owner = self._name(word, 0)
        self._owner_word, self._owner_faulty = word, False

    def _header(self, entry: Entry, at: int, file: str) -> tuple[int | None, int, int]:
        """TTL, type, and the index of the first RDATA word. TTL and class come in either order, each at most once."""
        ttl: int | None = None
        class_seen = False
        for index in range(at, len(entry.words)):
            if _quoted(entry, index):
                break
            field, value = _parsed(classify, entry.words[index], index)
            if field is Field.TYPE:
                return ttl, value, index + 1
            if field is Field.TTL and ttl is None:
                ttl = self._last_ttl = self._capped(value, Place(file, entry.line_of(index)))
            elif field is Field.CLASS and not class_seen:
                class_seen = True
                if value != IN:
                    raise _Fault(Code.CLASS_MISMATCH, f"class {entry.words[index]} in a zone of class IN", index)
            else:
                raise _Fault(Code.SYNTAX, f"a second {field.value} {entry.words[index]!r}", index)
        raise _Fault(Code.SYNTAX, "the record has no type", len(entry.words))

    def _missing_ttl(self, entry: Entry, file: str) -> int:
        if self._default_ttl is not None:
            return self._default_ttl
        if self._last_ttl is not None:
            return self._last_ttl
        place = Place(file, entry.line)
        if self._soa_minimum is None:
            raise _Fault(Code.NO_TTL, "no TTL here, in a $TTL or in a record before (RFC 2308 section 4)")
        if not self._soa_minimum_used:
            self._soa_minimum_used = True
            text = f"no TTL and no $TTL: the SOA's MINIMUM of {self._soa_minimum} s is used from here on"
            self._report(Finding(Code.TTL_FROM_SOA, text, place))
        return self._soa_minimum if self._soa_minimum <= MAX_TTL else 0

    def _capped(self, ttl: int, place: Place) -> int:
        if ttl <= MAX_TTL:
            return ttl
        text = f"a TTL of {ttl} s is more than {MAX_TTL} s and counts as 0 (RFC 2181 section 8)"
        self._report(Finding(Code.TTL_TOO_LARGE, text, place))
        return 0

    # Directives.

    def _directive(self, entry: Entry, source: _Source) -> Iterator[Record]:
        match entry.words[0].upper():
            case "$ORIGIN":
                self._expect(entry, "$ORIGIN name", 2, 2)
                self._set_origin(self._name(entry.words[1], 1))
            case "$TTL":
                self._expect(entry, "$TTL time", 2, 2)
                place = Place(source.file, entry.line_of(1))
                self._default_ttl = self._capped(_parsed(parse_ttl, entry.words[1], 1), place)
            case "$INCLUDE":
                self._expect(entry, "$INCLUDE file [origin]", 2, 3, quotable=1)
                yield from self._include(entry, source)
            case "$GENERATE":
                self._expect(entry, "$GENERATE range owner [ttl] [class] type rdata", 4, len(entry.words), quotable=4)
                yield from self._generate(entry, source)
            case word:
                known = "known are $ORIGIN, $TTL, $INCLUDE and $GENERATE; a name that begins with $ is written \\$"
                raise _Fault(Code.BAD_DIRECTIVE, f"unknown directive {shown(word)}: {known}")

    def _expect(self, entry: Entry, form: str, least: int, most: int, quotable: int = 0) -> None:
        """Refuse a directive with too few or too many words, or quotes before word `quotable` (0: anywhere)."""
        quoted = any(_quoted(entry, index) for index in range(len(entry.words)) if not quotable or index < quotable)
        if quoted or not least <= len(entry.words) <= most:
            raise _Fault(Code.BAD_DIRECTIVE, f"the directive reads: {form}", len(entry.words))

    def _set_origin(self, origin: Name) -> None:
        self._names.origin = origin
        self._owner_word = None

    def _include(self, entry: Entry, source: _Source) -> Iterator[Record]:
        saved = self._names.origin, self._owner, self._owner_faulty
        file = str(source.directory / os.fsdecode(_parsed(word_octets, entry.words[1], 1, Code.BAD_INCLUDE)))
        stream = self._open_included(file, source)
        with stream:
            identities = (*source.identities, *_identity(stream))
            if len(entry.words) > len(("$INCLUDE", "file")):
                self._set_origin(self._name(entry.words[2], 2))
            yield from self._entries(stream, _Source(file, Path(file).parent, identities))
        origin, self._owner, self._owner_faulty = saved
        self._set_origin(origin)

    def _open_included(self, file: str, source: _Source) -> BinaryIO:
        if not self._includes:
            raise _Fault(Code.BAD_INCLUDE, "$INCLUDE is not allowed in this text")
        self._included += 1
        if len(source.identities) > MAX_INCLUDE_DEPTH:
            raise _Fault(Code.BAD_INCLUDE, f"more than {MAX_INCLUDE_DEPTH} files within one another", 1)
        if self._included > MAX_INCLUDES:
            raise _Fault(Code.BAD_INCLUDE, f"more than {MAX_INCLUDES} included files in all", 1)
        try:
            status = self._look_at(file)
            if not stat.S_ISREG(status.st_mode):
                raise _Fault(Code.BAD_INCLUDE, f"{file} is not a regular file", 1)
            if (status.st_dev, status.st_ino) in source.identities:
                raise _Fault(Code.BAD_INCLUDE, f"{file} includes itself", 1)
            return open(file, "rb")
        except (OSError, ValueError) as error:
            reason = error.strerror if isinstance(error, OSError) else str(error)
            code = Code.UNREADABLE if isinstance(error, OSError) and error.errno in PASSING else Code.BAD_INCLUDE
            raise _Fault(code, f"cannot read {file}: {reason}", 1) from error

    def _look_at(self, file: str) -> os.stat_result:
        """The first look counts: of what has changed when it is included again nobody must think that it was read."""
        try:
            status = Path(file).stat()
        except (OSError, ValueError):
            self._looked_at.setdefault(file, None)
            raise
        self._looked_at.setdefault(file, signature_of(status))
        return status

    def _generate(self, entry: Entry, source: _Source) -> Iterator[Record]:
        words = entry.words
        numbers = _parsed(parse_range, words[1], 1, Code.BAD_GENERATE)
        self._generated += len(numbers)
        if self._generated > MAX_GENERATED:
            raise _Fault(Code.BAD_GENERATE, f"more than {MAX_GENERATED} records generated in all", 1)
        pattern = _parsed(record_pattern, entry, len(words) - 1, Code.BAD_GENERATE)
        templates = [_parsed(Template, word, index + 2, Code.BAD_GENERATE) for index, word in enumerate(pattern.words)]
        for number in numbers:
            try:
                expanded = [template.expand(number) for template in templates]
            except ValueError as error:
                raise _Fault(Code.BAD_GENERATE, str(error), 1) from error
            yield self._generated_record(Entry(entry.line, False, expanded, pattern.marks), number, source)

    def _generated_record(self, entry: Entry, number: int, source: _Source) -> Record:
        try:
            self._set_owner(entry)
            return self._typed_record(entry, 1, source.file)
        except _Fault as fault:
            raise _Fault(fault.code, f"for the number {number}: {fault}", 1) from fault

    def _name(self, word: str, index: int) -> Name:
        return _parsed(self._names.name, word, index, Code.BAD_NAME)

    def _report(self, finding: Finding) -> None:
        self._report_to(finding)
        if finding.severity is Severity.ERROR:
            self._errors += 1
            if self._errors >= MAX_ERRORS:
                raise _TooManyErrors


def _parsed(parse: Callable[[_Text], _Value], word: _Text, index: int, code: Code = Code.SYNTAX) -> _Value:
    """What the word stands for; a ValueError becomes a fault of its own code, or else of this one."""
    try:
        return parse(word)
    except ValueError as error:
        raise _Fault(error.code if isinstance(error, FieldFault) else code, str(error), index) from error


def _quoted(entry: Entry, index: int) -> bool:
    return entry.marks is not None and bool(entry.marks[index] & QUOTED)


def _identity(stream: BinaryIO) -> tuple[tuple[int, int], ...]:
    """Device and inode of an open file; nothing for what is none (text in memory)."""
    try:
        status = os.fstat(stream.fileno())
    except OSError:
        return ((0, 0),)
    return ((status.st_dev, status.st_ino),)
