"""One data source of several: what it last held, whether it works, and when it is tried again after a failure.

Those at hand (a file, memory) are looked at by whoever asks, since that costs nothing. One behind a network is looked
after by a thread of its own (datasrc/remote.py), so that who answers questions never waits for a server that is gone.
Such a thread may look after one at hand as well, which is then asked once a second.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

import dns.name

from datasrc.errors import Missing, SchemaTooOld, StorageError
from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from datasrc.records import Change
from datasrc.rest import Rest
from datasrc.source import DataSource

RETRY_FIRST = 0.1  # s after a failure; doubled after each further one
RETRY_MOST = 10.0  # s
LOOK_EVERY = 1.0  # s between looks for zones made or deleted meanwhile
PASS_LIMIT = 4.0  # s that a look of the thread is waited for, by who opens sources or asks for the status


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

    @classmethod
    def of(
        cls, name: str, failure: Failure | None, known: KeyTable | None, problems: Iterable[str] = ()
    ) -> SourceStatus:
        """That of a source with these keys of origins; None: never read."""
        told = "" if failure is None else f"{failure.database}: {failure.reason}"
        new = failure is not None and failure.new
        return cls(name, told, None if known is None else len(known), tuple(problems), new)


class OnChange(Protocol):
    """Hears that a source failed, or (None) works again. Called from any thread, and must not block."""

    def __call__(self, name: str, failure: Failure | None, /) -> None: ...


def nobody(_name: str, _failure: Failure | None, /) -> None:
    """Nobody listens."""


class Member(Protocol):
    """What Sources needs of one source. May be shared between threads."""

    name: str

    def look(self, limit: float = PASS_LIMIT) -> None:
        """Open the source if it is not, and take notice of zones made or deleted, if it is time.

        Who has a thread for that waits so many seconds for it at most.
        """

    def refresh(self) -> None:
        """Take notice of what changed, and try again what failed, whether it is time or not."""

    def usable(self) -> DataSource | Failure:
        """The source, or why it cannot be used: it fails, or failed a moment ago."""

    def failed(self, error: StorageError) -> Failure:
        """Note that the source failed."""

    def longest(self, keys: list[bytes]) -> int | None:
        """The length of the longest of these keys that was a zone here; -1: none was; None: nothing is known."""

    def status(self) -> SourceStatus:
        """How the source does now, whenever it was looked at last."""

    def leave_alone(self, silent: float) -> float:
        """Have nobody ask it for a while: it has not answered for so many seconds. For how long. Never waits."""

    def answered(self) -> None:
        """Who waited for it while it was left alone has an answer. Never waits."""

    def hold(self) -> None:
        """One more holds it."""

    def close(self) -> None:
        """One holds it no more; the last closes the source."""


class Held:
    """What several may hold, the last one lets go, and none asks while it is left alone."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._lock = threading.Lock()
        self._holders = 1
        self._rest = Rest()

    def leave_alone(self, silent: float) -> float:
        """Have nobody ask it for a while: it has not answered for so many seconds. For how long. Never waits."""
        return self._rest.begin(silent)

    def answered(self) -> None:
        """Who waited for it while it was left alone has an answer. Never waits."""
        self._rest.answered()

    def _resting(self) -> Failure | None:
        """Why nobody asks it now. Who waits for it may hold the lock: so this is looked at first."""
        reason = self._rest.reason()
        return Failure(reason, self.name, new=False) if reason else None

    def hold(self) -> None:
        """One more holds it."""
        with self._lock:
            self._holders += 1

    def close(self) -> None:
        """One holds it no more; the last closes the source."""
        with self._lock:
            self._holders -= 1
            if self._holders == 0:
                self._let_go()

    def _let_go(self) -> None:
        """Close it. By who holds the lock."""
        raise NotImplementedError


class LocalMember(Held):
    """A source at hand: looked at by whoever asks, if it is time."""

    def __init__(
        self,
        name: str,
        opener: Callable[[], DataSource],
        changed: OnChange = nobody,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(name)
        self._opener = opener
        self._changed = changed
        self._clock = clock
        self._source: DataSource | None = None
        self._failure: Failure | None = None
        self._wait = RETRY_FIRST
        self._next_try = 0.0
        self._next_look = 0.0
        self._known: KeyTable | None = None  # of the keys of origins; None: never read
        self._seen = 0  # the last outbox id that is in _known

    def look(self, limit: float = PASS_LIMIT) -> None:  # noqa: ARG002 - who asks does it
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
        if self._failure is not None:
            self._changed(self.name, None)
        self._failure = None
        self._wait = RETRY_FIRST
        self._next_look = now + LOOK_EVERY

    def refresh(self) -> None:
        """Take notice of what changed, and try again what failed, whether it is time or not."""
        self._rest.end()
        with self._lock:
            self._next_try = self._next_look = 0.0
            source = self._source
        if source is not None:
            source.refresh()
        self.look()

    def usable(self) -> DataSource | Failure:
        """The source, or why it cannot be used: it fails, or failed a moment ago."""
        if (resting := self._resting()) is not None:
            return resting
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
        if self._resting() is not None:  # the keys stay as they are: who changes them waits
            return longest_of(keys, self._known, self._failure)
        with self._lock:
            return longest_of(keys, self._known, self._failure)

    def status(self) -> SourceStatus:
        """How the source does now, whenever it was looked at last."""
        if (resting := self._resting()) is not None:
            return SourceStatus.of(self.name, resting, self._known)
        with self._lock:
            self._probe()
            problems = () if self._source is None else self._source.problems()
            return SourceStatus.of(self.name, self._failure, self._known, problems)

    def _let_go(self) -> None:
        if self._source is not None:
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
        if self._failure is None:
            self._changed(self.name, Failure.of(error))
        self._failure = Failure.of(error)
        self._next_try = self._clock() + self._wait
        self._wait = min(2 * self._wait, RETRY_MOST)
        return self._failure

    def _learn(self, source: DataSource) -> None:
        last = source.last_change()
        if self._known is None or last < self._seen or not self._followed(source, self._known, last):
            # `last` was read first: what changed in between comes again.
            self._known, self._seen = source.zone_keys(), last

    def _followed(self, source: DataSource, known: KeyTable, last: int) -> bool:
        """Whether the changes up to `last` could all be taken in; older ones may have been trimmed."""
        while self._seen < last:
            changes = source.changes(self._seen)
            if not changes or changes[0].id != self._seen + 1:
                return False
            take_in(known, changes)
            self._seen = changes[-1].id
        return True


def take_in(known: KeyTable, changes: list[Change]) -> None:
    """Note zones made and deleted."""
    for change in changes:
        (known.discard if change.deleted else known.add)(name_key(change.origin))


def longest_of(keys: Iterable[bytes], known: KeyTable | None, failure: Failure | None) -> int | None:
    """The length of the longest of these keys that is known; -1: none is; None: nothing was ever read."""
    if known is None:
        return -1 if failure is not None and failure.new else None
    return max((len(key) for key in keys if key in known), default=-1)
