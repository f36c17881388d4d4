"""The page of counters of one instance: a small mapped file in the run directory that its next process continues.

A count is a plain 64-bit store into the mapped slot, so that a process that is killed has lost none, and whoever reads
the file needs nobody's answer. One process writes a page, at any time: bob starts the next one of a place when the
one before is gone.

    offset  0   magic, 8 bytes
            8   layout, u32; number of names, u32; length of the names, u32; their CRC-32, u32
           24   process id of the writer, u64; when it opened the page, f64 (seconds since 1970)
           64   the names, UTF-8, each ended by a newline; zeros up to a multiple of 64
                a slot of 64 bits (unsigned) for each name, in their order

A name has several slots where several threads count it, for each slot is written by one thread only: what was counted
is their sum. An empty name is a slot that nobody uses; it fills a cache line, so that two threads never write to one.

All numbers are in the order of this machine. A page whose names differ from what the process counts, or that has the
layout of an earlier release, is made anew with the values of the names that are in both.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import stat
import struct
import time
import zlib
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from daemonkit.errors import DaemonError

MAGIC = b"BOBCOUNT"
LAYOUT = 2
LAYOUT_BEFORE = 1  # no name repeats, and the slots begin at a multiple of 8
SUFFIX = ".counters"
SET_ASIDE = ".damaged"
FILLER = ""  # the name of a slot that nobody uses
MAX_SIZE = 1 << 20  # bytes; of a file that says it is a page, more than any module counts
DIRECTORY_MODE = 0o700
FILE_MODE = 0o600

_HEADER = struct.Struct("=8sIIIIQd")
_NAMES_AT = 64
_WRITER_AT = 24
_WRITER = struct.Struct("=Qd")
_SLOT = 8
CACHE_LINE = 64  # octets, of every machine we know or a divisor of it
_FILLED = CACHE_LINE // _SLOT  # slots


class PageDamaged(DaemonError):
    """A file is no page of counters: truncated, of another layout, or something else."""


@dataclass(frozen=True, slots=True)
class PageImage:
    """What a page says at one moment."""

    pid: int  # of the process that wrote it last; it may have ended
    opened: float  # when that process opened it; seconds since 1970
    values: dict[str, int]  # what was counted by all its threads
    names: tuple[str, ...]  # of all slots, in their order
    layout: int


class CounterPage:
    """A page, opened for counting."""

    def __init__(self, path: Path, names: Sequence[str], mapped: mmap.mmap) -> None:
        self.path = path
        self.names = tuple(names)
        start = slots_at(names)
        self.slots = memoryview(mapped)[start : start + _SLOT * len(self.names)].cast("Q")

    @classmethod
    def open(cls, path: Path, names: Sequence[str], gauges: Collection[str] = ()) -> tuple[Self, str]:
        """Continue the page, or begin one; gauges begin at 0. Also why the file that was there was set aside, or "".

        Raises OSError.
        """
        path.parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
        problem = ""
        image: PageImage | None = None
        try:
            image = read_page(path)
        except FileNotFoundError:
            pass
        except PageDamaged as error:
            problem = str(error)
            _set_aside(path)
        if image is not None and (image.layout, image.names) == (LAYOUT, tuple(names)) and names:
            page = cls(path, names, _map(path))
            for index in (index for index, name in enumerate(names) if name in gauges):
                page.slots[index] = 0
            return page, problem
        before = {} if image is None else image.values
        kept = {name: value for name, value in before.items() if name not in gauges}
        return cls(path, names, _make(path, page_bytes(names, kept, os.getpid()))), problem


def page_path(directory: Path, component: str, instance: str) -> Path:
    """Where the counters of an instance are. Neither name has a dot."""
    return directory / f"{component}.{instance}{SUFFIX}"


def read_page(path: Path) -> PageImage:
    """What a page says now. Raises FileNotFoundError, PageDamaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise PageDamaged(f"it cannot be opened: {error.strerror}") from error
    try:
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            raise PageDamaged("it is no regular file")
        if status.st_size > MAX_SIZE:
            raise PageDamaged(f"it has {status.st_size} bytes")
        return parse_page(os.pread(descriptor, MAX_SIZE, 0))
    except OSError as error:
        raise PageDamaged(f"it cannot be read: {error.strerror}") from error
    finally:
        os.close(descriptor)


