"""The data sources as the keeper of images follows them: who has a zone, what changed, what there is at all.

At first every source is surveyed, or its outbox read from where its images are; then changes are followed.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from dns.name import Name

from daemonkit.log import MessageLog
from datasrc.errors import StorageError
from datasrc.filememory import PackedFiles
from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from datasrc.masterfiles import MasterFilesSource
from datasrc.records import Change, ZoneInfo
from datasrc.silence import Asking
from datasrc.source import DataSource, Finder, Snapshot
from datasrc.sources import MASTER_FILES, Failure, Sources, source_url
from image import manifest
from image.directory import fingerprint
from memmgr.filerecall import FileRecall
from memmgr.marks import Known, Mark, Marks

SOURCE_OCTETS = 4  # of the number of a source in records
PAGE = 100  # changes read at once, and followed in one read transaction where that is possible
REST = 10.0  # s from a survey that ended early to the next one: what always fails must not be all that is done
UNCONFIGURED = "it is not configured any more"
UNKNOWN = Known(0, None, whole=False)
UNMET = "it has just come back, and is about to be looked at"


@dataclass(slots=True)
class Followed:
    """One data source."""

    number: int  # in the manifest and in records of zones
    url: str
    seen: int | None = None  # the outbox id up to where changes are known; None: that is yet to be found out
    last: Change | Mark | None = None  # the one of that id, or one that was there before; None: nobody has seen any
    whole: bool = False  # all zones are known as they were then
    due: bool = False  # its survey ended early, and is to be taken again
    rests: float = 0.0  # until when it is not, on the monotonic clock

    @property
    def mark(self) -> Mark | None:
        """The last change, as it outlives the process."""
        return Mark.of(self.last) if isinstance(self.last, Change) else self.last

    @property
    def known(self) -> Known:
        """What is noted of it."""
        return Known(self.number, self.mark, self.whole)


@dataclass(frozen=True, slots=True)
class Found:
    """A zone that a survey came by."""

    source: str
    number: int  # of the source
    info: ZoneInfo


@dataclass(frozen=True, slots=True)
class Held:
    """A zone that a source has, as it is now."""

    source: str
    number: int  # of the source
    finder: Finder

    @property
    def info(self) -> ZoneInfo:
        """What it is."""
        return self.finder.info


class KnownOf(Protocol):
    """For a data source (by number) what says whether there is an image of a zone (by key) in a version."""

    def __call__(self, number: int, /, *, at_once: bool) -> Callable[[bytes, int], bool]: ...


class Following:
    """The sources, and up to where each is known. Blocks; for one thread at a time."""

    def __init__(self, log: MessageLog, known: KnownOf, leave_alone: Callable[[str, str], str] | None = None) -> None:
        """`known` says which versions of the zones of a data source there are images of; `leave_alone` why a source
        (name, URL) is not to be asked now, or nothing.
        """
        self.asking = Asking()
        self._leave_alone = leave_alone
        self.sources: Sources | None = None
        self._log = log
        self._known = known
        self._followed: dict[str, Followed] = {}
        self._fingerprint = fingerprint(())
        self.files = FileRecall(self._files)
        self._open: dict[str, Snapshot] = {}  # by source: what its changes are being followed in
        self.until = 0.0  # monotonic: all changes before are known,
        self.unasked: list[str] = []  # if it is not for these sources, which could not be asked

    def adopt(
        self,
        sources: Sources,
        listed: tuple[manifest.Source, ...],
        *,
        left: Marks | None = None,
        files: Mapping[int, PackedFiles] | None = None,
    ) -> bool:
        """Follow these from now on; whether they are others than before.

        `listed` are those of the manifest. `left` says how far a process before this one has followed them, and `files`
        what it read of zone files, by the numbers of sources; None: it was this one.
        """
        urls = {name: source_url(entry) for name, entry in sources.configured.items()}
        same = list(urls.items()) == [(name, one.url) for name, one in self._followed.items()]  # their order counts
        if not same:
            stored = {(one.name, one.url): one for one in listed}
            marks = left if left is not None else Marks(self.marks()).of_another()
            if not _in_order(list(stored), list(urls.items())):
                marks = marks.of_another()
            known = {one.number: one for one in marks.sources}
            followed = {}  # other threads look sources up meanwhile
            for name, url in urls.items():
                before = stored.get((name, url))
                if before is not None and _are_files(url) and files is not None and before.number not in files:
                    before = None  # nobody knows which data its versions are
                number = before.number if before else _lot()
                mark = known.get(number, UNKNOWN) if not _are_files(url) else UNKNOWN
                followed[name] = Followed(number, url, last=mark.mark, whole=mark.whole)
            self._followed = followed
            self._fingerprint = fingerprint((name, one.url) for name, one in self._followed.items())
        self.sources = sources
        self.files.adopt(files, {one.number for one in self._followed.values()})
        for name, source in self._asked():
            self._meet(name, source)
        return not same

    def _meet(self, name: str, source: DataSource | Failure) -> None:
        """Have zone files that can be used go on from what a process before this one read of them, once."""
        if isinstance(source, MasterFilesSource):
            self.files.meet(self._followed[name].number, source)

    def _files(self) -> Iterator[tuple[str, int, MasterFilesSource]]:
        """The data sources of zone files that can be used now."""
        for name, source in self._each():
            followed = self._followed.get(name)
            if isinstance(source, MasterFilesSource) and followed is not None:
                yield name, followed.number, source

    @property
    def complete(self) -> bool:
        """Whether every source that can be asked was surveyed to its end, or its survey is under way."""
        unknown = {name for name, followed in self._followed.items() if followed.seen is None or followed.due}
        return not unknown or all(isinstance(one, Failure) for name, one in self._each() if name in unknown)

    def listed(self) -> tuple[manifest.Source, ...]:
        """For the manifest."""
        return tuple(manifest.Source(one.number, name, one.url) for name, one in self._followed.items())

    def marks(self) -> tuple[Known, ...]:
        """How far each is known, for the next process."""
        return tuple(one.known for one in self._followed.values())

    def fingerprint(self) -> int:
        """What tells these sources from others."""
        return self._fingerprint

    def number_of(self, source: str) -> int:
        """Of a data source. Raises StorageError where it is configured no more."""
        followed = self._followed.get(source)
        if followed is None:
            raise StorageError(UNCONFIGURED, database=source)
        return followed.number

    def names(self) -> dict[int, str]:
        """The data sources by their numbers."""
        return {one.number: name for name, one in self._followed.items()}

    def source(self, name: str) -> DataSource:
        """The source, to build from. Raises StorageError where it cannot be used now."""
        found = dict(self._each()).get(name)
        if found is None:
            raise StorageError(UNCONFIGURED, database=name)
        if isinstance(found, Failure):
            raise StorageError(found.reason, database=found.database)
        return found

    def entry(self, name: str) -> Mapping[str, Any]:
        """Of `data_sources` in the configuration. Raises StorageError where it is there no more."""
        assert self.sources is not None
        if name not in self.sources.configured:
            raise StorageError(UNCONFIGURED, database=name)
        return self.sources.configured[name]

    @contextmanager
    def held(self, origin: Name) -> Iterator[tuple[Held | None, bool]]:
        """The zone in the first source that has it; and whether no source that fails could have it."""
        sure = True
        with ExitStack() as stack:
            for name, source in self._each():
                if isinstance(source, Failure):
                    sure = sure and source.new
                    continue
                try:
                    stack.enter_context(self.asking.of(name))
                    snapshot = self._open.get(name) or stack.enter_context(source.snapshot())
                    finder = snapshot.zone(origin)
                except StorageError:
                    sure = False
                    continue
                if finder is not None:
                    yield Held(name, self._followed[name].number, finder), sure
                    return
            yield None, sure

    def keys(self) -> dict[int, KeyTable | None]:
        """The keys of all zones of each source, by its number; None of one that cannot be asked."""
        found: dict[int, KeyTable | None] = {}
        for name, source in self._each():
            number = self._followed[name].number
            try:
                with self.asking.of(name):
                    found[number] = None if isinstance(source, Failure) else source.zone_keys()
            except StorageError:
                found[number] = None
        return found

    def follow(self, update: Callable[[Name], None], survey: Callable[[Generator[Found]], None]) -> None:
        """Have each zone updated that changed; of a source of which that is not known, have all zones surveyed."""
        until, unasked = time.monotonic(), []
        for name, source in self._asked():
            if isinstance(source, Failure):
                unasked.append(name)
                continue
            until = min(until, source.known_until())
            try:
                with self.asking.of(name):
                    self._meet(name, source)
                    self._follow(name, source, update, survey)
            except StorageError as error:
                unasked.append(name)
                self._waits(name, error)
        self.until, self.unasked = until, unasked

    def _follow(
        self,
        name: str,
        source: DataSource,
        update: Callable[[Name], None],
        survey: Callable[[Generator[Found]], None],
    ) -> None:
        followed = self._followed[name]
        if followed.seen is None:
            self._begin(name, source, survey)
        elif followed.due and time.monotonic() >= followed.rests:
            self._start(name, source, survey)
        assert followed.seen is not None
        while True:
            with source.since(followed.seen, PAGE) as (changes, snapshot):
                if not changes or changes[0].id != followed.seen + 1:
                    break
                with self._at_hand(name, snapshot):
                    # Each zone once, as it is now: of several zones no order of commits is promised.
                    for origin in {name_key(change.origin): change.origin for change in changes}.values():
                        update(origin)
            followed.seen, followed.last = changes[-1].id, changes[-1]
            if len(changes) < PAGE:  # of what comes meanwhile the doorbell tells
                return
        if changes or source.last_change() != followed.seen:  # it is another database, or trimmed
            self._begin(name, source, survey)

    @contextmanager
    def _at_hand(self, name: str, snapshot: Snapshot | None) -> Iterator[None]:
        """Have held() look there, where there is something."""
        if snapshot is not None:
            self._open[name] = snapshot
        try:
            yield
        finally:
            self._open.pop(name, None)

    def _begin(self, name: str, source: DataSource, survey: Callable[[Generator[Found]], None]) -> None:
        """Survey the source, unless its outbox tells all since its images were made."""
        followed = self._followed[name]
        mark = followed.mark
        if mark is not None and (followed.whole or not _are_files(followed.url)):
            row = next(iter(source.changes(mark.id - 1, 1)), None)
            if row is None or Mark.of(row) != mark:
                # Another database, or too much happened to tell: versions may mean other data.
                followed.number, followed.last = _lot(), None
            elif followed.whole:
                followed.seen = mark.id
                return
        followed.seen = source.last_change()
        self._start(name, source, survey)

    def _start(self, name: str, source: DataSource, survey: Callable[[Generator[Found]], None]) -> None:
        """Survey the source, whose changes are followed meanwhile. At the end all is known up to what is seen then."""
        followed = self._followed[name]
        followed.whole, followed.due = False, True
        seen = followed.seen
        if seen:
            followed.last = next(iter(source.changes(seen - 1, 1)), None)
        followed.due = False
        survey(self._survey(name, source, followed, followed.number))

    def _survey(self, name: str, source: DataSource, followed: Followed, number: int) -> Generator[Found]:
        """Every zone of the source that no source before it has. Where it ends early, follow() begins it once more."""
        whole = False
        try:
            hidden = self._before(name)
            known = self._known(followed.number, at_once=_are_files(followed.url))
            for info in self.asking.each(name, source.survey(known)):
                if not len(hidden) or name_key(info.origin) not in hidden:
                    yield Found(name, followed.number, info)
            whole = True
        except StorageError as error:
            self._waits(name, error)
        finally:
            if not whole:
                followed.due, followed.rests = True, time.monotonic() + REST
        if whole and followed.number == number:  # else another database took its place meanwhile, and is surveyed, too
            followed.whole = True

    def _before(self, name: str) -> KeyTable:
        """The keys of the zones that sources before this one have."""
        found = KeyTable()
        for other, earlier in self._each():
            if other == name:
                break
            if isinstance(earlier, Failure):
                continue
            try:
                with self.asking.of(other):
                    found.add_all(earlier.zone_keys())
            except StorageError as error:
                self._waits(other, error)
        return found

    def _waits(self, name: str, error: StorageError) -> None:
        """Have nobody wait for a source again before it works."""
        assert self.sources is not None
        self.sources.failed(name, error)
        self._log.debug("MEMMGR_SOURCE_WAITING", source=name, reason=error)

    def _each(self) -> Iterator[tuple[str, DataSource | Failure]]:
        """Every source in order, or why it cannot be used now."""
        for name, source in self._asked():
            followed = self._followed.get(name)
            if isinstance(source, MasterFilesSource) and followed is not None and self.files.waits(followed.number):
                yield name, Failure(UNMET, name, new=False)
            else:
                yield name, source

    def _asked(self) -> Iterator[tuple[str, DataSource | Failure]]:
        """The same; zone files as soon as they can be used, whatever was read of them before this process."""
        sources, every = self.sources, self._followed
        assert sources is not None
        for name, source in sources.each():
            followed = every.get(name)
            if followed is None:  # another thread is told of other sources
                continue
            reason = self._leave_alone(name, followed.url) if self._leave_alone is not None else ""
            yield name, Failure(reason, name, new=False) if reason else source


def _lot() -> int:
    """A number for a data source. Drawn: none may come twice, whatever old images say."""
    return int.from_bytes(os.urandom(SOURCE_OCTETS))


def _in_order(before: list[tuple[str, str]], now: list[tuple[str, str]]) -> bool:
    """Whether of each two sources that there were the same one is asked first: else others have some of the zones."""
    return [one for one in before if one in now] == [one for one in now if one in before]


def _are_files(url: str) -> bool:
    """Whether its outbox begins anew with each process, and the versions of its zones need to be told to the next."""
    return url.startswith(f"{MASTER_FILES}:")
