"""Finding in a zone that was read from text, without an object a record; and what differs between two such zones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from datasrc import journal
from datasrc.keys import AFTER_ALL
from datasrc.lookup import BARRIERS
from datasrc.packed_zone import PackedZone
from datasrc.pending import Delta, composite_key
from datasrc.records import ZoneInfo
from datasrc.rows import Row
from datasrc.source import Finder, RowSink
from datasrc.versions import History, recorded_sets

MAX_DIFFERENCES = 10_000  # sets; of a change of more only the fact is remembered

Contents = Callable[[], PackedZone]
"""Gives the sets of a zone. Raises ZoneUnusable where they cannot be had."""


class PackedFinder(Finder):
    """One version of a zone. Its sets are asked for when they are needed."""

    def __init__(self, info: ZoneInfo, database: str, contents: Contents, recorded: History) -> None:
        super().__init__(info, database)
        self._contents = contents
        self._recorded = recorded

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over, as they are packed."""
        sink.add_packed(self._contents())

    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""
        packed = self._contents()
        place = packed.lower(key)
        before = packed.row(place - 1)[0] if place else None
        return before, packed.row(place)[0] if place < packed.set_count else None

    def _walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> Iterator[Row]:
        packed = self._contents()
        for key in keys[:-1]:
            yield from _at(packed, key, BARRIERS)
        yield from _at(packed, keys[-1], types)

    def _touched(self, after: int, limit: int) -> Iterable[tuple[journal.Step, journal.SetPlace]]:
        return islice(recorded_sets(self._recorded(self.info.origin), after, self.info.version), limit)

    def _row(self, key: bytes, rdtype: int, covers: int) -> Row | None:
        packed = self._contents()
        index = packed.find(composite_key(key, rdtype, covers))
        return None if index < 0 else Row(*packed.row(index))

    def _backwards(self, key: bytes, rdtype: int) -> Iterator[Row]:
        packed = self._contents()
        index = packed.set_count if key == AFTER_ALL else packed.span(key)[1]
        while (index := packed.last_of_type(index, rdtype)) >= 0:
            yield Row(*packed.row(index))

    def _rows(self) -> Iterator[Row]:
        packed = self._contents()
        return (Row(*packed.row(index)) for index in range(packed.set_count))


def differences(before: PackedZone, now: PackedZone) -> list[Delta] | None:
    """What differs, in order; None: more than is remembered."""
    found = now.differences(before, MAX_DIFFERENCES)
    if found is None:
        return None
    return [
        Delta(
            None if old < 0 else Row(*before.row(old)),
            None if new < 0 else Row(*now.row(new)),
        )
        for old, new in found
    ]


def _at(packed: PackedZone, key: bytes, types: frozenset[int] | None) -> list[Row]:
    rows = (Row(*packed.row(index)) for index in range(*packed.span(key)))
    return [row for row in rows if types is None or row.rdtype in types]
