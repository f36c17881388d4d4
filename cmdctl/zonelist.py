"""A list of the zones of all data sources, in pages. A page reads what is in it, whatever there is before and behind.

Of two sources that hold the same zone the first in the configuration is the one that is answered from; the other one's
entry is SHADOWED.
"""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from dns.name import Name

from cmdctl.api import SourceProblem
from cmdctl.zonefiles import STALE, BeyondTold, FileNames, Told, state_told
from datasrc.errors import DataSourceError, StorageError
from datasrc.keys import key_labels, key_text, name_key
from datasrc.keytable import KeyTable
from datasrc.records import ZoneFilter, ZoneInfo, ZoneState
from datasrc.source import DataSource
from datasrc.sources import Failure

SHADOWED = "shadowed"  # the state of an entry that another source hides
READY = ZoneState.READY.value
BY_PROBLEM = (ZoneState.BROKEN.value, STALE)  # states that zone files have by what is wrong with them
STATES = (*(state.value for state in ZoneState), STALE, SHADOWED)

Listable = DataSource | FileNames


@dataclass(frozen=True, slots=True)
class Located:
    """A zone and the data source it is in."""

    source: str
    writable: bool
    info: ZoneInfo
    shadowed_by: str = ""
    unread: bool = False  # `info` has the origin alone


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which zones a list has: those whose names begin so, in this state (of STATES), in this source, of these keys."""

    beginning: str = ""
    state: str = ""
    source: str | None = None
    only: frozenset[bytes] | None = None  # keys of the zones that who asks may know of; None: all

    @property
    def filter(self) -> ZoneFilter:
        """What a source can tell by itself."""
        state = None if self.state in ("", STALE, SHADOWED) else ZoneState(self.state)
        return ZoneFilter(self.beginning, state)

    def rank(self, key: bytes) -> tuple[bytes, bytes]:
        """What the list is sorted by (as `DataSource.zones`), of the key of an origin."""
        return (key_text(key) if self.beginning else b"", key)

    def rank_of(self, located: Located) -> tuple[bytes, bytes]:
        """The same of an entry."""
        return self.rank(name_key(located.info.origin))


ALL = Wanted()


@dataclass(frozen=True, slots=True)
class Page:
    """A page of the list; `more` is whether there are zones behind it."""

    zones: list[Located]
    more: bool
    problems: list[SourceProblem]


class ZoneList:
    """One list that is being made. `opened` gives a data source by its name, or raises DataSourceError."""

    def __init__(
        self,
        names: Sequence[str],
        opened: Callable[[str], Listable],
        wanted: Wanted,
        files: Collection[str] = (),
        told: Mapping[str, Told] = MappingProxyType({}),
    ) -> None:
        """`files` are the sources of zone files; `told` is what is wrong with those, where a state is asked for."""
        self._names = names
        self._files = files
        self._opened = opened
        self._wanted = wanted
        self._told = told
        self._problems: dict[str, SourceProblem] = {}

    def page(self, after: Name | None, limit: int) -> Page:
        """The zones behind `after`; at most `limit` origins. Raises BeyondTold."""
        chosen = [name for name in self._names if self._wanted.source in (None, name)]
        if self._wanted.state == STALE:
            chosen = [name for name in chosen if name in self._files]
        lists = [self._entries(name, after, limit + 1) for name in chosen]
        merged = heapq.merge(*lists, key=self._wanted.rank_of)  # stable: the first source comes first
        runs = itertools.groupby(merged, key=self._wanted.rank_of)
        groups = [list(group) for _, group in itertools.islice(runs, limit + 1)]
        zones = [located for group in groups[:limit] for located in group]
        return Page(zones, len(groups) > limit, list(self._problems.values()))

    def _entries(self, name: str, after: Name | None, size: int) -> Iterator[Located]:
        """The zones of one source; read on, `size` at a time, as they are taken."""
        before = self._names[: self._names.index(name)]
        try:
            source = self._opened(name)
            while True:
                if self._wanted.state == SHADOWED:
                    found = self._twice(source, before, after, size)
                elif self._wanted.only is not None:
                    found = self._of_keys(source, source.held(set(self._wanted.only)), after, size)
                else:
                    found = self._behind(name, source, after, size)
                hidden = self._hidden(before, found)
                for info in found:
                    by = hidden.get(name_key(info.origin), "")
                    located = Located(name, source.writable, info, by, unread=isinstance(source, FileNames))
                    if self._accepts(located):
                        yield located
                if len(found) < size and (self._knows_all(name) or not found):
                    return
                after = found[-1].origin
        except DataSourceError as error:
            self._note(name, error)

    def _behind(self, name: str, source: Listable, after: Name | None, size: int) -> list[ZoneInfo]:
        """The next zones of a source that are right as far as it can tell by itself."""
        wanted = self._wanted
        if isinstance(source, FileNames):
            told = self._told.get(name, Told(name, {}))
            if wanted.state in BY_PROBLEM:
                return self._bad(source, told, after, size)
            if wanted.state in ("", READY):
                right = (lambda key: told.state(wanted.rank(key)) == READY) if wanted.state else None
                return source.zones(after, size, wanted.beginning, right)
            return []
        return source.zones(after, size, only=wanted.filter)

    def _bad(self, source: FileNames, told: Told, after: Name | None, size: int) -> list[ZoneInfo]:
        """The next zones of files that are bad in this way. Raises BeyondTold."""
        wanted, begins = self._wanted, self._wanted.filter.matches
        behind = None if after is None else wanted.rank(name_key(after))
        bad = (key for key in told.problems if state_told(told.problems, key) == wanted.state)
        ranks = (wanted.rank(key) for key in bad if not wanted.beginning or begins(key_text(key)))
        found = source.of_ranks(sorted(rank for rank in ranks if behind is None or rank > behind), size)
        if not found and told.upto is not None:
            raise BeyondTold(told.source)
        return found

    def _knows_all(self, name: str) -> bool:
        """Whether what was told of a source goes to its end; of one that was told of at all."""
        told = self._told.get(name)
        return told is None or told.upto is None

    def _accepts(self, located: Located) -> bool:
        """Whether it is right with regard to other sources too."""
        if not self._wanted.state:
            return True
        if located.shadowed_by:
            return self._wanted.state == SHADOWED
        if located.unread:
            state = self._told[located.source].state(self._wanted.rank_of(located))
        else:
            state = shown_state(located)
        return state == self._wanted.state

    def _hidden(self, before: Sequence[str], found: list[ZoneInfo]) -> dict[bytes, str]:
        """By which of the sources before these zones are hidden."""
        hidden: dict[bytes, str] = {}
        left = {name_key(info.origin) for info in found} if before else set()
        for name in before:
            try:
                held = self._opened(name).held(left)
            except DataSourceError as error:
                self._note(name, error)
                continue
            hidden.update(dict.fromkeys(held, name))
            left -= held
        return hidden

    def _twice(self, source: Listable, before: Sequence[str], after: Name | None, size: int) -> list[ZoneInfo]:
        """The next zones that a source before this one has too. No index has them: all keys are compared."""
        hiding = KeyTable()
        for name in before:
            try:
                hiding.add_all(self._opened(name).zone_keys())
            except DataSourceError as error:
                self._note(name, error)
        if not len(hiding):
            return []
        only = self._wanted.only
        found = source.each_key() if only is None else source.held(only)
        return self._of_keys(source, {key for key in found if key in hiding}, after, size)

    def _of_keys(self, source: Listable, keys: set[bytes], after: Name | None, size: int) -> list[ZoneInfo]:
        """The next of the zones that have these keys."""
        begins = self._wanted.filter.matches
        ranked = (self._wanted.rank(key) for key in keys if begins(key_text(key)))
        behind = None if after is None else self._wanted.rank(name_key(after))
        chosen = heapq.nsmallest(size, (rank for rank in ranked if behind is None or rank > behind))
        if isinstance(source, FileNames):
            return source.of_keys([key for _, key in chosen])
        with source.snapshot() as snapshot:
            finders = [snapshot.zone(Name([*key_labels(key), b""])) for _, key in chosen]
        return [finder.info for finder in finders if finder is not None]

    def _note(self, name: str, error: DataSourceError) -> None:
        if not is_new(error):
            self._problems[name] = SourceProblem(source=name, reason=str(error))


def shown_state(located: Located) -> str:
    """The state of a zone that was read: READY with a reason is what a source has of which the file is bad."""
    info = located.info
    return STALE if info.state is ZoneState.READY and info.reason else info.state.value


def is_new(error: DataSourceError) -> bool:
    """Whether the store was never made, and so holds no zone."""
    return isinstance(error, StorageError) and Failure.of(error).new
