"""Counters of zones: files in the run directory, each mapped by one process, which the next one goes on in.

A process takes a file that no living process has, and holds it by a lock until it ends. What was counted in a zone is
the sum over all files; which instance counted it is not told. As in the pages of instances (daemonkit/counter_page.py)
each slot is written by one thread only: every zone has a part for each.

    offset    0   magic, 8 octets
              8   layout, slots of a part, parts of a row, rows in use, changes of origins and marks: u32 each
             28   length of the names, their CRC-32: u32 each
             64   the names of the slots, UTF-8, each ended by a newline
           4096   rows: a mark, u8, 1 where the zone is to be counted now; its origin in wire form and small letters, in
                  255 octets; then the parts, one after the other, of 64 bits (unsigned) a slot

All numbers are in the order of this machine. A row stays that of its zone for as long as the process runs.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import struct
import zlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from daemonkit.counter_page import DIRECTORY_MODE, FILE_MODE, SET_ASIDE, PageDamaged

MAGIC = b"BOBZONES"
LAYOUT = 1
SUFFIX = ".zones"
MAX_FILES = 4096  # more than there can be processes of auth
ROWS_AT = 4096
ORIGIN_AT = 1  # octets from the start of a row
PARTS_AT = 256
MAX_ORIGIN = 255  # RFC 1035 section 3.1
SLOT = 8
SPARE_ROWS = 64  # of a file that grows

_HEADER = struct.Struct("=8s5I2I")
_NAMES_AT = 64
_ROWS_AND_CHANGES = struct.Struct("=2I")
_ROWS_AND_CHANGES_AT = 20
_FLOCK = struct.Struct("hhqqi4x")  # fcntl(2): type, whence, start, length, process
_LOCK = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # can be asked for without being taken
_UNLOCK = _FLOCK.pack(fcntl.F_UNLCK, os.SEEK_SET, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class ZoneImage:
    """What a file says at one moment."""

    names: tuple[str, ...]
    parts: int
    changes: int
    rows: Mapping[bytes, int]  # by origin
    marked: frozenset[bytes]

    @property
    def row_octets(self) -> int:
        """Of one row."""
        return row_octets(len(self.names), self.parts)


def row_octets(slots: int, parts: int) -> int:
    """Octets of a row."""
    return PARTS_AT + SLOT * slots * parts


class ZonePage:
    """A file, taken for counting."""

    def __init__(self, path: Path, descriptor: int, names: Sequence[str], parts: int) -> None:
        self.path = path
        self._descriptor = descriptor
        self._names = tuple(names)
        self._parts = parts
        self._row = row_octets(len(self._names), parts)
        self._changes = 0
        self._rows: dict[bytes, int] = {}
        self._marked: set[bytes] = set()
        self._mapped = mmap.mmap(descriptor, os.fstat(descriptor).st_size)

    @classmethod
    def take(cls, directory: Path, names: Sequence[str], parts: int) -> tuple[ZonePage, dict[str, str]]:
        """Take the first file nobody has; also the files that were set aside, and why. Raises OSError."""
        directory.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        problems: dict[str, str] = {}
        for number in range(MAX_FILES):
            path = directory / f"{number}{SUFFIX}"
            descriptor = _locked(path)
            if descriptor is None:
                continue
            try:
                page = cls._begin(path, descriptor, names, parts)
            except PageDamaged as error:
                problems[path.name] = str(error)
                path.replace(path.with_name(path.name + SET_ASIDE))
                os.close(descriptor)
                continue
            except BaseException:
                os.close(descriptor)
                raise
            return page, problems
        raise OSError(f"all {MAX_FILES} files are taken")

    @classmethod
    def _begin(cls, path: Path, descriptor: int, names: Sequence[str], parts: int) -> ZonePage:
        """Go on in the file, which is ours. Raises PageDamaged, OSError."""
        if os.fstat(descriptor).st_size == 0:
            os.pwrite(descriptor, _content(names, parts, {}, 0), 0)
        image = read_file(descriptor)
        unused = len(image.rows) - len(image.marked)
        if (image.names, image.parts) != (tuple(names), parts) or unused > max(SPARE_ROWS, len(image.marked)):
            counted = {origin: _summed(descriptor, image, image.rows[origin]) for origin in image.marked}
            made = _remade(path, _content(names, parts, counted, image.changes + 1))
            os.dup2(made, descriptor, inheritable=False)  # whoever took it closes one number, whatever comes
            os.close(made)
            image = read_file(descriptor)
        page = cls(path, descriptor, names, parts)
        page._rows, page._changes = dict(image.rows), image.changes
        page._marked = set(image.marked)
        return page

    @property
    def slots(self) -> memoryview:
        """All rows there are, in words of 64 bits. What is mapped stays what it is while anybody has a view of it."""
        return memoryview(self._mapped)[ROWS_AT : ROWS_AT + len(self._rows) * self._row].cast("Q")

    def rows_of(self, origins: Iterable[bytes]) -> dict[bytes, int]:
        """The row of each zone, a new one where it has none. Raises OSError; then nothing is changed."""
        wanted = list(origins)
        missing = [origin for origin in wanted if origin not in self._rows]
        if missing:
            self._grow(len(self._rows) + len(missing))
            for number, origin in enumerate(missing, len(self._rows)):
                start = ROWS_AT + number * self._row + ORIGIN_AT
                self._mapped[start : start + len(origin)] = origin
            self._rows |= {origin: number for number, origin in enumerate(missing, len(self._rows))}
            self._tell_changes()
        return {origin: self._rows[origin] for origin in wanted}

    def mark(self, origins: Iterable[bytes]) -> None:
        """These zones are counted from now on, and no others."""
        wanted = set(origins)
        for mark, those in ((1, wanted - self._marked), (0, self._marked - wanted)):
            for origin in those:
                self._mapped[ROWS_AT + self._rows[origin] * self._row] = mark
        if wanted != self._marked:
            self._marked = wanted
            self._tell_changes()

    def close(self) -> None:
        """Leave the file to whoever wants it."""
        fcntl.fcntl(self._descriptor, fcntl.F_OFD_SETLK, _UNLOCK)
        os.close(self._descriptor)

    def _grow(self, rows: int) -> None:
        """Have room for so many. What was mapped before remains a view of the same octets."""
        size = ROWS_AT + rows * self._row
        if size > len(self._mapped):
            size += max(SPARE_ROWS, rows // 2) * self._row
            os.posix_fallocate(self._descriptor, 0, size)
            self._mapped = mmap.mmap(self._descriptor, size)

    def _tell_changes(self) -> None:
        self._changes += 1
        _ROWS_AND_CHANGES.pack_into(self._mapped, _ROWS_AND_CHANGES_AT, len(self._rows), self._changes)


class ZonePages:
    """Reads what all processes count in zones; keeps in mind where zones are. Everything blocks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._known: dict[Path, tuple[int, ZoneImage]] = {}
        self._counted: frozenset[bytes] = frozenset()
        self._sorted: list[bytes] = []

    def look(self) -> dict[str, str]:
        """See which zones are counted now; what is wrong with files that are none."""
        problems: dict[str, str] = {}
        known: dict[Path, tuple[int, ZoneImage]] = {}
        held: list[ZoneImage] = []
        for path in sorted(self._directory.glob(f"[0-9]*{SUFFIX}")):
            try:
                with _opened(path) as descriptor:
                    if os.fstat(descriptor).st_size == 0:  # being made
                        continue
                    known[path] = self._image(path, descriptor)
                    if is_held(descriptor):
                        held.append(known[path][1])
            except FileNotFoundError:
                continue
            except (PageDamaged, OSError) as error:
                problems[path.name] = str(error)
        self._known = known
        told = held or [image for _, image in known.values()]  # while no process runs the last ones say
        counted = frozenset().union(*(image.marked for image in told))
        if counted != self._counted:
            self._counted, self._sorted = counted, sorted(counted, key=order)
        return problems

    @property
    def origins(self) -> Sequence[bytes]:
        """Zones that are counted, in canonical order."""
        return self._sorted

    def counts(self, origins: Iterable[bytes]) -> dict[bytes, dict[str, int]]:
        """What was counted in zones, of those that are counted."""
        found: dict[bytes, dict[str, int]] = {origin: {} for origin in origins if origin in self._counted}
        for path, (inode, image) in self._known.items():
            with contextlib.suppress(FileNotFoundError), _opened(path) as descriptor:
                if os.fstat(descriptor).st_ino != inode:
                    continue
                for origin, sums in found.items():
                    if (row := image.rows.get(origin)) is not None:
                        for name, value in _summed(descriptor, image, row).items():
                            sums[name] = sums.get(name, 0) + value
        return found

    def _image(self, path: Path, descriptor: int) -> tuple[int, ZoneImage]:
        """As it was read before, if nothing has changed since."""
        inode = os.fstat(descriptor).st_ino
        before = self._known.get(path)
        rows, changes = _ROWS_AND_CHANGES.unpack(_read(descriptor, _ROWS_AND_CHANGES.size, _ROWS_AND_CHANGES_AT))
        if before is not None and (before[0], before[1].changes, len(before[1].rows)) == (inode, changes, rows):
            return before
        return inode, read_file(descriptor)


