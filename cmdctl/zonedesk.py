"""The zones of all data sources as an operator sees them. Everything here blocks: routes call it in a worker thread.

Of two sources that hold the same zone the first in the configuration is the one that is answered from; the other one's
entry is SHADOWED.
"""

from __future__ import annotations

import heapq
import itertools
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import dns.name
from dns.name import Name

from cmdctl.api import SourceProblem
from cmdctl.errors import RequestError
from cmdctl.zonenames import beginning_with
from datasrc.errors import DataSourceError, StorageError
from datasrc.keys import name_key
from datasrc.records import Change, Provenance, ZoneInfo
from datasrc.source import DataSource, Finder
from datasrc.sources import Failure

SHADOWED = "shadowed"  # the state of an entry that another source hides


@dataclass(frozen=True, slots=True)
class Located:
    """A zone and the data source it is in."""

    source: str
    writable: bool
    info: ZoneInfo
    shadowed_by: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list; `more` is whether there are zones behind it."""

    zones: list[Located]
    more: bool
    problems: list[SourceProblem]


class ZoneDesk:
    """The data sources in the order of the configuration. One that cannot be opened is tried again at each use."""

    def __init__(
        self,
        configured: Mapping[str, Mapping[str, Any]],
        open_source: Callable[[str, Mapping[str, Any]], DataSource],
    ) -> None:
        self._configured = configured
        self._open_source = open_source
        self._lock = threading.Lock()
        self._open: dict[str, DataSource] = {}

    def close(self) -> None:
        """Close what is open."""
        with self._lock:
            while self._open:
                self._open.popitem()[1].close()

    def page(self, after: Name | None, limit: int, prefix: str = "") -> Page:
        """Zones in canonical order of their origins behind `after`; at most `limit` origins, which begin so."""
        if prefix:
            return self._page_of(prefix, after, limit)
        lists: list[list[_Entry]] = []
        problems = []
        for name in self._configured:
            try:
                source = self._source(name)
                lists.append([(info.origin, name, source.writable, info) for info in source.zones(after, limit + 1)])
            except DataSourceError as error:
                if not _is_new(error):
                    problems.append(SourceProblem(source=name, reason=str(error)))
        merged = heapq.merge(*lists, key=_origin)  # stable: the first source comes first
        groups = [list(group) for _, group in itertools.groupby(merged, key=_origin)]
        zones = [located for group in groups[:limit] for located in _ranked(group)]
        return Page(zones, len(groups) > limit, problems)

    def names(self, prefix: str, limit: int) -> tuple[list[str], bool]:
        """The first `limit` names of zones that begin so, and whether there are more; what cannot be read has none."""
        keys: set[bytes] = set()
        for name in self._configured:
            try:
                keys |= self._source(name).zone_keys()
            except DataSourceError:  # `page` tells
                continue
        return beginning_with(prefix, keys, limit)

    def _page_of(self, prefix: str, after: Name | None, limit: int) -> Page:
        """The zones that begin so, each looked up by its name."""
        keys: dict[str, set[bytes]] = {}
        problems = []
        for name in self._configured:
            try:
                keys[name] = self._source(name).zone_keys()
            except DataSourceError as error:
                if not _is_new(error):
                    problems.append(SourceProblem(source=name, reason=str(error)))
        behind = b"" if after is None else name_key(after) + b"\x00"
        names, more = beginning_with(prefix, (key for key in set().union(*keys.values()) if key >= behind), limit)
        zones: list[Located] = []
        for text in names:
            origin = dns.name.from_text(text)
            for rank, name in enumerate(source for source, has in keys.items() if name_key(origin) in has):
                located = self.find(origin, name)
                zones.append(
                    located if rank == 0 else replace(located, shadowed_by=zones[-1].shadowed_by or zones[-1].source)
                )
        return Page(zones, more, problems)

    def find(self, origin: Name, source: str | None = None) -> Located:
        """The zone of this origin, in the first source that has it or in the one named; raises RequestError."""
        with self.finder(origin, source) as (located, _):
            return located

    @contextmanager
    def finder(self, origin: Name, source: str | None = None) -> Iterator[tuple[Located, Finder]]:
        """The zone within a snapshot, as `find`."""
        with ExitStack() as stack:
            yield self._locate(stack, origin, source)

    def delete(self, origin: Name, source: str | None, provenance: Provenance) -> tuple[Located, Change]:
        """Delete a zone; raises RequestError, DataSourceError."""
        located = self.find(origin, source)
        return located, self._source(located.source).delete_zone(origin, provenance)

    def _locate(self, stack: ExitStack, origin: Name, source: str | None) -> tuple[Located, Finder]:
        problems = []
        for name in self._names(source):
            try:
                opened = self._source(name)
                finder = stack.enter_context(opened.snapshot()).zone(origin)
            except DataSourceError as error:
                if not _is_new(error):
                    problems.append(str(error))
                continue
            if finder is not None:
                return Located(name, opened.writable, finder.info), finder
        raise _nowhere(origin, problems)

    def _names(self, source: str | None) -> list[str]:
        if source is None:
            return list(self._configured)
        if source not in self._configured:
            raise RequestError("not-found", f"there is no data source {source!r}")
        return [source]

    def _source(self, name: str) -> DataSource:
        with self._lock:
            if name not in self._open:
                self._open[name] = self._open_source(name, self._configured[name])
            return self._open[name]


_Entry = tuple[Name, str, bool, ZoneInfo]


def _origin(entry: _Entry) -> Name:
    return entry[0]


def _ranked(group: list[_Entry]) -> list[Located]:
    """The entries of one origin, the first source's first."""
    first = group[0][1]
    return [Located(name, writable, info, "" if name == first else first) for _, name, writable, info in group]


def _is_new(error: DataSourceError) -> bool:
    """Whether the store was never made, and so holds no zone."""
    return isinstance(error, StorageError) and Failure.of(error).new


def _nowhere(origin: Name, problems: list[str]) -> RequestError:
    text = f"there is no zone {origin}"
    if problems:
        return RequestError("unavailable", f"{text} in what can be read; {'; '.join(problems)}")
    return RequestError("not-found", text)
