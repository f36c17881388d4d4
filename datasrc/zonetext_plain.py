"""The short way of zone text: plain records go into packed ones without becoming objects."""

from __future__ import annotations

from dns.name import Name

from datasrc.packed import PackedRecords
from datasrc.rows import name_from_wire, name_wire
from datasrc.zonescan import Scanner
from datasrc.zonetext_lexer import Taken


class PlainLines:
    """Scans the text of one zone; files are told by number in the records."""

    def __init__(self, records: PackedRecords, apex: Name) -> None:
        self.owner: Name | None = None  # of the last record of a scan, if it took any
        self.last_ttl: int | None = None  # the last one a record of a scan had, if any
        self._records = records
        self._scanner = Scanner(records, name_wire(apex))
        self._numbers: dict[str, int] = {}
        self.files: list[str] = []

    def number(self, file: str) -> int:
        """The number of a file."""
        number = self._numbers.setdefault(file, len(self.files))
        if number == len(self.files):
            self.files.append(file)
        return number

    def begin(self, file: str, lines: int, origin: Name, owner: Name | None, ttl: int | None, lasting: bool) -> None:
        """Say where the reading stands, before a scan."""
        owner_wire = b"" if owner is None else name_wire(owner)
        self._scanner.begin(self.number(file), lines, name_wire(origin), owner_wire, ttl, lasting)

    def scan(self, text: bytes, start: int, end: int) -> Taken:
        """Take plain records as far as they go."""
        before = self._records.count
        position = self._scanner.scan(text, start, end)
        self.owner = self.last_ttl = None
        if self._records.count != before:
            wire = self._scanner.owner_wire()
            self.owner = name_from_wire(wire) if wire else None
            self.last_ttl = self._scanner.said_ttl()
        return Taken(position, self._scanner.lines)
