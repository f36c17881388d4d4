"""Building an image of zones: their rows go through buffers into sections, and these into a file.

The image answers what is common; a name, set or zone that it cannot answer is marked, and left to the plain
implementation. What is below a cut or a DNAME is not in it, but for the glue that goes with a referral.
"""

from __future__ import annotations

import os
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path

from datasrc.errors import ZoneError
from datasrc.records import ZoneInfo, ZoneState
from datasrc.rows import name_wire
from datasrc.source import Contents
from image import layout
from image.assembly import ImageAssembler
from image.file import HEAD, SECTION, check
from image.zonerecord import ZoneRecord


def build(zones: Iterable[Contents], path: Path, seed: int, source: int = 0) -> None:
    """Write an image of these zones: whole or not at all, replacing what was there. Each origin comes once.

    A zone that cannot be had is left out. The image is checked here: whoever publishes it has others waiting. `seed`
    is that of the directory, `source` the number of their data source in the manifest. Raises OSError, StorageError;
    ZoneError where no zone can be had; ImageError where it is not what was written.
    """
    assembler = ImageAssembler(seed)
    added, unusable = 0, None
    for zone in zones:
        try:
            _add(assembler, zone, source)
            added += 1
        except ZoneError as error:
            unusable = unusable or error
    if unusable is not None and not added:
        raise unusable
    _write(path, seed, assembler)


def _add(assembler: ImageAssembler, zone: Contents, source: int) -> None:
    origin = name_wire(zone.info.origin).lower()
    rows = assembler.rows
    rows.begin(origin)
    if zone.info.state is ZoneState.READY:
        zone.pour(rows)
    assembler.assemble(origin)
    assembler.append_zone(_record(assembler, zone.info, origin, source))


def _record(assembler: ImageAssembler, info: ZoneInfo, origin: bytes, source: int) -> bytes:
    flags, first_end, last_end, number, negative, chain, entries = assembler.facts()
    salt, iterations = assembler.parameters()
    nodes, nodes_end = assembler.extent()
    return ZoneRecord(
        origin,
        flags,
        first_end,
        last_end,
        salt,
        iterations,
        number,
        negative,
        chain,
        entries,
        serial=info.serial or 0,
        version=info.version,
        source=source,
        records=min(info.records, layout.MASK32),
        nodes=nodes,
        nodes_end=nodes_end,
    ).pack()


def _write(path: Path, seed: int, assembler: ImageAssembler) -> None:
    sections = [
        assembler.zones.view(),
        assembler.buckets(),
        assembler.nodes.view(),
        assembler.fragments.view(),
        assembler.chain.view(),
        assembler.hosts_in_order(),
    ]
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb", buffering=0) as file:
            pieces: list[bytes | memoryview] = [_header(seed, sections)]
            for octets in sections:
                pieces += [octets.cast("B"), bytes(-len(octets) % layout.SECTION_ALIGNMENT)]
            _write_at_once(file.fileno(), pieces)
            os.fsync(file.fileno())
        check(Path(name))
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _write_at_once(descriptor: int, pieces: list[bytes | memoryview]) -> None:
    """In as few calls as there can be: file systems keep in huge pages what comes in large writes (adr/0033)."""
    while pieces := [piece for piece in pieces if len(piece)]:
        written = os.writev(descriptor, pieces)
        for number, piece in enumerate(pieces):
            pieces[number] = piece[written:]
            written = max(0, written - len(piece))


def _header(seed: int, sections: list[memoryview]) -> bytes:
    table, offset = b"", layout.HEADER_OCTETS
    for octets in sections:
        table += SECTION.pack(offset, len(octets), zlib.crc32(octets), 0)
        offset += -(-len(octets) // layout.SECTION_ALIGNMENT) * layout.SECTION_ALIGNMENT
    head = HEAD.pack(layout.MAGIC, layout.VERSION, len(sections), offset, seed) + table
    head = head.ljust(layout.HEADER_OCTETS - 4, b"\0")
    return head + zlib.crc32(head).to_bytes(4, "little")
