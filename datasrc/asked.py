"""What is asked of a data source while an answer is made, noted for who watches for silence (datasrc/silence.py)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from dns.name import Name

from datasrc.journal import SetPlace, Step
from datasrc.rows import Row
from datasrc.silence import Asking, Question
from datasrc.source import DataSource, Finder, RowSink, Snapshot


class AskedSnapshot(Snapshot, AbstractContextManager["AskedSnapshot"]):
    """A snapshot of one source, from its opening to its end: a database is told of both."""

    def __init__(self, source: DataSource, name: str, asking: Asking) -> None:
        self._opening = source.snapshot()
        self._name = name
        self._asking = asking
        self._question = asking.of(name)

    def __enter__(self) -> Self:
        with self._question:
            self._snapshot = self._opening.__enter__()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool | None:
        with self._question:
            return self._opening.__exit__(kind, error, trace)

    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match."""
        with self._question:
            return self._noted(self._snapshot.find_zone(name))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""
        with self._question:
            return self._noted(self._snapshot.zone(origin))

    def _noted(self, finder: Finder | None) -> Finder | None:
        return None if finder is None else AskedFinder(finder, self._name, self._asking)


class AskedFinder(Finder):
    """One zone, each question for which is noted."""

    def __init__(self, finder: Finder, name: str, asking: Asking) -> None:
        super().__init__(finder.info, finder._database)  # noqa: SLF001 - it stands for that one
        self._finder = finder
        self._name = name
        self._asking = asking
        self._question: Question = asking.of(name)

    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""
        with self._question:
            return self._finder.neighbours(key)

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over as they are stored."""
        with self._question:
            self._finder.pour(sink)

    def _walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> list[Row]:
        with self._question:
            return list(self._finder._walk(keys, types))  # noqa: SLF001 - it stands for that one

    def _touched(self, after: int, limit: int) -> Iterator[tuple[Step, SetPlace]]:
        return self._asking.each(self._name, self._finder._touched(after, limit))  # noqa: SLF001 - it stands for that one

    def _row(self, key: bytes, rdtype: int, covers: int) -> Row | None:
        with self._question:
            return self._finder._row(key, rdtype, covers)  # noqa: SLF001 - it stands for that one

    def _backwards(self, key: bytes, rdtype: int) -> Iterator[Row]:
        return self._asking.each(self._name, self._finder._backwards(key, rdtype))  # noqa: SLF001 - it stands for that one

    def _rows(self) -> Iterator[Row]:
        return self._asking.each(self._name, self._finder._rows())  # noqa: SLF001 - it stands for that one