def read_file(descriptor: int) -> ZoneImage:
    """What an open file says. Raises PageDamaged, OSError."""
    head = _read(descriptor, ROWS_AT, 0)
    magic, layout, slots, parts, rows, changes, length, checksum = _HEADER.unpack_from(head)
    if magic != MAGIC:
        raise PageDamaged("it has no counters of zones")
    if layout != LAYOUT:
        raise PageDamaged(f"it has layout {layout}, not {LAYOUT}")
    blob = head[_NAMES_AT : _NAMES_AT + length]
    names = tuple(blob.decode(errors="replace").split("\n")[:-1])
    if zlib.crc32(blob) != checksum or len(names) != slots:
        raise PageDamaged("its names do not have the checksum it says")
    size = row_octets(slots, parts)
    content = _read(descriptor, rows * size, ROWS_AT)
    found: dict[bytes, int] = {}
    marked = set()
    for row in range(rows):
        origin = _origin(content[row * size + ORIGIN_AT : row * size + PARTS_AT])
        found[origin] = row
        if content[row * size]:
            marked.add(origin)
    return ZoneImage(names, parts, changes, found, frozenset(marked))


def is_held(descriptor: int) -> bool:
    """Whether a process counts in the file. Raises OSError."""
    kind, *_ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _LOCK))
    return bool(kind != fcntl.F_UNLCK)


