"""Records of zones: what the directory points to, read and written as a whole."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.name import Name

from datasrc.rows import name_from_wire, name_wire
from image import layout

FIXED = struct.Struct("<6BH6IQ6I")
assert FIXED.size == layout.ZONE_FIXED
_VERSION, _SOURCE = 13, 14  # of those fields
_SOURCE_NUMBER = struct.Struct("<I")


@dataclass(frozen=True, slots=True)
class ZoneRecord:
    """A record; offsets and numbers as image/layout.py has them."""

    origin: bytes  # wire form, small letters
    flags: int = 0
    first_end: int = layout.NO_END
    last_end: int = 0
    salt: bytes = b""
    iterations: int = 0
    number: int = 0
    negative: int = 0
    chain: int = 0
    chain_entries: int = 0
    serial: int = 0
    generation: int = 0
    version: int = 0
    source: int = 0
    records: int = 0
    nodes: int = 0
    nodes_end: int = 0
    patch: int = 0
    patch_entries: int = 0

    def pack(self) -> bytes:
        """Its octets."""
        fixed = FIXED.pack(
            self.flags,
            self.first_end,
            self.last_end,
            len(self.origin),
            _labels(self.origin),
            len(self.salt),
            self.iterations,
            self.number,
            self.negative,
            self.chain,
            self.chain_entries,
            self.serial,
            self.generation,
            self.version,
            self.source,
            self.records,
            self.nodes,
            self.nodes_end,
            self.patch,
            self.patch_entries,
        )
        octets = fixed + self.origin + self.salt
        return octets + bytes(-len(octets) % layout.ZONE_UNIT)

    @classmethod
    def read(cls, view: memoryview, place: int) -> ZoneRecord:
        """The record at a place in the arena."""
        found = FIXED.unpack_from(view, place)
        flags, first_end, last_end, origin_octets, _, salt_octets, iterations = found[:7]
        start = place + layout.ZONE_FIXED
        end = start + origin_octets
        return cls(
            bytes(view[start:end]),
            flags,
            first_end,
            last_end,
            bytes(view[end : end + salt_octets]),
            iterations,
            *found[7:],
        )

    @property
    def name(self) -> Name:
        """The origin, in small letters."""
        return name_from_wire(self.origin)

    @property
    def gone(self) -> bool:
        """Whether the zone is as if it were not there."""
        return bool(self.flags & layout.ZONE_GONE)

    @property
    def answered(self) -> bool:
        """Whether there is anything of it to answer from."""
        return not self.flags & (layout.ZONE_LEFT | layout.ZONE_GONE)


def origin_at(view: memoryview, place: int) -> bytes:
    """The origin of the record at a place in the arena."""
    start = place + layout.ZONE_FIXED
    return view[start : start + view[place + layout.ZONE_ORIGIN_OCTETS]].tobytes()


def source_at(view: memoryview, place: int) -> int:
    """The data source of the record at a place in the arena."""
    found: int = _SOURCE_NUMBER.unpack_from(view, place + layout.ZONE_SOURCE)[0]
    return found


def identity(view: memoryview, place: int) -> tuple[int, int] | None:
    """The data source and the version of the record at a place in the arena; None of a zone that is gone."""
    found = FIXED.unpack_from(view, place)
    return None if found[0] & layout.ZONE_GONE else (found[_SOURCE], found[_VERSION])


def origin_wire(origin: Name) -> bytes:
    """An origin as records and the directory have it."""
    return name_wire(origin).lower()


def _labels(origin: bytes) -> int:
    count = offset = 0
    while origin[offset]:
        count += 1
        offset += 1 + origin[offset]
    return count
