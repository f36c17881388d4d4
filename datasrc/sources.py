"""The ordered list of data sources as one: the longest match over all of them wins, then the first source.

A source that fails does not take the others down. It is tried again, ever more rarely; until then its zones, as far as
they were ever seen, are `Unavailable`, which is answered with SERVFAIL: a name of theirs must not get the wrong answer
of a zone above it in another source.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import dns.name
from dns.name import Name

import datasrc
from datasrc.errors import Missing, SchemaTooOld, StorageError, Unavailable, UnknownBackend
from datasrc.keys import name_key, path
from datasrc.source import DataSource, Finder, Snapshot

RETRY_FIRST = 0.1  # s after a failure; doubled after each further one
RETRY_MOST = 10.0  # s
LOOK_EVERY = 1.0  # s between looks for zones made or deleted meanwhile


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a source cannot be used now. `new`: there is no store yet, as at a first start, and so no zone either."""

    reason: str
    database: str
    new: bool

    @classmethod
    def of(cls, error: StorageError) -> Failure:
        """What to keep of an exception."""
        new = isinstance(error, Missing) or (isinstance(error, SchemaTooOld) and error.empty)
        return cls(error.reason, error.database, new)


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How one source does. `zones` counts those seen last; None: it could never be read."""

    name: str
    failure: str
    zones: int | None
    problems: tuple[str, ...] = ()  # what is wrong without stopping it
    new: bool = False  # it fails because there is no store yet


class Sources:
    """Data sources by name, in order. May be shared between threads."""

    def __init__(
        self,
        openers: Mapping[str, Callable[[], DataSource]],
        *,
        clock: Callable[[], float] = time.monotonic,
        shared: Mapping[str, Sources] | None = None,
    ) -> None:
        """Opens what can be opened. Raises UnknownBackend, which no waiting mends; other failures show in status().

        `shared` are open ones to share a source with, by its name, instead of opening it again: the last to close
        closes it.
        """
        others = shared or {}
        self.configured: Mapping[str, Mapping[str, Any]] = {}  # what open_sources() made them of
        self._closed = False
        self._members = [
            others[name].share(name) if name in others else _Member(name, opener, clock)
            for name, opener in openers.items()
        ]
        try:
            for member in self._members:
                member.look()
        except UnknownBackend:
            self.close()
            raise

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One state of each source, taken when it is first asked."""
        with ExitStack() as stack:
            yield SourcesSnapshot(self._members, stack)

    def status(self) -> list[SourceStatus]:
        """How each source does, in order, looked at now. Blocks."""
        return [member.status() for member in self._members]

    def refresh(self) -> None:
        """Let every source take notice of what changed, and try failing ones, now."""
        for member in self._members:
            member.refresh()

    def holder_of(self, origin: Name) -> tuple[str, DataSource] | None:
        """The first source that has a zone of exactly this origin: the one it is answered from."""
        for member in self._members:
            source = member.usable()
            if isinstance(source, Failure):
                continue
            try:
                with source.snapshot() as snapshot:
                    if snapshot.zone(origin) is not None:
                        return member.name, source
            except StorageError as error:
                member.failed(error)
        return None

    def share(self, name: str) -> _Member:
        """The source of this name, which now takes one more close()."""
        member = next(member for member in self._members if member.name == name)
        member.hold()
        return member

    def close(self) -> None:
        """Close all sources that no other shares."""
        if not self._closed:
            self._closed = True
            for member in self._members:
                member.close()


