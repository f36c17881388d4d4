"""The zones of all data sources as an operator sees them. Everything here blocks: routes call it in a worker thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from dns.name import Name

from cmdctl.errors import RequestError
from cmdctl.zonefiles import FileNames, Told, unread
from cmdctl.zonelist import ALL, SHADOWED, Listable, Located, Page, Wanted, ZoneList, is_new
from daemonkit.lane import Silent
from datasrc.errors import DataSourceError, StorageError
from datasrc.keys import name_key
from datasrc.records import Change, Provenance
from datasrc.source import DataSource, Finder
from datasrc.sources import is_master_files

NOTHING: Mapping[str, Told] = MappingProxyType({})


class SourcesUnreadable(RequestError):
    """A zone is in no data source that can be read, and why others cannot."""

    def __init__(self, text: str, problems: list[str]) -> None:
        super().__init__("unavailable", f"{text}; {'; '.join(problems)}")
        self.untold = f"{text}; {unreadable(len(problems))}"


def unreadable(count: int) -> str:
    """What is told of data sources that cannot be read to whom they are nothing."""
    return f"{count} data source{'s' * (count > 1)} cannot be read now"


class NoSuchSource(RequestError):
    """A data source that is named and not there."""


class ZoneDesk:
    """The data sources in the order of the configuration. One that cannot be opened is tried again at each use."""

    def __init__(
        self,
        configured: Mapping[str, Mapping[str, Any]],
        open_source: Callable[[str, Mapping[str, Any]], DataSource],
        asks: Callable[[str], None] = lambda _what: None,
    ) -> None:
        """`asks` is told what is going to be asked, and raises Silent where that does not answer (`Lane.asks`)."""
        self._configured = configured
        self._open_source = open_source
        self._asks = asks
        self._open: dict[str, DataSource] = {}
        self._listed: dict[str, FileNames] = {}

    def close(self) -> None:
        """Close what is open."""
        while self._open:
            self._open.popitem()[1].close()

    @property
    def files(self) -> list[str]:
        """The data sources of zone files."""
        return [name for name, entry in self._configured.items() if is_master_files(entry)]

    def page(self, after: Name | None, limit: int, wanted: Wanted = ALL, told: Mapping[str, Told] = NOTHING) -> Page:
        """The zones behind `after`, at most `limit` origins; raises RequestError, BeyondTold.

        Those of zone files are not read, unless a state is asked for and `told` does not have what is wrong with them.
        """
        self._names(wanted.source)
        named = {name for name in self.files if wanted.state in ("", SHADOWED) or name in told}

        def opened(name: str) -> Listable:
            return self._file_names(name) if name in named else self._source(name)

        return ZoneList(list(self._configured), opened, wanted, self.files, told).page(after, limit)

    def names(self, wanted: Wanted, limit: int) -> tuple[list[str], bool]:
        """The first `limit` names of such zones, and whether there are more; what cannot be read has none."""
        page = self.page(None, limit, wanted)
        found = (located.info.origin.canonicalize().to_text(omit_final_dot=True) for located in page.zones)
        return list(dict.fromkeys(found)), page.more

    def find(self, origin: Name, source: str | None = None) -> Located:
        """The zone of this origin, in the first source that has it or in the one named; raises RequestError."""
        with self.finder(origin, source) as (located, _):
            return located

    def locate(self, origin: Name, source: str | None = None) -> Located:
        """The same; one of a zone file is not read. Raises RequestError."""
        key, problems = name_key(origin), []
        for name in self._names(source):
            try:
                if name not in self.files:
                    opened = self._source(name)
                    with opened.snapshot() as snapshot:
                        finder = snapshot.zone(origin)
                    if finder is not None:
                        return Located(name, opened.writable, finder.info)
                elif self._file_names(name).has(key):
                    return Located(name, FileNames.writable, unread(key), unread=True)
            except DataSourceError as error:
                if not is_new(error):
                    problems.append(str(error))
        raise nowhere(origin, problems)

    def read(self, located: list[Located]) -> list[Located]:
        """What is in unread zone files; one that went meanwhile, or whose source fails now, is left as it is."""
        return [self._read(one) for one in located]

    def _read(self, located: Located) -> Located:
        try:
            with self._source(located.source).snapshot() as snapshot:
                finder = snapshot.zone(located.info.origin)
        except DataSourceError as error:
            return replace(located, info=replace(located.info, reason=str(error)))
        return located if finder is None else replace(located, info=finder.info, unread=False)

    @contextmanager
    def finder(self, origin: Name, source: str | None = None) -> Iterator[tuple[Located, Finder]]:
        """The zone within a snapshot, as `find`."""
        with ExitStack() as stack:
            yield self._locate(stack, origin, source)

    def history(self, origin: Name, source: str | None, before: int, limit: int) -> tuple[str, list[Change]]:
        """Where a zone is or was, and what changed it, the newest first; raises RequestError, DataSourceError.

        In the source that is named, or the first that has the zone; of one that is gone, the first that had it.
        """
        try:
            names = [self.locate(origin, source).source]
        except SourcesUnreadable:
            raise
        except RequestError:
            for name in self._names(source):
                if found := self._history(name, origin, before, limit):
                    return name, found
            raise
        return names[0], self._history(names[0], origin, before, limit)

    def _history(self, name: str, origin: Name, before: int, limit: int) -> list[Change]:
        """Nothing of zone files, which are served as they are."""
        return [] if name in self.files else self._source(name).history(origin, before, limit)

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
        raise nowhere(origin, problems)

    def _names(self, source: str | None) -> list[str]:
        if source is None:
            return list(self._configured)
        if source not in self._configured:
            raise NoSuchSource("not-found", f"there is no data source {source!r}")
        return [source]

    def _file_names(self, name: str) -> FileNames:
        self._ask(name)
        if name not in self._listed:
            self._listed.setdefault(name, FileNames(name, Path(self._configured[name]["directory"])))
        return self._listed[name]

    def _source(self, name: str) -> DataSource:
        self._ask(name)
        if name not in self._open:  # no lock: who opens one may wait for ever, and others go on
            opened = self._open_source(name, self._configured[name])
            if self._open.setdefault(name, opened) is not opened:
                opened.close()
        return self._open[name]

    def _ask(self, name: str) -> None:
        try:
            self._asks(f"data source {name!r}")
        except Silent as error:
            raise StorageError(str(error)) from error


def nowhere(origin: Name, problems: list[str]) -> RequestError:
    """What is told of a zone that is nowhere."""
    text = f"there is no zone {origin}"
    if problems:
        return SourcesUnreadable(f"{text} in what can be read", problems)
    return RequestError("not-found", text)