def read_pages(directory: Path) -> tuple[dict[tuple[str, str], PageImage], dict[str, str]]:
    """All pages by component and instance, and what is wrong with files that are no pages."""
    pages: dict[tuple[str, str], PageImage] = {}
    problems: dict[str, str] = {}
    for path in sorted(directory.glob(f"[!.]*{SUFFIX}")):
        component, _, instance = path.name.removesuffix(SUFFIX).rpartition(".")
        try:
            pages[component, instance] = read_page(path)
        except PageDamaged as error:
            problems[path.name] = str(error)
        except FileNotFoundError:  # set aside a moment ago
            continue
    return pages, problems


def parse_page(content: bytes) -> PageImage:
    """The page in these bytes. Raises PageDamaged."""
    if len(content) < _NAMES_AT:
        raise PageDamaged(f"it has only {len(content)} bytes")
    magic, layout, count, length, checksum, pid, opened = _HEADER.unpack_from(content)
    if magic != MAGIC:
        raise PageDamaged("it is no page of counters")
    if layout not in (LAYOUT, LAYOUT_BEFORE):
        raise PageDamaged(f"it has layout {layout}, not {LAYOUT}")
    blob = content[_NAMES_AT : _NAMES_AT + length]
    start = _after(length, CACHE_LINE if layout == LAYOUT else _SLOT)
    if len(content) != start + _SLOT * count:
        raise PageDamaged(f"it has {len(content)} bytes instead of {start + _SLOT * count}")
    if zlib.crc32(blob) != checksum:
        raise PageDamaged("its names do not have the checksum it says")
    names = tuple(blob.decode().split("\n")[:-1])
    if len(names) != count:
        raise PageDamaged(f"it has {len(names)} names instead of {count}")
    slots = struct.unpack_from(f"={count}Q", content, start)
    return PageImage(pid, opened, summed(names, slots), names, layout)


def summed(names: Iterable[str], slots: Iterable[int]) -> dict[str, int]:
    """What was counted under each name."""
    values: dict[str, int] = {}
    for name, value in zip(names, slots, strict=True):
        values[name] = values.get(name, 0) + value
    values.pop(FILLER, None)
    return values


def filled(names: Sequence[str]) -> tuple[str, ...]:
    """With as many fillers as make whole cache lines."""
    return (*names, *[FILLER] * (-len(names) % _FILLED))


def page_bytes(names: Sequence[str], values: dict[str, int], pid: int) -> bytes:
    """A whole page; names without a value have 0, and of several slots of a name the first has it."""
    blob = _blob(names)
    header = _HEADER.pack(MAGIC, LAYOUT, len(names), len(blob), zlib.crc32(blob), pid, time.time())
    left = dict(values)
    slots = struct.pack(f"={len(names)}Q", *(left.pop(name, 0) for name in names))
    return header.ljust(_NAMES_AT, b"\0") + blob.ljust(_after(len(blob)) - _NAMES_AT, b"\0") + slots


def slots_at(names: Sequence[str]) -> int:
    """The offset of the first slot of a page with these names."""
    return _after(len(_blob(names)))


def _blob(names: Sequence[str]) -> bytes:
    return "".join(f"{name}\n" for name in names).encode()


def _after(length: int, multiple: int = CACHE_LINE) -> int:
    return _NAMES_AT + -(-length // multiple) * multiple


def _map(path: Path) -> mmap.mmap:
    """Go on in the file that is there: its blocks are on the disk, so that no store can find that full."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    with open(descriptor, "r+b", buffering=0) as file:
        mapped = mmap.mmap(file.fileno(), 0)
    _WRITER.pack_into(mapped, _WRITER_AT, os.getpid(), time.time())
    return mapped


def _make(path: Path, content: bytes) -> mmap.mmap:
    """Put a new file into the place of what is there, if anything is; no reader sees half of it."""
    made = path.with_name(f".{path.name}.{os.getpid()}")
    made.unlink(missing_ok=True)
    descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        with open(descriptor, "r+b", buffering=0) as file:
            file.write(content)
            mapped = mmap.mmap(file.fileno(), len(content))
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    return mapped


def _set_aside(path: Path) -> None:
    """Keep what is there for whoever wants to know, and out of the way."""
    with contextlib.suppress(FileNotFoundError):
        path.replace(path.with_name(path.name + SET_ASIDE))
