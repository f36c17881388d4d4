"""An image as a file: mapped into the arena, refused where it is damaged, cut short or not ours."""

from __future__ import annotations

import mmap
import os
import struct
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

from image import layout
from image.arena import Arena
from image.errors import ImageError

SECTION = struct.Struct("<QQII")  # offset, octets, CRC-32
HEAD = struct.Struct("<8sIIQQ")  # magic, version, sections, octets, seed


class ImageFile:
    """An image at its place in the arena."""

    def __init__(self, arena: Arena, path: Path, seed: int | None = None, *, checked: bool = False) -> None:
        """Map it and check all of it; `seed` is that of the directory. Raises ImageError, OSError.

        `checked`: who made it a moment ago has checked its sections, so that only the header is looked at.
        """
        self.path = path
        self._arena = arena
        with path.open("rb") as file:
            status = os.fstat(file.fileno())
            self.octets = status.st_size
            self._identity = _identity(status)
            if self.octets == 0:
                raise ImageError(path, "it is empty")
            self.place = arena.map(file.fileno(), self.octets)
        try:
            if not checked:
                arena.read_in(self.place, self.octets)
            octets = arena.view[self.place : self.place + self.octets]
            self.seed, places = _read_header(path, octets)
            if seed is not None and self.seed != seed:
                raise ImageError(path, "its names are hashed with another seed")
            self.sections = [
                _section(path, octets, number, place, checked=checked) for number, place in enumerate(places)
            ]
        except BaseException:
            arena.unmap(self.place)
            raise

    def is_altered(self) -> bool:
        """Whether others find another file by now, or none, as far as that can be seen now."""
        try:
            return _identity(self.path.stat()) != self._identity
        except FileNotFoundError:
            return True
        except OSError:
            return False

    def row(self) -> list[int]:
        """What the searcher wants to know (image/searcher.py, ROW), the delta left out."""
        places = [self.place + offset for offset, _ in self.sections]
        buckets, bucket_octets = self.sections[layout.BUCKETS]
        return [
            places[layout.ZONES],
            (self.place + buckets) >> 3,
            bucket_octets >> 3,
            places[layout.NODES],
            places[layout.FRAGMENTS],
            places[layout.CHAIN],
        ]

    def hosts(self) -> memoryview:
        """The entries of hosts that are named by cuts, in order (image/layout.py, HOSTS)."""
        offset, octets = self.sections[layout.HOSTS]
        return self._arena.view[self.place + offset : self.place + offset + octets].cast("Q")

    def zones(self) -> Iterator[tuple[int, int]]:
        """The record of each zone: its offset as the directory has it, its place in the arena."""
        offset, octets = self.sections[layout.ZONES]
        start = self.place + offset
        at = layout.ZONE_UNIT
        view = self._arena.view
        while at < octets:
            yield at // layout.ZONE_UNIT, start + at
            size = view[start + at + layout.ZONE_ORIGIN_OCTETS] + view[start + at + layout.ZONE_SALT_OCTETS]
            at += -(-(layout.ZONE_FIXED + size) // layout.ZONE_UNIT) * layout.ZONE_UNIT

    def close(self) -> None:
        """Unmap it; nobody may look there any more."""
        self._arena.unmap(self.place)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def check(path: Path) -> None:
    """Check all of an image without an arena, as who makes one does: who publishes it need not. Raises ImageError."""
    with (
        path.open("rb") as file,
        mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as mapped,
        memoryview(mapped) as octets,
    ):
        for number, place in enumerate(_read_header(path, octets)[1]):
            _section(path, octets, number, place)


def _read_header(path: Path, octets: memoryview) -> tuple[int, list[tuple[int, int, int]]]:
    if sys.byteorder != "little":
        raise ImageError(path, "images are for little-endian machines")
    if len(octets) < layout.HEADER_OCTETS:
        raise ImageError(path, f"it has {len(octets)} octets, less than a header")
    magic, version, sections, size, seed = HEAD.unpack_from(octets)
    if magic != layout.MAGIC:
        raise ImageError(path, "it is not a zone image")
    if version != layout.VERSION:
        raise ImageError(path, f"its layout is version {version}, not {layout.VERSION}")
    head = bytes(octets[: layout.HEADER_OCTETS])
    if zlib.crc32(head[:-4]) != int.from_bytes(head[-4:], "little"):
        raise ImageError(path, "its header is damaged")
    if size != len(octets):
        raise ImageError(path, f"it has {len(octets)} octets, not {size}")
    if sections != layout.SECTIONS:
        raise ImageError(path, f"it has {sections} sections, not {layout.SECTIONS}")
    places = [SECTION.unpack_from(octets, HEAD.size + number * SECTION.size) for number in range(sections)]
    return seed, [(offset, length, checksum) for offset, length, checksum, _ in places]


def _section(
    path: Path, octets: memoryview, number: int, place: tuple[int, int, int], *, checked: bool = False
) -> tuple[int, int]:
    """Offset and octets of a section that is whole."""
    offset, length, checksum = place
    with octets[offset : offset + length] as section:
        if len(section) != length or offset % layout.SECTION_ALIGNMENT:
            raise ImageError(path, f"section {number} is not within it")
        if not checked and zlib.crc32(section) != checksum:
            raise ImageError(path, f"section {number} is damaged: its checksum is wrong")
    return offset, length