def order(origin: bytes) -> tuple[bytes, ...]:
    """Canonical order of names in wire form and small letters (RFC 4034 section 6.1)."""
    labels = []
    at = 0
    while origin[at]:
        labels.append(origin[at + 1 : at + 1 + origin[at]])
        at += 1 + origin[at]
    return tuple(reversed(labels))


def _locked(path: Path) -> int | None:
    """The descriptor of a file that is ours from now on; None where it is another's."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK, FILE_MODE)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _LOCK)
    except BlockingIOError:
        os.close(descriptor)
        return None
    if path.stat().st_ino != os.fstat(descriptor).st_ino:  # it was set aside meanwhile
        os.close(descriptor)
        return None
    return descriptor


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)  # a lock is asked for
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _content(names: Sequence[str], parts: int, counted: Mapping[bytes, Mapping[str, int]], changes: int) -> bytes:
    """A whole file with these zones; what was counted in them is in their first parts."""
    blob = "".join(f"{name}\n" for name in names).encode()
    assert len(blob) <= ROWS_AT - _NAMES_AT
    header = _HEADER.pack(MAGIC, LAYOUT, len(names), parts, len(counted), changes, len(blob), zlib.crc32(blob))
    rows = bytearray((header.ljust(_NAMES_AT, b"\0") + blob).ljust(ROWS_AT, b"\0"))
    for origin, values in counted.items():
        part = struct.pack(f"={len(names)}Q", *(values.get(name, 0) for name in names))
        rows += (b"\1" + origin).ljust(PARTS_AT, b"\0") + part.ljust(SLOT * len(names) * parts, b"\0")
    return bytes(rows)


def _remade(path: Path, content: bytes) -> int:
    """Put another file, which is ours, into the place of one that is ours; its descriptor. Raises OSError."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, FILE_MODE)
    try:
        with os.fdopen(os.dup(descriptor), "wb") as file:
            file.write(content)
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _LOCK)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        os.close(descriptor)
        raise
    return descriptor


def _read(descriptor: int, octets: int, offset: int) -> bytes:
    pieces = b""
    while len(pieces) < octets:
        piece = os.pread(descriptor, octets - len(pieces), offset + len(pieces))
        if not piece:
            raise PageDamaged(f"it has only {offset + len(pieces)} bytes")
        pieces += piece
    return pieces


def _origin(field: bytes) -> bytes:
    at = 0
    while field[at]:
        at += 1 + field[at]
        if at >= len(field):
            raise PageDamaged("an origin is no name")
    return field[: at + 1]


def _summed(descriptor: int, image: ZoneImage, row: int) -> dict[str, int]:
    size, count = image.row_octets, len(image.names)
    slots = struct.unpack(
        f"={count * image.parts}Q", _read(descriptor, size - PARTS_AT, ROWS_AT + row * size + PARTS_AT)
    )
    return {name: sum(slots[index::count]) for index, name in enumerate(image.names)}
