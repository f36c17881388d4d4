"""What was read of a zone file, handed to the process that builds its image: in memory that both have, for a moment.

The memory has no name and is never on a disk. The process lets it go when it has taken the rows, before it assembles
the image: while it takes them there are three copies, those of memmgr and of the process and what is between them.
"""

from __future__ import annotations

import mmap
import os
from collections.abc import Sequence

import dns.name
import msgspec
from dns.name import Name

from datasrc.packed_zone import PackedZone
from datasrc.records import ZoneInfo, ZoneState
from datasrc.rows import Columns, Row
from datasrc.source import DataSource, RowSink

AT_ONCE = 64 << 20  # octets that are written with one call


class Handed(msgspec.Struct, frozen=True):
    """One zone. The descriptor is that of the memory, and has to be closed."""

    descriptor: int
    origin: str
    version: int
    serial: int | None
    records: int
    packed: int = 0  # records in the memory,
    sets: int = 0  # and sets,
    parts: tuple[int, ...] = ()  # and the octets of each of its parts


class HandedZone:
    """The zone as the process has it (datasrc.source.Contents). It can be poured once."""

    def __init__(self, handed: Handed) -> None:
        self._handed = handed
        origin = dns.name.from_text(handed.origin)
        self.info = ZoneInfo(origin, handed.version, handed.serial, handed.records)

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over, and let the memory go."""
        handed = self._handed
        mapped = mmap.mmap(handed.descriptor, sum(handed.parts), mmap.MAP_PRIVATE)
        os.close(handed.descriptor)
        *sizes, _ = handed.parts
        starts = [sum(sizes[:number]) for number in range(len(sizes) + 1)]
        view = memoryview(mapped)
        parts = [view[start : start + size] for start, size in zip(starts, handed.parts, strict=True)]
        packed = PackedZone()
        packed.adopt(handed.packed, handed.sets, [*(part.cast("Q") for part in parts[:-1]), parts[-1]])
        sink.add_packed(packed)


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


def hand_over(source: DataSource, origin: Name) -> Handed | None:
    """The zone as its source has it now; None where it has no data that could be answered from.

    Raises OSError (there is not enough memory), DataSourceError.
    """
    with source.snapshot() as snapshot:
        finder = snapshot.zone(origin)
        if finder is None or finder.info.state is not ZoneState.READY:
            return None
        info = finder.info
        descriptor = os.memfd_create("zone")
        try:
            memory = _Memory(descriptor)
            finder.pour(memory)
        except BaseException:
            os.close(descriptor)
            raise
    return Handed(
        descriptor,
        info.origin.to_text(),
        info.version,
        info.serial,
        info.records,
        memory.packed,
        memory.sets,
        memory.parts,
    )
