"""An image as a file: mapped read-only, refused where it is damaged, cut short or not ours."""

from __future__ import annotations

import mmap
import struct
import sys
import zlib
from pathlib import Path

from image import layout
from image.errors import ImageError

_SECTION = struct.Struct("<QQII")
_HEAD = struct.Struct("<8sIIQQ")


class ImageFile:
    """The sections of an image."""

    def __init__(self, path: Path) -> None:
        """Map it and check all of it. Raises ImageError, OSError."""
        self.path = path
        with path.open("rb") as file:
            try:
                octets = memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
            except ValueError:
                raise ImageError(path, "it is empty") from None
        self.octets = len(octets)
        self.seed, places = _read_header(path, octets)
        self.sections = [_section(path, octets, number, place) for number, place in enumerate(places)]

    def numbers(self, section: int) -> memoryview:
        """A section as numbers of 64 bits."""
        return self.sections[section].cast("Q")


def _read_header(path: Path, octets: memoryview) -> tuple[int, list[tuple[int, int, int]]]:
    if sys.byteorder != "little":
        raise ImageError(path, "images are for little-endian machines")
    if len(octets) < layout.HEADER_OCTETS:
        raise ImageError(path, f"it has {len(octets)} octets, less than a header")
    magic, version, sections, size, seed = _HEAD.unpack_from(octets)
    if magic != layout.MAGIC:
        raise ImageError(path, "it is not a zone image")
    if version != layout.VERSION:
        raise ImageError(path, f"its layout is version {version}, not {layout.VERSION}")
    head = octets[: layout.HEADER_OCTETS - 4]
    if zlib.crc32(head) != int.from_bytes(octets[len(head) : layout.HEADER_OCTETS], "little"):
        raise ImageError(path, "its header is damaged")
    if size != len(octets):
        raise ImageError(path, f"it has {len(octets)} octets, not {size}")
    if sections != layout.SECTIONS:
        raise ImageError(path, f"it has {sections} sections, not {layout.SECTIONS}")
    places = [_SECTION.unpack_from(octets, _HEAD.size + number * _SECTION.size) for number in range(sections)]
    return seed, [(offset, length, checksum) for offset, length, checksum, _ in places]


def _section(path: Path, octets: memoryview, number: int, place: tuple[int, int, int]) -> memoryview:
    offset, length, checksum = place
    section = octets[offset : offset + length]
    if len(section) != length or offset % layout.SECTION_ALIGNMENT:
        raise ImageError(path, f"section {number} is not within it")
    if zlib.crc32(section) != checksum:
        raise ImageError(path, f"section {number} is damaged: its checksum is wrong")
    return section
