"""What was read of zone files, handed to the process that builds their image: in memory that both have, for a moment.

The memory has no name and is never on a disk. The process lets go of what it has taken, of the last zone before it
assembles that: while it takes them there are three copies, those of memmgr and of the process and what is between them.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Iterator, Sequence

import dns.name
import msgspec
from dns.name import Name

from datasrc.errors import ZoneError
from datasrc.packed_zone import PackedZone
from datasrc.records import ZoneInfo, ZoneState
from datasrc.rows import Columns, Row
from datasrc.source import DataSource, Finder, RowSink

AT_ONCE = 64 << 20  # octets that are written with one call


class Part(msgspec.Struct, frozen=True):
    """One zone in the memory."""

    origin: str
    version: int
    serial: int | None
    records: int
    start: int  # in the memory, where a page begins
    packed: int = 0  # records there,
    sets: int = 0  # and sets,
    parts: tuple[int, ...] = ()  # and the octets of each of its parts


class Handed(msgspec.Struct, frozen=True):
    """Zones. The descriptor is that of the memory, and has to be closed."""

    descriptor: int
    zones: tuple[Part, ...]


class HandedZone:
    """A zone as the process has it (datasrc.source.Contents). It can be poured once; with the last the memory goes."""

    def __init__(self, descriptor: int, part: Part, *, last: bool = True) -> None:
        self._descriptor = descriptor
        self._part = part
        self._last = last
        self.info = ZoneInfo(dns.name.from_text(part.origin), part.version, part.serial, part.records)

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over, and let the memory go."""
        part = self._part
        mapped = mmap.mmap(self._descriptor, sum(part.parts), mmap.MAP_PRIVATE, offset=part.start)
        if self._last:
            os.close(self._descriptor)
        *sizes, _ = part.parts
        starts = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        view = memoryview(mapped)
        parts = [view[start : start + size] for start, size in zip(starts, part.parts, strict=True)]
        packed = PackedZone()
        packed.adopt(part.packed, part.sets, [*(part.cast("Q") for part in parts[:-1]), parts[-1]])
        sink.add_packed(packed)


def handed_zones(handed: Handed) -> Iterator[HandedZone]:
    """The zones, one after the other."""
    for number, part in enumerate(handed.zones, 1):
        yield HandedZone(handed.descriptor, part, last=number == len(handed.zones))


class _Memory:
    """Where a zone is poured to (datasrc.source.RowSink)."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.packed = self.sets = 0
        self.parts: tuple[int, ...] = ()

    def add_rows(self, rows: list[Row] | list[Columns]) -> None:
        """What was read of a file is packed."""
        raise TypeError(f"{len(rows)} rows are not packed")

    def add_packed(self, packed: PackedZone) -> None:
        """Write it all. Raises OSError."""
        self.packed, self.sets = packed.count, packed.set_count
        parts = [part.cast("B") for part in packed.parts()]
        self.parts = tuple(map(len, parts))
        self._write(parts)

    def _write(self, parts: Sequence[memoryview]) -> None:
        for part in parts:
            at = 0
            while at < len(part):  # other threads run meanwhile
                at += os.write(self._descriptor, part[at : at + AT_ONCE])


def hand_over(source: DataSource, origins: Sequence[Name]) -> Handed | None:
    """The zones as their source has them now, but for those without data that could be answered from; None: all are.

    One that cannot be had is left out. Raises OSError (there is not enough memory), DataSourceError; ZoneError where no
    zone can be had.
    """
    unusable: ZoneError | None = None
    descriptor = os.memfd_create("zones")
    try:
        zones: list[Part] = []
        end = 0
        with source.snapshot() as snapshot:
            for origin in origins:
                finder = snapshot.zone(origin)
                if finder is not None and finder.info.state is ZoneState.READY:
                    start = -(-end // mmap.ALLOCATIONGRANULARITY) * mmap.ALLOCATIONGRANULARITY
                    try:
                        zones.append(_written(descriptor, finder, start))
                    except ZoneError as error:
                        unusable = unusable or error
                        continue
                    end = start + sum(zones[-1].parts)
        if unusable is not None and not zones:
            raise unusable
    except BaseException:
        os.close(descriptor)
        raise
    if not zones:
        os.close(descriptor)
        return None
    return Handed(descriptor, tuple(zones))


def _written(descriptor: int, finder: Finder, start: int) -> Part:
    os.lseek(descriptor, start, os.SEEK_SET)
    memory, info = _Memory(descriptor), finder.info
    finder.pour(memory)
    return Part(
        info.origin.to_text(),
        info.version,
        info.serial,
        info.records,
        start,
        memory.packed,
        memory.sets,
        memory.parts,
    )
