"""Building an image from the finders of zones.

The image answers what is common; a name, set or zone that it cannot answer is marked, and left to the plain
implementation. What is below a cut or a DNAME is not in it, but for the glue that goes with a referral.
"""

from __future__ import annotations

import os
import struct
import tempfile
import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from datasrc.source import Finder
from image import layout
from image.file import HEAD, SECTION
from image.names import NameReader
from tests.image.plainfragments import Fragment, labels
from tests.image.plainzone import Node, Zone

_ZONE = struct.Struct("<BBBBBBHIIIIIIQIIIIII")
_NODE = struct.Struct("<BBHI")
_SET = struct.Struct("<HHI")
_NSEC = struct.Struct("<II")


def build(finders: Iterable[Finder], path: Path, seed: int, source: int = 0) -> None:
    """Write an image of these zones: whole or not at all, replacing what was there. Each origin comes once.

    `seed` is that of the directory, `source` the number of their data source in the manifest. Raises OSError,
    StorageError.
    """
    builder = _Builder(seed, source)
    for finder in finders:
        builder.add(finder)
    _write(path, builder.finish())


def _write(path: Path, chunks: list[bytes]) -> None:
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            for chunk in chunks:
                file.write(chunk)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


@dataclass(slots=True)
class _Placed:
    """Of one zone: where its nodes are, in octets of NODES."""

    start: int
    nodes: dict[bytes, int] = field(default_factory=dict)


class _Builder:
    """Sections in the making."""

    def __init__(self, seed: int, source: int) -> None:
        self._seed = seed
        self._source = source
        self._reader = NameReader(seed)
        self._numbers = 0
        self._zones = bytearray(layout.ZONE_UNIT)
        self._nodes = bytearray(layout.UNIT)
        self._fragments = bytearray(layout.UNIT)
        self._chain = bytearray(layout.UNIT)
        self._hosts: list[int] = []
        self._known: dict[bytes, int] = {}
        self._names: list[tuple[int, int]] = []  # hash, octet of NODES

    def add(self, finder: Finder) -> None:
        """Add a zone."""
        self._numbers += 1
        zone = Zone(finder, self._fragment)
        zone.read()
        placed = _Placed(len(self._nodes))
        for owner, node in zone.nodes.items():
            placed.nodes[owner] = self._add_node(owner, len(owner) - len(zone.origin), node)
        for host, cut in zone.hosts:
            upper = self._place(host, self._numbers) >> layout.HALF << layout.HALF
            self._hosts.append(upper | placed.nodes[cut] // layout.UNIT)
        chain, entries = self._add_chain(zone, placed)
        self._add_zone(finder, zone, placed, chain, entries)

    def finish(self) -> list[bytes]:
        """All octets of the file."""
        sections = [bytes(self._zones), _buckets(self._names), bytes(self._nodes), bytes(self._fragments)]
        sections += [bytes(self._chain), struct.pack(f"<{len(self._hosts)}Q", *sorted(self._hosts))]
        chunks, table, offset = [], b"", layout.HEADER_OCTETS
        for octets in sections:
            table += SECTION.pack(offset, len(octets), zlib.crc32(octets), 0)
            padded = octets.ljust(-(-len(octets) // layout.SECTION_ALIGNMENT) * layout.SECTION_ALIGNMENT, b"\0")
            chunks.append(padded)
            offset += len(padded)
        head = HEAD.pack(layout.MAGIC, layout.VERSION, len(sections), offset, self._seed) + table
        head = head.ljust(layout.HEADER_OCTETS - 4, b"\0")
        return [head + zlib.crc32(head).to_bytes(4, "little"), *chunks]

    def _add_zone(self, finder: Finder, zone: Zone, placed: _Placed, chain: int, entries: int) -> None:
        self._zones += _ZONE.pack(
            zone.flags,
            min(zone.ends, default=layout.NO_END),
            max(zone.ends, default=0),
            len(zone.origin),
            labels(zone.origin),
            len(zone.salt),
            zone.iterations,
            self._numbers,
            zone.negative,
            chain,
            entries,
            finder.info.serial or 0,
            0,
            finder.info.version,
            self._source,
            min(finder.info.records, layout.MASK32),
            placed.start // layout.UNIT,
            len(self._nodes) // layout.UNIT,
            0,
            0,
        )
        self._zones += zone.origin + zone.salt
        _pad(self._zones, layout.ZONE_UNIT)

    def _add_node(self, owner: bytes, relative: int, node: Node) -> int:
        at = len(self._nodes)
        self._names.append((self._place(owner, self._numbers), at))
        self._nodes += _NODE.pack(node.flags, relative, len(node.sets), node.link)
        for rdtype, (flags, fragment) in sorted(node.sets.items()):
            self._nodes += _SET.pack(rdtype, flags, fragment)
        self._nodes += owner[:relative]
        _pad(self._nodes, layout.UNIT)
        return at

    def _add_chain(self, zone: Zone, placed: _Placed) -> tuple[int, int]:
        """Where the entries of a zone begin, and how many there are."""
        start = len(self._chain) // layout.UNIT
        for owner, fragment in zone.nsec:
            self._chain += _NSEC.pack(placed.nodes[owner] // layout.UNIT, fragment)
        for digest, fragment in zone.nsec3:
            self._chain += digest + fragment.to_bytes(4, "little")
        return start, len(zone.nsec) + len(zone.nsec3)

    def _place(self, name: bytes, zone: int) -> int:
        self._reader.attach(memoryview(name))
        self._reader.read(0, len(name))
        return self._reader.place(self._reader.hashes[self._reader.depth], zone)

    def _fragment(self, fragment: Fragment) -> int:
        """Where the fragment is, in units; 0 where it is too large. Equal ones are stored once."""
        packed = fragment.packed()
        if packed is None:
            return 0
        known = self._known.get(packed)
        if known is None:
            known = self._known[packed] = len(self._fragments) // layout.UNIT
            self._fragments += packed
            _pad(self._fragments, layout.UNIT)
        return known


def _buckets(entries: list[tuple[int, int]]) -> bytes:
    """A table of hashes with linear probing; one place always stays free, for there every search ends."""
    size = int(len(entries) * layout.LOAD) + 2
    table = [0] * size
    for value, offset in entries:
        at = ((value >> layout.HALF) * size) >> layout.HALF
        while table[at]:
            at = (at + 1) % size
        table[at] = (value & layout.TAG_MASK) << layout.TAG_SHIFT | offset // layout.UNIT
    return struct.pack(f"<{size}Q", *table)


def _pad(section: bytearray, alignment: int) -> None:
    section += bytes(-len(section) % alignment)
