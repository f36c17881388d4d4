"""A directory of zone files, each named after its zone (`NAME.zone` or `NAME`), served as they are and never written.

A file is read when its zone is first asked for, so that who answers from images reads none; from then on it is read
again when it changes. Of very many files only the names are known until somebody asks for all zones: who answers
questions looks at those he is asked for. A file that cannot be used keeps the last good version of its zone, and only
of its zone; until there is one the zone is BROKEN. A thread looks for changed files, and at those that they include.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from dns.name import Name

from datasrc.directoryzones import DirectoryZones
from datasrc.errors import ReadOnly, StorageError, UnknownBackend
from datasrc.filememory import PackedFiles
from datasrc.files_snapshot import MasterFilesSnapshot, judged
from datasrc.filezones import FileZone
from datasrc.keptzones import Kept
from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from datasrc.records import EVERY_ZONE, Change, Difference, Provenance, ZoneFilter, ZoneInfo
from datasrc.silence import Pulse
from datasrc.source import DataSource, Snapshot, Updater
from datasrc.versions import Stored

KEPT_OCTETS = 256 << 20  # of packed sets of one directory; those not asked for longest are read again when they are
CHECK_EVERY = 1.0  # s between looks at the directory
CHECK_SHARE = 0.02  # of the time at most that looks may take: with very many files they become rarer
FIRST_CHECK = 5.0  # s at most from opening to the first look: while a suite starts others need the time more
SLOW = 10.0  # s for which a file system has not answered before that is a problem
WAITS = "{}: the file system does not answer: the zones last read are served"


class MasterFilesSource(DataSource):
    """The zones of one directory. May be shared between threads."""

    writable = False

    def __init__(
        self,
        directory: Path,
        *,
        name: str = "",
        check_every: float | None = CHECK_EVERY,
        octets: int | None = None,
    ) -> None:
        """Looks which files there are. `check_every`: seconds between looks for changes, None: only refresh() looks.

        At most so many `octets` of what was read are kept (KEPT_OCTETS).

        Raises Missing or StorageError where the directory cannot be read.
        """
        self.name = name or f"master-files:{directory}"
        begun = time.monotonic()
        self._files = DirectoryZones(directory, self.name, Kept(KEPT_OCTETS if octets is None else octets))
        self._zones = self._files.zones
        self._watcher: threading.Thread | None = None
        self._looks: Pulse | None = None  # while the thread looks, how long it has waited for the file system
        if check_every is not None:
            first = max(check_every, min(FIRST_CHECK, (time.monotonic() - begun) / CHECK_SHARE))
            self._watcher = threading.Thread(target=self._watch, args=(check_every, first), name=self.name, daemon=True)
            self._watcher.start()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent state of all zones."""
        late = self._files.late()  # first: once it is None all zones are there
        with self._zones.snapshot() as snapshot:
            yield MasterFilesSnapshot(snapshot, self._files.faults, late)

    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """A page of the zones. Reads the files of all that were not read yet."""
        self._files.look_at_all()
        faults = self._files.faults
        return list(islice(self._zones.walk(after, only, lambda info: judged(info, faults)), limit))

    def survey(self, known: Callable[[bytes, int], bool]) -> Iterator[ZoneInfo]:
        """All zones but those known, each read when it is its turn; what is known is neither read nor named.

        One of a large file that is yet to be read is BROKEN: read_large() reads it.
        """
        names, faults = self._files.names, self._files.faults
        zones: Iterable[tuple[bytes, Stored]] = (
            self._zones.stored() if names is None else self._files.unlike_told(names, known)
        )
        for key, zone in zones:
            assert isinstance(zone, FileZone)
            if key in faults or not zone.was_read or not known(key, zone.number):
                yield judged(zone.placeholder() if zone.is_unread else zone.info(), faults)

    @property
    def news(self) -> int:
        """Rises when remembered() has something else to tell."""
        return self._files.kept.news

    def remembered(self) -> PackedFiles:
        """What was read in the files: for recall() of the next process."""
        return self._files.remembered()

    def recall(self, packed: PackedFiles) -> None:
        """Go on from what a process before this one read. Only files that look like other ones by now are read."""
        self._files.recall(packed)

    def is_bad(self, key: bytes) -> bool:
        """Whether the file of a zone cannot be used, as far as anybody has read it."""
        return key in self._files.faults

    def is_unread(self, key: bytes) -> bool:
        """Whether a zone has a large file that nobody has read yet: who asks for the zone waits for that."""
        zone = self._files.get(key)
        return zone is not None and zone.is_unread

    def read_large(self, most: int | None = None) -> int:
        """Read large files that were not read yet, so many at most; how many that were. For a thread that has the time.

        No more are read than there is room for, until somebody asks for what was read.
        """
        return self._files.read_large(most)

    def take_patience(self, seconds: float) -> None:
        """Have no question wait longer than so for a file to be read: until it is, the zone is BROKEN."""
        self._files.kept.patience = seconds

    def updater(self, origin: Name, *, create: bool = False, replace: bool = False) -> Updater:  # noqa: ARG002
        """Refused: the files are the operator's."""
        raise ReadOnly("zone files are only read: change the file instead", database=self.name, zone=origin)

    def delete_zone(self, origin: Name, provenance: Provenance) -> Change:  # noqa: ARG002
        """Refused: the files are the operator's."""
        raise ReadOnly("zone files are only read: remove the file instead", database=self.name, zone=origin)

    def journal(self, origin: Name, from_serial: int, to_serial: int) -> Iterator[Difference] | None:
        """The chain of differences seen since this process began."""
        return self._zones.journal(origin, from_serial, to_serial)

    def difference(self, origin: Name, version: int) -> Difference | None:
        """What changed with this version, as far as this process saw it."""
        return self._zones.difference(origin, version)

    def changes(self, after_id: int = 0, limit: int = 1000) -> list[Change]:
        """The changes this process saw."""
        return self._zones.changes(after_id, limit)

    def file_of(self, origin: Name) -> tuple[str, float] | None:
        """The file of a zone as it was when it was last looked at; None where there is none, or more than one."""
        key, late = name_key(origin), self._files.late()
        zone = self._zones.get(key) or (None if late is None else late(key))
        if not isinstance(zone, FileZone) or zone.file is None:
            return None
        return zone.file.path, zone.file.changed

    def last_change(self) -> int:
        """The id of the last change this process saw."""
        return self._zones.last_change()

    def each_key(self) -> Iterator[bytes]:
        """The keys of all origins."""
        names = self._files.names
        return self._zones.each_key() if names is None else names.keys()

    def zone_keys(self) -> KeyTable:
        """The same, to be asked later."""
        names = self._files.names
        return self._zones.zone_keys() if names is None else names.key_table()

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""
        names = self._files.names
        if names is None:
            return self._zones.held(keys)
        return {key for key in keys if names.has_zone(key)}

    def known_until(self) -> float:
        """When the last look at the directory began."""
        return self._files.looked

    @property
    def faults(self) -> Mapping[bytes, str]:
        """Why the files of zones, by their keys, cannot be used: those of the files that were read."""
        return self._files.faults

    def problems(self) -> list[str]:
        """Every file that cannot be used, and why."""
        looks = self._looks
        waits = looks is not None and looks.silent() >= SLOW
        return [*((WAITS.format(self.name),) if waits else ()), *self._files.strays, *self._files.faults.values()]

    def refresh(self) -> None:
        """Look at every file, and take what changed; a file that includes others, or is bad, is read in any case."""
        try:
            self._files.look(all_files=True)
        except StorageError as error:
            self._goes_without(f"{error}")

    def close(self) -> None:
        """Stop looking for changes."""
        self._files.closing.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self, check_every: float, pause: float) -> None:
        while not self._files.closing.wait(pause):
            start = time.monotonic()
            self._looks = Pulse.of_thread()
            try:
                self._files.look(all_files=False)
            except StorageError as error:
                self._goes_without(f"{error}")
            except Exception as error:  # noqa: BLE001 - without this thread no change would be seen any more
                self._goes_without(f"{self.name}: looking for changes failed ({error!r})")
            self._looks = None
            pause = max(check_every, (time.monotonic() - start) / CHECK_SHARE)

    def _goes_without(self, reason: str) -> None:
        self._files.strays = (f"{reason}: the zones last read are served",)


def open_source(url: str, *, name: str = "", create: bool = False, read_only: bool = False) -> MasterFilesSource:  # noqa: ARG001
    """Open `master-files:DIRECTORY` (nothing is ever made or written)."""
    directory = url.partition(":")[2]
    if not directory:
        raise UnknownBackend("it names no directory: master-files:DIRECTORY", database=name or url)
    return MasterFilesSource(Path(directory), name=name, check_every=CHECK_EVERY)
