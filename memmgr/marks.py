"""How far the data sources were followed, for the next process: it looks at what came since, and at nothing else.

That says what the directory of images has, which is as it was left in one boot of the machine only. So it need not
last, and is written without waiting for the disk. Where it is gone, damaged or of another directory all zones are
looked at.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import msgspec

from datasrc.records import Change
from image import manifest
from image.errors import ImageError
from image.manifest import Manifest

FORMAT = 1
SUFFIX = ".marks"
FILES = f"*{SUFFIX}"
DIGEST_OCTETS = 16  # a BLAKE2b digest (RFC 7693) of the rest comes first


class Mark(msgspec.Struct, frozen=True):
    """A place in the outbox of a data source: a row told by what is in it, so that another database shows."""

    id: int
    origin: str
    version: int
    time: float

    @classmethod
    def of(cls, change: Change) -> Mark:
        """The place of a row."""
        return cls(change.id, change.origin.to_text(), change.version, change.time)


class Known(msgspec.Struct, frozen=True, array_like=True):
    """A data source as it is known."""

    number: int  # in the list of images
    mark: Mark | None  # a place in its outbox that was there; None: nobody has seen one
    whole: bool  # whether the directory has all its zones as they were there, but for those that are unsettled


class Marks(msgspec.Struct, frozen=True):
    """All that is noted."""

    sources: tuple[Known, ...] = ()  # in the order of the list
    unsettled: tuple[bytes, ...] = ()  # keys of zones that were yet to be brought in line

    def of_another(self) -> Marks:
        """What it says of the data sources alone, where the directory is another one."""
        return Marks(tuple(msgspec.structs.replace(known, whole=False) for known in self.sources))


class _Note(msgspec.Struct, frozen=True):
    """What is in the file."""

    boot: str  # of the machine
    lineage: int  # of the list of images
    marks: Marks
    format: int = FORMAT


class MarksFile:
    """The note in `place`: a file of another name each time, whose number is the highest.

    To rename it over the one before would have some file systems write it to the disk there and then.
    """

    def __init__(self, place: Path) -> None:
        """Raises OSError."""
        self._place = place
        self._number = max((int(path.stem) for path in place.glob(FILES) if path.stem.isdecimal()), default=0)

    @property
    def name(self) -> str:
        """Of the file; where nothing was noted there is none of this name."""
        return f"{self._number}{SUFFIX}"

    def write(self, listed: Manifest, marks: Marks) -> None:
        """Note this, whole or not at all; what was noted before is not removed. Raises OSError."""
        text = msgspec.msgpack.encode(_Note(manifest.boot_id(), listed.lineage, marks))
        manifest.replace(self._place / f"{self._number + 1}{SUFFIX}", _digest(text) + text, durable=False)
        self._number += 1

    def forget(self) -> None:
        """Remove whatever was noted. Raises OSError."""
        for path in self._place.glob(FILES):
            path.unlink()

    def read(self, listed: Manifest) -> Marks:
        """What was noted, as far as it holds now. Raises OSError, ImageError where it is damaged."""
        path = self._place / self.name
        try:
            octets = path.read_bytes()
        except FileNotFoundError:
            return Marks()
        found = _decoded(path, octets)
        numbers = [known.number for known in found.marks.sources]
        same = (found.boot, found.lineage, numbers) == (
            manifest.boot_id(),
            listed.lineage,
            [source.number for source in listed.sources],
        )
        return found.marks if same else found.marks.of_another()


def _decoded(path: Path, octets: bytes) -> _Note:
    """Raises ImageError where that is no note."""
    text = octets[DIGEST_OCTETS:]
    if _digest(text) != octets[:DIGEST_OCTETS]:
        raise ImageError(path, "it is damaged: all zones are looked at")
    try:
        found = msgspec.msgpack.decode(text, type=_Note)
    except msgspec.MsgspecError as error:
        raise ImageError(path, f"it does not say how far data sources were followed: {error}") from error
    if found.format != FORMAT:
        raise ImageError(path, f"its format is version {found.format}, not {FORMAT}: all zones are looked at")
    return found


def _digest(text: bytes) -> bytes:
    return hashlib.blake2b(text, digest_size=DIGEST_OCTETS).digest()
