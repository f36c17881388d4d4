"""A directory of zone files, each named after its zone (`NAME.zone` or `NAME`), served as they are and never written.

A file that cannot be used keeps the last good version of its zone, and only of its zone; until there is one the zone is
BROKEN. A thread looks for changed files, so that whoever answers never waits for a file to be read; a file that another
one includes is looked at when the including one changes, or by refresh().
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from types import MappingProxyType

from dns.name import Name

from datasrc.errors import DataSourceError, Missing, ReadOnly, StorageError, UnknownBackend
from datasrc.findings import Severity
from datasrc.keys import key_labels, name_key
from datasrc.memory import MemorySource
from datasrc.records import EVERY_ZONE, Change, Difference, Provenance, ZoneFilter, ZoneInfo, ZoneState
from datasrc.source import DataSource, Finder, Snapshot, Updater
from datasrc.zonefiles import origin_of, zone_files
from datasrc.zonetext_zone import ZoneText, read_zone

CHECK_EVERY = 1.0  # s between looks at the directory
CHECK_SHARE = 0.02  # of the time at most that looks may take: with very many files they become rarer
SETTLED = 1.0  # s that a file must be old before it is read on its own account: it may be half written

_PROVENANCE = Provenance("", "master-files")

Signature = tuple[int, int, int, int]
"""Device, inode, size and time of a file, which together change when it is written."""


@dataclass(frozen=True, slots=True)
class _File:
    """A zone file as it was looked at."""

    path: Path
    signature: Signature
    changed: float  # POSIX seconds


class MasterFilesSource(DataSource):
    """The zones of one directory. May be shared between threads."""

    writable = False

    def __init__(self, directory: Path, *, name: str = "", check_every: float | None = CHECK_EVERY) -> None:
        """Reads all files. `check_every`: seconds between looks for changed ones, None: only refresh() looks.

        Raises Missing or StorageError where the directory cannot be read.
        """
        self.name = name or f"master-files:{directory}"
        self._directory = directory
        self._zones = MemorySource(name=self.name)
        self._lock = threading.Lock()  # held by whoever reads files
        self._read: dict[bytes, Signature] = {}  # by zone: what its file was when it was last read
        self._faults: Mapping[bytes, str] = MappingProxyType({})  # by zone; replaced, never changed
        self._strays: tuple[str, ...] = ()  # what does not concern one zone
        self._closing = threading.Event()
        self._watcher: threading.Thread | None = None
        self._look(all_files=True)
        if check_every is not None:
            self._watcher = threading.Thread(target=self._watch, args=(check_every,), name=self.name, daemon=True)
            self._watcher.start()

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent state of all zones."""
        with self._zones.snapshot() as snapshot:
            yield MasterFilesSnapshot(snapshot, self._faults)

    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """A page of the zones."""
        faults = self._faults
        return list(islice(self._zones.walk(after, only, lambda info: _judged(info, faults)), limit))

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

    def last_change(self) -> int:
        """The id of the last change this process saw."""
        return self._zones.last_change()

    def zone_keys(self) -> set[bytes]:
        """The keys of all origins."""
        return self._zones.zone_keys()

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""
        return self._zones.held(keys)

    def problems(self) -> list[str]:
        """Every file that cannot be used, and why."""
        return [*self._strays, *self._faults.values()]

    def refresh(self) -> None:
        """Read every file again, and take what changed."""
        try:
            self._look(all_files=True)
        except StorageError as error:
            self._strays = (f"{error}: the zones last read are served",)

    def close(self) -> None:
        """Stop looking for changes."""
        self._closing.set()
        if self._watcher is not None:
            self._watcher.join()

    def _watch(self, check_every: float) -> None:
        pause = check_every
        while not self._closing.wait(pause):
            start = time.monotonic()
            try:
                self._look(all_files=False)
            except StorageError as error:
                self._strays = (f"{error}: the zones last read are served",)
            pause = max(check_every, (time.monotonic() - start) / CHECK_SHARE)

    def _look(self, *, all_files: bool) -> None:
        """Read the files that changed, or all; the zones of files that are gone are deleted."""
        with self._lock:
            files, faults, strays = self._files()
            for key in self._zones.zone_keys() - files.keys() - faults.keys():
                self._read.pop(key, None)
                self._forget(key)
            for key, text in self._faults.items():
                if key in files and self._read.get(key) == files[key].signature:
                    faults[key] = text  # as bad as it was
            for key, file in files.items():
                settled = not 0 <= time.time() - file.changed < SETTLED
                if all_files or (self._read.get(key) != file.signature and settled):
                    faults.pop(key, None)
                    self._take(key, file, faults)
                if self._closing.is_set():
                    return
            for key in faults.keys() - self._zones.zone_keys():
                self._make_empty(key)  # so that it is there to be BROKEN
            self._faults = MappingProxyType(faults)
            self._strays = tuple(strays)

    def _files(self) -> tuple[dict[bytes, _File], dict[bytes, str], list[str]]:
        """The zone files by zone; faults by zone; files whose names are no zone's."""
        files: dict[bytes, _File] = {}
        faults: dict[bytes, str] = {}
        strays: list[str] = []
        for path, status in self._entries():
            try:
                key = name_key(origin_of(path))
            except ValueError as error:
                strays.append(str(error))
                continue
            if key in files:
                faults[key] = f"{path}: there is {files[key].path.name} beside it, and one zone cannot have both"
            signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
            files[key] = _File(path, signature, status.st_mtime)
        for key in faults:
            del files[key]
            self._read.pop(key, None)  # whichever of them stays is read again
        return files, faults, strays

    def _entries(self) -> list[tuple[Path, os.stat_result]]:
        try:
            return zone_files(self._directory)
        except FileNotFoundError as error:
            raise Missing("there is no such directory", database=self.name) from error
        except OSError as error:
            raise StorageError(f"the directory cannot be read: {error.strerror}", database=self.name) from error

    def _take(self, key: bytes, file: _File, faults: dict[bytes, str]) -> None:
        """Read a file, and put its zone in place of the one before if it is good."""
        self._read[key] = file.signature
        origin = origin_of(file.path)
        try:
            with file.path.open("rb") as stream:
                text, findings = read_zone(stream, str(file.path), origin, directory=file.path.parent)
        except OSError as error:
            faults[key] = f"{file.path}: {error.strerror}"
            return
        if findings.errors:
            first = next(each for each in findings if each.code.severity is Severity.ERROR)
            where = "" if first.place or first.file else f"{file.path}: "
            more = f" (and {findings.errors - 1} more)" if findings.errors > 1 else ""
            faults[key] = f"{where}{first}{more}"
            return
        try:
            self._put(origin, text)
        except DataSourceError as error:
            faults[key] = f"{file.path}: {error}"

    def _put(self, origin: Name, text: ZoneText) -> None:
        with self._zones.updater(origin, create=True, replace=True) as updater:
            updater.load(text)
            updater.commit(_PROVENANCE)

    def _make_empty(self, key: bytes) -> None:
        with self._zones.updater(_origin_from(key), create=True) as updater:
            updater.commit(_PROVENANCE)

    def _forget(self, key: bytes) -> None:
        self._zones.delete_zone(_origin_from(key), _PROVENANCE)


