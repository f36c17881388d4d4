"""The zones of all data sources as an operator sees them. Everything here blocks: routes call it in a worker thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from dns.name import Name

from cmdctl.errors import RequestError
from cmdctl.zonelist import ALL, Located, Page, Wanted, ZoneList, is_new
from datasrc.errors import DataSourceError
from datasrc.records import Change, Provenance
from datasrc.source import DataSource, Finder


class SourcesUnreadable(RequestError):
    """A zone is in no data source that can be read, and why others cannot."""

    def __init__(self, text: str, problems: list[str]) -> None:
        super().__init__("unavailable", f"{text}; {'; '.join(problems)}")
        self.untold = f"{text}; {unreadable(len(problems))}"


def unreadable(count: int) -> str:
    """What is told of data sources that cannot be read to whom they are nothing."""
    return f"{count} data source{'s' * (count > 1)} cannot be read now"


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

    def page(self, after: Name | None, limit: int, wanted: Wanted = ALL) -> Page:
        """The zones behind `after`, at most `limit` origins; raises RequestError."""
        self._names(wanted.source)
        return ZoneList(list(self._configured), self._source, wanted).page(after, limit)

    def names(self, wanted: Wanted, limit: int) -> tuple[list[str], bool]:
        """The first `limit` names of such zones, and whether there are more; what cannot be read has none."""
        page = self.page(None, limit, wanted)
        found = (located.info.origin.canonicalize().to_text(omit_final_dot=True) for located in page.zones)
        return list(dict.fromkeys(found)), page.more

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
                if not is_new(error):
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


def _nowhere(origin: Name, problems: list[str]) -> RequestError:
    text = f"there is no zone {origin}"
    if problems:
        return SourcesUnreadable(f"{text} in what can be read", problems)
    return RequestError("not-found", text)