class _Member:
    """One source: what it last held, and whether it may be tried now."""

    def __init__(self, name: str, opener: Callable[[], DataSource], clock: Callable[[], float]) -> None:
        self.name = name
        self._opener = opener
        self._clock = clock
        self._lock = threading.Lock()
        self._holders = 1
        self._source: DataSource | None = None
        self._failure: Failure | None = None
        self._wait = RETRY_FIRST
        self._next_try = 0.0
        self._next_look = 0.0
        self._known: set[bytes] | None = None  # keys of origins; None: never read
        self._seen = 0  # the last outbox id that is in _known

    def look(self) -> None:
        """Open the source if it is not, and take notice of zones made or deleted, if it is time."""
        with self._lock:
            now = self._clock()
            if now < self._next_try or (self._source is not None and self._failure is None and now < self._next_look):
                return
            try:
                if self._source is None:
                    self._source = self._opener()
                self._learn(self._source)
            except StorageError as error:
                self._note(error)
            else:
                self._works(now)

    def _works(self, now: float) -> None:
        self._failure = None
        self._wait = RETRY_FIRST
        self._next_look = now + LOOK_EVERY

    def refresh(self) -> None:
        """Take notice of what changed, and try again what failed, whether it is time or not."""
        with self._lock:
            self._next_try = self._next_look = 0.0
            source = self._source
        if source is not None:
            source.refresh()
        self.look()

    def usable(self) -> DataSource | Failure:
        """The source, or why it cannot be used: it fails, or failed a moment ago."""
        self.look()
        with self._lock:
            if self._failure is not None:
                return self._failure
            assert self._source is not None
            return self._source

    def failed(self, error: StorageError) -> Failure:
        """Note that the source failed."""
        with self._lock:
            return self._note(error)

    def longest(self, keys: list[bytes]) -> int | None:
        """The length of the longest of these keys that was a zone here; -1: none was; None: nothing is known."""
        with self._lock:
            if self._known is None:
                return -1 if self._failure is not None and self._failure.new else None
            return max((len(key) for key in keys if key in self._known), default=-1)

    def status(self) -> SourceStatus:
        """How the source does now, whenever it was looked at last."""
        with self._lock:
            self._probe()
            known = None if self._known is None else len(self._known)
            failure = "" if self._failure is None else f"{self._failure.database}: {self._failure.reason}"
            problems = () if self._source is None else tuple(self._source.problems())
            new = self._failure is not None and self._failure.new
            return SourceStatus(self.name, failure, known, problems, new)

    def hold(self) -> None:
        """One more holds it."""
        with self._lock:
            self._holders += 1

    def close(self) -> None:
        """One holds it no more; the last closes the source."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0 and self._source is not None:
                self._source.close()
                self._source = None

    def _probe(self) -> None:
        """Look whether answers can be made from it. Who asks often does not put off the next try of who answers."""
        try:
            if self._source is None:
                self._source = self._opener()
            self._learn(self._source)
            with self._source.snapshot() as snapshot:
                snapshot.find_zone(dns.name.root)
        except StorageError as error:
            if self._failure is None:
                self._note(error)
            self._failure = Failure.of(error)
        else:
            self._works(self._clock())

    def _note(self, error: StorageError) -> Failure:
        self._failure = Failure.of(error)
        self._next_try = self._clock() + self._wait
        self._wait = min(2 * self._wait, RETRY_MOST)
        return self._failure

    def _learn(self, source: DataSource) -> None:
        last = source.last_change()
        if self._known is None or last < self._seen or not self._followed(source, self._known, last):
            # `last` was read first: what changed in between comes again.
            self._known, self._seen = source.zone_keys(), last

    def _followed(self, source: DataSource, known: set[bytes], last: int) -> bool:
        """Whether the changes up to `last` could all be taken in; older ones may have been trimmed."""
        while self._seen < last:
            changes = source.changes(self._seen)
            if not changes or changes[0].id != self._seen + 1:
                return False
            for change in changes:
                (known.discard if change.deleted else known.add)(name_key(change.origin))
            self._seen = changes[-1].id
        return True


class SourcesSnapshot(Snapshot):
    """All sources as one."""

    def __init__(self, members: list[_Member], stack: ExitStack) -> None:
        self._members = members
        self._stack = stack
        self._snapshots: dict[str, Snapshot] = {}
        self._failures: dict[str, Failure] = {}

    def find_zone(self, name: Name) -> Finder | None:
        """The longest match over all sources; of equals that of the first. Raises Unavailable."""
        return self._find(path(name_key(name)), lambda snapshot: snapshot.find_zone(name))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin in the first source that has it. Raises Unavailable."""
        return self._find([name_key(origin)], lambda snapshot: snapshot.zone(origin))

    def _find(self, keys: list[bytes], ask: Callable[[Snapshot], Finder | None]) -> Finder | None:
        best: Finder | None = None
        reach = -1  # the length of the best origin's key
        doubt: Failure | None = None  # why the best may not be the right one
        unknown: Failure | None = None  # why there may be one although none was found
        for member in self._members:
            finder, failure = self._ask(member, ask)
            if failure is None:
                length = -1 if finder is None else len(name_key(finder.info.origin))
            else:
                remembered = member.longest(keys)
                unknown = unknown or (failure if remembered is None else None)
                length = -1 if remembered is None else remembered
            if length > reach:
                best, reach, doubt = finder, length, failure
        doubt = doubt or (unknown if best is None else None)
        if doubt is not None:
            raise Unavailable(f"its data source fails: {doubt.reason}", database=doubt.database)
        return best

    def _ask(self, member: _Member, ask: Callable[[Snapshot], Finder | None]) -> tuple[Finder | None, Failure | None]:
        failure = self._failures.get(member.name)
        if failure is not None:
            return None, failure
        try:
            if member.name not in self._snapshots:
                source = member.usable()
                if isinstance(source, Failure):
                    self._failures[member.name] = source
                    return None, source
                self._snapshots[member.name] = self._stack.enter_context(source.snapshot())
        except StorageError as error:
            self._failures[member.name] = failure = member.failed(error)
            return None, failure
        try:
            return ask(self._snapshots[member.name]), None
        except StorageError as error:
            # Of this question: whether the source as a whole fails shows at the next snapshot.
            return None, Failure.of(error)


def source_url(configured: Mapping[str, Any]) -> str:
    """The URL of an entry of `data_sources` in the configuration."""
    if configured["type"] == "master-files":
        return f"master-files:{configured['directory']}"
    return str(configured["url"])


def open_sources(
    configured: Mapping[str, Mapping[str, Any]], *, read_only: bool = True, before: Sources | None = None
) -> Sources:
    """All entries of `data_sources` in the configuration, in order.

    Those that say the same in `before` (opened in the same way) are shared with it and not read again.
    """

    def opener(name: str, entry: Mapping[str, Any]) -> Callable[[], DataSource]:
        return lambda: datasrc.open(source_url(entry), name=name, read_only=read_only)

    known = {} if before is None else before.configured
    shared = {name: before for name, entry in configured.items() if before is not None and known.get(name) == entry}
    sources = Sources({name: opener(name, entry) for name, entry in configured.items()}, shared=shared)
    sources.configured = configured
    return sources
