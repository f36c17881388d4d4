"""A directory of zone files as the file system tells of it: which files there are, and what each looks like."""

from __future__ import annotations

import errno
import os
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from datasrc import zonefiles
from datasrc.errors import Missing, StorageError
from datasrc.filelayout import SEEN
from datasrc.filememory import FileMemory, Remembered, encoded
from datasrc.filezones import ZoneFile
from datasrc.keytable import KeyTable
from datasrc.raw import Looker
from datasrc.signatures import signature_of
from datasrc.zonefiles import Names, key_of, listed, names_of, status_of

SETTLED = 1.0  # s that a file must be old before it is taken on its own account: it may be half written
GONE_AFTER = 1.0  # s at least between two looks that agree that a file is gone: it may be put back in a moment

_Place = tuple[int, int]


class Listed(NamedTuple):
    """What a look at all files found."""

    files: dict[bytes, ZoneFile]  # by zone
    faults: dict[bytes, str]  # of zones that have none, or more than one
    strays: list[str]  # files whose names are no zone's


class ZoneDirectory:
    """The files of one directory. To be asked by one thread at a time, but for file_of() and is_as()."""

    def __init__(self, directory: Path, database: str) -> None:
        """`database` is what errors call it."""
        self.path = directory
        self._place = str(directory)
        self._database = database
        self._listing: dict[str, tuple[bytes, ZoneFile]] = {}  # what each file was when it was last looked at
        self._missed = KeyTable()  # zones that had no file at a look which found that first,
        self._missed_at = 0.0  # and when that was
        self._seen: _Place | None = None  # the directory that was last read; None: it was exchanged meanwhile
        self._home: _Place | None = None  # the one that had a file of every zone there is

    def names(self) -> Names | None:
        """The files by their names alone; None where these do not tell enough. Raises Missing or StorageError."""
        names = self.all_names()
        return names if self.are_many(names) else None

    def all_names(self) -> Names:
        """The same, however few there are."""
        with self._reading():
            return names_of(self.path)

    def are_many(self, names: Names) -> bool:
        """Whether there are so many files that their names have to do."""
        return len(names) >= zonefiles.LATE_FROM and os.access(self.path, os.X_OK, effective_ids=True)

    def gone(self, missed: Collection[bytes], looked: float, *, at_once: bool) -> set[bytes]:
        """Those of the zones for which the last look, begun then, found no file that are gone: two looks agree.

        `at_once`: somebody says so; one look is enough then if the directory is the one that had them, and no other
        one in its place, as it is where a file system is not mounted.
        """
        if at_once and self._seen is not None and self._seen == self._home:
            gone = set(missed)
        elif len(self._missed) and looked - self._missed_at < GONE_AFTER:
            self._missed = KeyTable(key for key in missed if key in self._missed)
            return set()
        else:
            gone = {key for key in missed if key in self._missed}
        self._missed, self._missed_at = KeyTable(key for key in missed if key not in gone), looked
        if not len(self._missed):
            self._home = self._seen
        return gone

    def files(self) -> Listed:
        """Every file, looked at. Raises Missing or StorageError."""
        found = Listed({}, {}, [])
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
                    found.strays.append(str(error))
                    continue
                seen = key, ZoneFile(entry.path, signature, status.st_mtime)
            key, file = listing[entry.name] = seen
            if key in found.files:
                beside = Path(found.files[key].path).name
                found.faults[key] = f"{entry.path}: there is {beside} beside it, and one zone cannot have both"
            found.files[key] = file
        self._listing = listing
        for key in found.faults:
            del found.files[key]
        return found

    def file_of(self, names: Names, key: bytes) -> ZoneFile | None:
        """The file of a zone as it is now. Raises StorageError."""
        name = names.file_of(key)
        if name is None:
            return None
        path = self.path / name
        try:
            status = path.stat()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise self._unseen(str(path), error) from error
        return ZoneFile(str(path), signature_of(status), status.st_mtime)

    def files_of(self, names: Names, keys: Collection[bytes]) -> dict[bytes, ZoneFile]:
        """The files of these zones as they are now, as far as there are any. Raises StorageError."""
        files = ((key, self.file_of(names, key)) for key in keys)
        return {key: file for key, file in files if file is not None}

    def is_as(self, told: Remembered, name: str) -> bool:
        """Whether a file is sure to be still what it was. Raises StorageError."""
        if told.may_differ:
            return False
        try:
            return signature_of(os.stat(f"{self._place}/{name}")) == told.signature  # noqa: PTH116 - of very many
        except FileNotFoundError:
            return False
        except OSError as error:
            raise self._unseen(f"{self._place}/{name}", error) from error

    def versions(self, told: FileMemory, names: list[str]) -> list[int]:
        """Of each file the version that it is told of, if it is sure to be still what it was; else 0.

        Raises StorageError.
        """
        files = encoded(names)
        seen = self._look(files)
        errors = set(seen[::SEEN]) - {0, errno.ENOENT}  # all error numbers there are fit into an octet
        for error in errors:
            name = names[seen[::SEEN].index(error)]
            raise self._unseen(f"{self._place}/{name}", OSError(error, os.strerror(error)))
        return told.versions(files, seen)

    def _look(self, names: list[bytes]) -> bytearray:
        """What the file system says of these files, as datasrc.raw has it. Raises StorageError."""
        found = bytearray(SEEN * len(names))
        try:
            place = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        except OSError as error:
            raise self._unseen(self._place, error) from error
        try:
            Looker().look(place, b"\x00".join(names) + b"\x00", found)
        finally:
            os.close(place)
        return found

    def _entries(self) -> list[os.DirEntry[str]]:
        with self._reading():
            return listed(self.path)

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            before = self._its_place()
            yield
            self._seen = before if before == self._its_place() else None
            self._home = self._home or self._seen
        except FileNotFoundError as error:
            raise Missing("there is no such directory", database=self._database) from error
        except OSError as error:
            raise StorageError(f"the directory cannot be read: {error.strerror}", database=self._database) from error

    def _its_place(self) -> _Place:
        status = self.path.stat()
        return status.st_dev, status.st_ino

    def _status(self, entry: os.DirEntry[str]) -> os.stat_result | None:
        try:
            return status_of(entry)
        except OSError as error:
            raise self._unseen(entry.path, error) from error

    def _unseen(self, path: str, error: OSError) -> StorageError:
        return StorageError(f"{path} cannot be looked at: {error.strerror}", database=self._database)


def is_settled(changed: float) -> bool:
    """Whether nobody is writing to a file, as far as its time tells."""
    return not 0 <= time.time() - changed < SETTLED


def name_of(file: ZoneFile) -> str:
    """The name of a file."""
    return os.path.basename(file.path)  # noqa: PTH119 - of very many