class MasterFilesSnapshot(Snapshot):
    """All zones of the directory at one moment."""

    def __init__(self, snapshot: Snapshot, faults: Mapping[bytes, str]) -> None:
        self._snapshot = snapshot
        self._faults = faults

    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match."""
        return self._judge(self._snapshot.find_zone(name))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""
        return self._judge(self._snapshot.zone(origin))

    def _judge(self, finder: Finder | None) -> Finder | None:
        if finder is not None:
            finder.info = _judged(finder.info, self._faults)
        return finder


def open_source(url: str, *, name: str = "", create: bool = False, read_only: bool = False) -> MasterFilesSource:  # noqa: ARG001
    """Open `master-files:DIRECTORY` (nothing is ever made or written)."""
    directory = url.partition(":")[2]
    if not directory:
        raise UnknownBackend("it names no directory: master-files:DIRECTORY", database=name or url)
    return MasterFilesSource(Path(directory), name=name)


def _judged(info: ZoneInfo, faults: Mapping[bytes, str]) -> ZoneInfo:
    """The zone with what is wrong with its file; without a version that was ever good it is BROKEN."""
    fault = faults.get(name_key(info.origin))
    if fault is None:
        return info
    if info.state is ZoneState.EMPTY:
        return replace(info, state=ZoneState.BROKEN, reason=fault)
    return replace(info, reason=f"an older version is served: {fault}")


def _origin_from(key: bytes) -> Name:
    return Name([*key_labels(key), b""])
