"""Zones of files: what is known of each, and its sets, packed as they were read, while there is room for them."""

from __future__ import annotations

import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from dns.name import Name

from datasrc.errors import DataSourceError, ZoneUnusable
from datasrc.findings import Severity
from datasrc.memory import History
from datasrc.packed_finder import PackedFinder
from datasrc.packed_zone import PackedZone
from datasrc.records import ZoneInfo, ZoneState
from datasrc.source import Finder
from datasrc.zonetext_zone import read_zone

KEPT_OCTETS = 256 << 20  # of packed sets of one directory; those not asked for longest are read again when they are
CERTAIN = 2.0  # s after which a file that is written again has another time, whatever the file system

Signature = tuple[int, int, int, int]
"""Device, inode, size and time of a file, which together change when it is written."""

NEVER_READ = "no data was ever loaded"


class Unreadable(Exception):
    """A file that cannot be used: file, line and reason, as people are told."""


@dataclass(frozen=True, slots=True)
class ZoneFile:
    """A zone file as it was looked at."""

    path: Path
    signature: Signature
    changed: float  # POSIX seconds


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file has."""

    info: ZoneInfo
    packed: PackedZone
    signature: Signature
    may_differ: bool  # it may be another one although it looks the same


class Kept:
    """The zones whose packed sets are here, the one asked for longest ago first."""

    def __init__(self, octets: int = KEPT_OCTETS) -> None:
        self._most = octets
        self._octets = 0
        self._zones: OrderedDict[FileZone, int] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, zone: FileZone, octets: int) -> None:
        """This zone has its sets; others lose theirs where all are too many."""
        with self._lock:
            self._octets += octets - self._zones.pop(zone, 0)
            self._zones[zone] = octets
            while self._octets > self._most and len(self._zones) > 1:
                oldest, size = self._zones.popitem(last=False)
                self._octets -= size
                oldest.packed = None

    def remove(self, zone: FileZone) -> None:
        """Nobody will ask for it."""
        with self._lock:
            self._octets -= self._zones.pop(zone, 0)

    def used(self, zone: FileZone) -> None:
        """It was asked for."""
        with self._lock:
            if zone in self._zones:
                self._zones.move_to_end(zone)


class FileZone:
    """One version of a zone (datasrc.memory.Stored), read from its file when it is first asked for."""

    def __init__(
        self, origin: Name, number: int, file: ZoneFile | None, kept: Kept, failed: Callable[[str], None]
    ) -> None:
        """`failed` hears why the file cannot be used. Without one there is nothing to read."""
        self.origin = origin
        self.number = number
        self.file = file
        self.deleted = False
        self.packed: PackedZone | None = None
        self.seen: Signature | None = None if file is None else file.signature  # what the file was when it was read
        self.may_differ = False
        self._signature: Signature | None = None  # of the file the sets are from
        self._info = None if file is not None else ZoneInfo(origin, number, None, 0, ZoneState.EMPTY, NEVER_READ)
        self._kept = kept
        self._failed = failed
        self._lock = threading.Lock()  # held to read the file

    @property
    def was_read(self) -> bool:
        """Whether its file was."""
        return self._info is not None

    @property
    def records(self) -> int:
        """How many RRs it has, as far as that is known."""
        return 0 if self._info is None else self._info.records

    def serial(self) -> int | None:
        """The serial of its SOA, as far as it is known."""
        return None if self._info is None else self._info.serial

    def info(self) -> ZoneInfo:
        """What this zone is. Reads the file, if it was not read yet."""
        if self._info is None:
            with self._lock:
                if self._info is None:
                    self._read()
        assert self._info is not None
        return self._info

    def finder(self, database: str, recorded: History) -> Finder:
        """This version, to be asked."""
        return PackedFinder(self.info(), database, self.contents, recorded)

    def contents(self) -> PackedZone:
        """Its sets; read again where there was no room for them. Raises ZoneUnusable."""
        packed = self.packed
        if packed is not None:
            self._kept.used(self)
            return packed
        with self._lock:
            if self.packed is None:
                self._read_again()
            assert self.packed is not None
            return self.packed

    def take(self, read: ReadFile) -> None:
        """Be what was read."""
        self.seen = self._signature = read.signature
        self.may_differ = read.may_differ
        self.packed = read.packed
        self._info = read.info
        self._kept.add(self, read.packed.octets())

    def confirm(self, read: ReadFile) -> None:
        """The file was written again, and has the same."""
        self.seen = self._signature = read.signature
        self.may_differ = read.may_differ

    def removed(self) -> FileZone:
        """The version after this one, when the file is gone."""
        self._kept.remove(self)
        gone = FileZone(self.origin, self.number + 1, None, self._kept, self._failed)
        gone.deleted = True
        return gone

    def _read(self) -> None:
        assert self.file is not None
        try:
            self.take(read_file(self.file.path, self.origin, self.number))
        except Unreadable as error:
            self._failed(str(error))
            self.seen = self.file.signature
            self._info = ZoneInfo(self.origin, self.number, None, 0, ZoneState.EMPTY, NEVER_READ)

    def _read_again(self) -> None:
        assert self.file is not None
        try:
            read = read_file(self.file.path, self.origin, self.number)
        except Unreadable as error:
            raise ZoneUnusable(str(error), zone=self.origin) from None
        if read.signature != self._signature:
            raise ZoneUnusable(f"{self.file.path} has just been written: it is about to be read", zone=self.origin)
        self.packed = read.packed
        self._kept.add(self, read.packed.octets())


def read_file(path: Path, origin: Name, number: int) -> ReadFile:
    """Read a zone file, as version `number`. Raises Unreadable."""
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            text, findings = read_zone(stream, str(path), origin, directory=path.parent)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from error
    if findings.errors:
        first = next(each for each in findings if each.code.severity is Severity.ERROR)
        where = "" if first.place or first.file else f"{path}: "
        more = f" (and {findings.errors - 1} more)" if findings.errors > 1 else ""
        raise Unreadable(f"{where}{first}{more}")
    try:
        contents = text.contents(number)
    except DataSourceError as error:
        raise Unreadable(f"{path}: {error}") from error
    contents.packed.compact()
    includes = len(text.plain.files) > 1
    fresh = time.time() - status.st_mtime < CERTAIN
    return ReadFile(contents.info, contents.packed, signature_of(status), includes or fresh)


def signature_of(status: os.stat_result) -> Signature:
    """What tells whether a file was written."""
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
