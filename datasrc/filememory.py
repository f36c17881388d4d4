"""What was read of zone files, by the names of the files, for processes to come: packed, without an object a file."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Iterator, Mapping
from typing import NamedTuple

from datasrc.filelayout import ROW
from datasrc.filerows import FileRows
from datasrc.signatures import Signature

_ROW = struct.Struct("<QQQqqQqQ?")  # the signature, version, serial, records, and whether it may differ
assert _ROW.size == ROW
_VERSION = 5
_NO_SERIAL = -1


class Remembered(NamedTuple):
    """What a process read in a file, for those after it."""

    signature: Signature
    version: int
    serial: int | None
    records: int
    may_differ: bool = False  # the file is to be read again, although it looks the same


class PackedFiles(NamedTuple):
    """Files as two blocks: names, each behind an octet with its length (NAME_MAX is 255), and rows in their order."""

    names: bytes = b""
    rows: bytes = b""


NOTHING = PackedFiles()


class FileMemory(Mapping[str, Remembered]):
    """A table of files, for several threads. A hundred octets a file, and its name."""

    def __init__(self, packed: PackedFiles = NOTHING) -> None:
        """Raises ValueError where these are no packed files."""
        self._lock = threading.Lock()
        self._files = FileRows()
        count = self._files.adopt(*packed)
        if count * _ROW.size != len(packed.rows):
            raise ValueError(f"{len(packed.rows)} octets are not what {count} files take")

    def __len__(self) -> int:
        return len(self._files.numbers)

    def __getitem__(self, name: str) -> Remembered:
        with self._lock:
            number = self._files.numbers.number(os.fsencode(name))
            if number < 0:
                raise KeyError(name)
            *signature, version, serial, records, may_differ = _ROW.unpack_from(self._files.rows, number * _ROW.size)
        device, inode, size, changed, changed_inode = signature
        seen = (device, inode, size, changed, changed_inode)
        return Remembered(seen, version, None if serial == _NO_SERIAL else serial, records, may_differ)

    def __iter__(self) -> Iterator[str]:
        return map(os.fsdecode, _names_in(self.packed().names))

    def put(self, name: str, one: Remembered) -> None:
        """Remember this of a file."""
        serial = _NO_SERIAL if one.serial is None else one.serial
        row = _ROW.pack(*one.signature, one.version, serial, one.records, one.may_differ)
        key = os.fsencode(name)
        with self._lock:
            number = self._files.numbers.number(key)
            if number >= 0:
                self._files.rows[number * _ROW.size : (number + 1) * _ROW.size] = row
            else:
                self._files.append(key, row)

    def discard(self, name: str) -> None:
        """Remember nothing of a file."""
        with self._lock:
            self._files.numbers.discard(os.fsencode(name))

    def packed(self) -> PackedFiles:
        """All there is now. What was discarded, or put anew, costs nothing from then on."""
        with self._lock:
            if len(self._files.numbers) * _ROW.size != len(self._files.rows):
                self._compact()
            return PackedFiles(bytes(self._files.names), bytes(self._files.rows))

    def count(self, names: list[str]) -> int:
        """Of how many of these files something is remembered."""
        with self._lock:
            return self._files.there(encoded(names))

    def versions(self, names: list[bytes], seen: bytearray) -> list[int]:
        """Of each file the version that was read in it, if it is sure to be still what it was; else 0.

        `seen` is what the file system says of each: datasrc.raw.
        """
        with self._lock:
            return self._files.versions(names, memoryview(seen))

    def _compact(self) -> None:
        before, self._files = self._files, FileRows()
        for number, name in enumerate(_names_in(bytes(before.names))):
            if before.numbers.number(name) == number:
                self._files.append(name, bytes(before.rows[number * _ROW.size : (number + 1) * _ROW.size]))


def highest_version(packed: PackedFiles) -> int:
    """The highest version of a zone in there; 0 where there is none."""
    return max((row[_VERSION] for row in _ROW.iter_unpack(packed.rows)), default=0)


def encoded(names: list[str]) -> list[bytes]:
    """Names of files as the system has them; of very many."""
    return os.fsencode("\0".join(names)).split(b"\0") if names else []


def _names_in(names: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(names):
        end = at + 1 + names[at]
        yield names[at + 1 : end]
        at = end
