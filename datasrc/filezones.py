"""Zones of files: what is known of each, and its sets, packed as they were read, while there is room for them."""

from __future__ import annotations

import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, Protocol

from dns.name import Name

from datasrc.errors import DataSourceError, ZoneUnusable
from datasrc.filememory import Remembered
from datasrc.findings import Code, Severity
from datasrc.keptzones import Kept
from datasrc.keys import key_labels
from datasrc.packed_finder import PackedFinder
from datasrc.packed_zone import PackedZone
from datasrc.records import ZoneInfo, ZoneState
from datasrc.signatures import SIZE, LookedAt, Signature, signature_of
from datasrc.source import Finder
from datasrc.versions import History
from datasrc.zonefiles import is_in_small_letters, origin_of
from datasrc.zonetext_zone import read_zone

CERTAIN = 2.0  # s after which a file that is written again has another time, whatever the file system

QUICKLY_READ = 8 << 20  # octets of a file that is read in a fraction of a second

NEVER_READ = "no data was ever loaded"


class Unreadable(Exception):
    """A file that cannot be used: file, line and reason, as people are told."""

    def __init__(self, reason: str, included: LookedAt, *, unseen: bool = False) -> None:
        """`included` are the files it includes, as far as they were looked for: one of them may be at fault.

        `unseen`: the system failed, which says nothing of what is in the file. It is to be read again as it is.
        """
        super().__init__(reason)
        self.included = included
        self.unseen = unseen


class ZoneFile(NamedTuple):
    """A zone file as it was looked at."""

    path: str
    signature: Signature
    changed: float  # POSIX seconds


class Failed(Protocol):
    """Hears why the file of a zone cannot be used."""

    def __call__(self, zone: FileZone, reason: str, /) -> None: ...


@dataclass(frozen=True, slots=True)
class ReadFile:
    """What a file has."""

    info: ZoneInfo
    packed: PackedZone
    signature: Signature
    included: LookedAt  # what it includes, before that was read
    may_differ: bool  # it may be another one although it looks the same, to who does not know what it includes


