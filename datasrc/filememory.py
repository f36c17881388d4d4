"""What was read of zone files, by the names of the files, for processes to come: packed, without an object a file."""

from __future__ import annotations

import os
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from datasrc.keytable import KeyTable
from datasrc.signatures import Signature

_ROW = struct.Struct("<QQQqqQqQ?")  # the signature, version, serial, records, and whether it may differ
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

    def __init__(self, packed: PackedFiles = NOTHING, keep: Callable[[str], bool] = lambda _name: True) -> None:
        """Those files that `keep` says are to be kept. Raises ValueError where these are no packed files."""
        self._lock = threading.Lock()
        self._numbers = KeyTable(numbered=True)  # of rows, by names
        self._names = bytearray(packed.names)
        self._rows = bytearray(packed.rows)
        count = 0
        for name in _names_in(packed.names):
            if keep(os.fsdecode(name)):
                self._numbers.put(name, count)
            count += 1
        if count * _ROW.size != len(packed.rows):
            raise ValueError(f"{len(packed.rows)} octets are not what {count} files take")

    def __len__(self) -> int:
        return len(self._numbers)

    def __getitem__(self, name: str) -> Remembered:
        with self._lock:
            number = self._numbers.number(os.fsencode(name))
            if number < 0:
                raise KeyError(name)
            *signature, version, serial, records, may_differ = _ROW.unpack_from(self._rows, number * _ROW.size)
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
            number = self._numbers.number(key)
            if number >= 0:
                self._rows[number * _ROW.size : (number + 1) * _ROW.size] = row
            else:
                self._append(key, row)

    def discard(self, name: str) -> None:
        """Remember nothing of a file."""
        with self._lock:
            self._numbers.discard(os.fsencode(name))

    def packed(self) -> PackedFiles:
        """All there is now. What was discarded, or put anew, costs nothing from then on."""
        with self._lock:
            if len(self._numbers) * _ROW.size != len(self._rows):
                self._compact()
            return PackedFiles(bytes(self._names), bytes(self._rows))

    def _append(self, name: bytes, row: bytes) -> None:
        number = len(self._rows) // _ROW.size
        self._names += bytes((len(name),)) + name
        self._rows += row
        self._numbers.put(name, number)

    def _compact(self) -> None:
        names, rows, numbers = bytes(self._names), bytes(self._rows), self._numbers
        self._names.clear()
        self._rows.clear()
        self._numbers = KeyTable(numbered=True)
        for number, name in enumerate(_names_in(names)):
            if numbers.number(name) == number:
                self._append(name, rows[number * _ROW.size : (number + 1) * _ROW.size])


def highest_version(packed: PackedFiles) -> int:
    """The highest version of a zone in there; 0 where there is none."""
    return max((row[_VERSION] for row in _ROW.iter_unpack(packed.rows)), default=0)


def _names_in(names: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(names):
        end = at + 1 + names[at]
        yield names[at + 1 : end]
        at = end
