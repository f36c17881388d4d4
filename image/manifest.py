"""The list of the files that hold the images of a suite: in the state directory, and again in the run directory.

The one in the state directory is what the next memmgr goes on from. The *announcement* in the run directory is the
same list, written when all of it was checked against the data sources in this run of the suite: only what it lists may
be answered from.
"""

from __future__ import annotations

import fcntl
import os
import struct
import tempfile
import zlib
from pathlib import Path

import msgspec

from image import layout
from image.errors import ImageError

FORMAT = 2  # of the list itself
EARLIER = (1,)  # that can be read: lists said how far data sources were followed (memmgr/marks.py), too
NAME = "manifest.json"
UNREADABLE = f"{NAME}.unreadable"  # one that could not be read, put aside
ANNOUNCEMENT = "images.json"  # in the run directory
LOCK = "lock"
_FLOCK = struct.Struct("hhqqi4x")  # fcntl(2): type, whence, start, length, process
_WHOLE = _FLOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)  # can be asked for without being taken, unlike flock(2)


class NotSynced(OSError):
    """A file is in place for every process, but a power cut may bring back the one before."""


class Slot(msgspec.Struct, frozen=True):
    """An image and its delta."""

    number: int
    octets: int  # of the image
    checksum: int  # that of its header, which has those of its sections
    delta_octets: int  # of the delta
    delta_stamp: int  # drawn when it was made: a delta is lost with each restart of the machine, and made anew
    records: int  # in the image when it was built
    zones: int

    @property
    def image(self) -> str:
        """The file's name."""
        return f"{self.number}.image"

    @property
    def delta(self) -> str:
        """The file's name."""
        return f"{self.number}.delta"


class Source(msgspec.Struct, frozen=True):
    """A data source, which zones of images name by its number."""

    number: int
    name: str
    url: str


class Manifest(msgspec.Struct, frozen=True):
    """All that is listed. `slots` are in the order in which they were published."""

    epoch: int
    boot: str  # of the machine, as in /proc/sys/kernel/random/boot_id
    seed: int  # of the hashes of all files
    directory: str  # the name of the file
    next_slot: int
    slots: tuple[Slot, ...] = ()
    sources: tuple[Source, ...] = ()  # in the order in which they are asked for a zone
    lineage: int = 0  # drawn anew where zones may have other records than those given last
    run: str = ""  # of an announcement: which run of the suite checked it
    place: str = ""  # of an announcement: the directory that has the files
    format: int = FORMAT
    layout: int = layout.VERSION
    checksum: int = 0  # CRC-32 of the list with 0 in place of this, which comes last


_CHECKSUM = b'"checksum":%d}'


def read(path: Path) -> Manifest:
    """Read a list. Raises FileNotFoundError, OSError, ImageError where it is none of ours."""
    octets = path.read_bytes()
    try:
        found = msgspec.json.decode(octets, type=Manifest)
    except msgspec.MsgspecError as error:
        raise ImageError(path, f"it is no list of images: {error}") from error
    if found.format not in (FORMAT, *EARLIER):
        raise ImageError(path, f"its format is version {found.format}, not {FORMAT}")
    if found.layout != layout.VERSION:
        raise ImageError(path, f"its layout is version {found.layout}, not {layout.VERSION}")
    end = _CHECKSUM % found.checksum
    if not octets.endswith(end) or _sum(octets.removesuffix(end)) != found.checksum:
        raise ImageError(path, "it is damaged: its checksum is wrong")
    return msgspec.structs.replace(found, format=FORMAT)


def write(path: Path, manifest: Manifest, *, durable: bool) -> None:
    """Put a list in place of the one before, whole or not at all. Raises OSError: as replace()."""
    text = msgspec.json.encode(msgspec.structs.replace(manifest, checksum=0)).removesuffix(_CHECKSUM % 0)
    replace(path, text + _CHECKSUM % _sum(text), durable=durable)


def _sum(text: bytes) -> int:
    """The checksum of a list, of which this is all before it."""
    return zlib.crc32(_CHECKSUM % 0, zlib.crc32(text))


def replace(path: Path, octets: bytes, *, durable: bool) -> None:
    """Put a file in place of the one before, whole or not at all.

    Raises OSError: the one before is still there, but for NotSynced.
    """
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(octets)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    if durable:
        try:
            sync_directory(path.parent)
        except OSError as error:
            raise NotSynced(error.errno, error.strerror, str(path)) from error


def lock(place: Path) -> int:
    """Become the one who writes to a directory of images; the descriptor to hold. Raises BlockingIOError, OSError."""
    descriptor = os.open(place / LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _WHOLE)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def is_kept(place: Path) -> bool:
    """Whether a process writes to a directory of images now. Raises OSError."""
    descriptor = _opened(place)
    try:
        return _is_locked(descriptor)
    finally:
        os.close(descriptor)


class KeeperWatch:
    """Tells now and then whether a process writes to a directory of images.

    The file of the lock stays open: who has no descriptor left for others need not take its images for given up.
    """

    def __init__(self) -> None:
        self._place: Path | None = None
        self._descriptor = -1

    def is_kept(self, place: Path) -> bool:
        """Raises OSError where nobody keeps it who was known, and whether another does cannot be told."""
        if place == self._place and _is_locked(self._descriptor):
            return True
        if place == self._place and is_in_place(self._descriptor, place):
            return False
        descriptor = _opened(place)
        self._close()
        self._place, self._descriptor = place, descriptor
        return _is_locked(descriptor)

    def _close(self) -> None:
        if self._place is not None:
            self._place = None
            os.close(self._descriptor)

    def __del__(self) -> None:
        self._close()


def _opened(place: Path) -> int:
    """The lock, to be asked for."""
    return os.open(place / LOCK, os.O_RDWR | os.O_CLOEXEC)


def _is_locked(descriptor: int) -> bool:
    kind, *_ = _FLOCK.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, _WHOLE))
    return bool(kind != fcntl.F_UNLCK)


def is_in_place(descriptor: int, place: Path) -> bool:
    """Whether a lock is that of the directory which is there now: it may be gone, or be another. Raises OSError."""
    try:
        there = (place / LOCK).lstat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    return os.path.samestat(there, os.fstat(descriptor))


def sync_directory(path: Path) -> None:
    """Make the names in a directory last. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def boot_id() -> str:
    """Which boot of the machine this is (proc(5))."""
    return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