class FileZone:
    """One version of a zone (datasrc.versions.Stored), read from its file when it is first asked for."""

    __slots__ = (
        "_failed",
        "_included",
        "_info",
        "_kept",
        "_lock",
        "_origin",
        "_remembered",
        "_signature",
        "deleted",
        "file",
        "included",
        "key",
        "may_differ",
        "number",
        "packed",
        "seen",
    )

    def __init__(self, key: bytes, number: int, file: ZoneFile | None, kept: Kept, failed: Failed) -> None:
        """`failed` hears why the file of a zone cannot be used. Without a file there is nothing to read."""
        self.key = key
        self.number = number
        self.file = file
        self.deleted = False
        self.packed: PackedZone | None = None
        self.seen: Signature | None = None if file is None else file.signature  # what the file was when it was read
        self.included: LookedAt = ()  # and what it included
        self.may_differ = False
        self._signature: Signature | None = None  # of the file the sets are from,
        self._included: LookedAt | None = ()  # and what that included; None: nobody knows
        self._origin: Name | None = None
        self._info: ZoneInfo | None = None
        self._remembered: Remembered | None = None  # what there is to know without reading
        self._kept = kept
        self._failed = failed
        # Held to read the file; while a large one is read no other zone waits.
        self._lock = threading.Lock() if self.is_large else kept.reader(key)
        if file is None:
            self._info = self._empty()

    @property
    def origin(self) -> Name:
        """As the name of its file spells it."""
        if self._origin is None:
            if self.file is None or is_in_small_letters(self.file.path):
                self._origin = Name([*key_labels(self.key), b""])
            else:
                self._origin = origin_of(Path(self.file.path))
        return self._origin

    @property
    def was_read(self) -> bool:
        """Whether its file was, by this process or by one before it that told."""
        return self._info is not None or self._remembered is not None

    @property
    def is_large(self) -> bool:
        """Whether its file takes long to read."""
        return self.file is not None and self.file.signature[SIZE] >= QUICKLY_READ

    @property
    def is_unread(self) -> bool:
        """Whether its file is yet to be read, and that takes long."""
        return self.is_large and not self.was_read

    @property
    def is_replaceable(self) -> bool:
        """Whether one made anew is as good: nothing was read yet, or what is remembered of the file tells all."""
        return self.deleted or not (self.is_large or self.may_differ or (self.was_read and self.remembered() is None))

    @property
    def records(self) -> int:
        """How many RRs it has, as far as that is known."""
        known = self._info or self._remembered
        return 0 if known is None else known.records

    def serial(self) -> int | None:
        """The serial of its SOA, as far as it is known."""
        known = self._info or self._remembered
        return None if known is None else known.serial

    def info(self) -> ZoneInfo:
        """What this zone is. Reads the file, if it was not read yet; BROKEN as long as that takes too long."""
        if self._info is None and self._remembered is not None:
            told = self._remembered
            self._info = ZoneInfo(self.origin, told.version, told.serial, told.records)
        if self._info is None and not self._kept.read(self, self._read):
            return self.placeholder()
        assert self._info is not None
        return self._info

    def miss(self, reason: str) -> None:
        """Its file is not there at the moment, and nobody knows yet whether it is gone."""
        self._info = ZoneInfo(self.origin, self.number, None, 0, ZoneState.BROKEN, reason)

    def placeholder(self) -> ZoneInfo:
        """What there is to say of the zone as long as its file is being read."""
        return ZoneInfo(self.origin, self.number, None, 0, ZoneState.BROKEN, self._still_read())

    def finder(self, database: str, recorded: History) -> Finder:
        """This version, to be asked."""
        return PackedFinder(self.info(), database, self.contents, recorded)

    def contents(self) -> PackedZone:
        """Its sets; read again where there was no room for them. Raises ZoneUnusable."""
        packed = self.packed
        if packed is not None:
            self._kept.used(self)
            return packed
        if not self._kept.read(self, self._read_again):
            raise ZoneUnusable(self._still_read(), zone=self.origin)
        packed = self.packed
        if packed is None:  # others were asked for meanwhile, and there was no room for all
            raise ZoneUnusable("it has been read, and had to make room for others since", zone=self.origin)
        return packed

    def take(self, read: ReadFile) -> None:
        """Be what was read."""
        self._be_as(read)
        self.packed = read.packed
        self._info = read.info
        self._kept.news += 1
        self._kept.add(self, read.packed.octets())

    def recall(self, remembered: Remembered) -> bool:
        """Be what a process before this one read, unless that was done here; whether the file looks as it did then.

        One that may differ all the same is read by whoever next looks for changes.
        """
        with self._lock:
            if self.file is None or self.was_read:
                return True
            self.number = remembered.version
            self.may_differ = remembered.may_differ
            self._signature = remembered.signature
            self._included = None if remembered.may_differ else ()
            self.seen = None if remembered.may_differ else remembered.signature
            self._remembered = remembered
            return self.file.signature == remembered.signature

    def _be_as(self, read: ReadFile) -> None:
        self.seen = self._signature = read.signature
        self.included = self._included = read.included
        self.may_differ = read.may_differ

    def remembered(self) -> Remembered | None:
        """What the next process may go on from, whatever becomes of the file; None where it must look itself."""
        info = self._info  # what is read is known once that is set: nobody waits here for a file that is being read
        if info is None:
            return self._remembered
        if self._signature is None or info.state is not ZoneState.READY:
            return None
        return Remembered(self._signature, self.number, info.serial, info.records, self.may_differ)

    def confirm(self, read: ReadFile) -> None:
        """The file was written again, and has the same."""
        self._be_as(read)
        self._kept.news += 1
        if self._remembered is not None:
            self._remembered = self._remembered._replace(signature=read.signature, may_differ=read.may_differ)

    def fail(self, error: Unreadable, signature: Signature) -> None:
        """The file, which looked like that, cannot be used. It is read again when it or what it includes changes."""
        self.seen = None if error.unseen else signature
        self.included = error.included

    def let_go(self) -> None:
        """Nobody is to ask for it any more."""
        self._kept.remove(self)

    def removed(self) -> FileZone:
        """The version after this one, when the file is gone."""
        self.let_go()
        self._kept.news += 1
        gone = FileZone(self.key, self.number + 1, None, self._kept, self._failed)
        gone._origin = self._origin
        gone.deleted = True
        return gone

    def _still_read(self) -> str:
        assert self.file is not None
        return f"{self.file.path} is being read"

    def _read(self) -> None:
        with self._lock:
            file = self.file  # whoever looks for changes may put another one there meanwhile
            if self._info is not None:
                return
            assert file is not None
            try:
                self.take(read_file(Path(file.path), self.origin, self.number))
            except Unreadable as error:
                self._failed(self, str(error))
                self.fail(error, file.signature)
                self._info = self._empty()

    def _empty(self) -> ZoneInfo:
        return ZoneInfo(self.origin, self.number, None, 0, ZoneState.EMPTY, NEVER_READ)

    def _read_again(self) -> None:
        with self._lock:
            if self.packed is not None:
                return
            assert self.file is not None
            try:
                read = read_file(Path(self.file.path), self.origin, self.number)
            except Unreadable as error:
                raise ZoneUnusable(str(error), zone=self.origin) from None
            if read.signature != self._signature or self._included not in (None, read.included):
                raise ZoneUnusable(f"{self.file.path} has just been written: it is about to be read", zone=self.origin)
            self.packed = read.packed
            self._kept.add(self, read.packed.octets())


def read_file(path: Path, origin: Name, number: int) -> ReadFile:
    """Read a zone file, as version `number`. Raises Unreadable: also where there is not enough memory for that one."""
    included: dict[str, Signature | None] = {}
    try:
        return _read_file(path, origin, number, included)
    except MemoryError:
        raise Unreadable(f"{path}: there is not enough memory to read it", tuple(included.items())) from None


def _read_file(path: Path, origin: Name, number: int, included: dict[str, Signature | None]) -> ReadFile:
    try:
        with path.open("rb") as stream:
            status = os.fstat(stream.fileno())
            text, findings = read_zone(stream, str(path), origin, directory=path.parent, included=included)
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}", tuple(included.items()), unseen=True) from error
    looked_at = tuple(included.items())
    if findings.errors:
        first = next(each for each in findings if each.code.severity is Severity.ERROR)
        where = "" if first.place or first.file else f"{path}: "
        more = f" (and {findings.errors - 1} more)" if findings.errors > 1 else ""
        unseen = any(each.code is Code.UNREADABLE for each in findings)
        raise Unreadable(f"{where}{first}{more}", looked_at, unseen=unseen)
    try:
        contents = text.contents(number)
    except DataSourceError as error:
        raise Unreadable(f"{path}: {error}", looked_at) from error
    contents.packed.compact()
    fresh = time.time() - max(status.st_mtime, status.st_ctime) < CERTAIN
    return ReadFile(contents.info, contents.packed, signature_of(status), looked_at, bool(looked_at) or fresh)
