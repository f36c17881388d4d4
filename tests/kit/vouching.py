"""Whether a directory of images vouches for what it does not have (docs/adr/0031), read from its octets.

So tests know by themselves what the compiled readers have to know: whether a name that is in no zone is to be refused.
"""

from __future__ import annotations

from pathlib import Path

from image import layout, manifest
from image.directory import milliseconds

NUMBER = 8  # octets


def is_vouched(header: bytes | memoryview, sources: int | None) -> bool:
    """Whether this header says now that every zone of these data sources has an entry (image.directory.fingerprint)."""
    vouched, looked = (
        int.from_bytes(header[place : place + NUMBER], "little")
        for place in (layout.VOUCHED_PLACE, layout.LOOKED_PLACE)
    )
    is_known = vouched >> layout.VOUCHED_SHIFT > 0 and vouched & layout.VOUCHED_MASK == sources
    return is_known and milliseconds() <= looked + layout.VOUCHED_FOR


def announced_header(run: Path) -> bytes:
    """The header of the directory that is announced in a run directory, as all who have mapped its file see it."""
    announced = manifest.read(run / manifest.ANNOUNCEMENT)
    with Path(announced.place, announced.directory).open("rb") as file:
        return file.read(layout.HEADER_OCTETS)
