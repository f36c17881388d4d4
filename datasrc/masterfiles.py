"""A directory of zone files, each named after its zone (`NAME.zone` or `NAME`), served as they are and never written.

A file is read when its zone is first asked for, so that who answers from images reads none; from then on it is read
again when it changes. Of very many files only the names are known until somebody asks for all zones: who answers
questions looks at those he is asked for. A file that cannot be used keeps the last good version of its zone, and only
of its zone; until there is one the zone is BROKEN. A thread looks for changed files; a file that another one includes
is looked at when the including one changes, or by refresh().
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from pathlib import Path

from dns.name import Name

from datasrc.errors import Missing, ReadOnly, StorageError, UnknownBackend
from datasrc.filememory import FileMemory, PackedFiles, Remembered
from datasrc.files_snapshot import MasterFilesSnapshot, judged
from datasrc.filezones import FileZone, Kept, Unreadable, ZoneFile, read_file, signature_of
from datasrc.keys import name_key
from datasrc.keytable import KeyTable
from datasrc.memory import MemorySource, Replacement, Stored
from datasrc.packed_finder import differences
from datasrc.records import EVERY_ZONE, Change, Difference, Provenance, ZoneFilter, ZoneInfo, ZoneState
from datasrc.silence import Pulse
from datasrc.source import DataSource, Snapshot, Updater
from datasrc.zonefiles import Names, key_of, listed, names_of, status_of

CHECK_EVERY = 1.0  # s between looks at the directory
CHECK_SHARE = 0.02  # of the time at most that looks may take: with very many files they become rarer
FIRST_CHECK = 5.0  # s at most from opening to the first look: while a suite starts others need the time more
MOST_ZONES = 40_000  # that were asked for, of very many; more than memmgr has in hand for an image
SETTLED = 1.0  # s that a file must be old before it is taken on its own account: it may be half written
SLOW = 10.0  # s for which a file system has not answered before that is a problem
WAITS = "{}: the file system does not answer: the zones last read are served"

_PROVENANCE = Provenance("", "master-files")


class MasterFilesSource(DataSource):
    """The zones of one directory. May be shared between threads."""

    writable = False

    def __init__(self, directory: Path, *, name: str = "", check_every: float | None = CHECK_EVERY) -> None:
        """Looks which files there are. `check_every`: seconds between looks for changes, None: only refresh() looks.

        Raises Missing or StorageError where the directory cannot be read.
        """
        self.name = name or f"master-files:{directory}"
        self._directory = directory
        self._place = str(directory)
        self._zones = MemorySource(name=self.name)
        self._lock = threading.Lock()  # held by whoever looks at the directory
        self._kept = Kept()
        self._faults: dict[bytes, str] = {}  # by zone
        self._strays: tuple[str, ...] = ()  # what does not concern one zone
        self._listing: dict[str, tuple[bytes, ZoneFile]] = {}  # what each file was when it was last looked at
        self._names: Names | None = None  # all that is known of files whose zones nobody asked for; None: it is more
        self._told = FileMemory()  # what such files were when they were read, before this process perhaps
        self._most = MOST_ZONES
        self._judging = threading.Lock()  # held while zones are forgotten, or one is said to be bad
        self._large: set[bytes] = set()  # keys of zones that have, or had, large files
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._looks: Pulse | None = None  # while the thread looks, how long it has waited for the file system
        self._looked = time.monotonic()  # when the last look began
        self._begin()
        if check_every is not None:
            first = max(check_every, min(FIRST_CHECK, (time.monotonic() - self._looked) / CHECK_SHARE))
            self._watcher = threading.Thread(target=self._watch, args=(check_every, first), name=self.name, daemon=True)
            self._watcher.start()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent state of all zones."""
        names = self._names  # first: once it is None all zones are there
        with self._zones.snapshot() as snapshot:
            late = None if names is None else partial(self._asked, names)
            yield MasterFilesSnapshot(snapshot, self._faults, late)

    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """A page of the zones. Reads the files of all that were not read yet."""
        self._look_at_all()
        faults = self._faults
        return list(islice(self._zones.walk(after, only, lambda info: judged(info, faults)), limit))

    def survey(self, known: Callable[[bytes, int], bool]) -> Iterator[ZoneInfo]:
        """All zones but those known, each read when it is its turn; what is known is neither read nor named.

        One of a large file that is yet to be read is BROKEN: read_large() reads it.
        """
        names, faults = self._names, self._faults
        zones: Iterable[tuple[bytes, Stored]] = (
            self._zones.stored() if names is None else self._not_as_told(names, known)
        )
        for key, zone in zones:
            assert isinstance(zone, FileZone)
            if key in faults or not zone.was_read or not known(key, zone.number):
                yield judged(zone.placeholder() if zone.is_unread else zone.info(), faults)

    def _not_as_told(self, names: Names, known: Callable[[bytes, int], bool]) -> Iterator[tuple[bytes, Stored]]:
        """Zones but those that are known, and whose files nobody asked for and are as they were told."""
        told = self._told
        for key, name in names.items():
            before, zone = told.get(name), self._zones.get(key)
            if zone is None and before is not None and self._is_as(before, name) and known(key, before.version):
                continue
            zone = zone or self._asked(names, key)
            if zone is not None and not zone.deleted:
                yield key, zone

    @property
    def news(self) -> int:
        """Rises when remembered() has something else to tell."""
        return self._kept.news

    def remembered(self) -> PackedFiles:
        """What was read in the files: for recall() of the next process."""
        found = FileMemory() if self._names is None else self._told
        for _, zone in self._zones.stored():
            assert isinstance(zone, FileZone)
            if zone.file is None:
                continue
            name, told = os.path.basename(zone.file.path), zone.remembered()  # noqa: PTH119 - of very many
            if told is not None:
                found.put(name, told)
            else:
                found.discard(name)
        return found.packed()

    def recall(self, packed: PackedFiles) -> None:
        """Go on from what a process before this one read. Only files that look like other ones by now are read."""
        with self._lock:
            remembered = FileMemory(packed, (lambda _name: True) if self._names is None else self._names.has)
            if self._names is not None and not self._told:
                self._told = remembered
            replacements = []
            for key, zone in self._zones.stored():
                assert isinstance(zone, FileZone)
                if zone.file is not None and not zone.was_read:
                    told = remembered.get(os.path.basename(zone.file.path))  # noqa: PTH119 - of very many
                    if told is not None and not zone.recall(told):
                        replacements += self._again(key, zone, zone.file, all_files=False)
            self._zones.publish_all(replacements, _PROVENANCE)

    def _is_as(self, told: Remembered, name: str) -> bool:
        """Whether a file is sure to be still what it was."""
        if told.may_differ:
            return False
        try:
            return signature_of(os.stat(f"{self._place}/{name}")) == told.signature  # noqa: PTH116 - of very many
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unseen(f"{self._place}/{name}", error) from error

    def is_bad(self, key: bytes) -> bool:
        """Whether the file of a zone cannot be used, as far as anybody has read it."""
        return key in self._faults

    def is_unread(self, key: bytes) -> bool:
        """Whether a zone has a large file that nobody has read yet: who asks for the zone waits for that."""
        zone = self._zones.get(key)
        return isinstance(zone, FileZone) and zone.is_unread

    def read_large(self, most: int | None = None) -> int:
        """Read large files that were not read yet, so many at most; how many that were. For a thread that has the time.

        No more are read than there is room for, until somebody asks for what was read.
        """
        read = 0
        for key in list(self._large):
            if read == most or not self._kept.has_room:
                break
            zone = self._zones.get(key)
            if isinstance(zone, FileZone) and zone.is_unread and not self._closing.is_set():
                zone.info()
                read += 1
        return read

    def take_patience(self, seconds: float) -> None:
        """Have no question wait longer than so for a file to be read: until it is, the zone is BROKEN."""
        self._kept.patience = seconds

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
        key, names = name_key(origin), self._names
        zone = self._zones.get(key) or (None if names is None else self._asked(names, key))
        if not isinstance(zone, FileZone) or zone.file is None:
            return None
        return zone.file.path, zone.file.changed

    def last_change(self) -> int:
        """The id of the last change this process saw."""
        return self._zones.last_change()

    def each_key(self) -> Iterator[bytes]:
        """The keys of all origins."""
        names = self._names
        return self._zones.each_key() if names is None else names.keys()

    def zone_keys(self) -> KeyTable:
        """The same, to be asked later."""
        names = self._names
        return self._zones.zone_keys() if names is None else names.key_table()

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""
        names = self._names
        if names is None:
            return self._zones.held(keys)
        return {key for key in keys if names.file_of(key) is not None}

    def known_until(self) -> float:
        """When the last look at the directory began."""
        return self._looked

    @property
    def faults(self) -> Mapping[bytes, str]:
        """Why the files of zones, by their keys, cannot be used: those of the files that were read."""
        return self._faults

    def problems(self) -> list[str]:
        """Every file that cannot be used, and why."""
        looks = self._looks
        waits = looks is not None and looks.silent() >= SLOW
        return [*((WAITS.format(self.name),) if waits else ()), *self._strays, *self._faults.values()]

    def refresh(self) -> None:
        """Look at every file, and take what changed; a file that includes others, or is bad, is read in any case."""
        try:
            self._look(all_files=True)
        except StorageError as error:
            self._strays = (f"{error}: the zones last read are served",)

    def close(self) -> None:
        """Stop looking for changes."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self, check_every: float, pause: float) -> None:
        while not self._closing.wait(pause):
            start = time.monotonic()
            self._looks = Pulse.of_thread()
            try:
                self._look(all_files=False)
            except StorageError as error:
                self._strays = (f"{error}: the zones last read are served",)
            except Exception as error:  # noqa: BLE001 - without this thread no change would be seen any more
                self._strays = (f"{self.name}: looking for changes failed ({error!r}): the zones last read are served",)
            self._looks = None
            pause = max(check_every, (time.monotonic() - start) / CHECK_SHARE)

    def _begin(self) -> None:
        with self._lock:
            self._names = self._listed_names()
            if self._names is None:
                self._begin_with_all()

    def _begin_with_all(self) -> None:
        files, faults, strays = self._files()
        number = first_number()
        self._zones.adopt({key: self._new(key, file, number) for key, file in files.items()})
        self._make_empty(faults.keys() - files.keys(), number)
        self._faults.update(faults)
        self._strays = tuple(strays)

    def _look_at_all(self) -> None:
        """Look at every file, if only the names of some are known."""
        if self._names is not None:
            self._look(all_files=False, all_zones=True)

    def _asked(self, names: Names, key: bytes) -> Stored | None:
        """The zone of a key that nobody asked for yet, if there is one."""
        file = self._file_of(names, key)
        if file is None:
            return None
        new, is_as_told = self._recalled(key, file, first_number())
        zone = self._zones.add(key, new)
        if zone is not new or is_as_told:
            if len(self._zones) > self._most and self._lock.acquire(blocking=False):
                try:
                    self._make_room()
                finally:
                    self._lock.release()
            return zone
        with self._lock:
            if self._zones.get(key) is new:
                self._zones.publish_all(self._again(key, new, file, all_files=False), _PROVENANCE)
        return self._zones.get(key)

    def _make_room(self) -> None:
        """Of very many zones that were asked for know the names alone again, and what was read of them: of those first
        that were asked for longest ago. By who holds the lock.
        """
        if self._names is None or len(self._zones) <= self._most:
            return
        oldest = islice(self._zones.oldest(), len(self._zones) - max(1, MOST_ZONES * 3 // 4))
        zones = ((key, _file_zone(one)) for key, one in oldest if key not in self._faults)
        chosen = {key: zone for key, zone in zones if zone.is_replaceable}
        for zone in chosen.values():
            if zone.file is not None and (told := zone.remembered()) is not None:
                self._told.put(os.path.basename(zone.file.path), told)  # noqa: PTH119 - of very many
            zone.let_go()
        with self._judging:
            self._zones.forget(chosen.keys())
            for key in chosen:
                self._faults.pop(key, None)
        self._most = max(MOST_ZONES, len(self._zones) * 4 // 3)  # what must stay is not to be gone through each time

    def _recalled(self, key: bytes, file: ZoneFile, number: int, before: str = "") -> tuple[FileZone, bool]:
        """A zone nobody asked for, as it was before this process; and whether its file is still what it was then.

        `before` is the name that the file had, where that may be another one.
        """
        zone = self._new(key, file, number)
        told = self._told.get(os.path.basename(file.path)) or self._told.get(before)  # noqa: PTH119 - of very many
        return zone, told is None or zone.recall(told)

    def _file_of(self, names: Names, key: bytes) -> ZoneFile | None:
        """The file of a zone as it is now."""
        name = names.file_of(key)
        if name is None:
            return None
        path = self._directory / name
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unseen(str(path), error) from error
        return ZoneFile(str(path), signature_of(status), status.st_mtime)

    def _new(self, key: bytes, file: ZoneFile, number: int) -> FileZone:
        """A zone whose file is not read yet."""
        zone = FileZone(key, number, file, self._kept, self._failed)
        if zone.is_large:
            self._large.add(key)
        return zone

    def _failed(self, zone: FileZone, reason: str) -> None:
        with self._judging:
            if self._zones.get(zone.key) is zone:  # else another one reads the file, and tells
                self._faults[zone.key] = reason

    def _look(self, *, all_files: bool, all_zones: bool = False) -> None:
        """Read those of the files that were asked for which changed; the zones of files that are gone are deleted."""
        with self._lock:
            begun = time.monotonic()
            names = None if self._names is None or all_zones else self._listed_names()
            if names is not None:
                self._take_asked(names, all_files=all_files)
            else:
                self._take_all(all_files=all_files)
            self._looked = begun

    def _take_asked(self, names: Names, *, all_files: bool) -> None:
        """Look at the files of zones that were asked for, and at which names there are."""
        before = self._names
        assert before is not None
        away = list(before.beyond(names))
        gone = self._add_blank(key for key, _ in away if names.file_of(key) is None)
        unknown = self._add_renamed(names, away)
        for key, name in names.items() if self._told else ():
            told = self._told.get(name)
            if told is not None and self._zones.get(key) is None and not self._is_as(told, name):
                file = self._file_of(names, key)
                if file is not None:
                    self._zones.add(key, self._recalled(key, file, first_number())[0])
        files: dict[bytes, ZoneFile] = {}
        new = sorted([*unknown, *(key for key, _ in names.beyond(before) if before.file_of(key) is None)])
        for key in [*self._zones.each_key(), *new]:
            file = self._file_of(names, key)
            if file is not None:
                files[key] = file
        if self._take(files, gone, all_files=all_files):
            self._names, self._strays = names.without(set(new) - self._zones.held(new)), ()
            self._make_room()

    def _add_renamed(self, names: Names, away: Iterable[tuple[bytes, str]]) -> list[bytes]:
        """Have zones nobody asked for, whose files have other names now, as they were; which nothing is known of.

        `away` are the names that are not there any more, and nothing is known by from now on.
        """
        unknown: list[bytes] = []
        for key, name in away:
            if names.file_of(key) is not None and self._zones.get(key) is None:
                file = self._file_of(names, key)
                if file is not None and name in self._told:
                    self._zones.add(key, self._recalled(key, file, first_number(), name)[0])
                elif file is not None:
                    unknown.append(key)
            self._told.discard(name)
        return unknown

    def _take_all(self, *, all_files: bool) -> None:
        files, twice, strays = self._files()
        if self._names is not None:
            self._add_rest(self._names, files)
        gone = set(self._zones.each_key()) - files.keys() - twice.keys()
        if self._take(files, gone, all_files=all_files):
            self._make_empty(twice.keys() - set(self._zones.each_key()), first_number())
            self._faults.update(twice)
            self._strays = tuple(strays)

    def _add_rest(self, names: Names, files: Mapping[bytes, ZoneFile]) -> None:
        """Have all zones that were known by name."""
        number = first_number()
        self._add_blank(key for key in names.keys() if key not in files)  # noqa: SIM118 - it is no dictionary
        self._zones.adopt(
            {
                key: self._recalled(key, file, number, name)[0]
                for key, file in files.items()
                if (name := names.file_of(key)) is not None and self._zones.get(key) is None
            }
        )
        self._names, self._told = None, FileMemory()

    def _add_blank(self, keys: Iterable[bytes]) -> set[bytes]:
        """Have zones that were known by name and are gone, so that this can be told; which of them are there."""
        number = first_number()
        added = {key: self._zones.add(key, FileZone(key, number, None, self._kept, self._failed)) for key in keys}
        return {key for key, zone in added.items() if not zone.deleted}

    def _take(self, files: Mapping[bytes, ZoneFile], gone: Collection[bytes], *, all_files: bool) -> bool:
        """Take files as they are now, and have zones gone; whether that came to its end.

        New ones that may be half written wait for another look, unless `all_files`: somebody says that they are not.
        """
        replacements = [self._without(key) for key in gone]
        number = first_number()
        for key, file in self._large_last(files):
            known = self._zones.get(key)
            if replacements and key in self._large:  # the small ones do not wait for it
                self._zones.publish_all(replacements, _PROVENANCE)
                replacements = []
            if known is None or known.deleted:
                if not (all_files or _is_settled(file)):
                    continue
                self._faults.pop(key, None)
                next_number = number if known is None else max(number, known.number + 1)
                replacements.append(Replacement(known, self._new(key, file, next_number), []))
            elif isinstance(known, FileZone):
                replacements += self._again(key, known, file, all_files=all_files)
            if self._closing.is_set():
                return False
        self._zones.publish_all(replacements, _PROVENANCE)
        for key in gone:
            self._faults.pop(key, None)
        return True

    def _large_last(self, files: Mapping[bytes, ZoneFile]) -> Iterable[tuple[bytes, ZoneFile]]:
        large = self._large & files.keys() if self._large else set()
        if not large:
            return files.items()
        small = ((key, file) for key, file in files.items() if key not in large)
        return chain(small, ((key, files[key]) for key in large))

    def _again(self, key: bytes, known: FileZone, file: ZoneFile, *, all_files: bool) -> list[Replacement]:
        """Look at a file again: the version in place of the one before, if there is another good one."""
        known.file = file
        if not known.was_read:
            if known.is_unread:  # it has grown since it was listed
                self._large.add(key)
            return []
        changed = known.seen != file.signature
        if not (changed and _is_settled(file)) and not (
            all_files and (changed or known.may_differ or key in self._faults)
        ):
            return []
        known.seen = file.signature
        number = known.number + 1
        if known.packed is None:  # nothing to compare with: perhaps another process gave that number to other data
            number = max(number, first_number())
        try:
            read = read_file(Path(file.path), known.origin, number)
        except Unreadable as error:
            self._faults[key] = str(error)
            return []
        before = known.packed
        found = differences(before, read.packed) if before is not None else None
        if found == [] and known.info().state is ZoneState.READY:
            known.confirm(read)
            self._faults.pop(key, None)
            return []
        new = self._new(key, file, number)
        new.take(read)
        self._faults.pop(key, None)
        return [Replacement(known, new, found)]

    def _without(self, key: bytes) -> Replacement:
        known = self._zones.get(key)
        assert isinstance(known, FileZone)
        return Replacement(known, known.removed(), [])

    def _files(self) -> tuple[dict[bytes, ZoneFile], dict[bytes, str], list[str]]:
        """The zone files by zone; faults by zone; files whose names are no zone's."""
        files: dict[bytes, ZoneFile] = {}
        faults: dict[bytes, str] = {}
        strays: list[str] = []
        before, listing = self._listing, {}
        for entry in self._entries():
            status = self._status(entry)
            if status is None:
                continue
            signature = signature_of(status)
            seen = before.get(entry.name)
            if seen is None or seen[1].signature != signature:
                try:
                    key = key_of(entry.name, entry.path) if seen is None else seen[0]
                except ValueError as error:
                    strays.append(str(error))
                    continue
                seen = key, ZoneFile(entry.path, signature, status.st_mtime)
            key, file = listing[entry.name] = seen
            if key in files:
                beside = Path(files[key].path).name
                faults[key] = f"{entry.path}: there is {beside} beside it, and one zone cannot have both"
            files[key] = file
        self._listing = listing
        for key in faults:
            del files[key]
            known = self._zones.get(key)
            if isinstance(known, FileZone):
                known.seen = None  # whichever of them stays is read again
        return files, faults, strays

    def _entries(self) -> list[os.DirEntry[str]]:
        with self._reading():
            return listed(self._directory)

    def _listed_names(self) -> Names | None:
        with self._reading():
            return names_of(self._directory)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError as error:
            raise Missing("there is no such directory", database=self.name) from error
        except OSError as error:
            raise StorageError(f"the directory cannot be read: {error.strerror}", database=self.name) from error

    def _status(self, entry: os.DirEntry[str]) -> os.stat_result | None:
        try:
            return status_of(entry)
        except OSError as error:
            raise self._unseen(entry.path, error) from error

    def _unseen(self, path: str, error: OSError) -> StorageError:
        return StorageError(f"{path} cannot be looked at: {error.strerror}", database=self.name)

    def _make_empty(self, keys: Collection[bytes], number: int) -> None:
        """Have zones that are there to be BROKEN."""
        for key in keys:
            blank = FileZone(key, number, None, self._kept, self._failed)
            self._zones.publish(self._zones.get(key), blank, [], _PROVENANCE)


def open_source(url: str, *, name: str = "", create: bool = False, read_only: bool = False) -> MasterFilesSource:  # noqa: ARG001
    """Open `master-files:DIRECTORY` (nothing is ever made or written)."""
    directory = url.partition(":")[2]
    if not directory:
        raise UnknownBackend("it names no directory: master-files:DIRECTORY", database=name or url)
    return MasterFilesSource(Path(directory), name=name, check_every=CHECK_EVERY)


def _file_zone(zone: Stored) -> FileZone:
    assert isinstance(zone, FileZone)
    return zone


def _is_settled(file: ZoneFile) -> bool:
    """Whether nobody is writing to it, as far as its time tells."""
    return not 0 <= time.time() - file.changed < SETTLED


def first_number() -> int:
    """The version of a zone that is read first: none that a process before this one gave may come again."""
    return time.time_ns() // 1_000_000
