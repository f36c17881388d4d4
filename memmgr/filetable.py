"""What was read of zone files, for the next process: which file was which version of a zone.

It only says what a file was; whether there is an image of that version the directory of images says. A table that is
not whole is no table: the files are read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from datasrc.filememory import PackedFiles, highest_version
from image import manifest
from image.errors import ImageError

FORMAT = 2
NAME = "files.table"
DIGEST_OCTETS = 16  # a BLAKE2b digest (RFC 7693) of the rest comes first
SLIGHTLY_AHEAD = 1000  # ms that are waited for: after a clock set back a little all files would be read in more time


class Format(msgspec.Struct, frozen=True):
    """What every table says."""

    format: int


class Table(msgspec.Struct, frozen=True):
    """All that is told."""

    until: int  # no version is above this, in milliseconds of POSIX time
    sources: dict[int, PackedFiles]  # by the number of the data source in records of zones
    format: int = FORMAT


def write(place: Path, sources: Mapping[int, PackedFiles]) -> None:
    """Put a table in place of the one before, whole or not at all. Raises OSError."""
    until = max([_now(), *map(highest_version, sources.values())])
    text = msgspec.msgpack.encode(Table(until, dict(sources)))
    manifest.replace(place / NAME, _digest(text) + text, durable=True)


def read(place: Path) -> dict[int, PackedFiles]:
    """The files by the numbers of their data sources. Raises OSError, ImageError where it is not as it was written."""
    path = place / NAME
    try:
        octets = path.read_bytes()
    except FileNotFoundError:
        return {}
    text = octets[DIGEST_OCTETS:]
    if _digest(text) != octets[:DIGEST_OCTETS]:
        raise ImageError(path, "it is damaged: the zone files are read anew")
    try:
        version = msgspec.msgpack.decode(text, type=Format).format
        if version != FORMAT:
            raise ImageError(path, f"its format is version {version}, not {FORMAT}: the zone files are read anew")
        table = msgspec.msgpack.decode(text, type=Table)
    except msgspec.MsgspecError as error:
        raise ImageError(path, f"it is no table of zone files: {error}") from error
    while (ahead := table.until + 1 - _now()) > 0:  # versions of now would not come after those of the images
        if ahead > SLIGHTLY_AHEAD:
            raise ImageError(
                path, "it is from later than now: the clock was set back, and the zone files are read anew"
            )
        time.sleep(ahead / 1000)
    return table.sources


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=DIGEST_OCTETS).digest()


def _now() -> int:
    return time.time_ns() // 1_000_000
