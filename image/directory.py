"""The directory: which record every zone has. One writer, by single stores; readers look at the same memory.

Beside each entry is what it was before its zone moved to another slot: who has that slot yet to map goes by it.

Behind the entries are checksums of each 64 of them: of what they are, and of what they are about to be. So one of the
two is right whenever the writer is killed, and what is damaged on the disk is found before it is answered from.
"""

from __future__ import annotations

import hashlib
import os
import struct
import tempfile
import time
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from image import layout
from image.arena import Arena
from image.errors import ImageError
from image.names import NameReader
from image.raw import Memory

HEAD = struct.Struct("<8sIIQQQ")  # magic, version, loose, seed, capacity, used
STATE_PLACE = 8  # octet of the header: version, and in the upper half whether many entries are being put
USED_PLACE = 32
LOOSE = 1 << 32
PART = layout.PART
SUMS = 8  # octets of them: two CRC-32
SUM_SHIFT = 32
MIN_CAPACITY = 512  # a page
ENTRY = 8
AT_ONCE = 1 << 14  # entries that are made numbers of at a time
MILLISECONDS = 1000  # of a second


def create(path: Path, seed: int, zones: int) -> None:
    """Make an empty directory with room for so many zones: whole or not at all. Raises OSError."""
    capacity = _capacity(zones)
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        octets = _octets(capacity)
        with os.fdopen(descriptor, "wb") as file:
            os.posix_fallocate(file.fileno(), 0, octets)  # a full disk must not show as a signal later
            file.write(HEAD.pack(layout.MAGIC_DIRECTORY, layout.DIRECTORY_VERSION, 0, seed, capacity, 0))
            file.seek(layout.HEADER_OCTETS + ENTRY * capacity)
            empty = zlib.crc32(bytes(ENTRY * PART))
            file.write((empty << SUM_SHIFT | empty).to_bytes(SUMS, "little") * _parts(capacity))
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class Directory:
    """A directory in the arena."""

    def __init__(self, arena: Arena, path: Path, *, writable: bool = False) -> None:
        """Raises ImageError, OSError."""
        self.path = path
        self._arena = arena
        self._memory = Memory()
        self.seed: int
        self.capacity: int
        with path.open("r+b" if writable else "rb") as file:
            status = os.fstat(file.fileno())
            self._identity = status.st_dev, status.st_ino
            octets = status.st_size
            head = file.read(HEAD.size)
            if len(head) < HEAD.size:
                raise ImageError(path, f"it has {octets} octets, less than a header")
            magic, version, loose, self.seed, self.capacity, _ = HEAD.unpack(head)
            if magic != layout.MAGIC_DIRECTORY:
                raise ImageError(path, "it is not a directory of zones")
            if version != layout.DIRECTORY_VERSION:
                raise ImageError(path, f"its layout is version {version}, not {layout.DIRECTORY_VERSION}")
            if octets != _octets(self.capacity):
                raise ImageError(path, f"it has {octets} octets, not what {self.capacity} entries take")
            self.place = arena.map(file.fileno(), octets, writable=writable)
        try:
            arena.read_in(self.place, self._read_octets)
        except BaseException:
            arena.unmap(self.place)
            raise
        self._reader = NameReader(self.seed)
        self._base = arena.address + self.place
        self.loose = bool(loose)  # many entries were being put when its writer ended: sums say nothing then
        self._unsummed: set[int] | None = None  # parts of which many entries are being put

    @property
    def _read_octets(self) -> int:
        """Of the header, entries and checksums."""
        return layout.HEADER_OCTETS + ENTRY * self.capacity + SUMS * _parts(self.capacity)

    @property
    def used(self) -> int:
        """Entries in use."""
        return self._memory.observe(self._base + USED_PLACE)

    @property
    def epoch(self) -> int:
        """The epoch of the manifest."""
        return self._memory.observe(self._base + layout.EPOCH_PLACE)

    def is_gone(self) -> bool:
        """Whether its file was removed, as far as that can be seen now, or is another one by now."""
        try:
            status = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            return True
        except OSError:
            return False
        return (status.st_dev, status.st_ino) != self._identity

    def settle(self, entries: int) -> None:
        """So many entries are in use, and all are summed up. For the writer, before it writes."""
        self._memory.publish(self._base + USED_PLACE, entries)
        self._memory.publish(self._base + STATE_PLACE, layout.DIRECTORY_VERSION)

    def damaged(self) -> set[int]:
        """Parts that are not what was written. For the writer, before it writes."""
        return {part for part in range(_parts(self.capacity)) if not self._is_whole(part)}

    def _is_whole(self, part: int) -> bool:
        """Whether the part is what it was or what it was to be."""
        sums = self._sums(part)
        return self._checksum(part) in (sums & layout.MASK32, sums >> SUM_SHIFT)

    @contextmanager
    def many(self) -> Iterator[None]:
        """Put many entries, and sum them up at the end."""
        self._memory.publish(self._base + STATE_PLACE, layout.DIRECTORY_VERSION | LOOSE)
        self._unsummed = set()
        try:
            yield
        finally:
            if self._unsummed is not None:  # it is not closed
                for part in self._unsummed:
                    self._put_sums(part, now := self._checksum(part), now)
                self._unsummed = None
                self._memory.publish(self._base + STATE_PLACE, layout.DIRECTORY_VERSION)

    def advance(self) -> int:
        """Tell readers that the manifest is another; returns the new epoch."""
        epoch = self.epoch + 1
        self._memory.publish(self._base + layout.EPOCH_PLACE, epoch)
        return epoch

    def vouch(self, until: float, sources: int) -> None:
        """Tell readers that every zone that these data sources (fingerprint()) had until then has an entry here, in
        seconds of the monotonic clock; and that this was looked at now.
        """
        vouched = int(until * MILLISECONDS) << layout.VOUCHED_SHIFT | sources
        self._memory.publish(self._base + layout.VOUCHED_PLACE, vouched)
        self._memory.publish(self._base + layout.LOOKED_PLACE, milliseconds())

    def vouch_for_nothing(self) -> None:
        """What was vouched for may be from before the machine was restarted, whose clock begins anew."""
        self._memory.publish(self._base + layout.VOUCHED_PLACE, 0)

    def hash_of(self, origin: bytes) -> int:
        """The hash by which an origin (wire form, any case) is found here."""
        self._reader.attach(memoryview(origin))
        if not self._reader.read(0, len(origin)):
            raise ValueError(f"{origin!r} is not a name in wire form")
        return self._reader.place(self._reader.hashes[self._reader.depth], 0)

    def find(self, origin: bytes, heaps: dict[int, tuple[int, int]]) -> int:
        """The number of the entry of an origin (wire form, small letters); where it would go if it has none.

        `heaps` has for each slot the places of ZONES and of the heap of its delta; 0 for what cannot be mapped.
        """
        value = self.hash_of(origin)
        at = ((value >> layout.HALF) * self.capacity) >> layout.HALF
        while entry := self.entry(at):
            if entry >> layout.ZONE_TAG_SHIFT == value & layout.ZONE_TAG_MASK and self._is(origin, at, heaps):
                break
            at = (at + 1) % self.capacity
        return at

    def entry(self, at: int) -> int:
        """An entry; 0 where it is free."""
        return self._memory.observe(self._base + layout.HEADER_OCTETS + ENTRY * at)

    def known(self, at: int, heaps: dict[int, tuple[int, int]]) -> int:
        """An entry as who has these heaps goes by it; of a slot that is yet to be mapped what it was before, or 0."""
        entry = self.entry(at)
        if entry == 0 or entry >> layout.SLOT_SHIFT & layout.SLOT_MASK in heaps:
            return entry
        return self._memory.observe(self._before(at))

    def forget_moves(self) -> None:
        """Nobody goes by what entries were before any more: who has yet to map what they are now leaves these zones.

        For the writer, before what is announced is withdrawn. Raises OSError.
        """
        octets = ENTRY * self.capacity
        self._arena.read_in(self.place, _octets(self.capacity))
        start = self._before(0) - self._arena.address
        for first in range(start, start + octets, ENTRY * AT_ONCE):
            part = bytes(self._arena.view[first : min(first + ENTRY * AT_ONCE, start + octets)])
            if part != bytes(len(part)):  # few are: nothing is made a number of in most
                for at, entry in enumerate(memoryview(part).cast("Q").tolist()):
                    if entry:
                        self._memory.publish(self._arena.address + first + ENTRY * at, 0)

    def _before(self, at: int) -> int:
        return self._base + self._read_octets + ENTRY * at

    def put(self, at: int, origin: bytes, slot: int, offset: int, *, announced: bool = True) -> None:
        """Publish the record of a zone at the entry that find() told. Raises ValueError where the directory is full.

        Readers go by what was there until they have mapped the slot; not where that is not `announced` to them.
        """
        value = self.hash_of(origin)
        before = self.entry(at)
        if before == 0:
            used = self.used + 1
            if used * layout.DIRECTORY_LOAD > self.capacity:
                raise ValueError(f"the directory has room for {self.capacity // layout.DIRECTORY_LOAD} zones")
            self._memory.publish(self._base + USED_PLACE, used)
        elif before >> layout.SLOT_SHIFT & layout.SLOT_MASK != slot:
            self._memory.publish(self._before(at), before if announced else 0)
        tag = (value & layout.ZONE_TAG_MASK) << layout.ZONE_TAG_SHIFT
        self._put(at, tag | slot << layout.SLOT_SHIFT | offset)

    def _put(self, at: int, entry: int) -> None:
        place = self._base + layout.HEADER_OCTETS + ENTRY * at
        part = at // PART
        if self._unsummed is not None:
            self._unsummed.add(part)
            self._memory.publish(place, entry)
            return
        now, then = self._sums(part) & layout.MASK32, self._checksum(part, at % PART, entry)
        if now != self._sums(part) >> SUM_SHIFT:  # a writer was killed here: which of the two is right?
            now = self._checksum(part)
        self._put_sums(part, now, then)
        self._memory.publish(place, entry)
        self._put_sums(part, then, then)

    def _checksum(self, part: int, number: int = 0, entry: int | None = None) -> int:
        """Of the part as it is, or as it is with another entry there."""
        start = self.place + layout.HEADER_OCTETS + ENTRY * PART * part
        if entry is None:
            return zlib.crc32(self._arena.view[start : start + ENTRY * PART])
        octets = bytearray(self._arena.view[start : start + ENTRY * PART])
        octets[ENTRY * number : ENTRY * number + ENTRY] = entry.to_bytes(ENTRY, "little")
        return zlib.crc32(octets)

    def _sums(self, part: int) -> int:
        return self._memory.observe(self._base + layout.HEADER_OCTETS + ENTRY * self.capacity + SUMS * part)

    def _put_sums(self, part: int, now: int, then: int) -> None:
        place = self._base + layout.HEADER_OCTETS + ENTRY * self.capacity + SUMS * part
        self._memory.publish(place, then << SUM_SHIFT | now)

    def parts(self) -> Iterator[memoryview]:
        """The entries as they are now, free ones among them, some thousand at a time. For the writer."""
        start = self.place + layout.HEADER_OCTETS
        table = memoryview(bytes(self._arena.view[start : start + ENTRY * self.capacity])).cast("Q")
        for first in range(0, self.capacity, AT_ONCE):
            yield table[first : first + AT_ONCE]

    def entries(self) -> Iterator[tuple[int, int, int]]:
        """Number, slot and offset of each entry in use, as they are now. For the writer."""
        first = 0
        for part in self.parts():  # of very many zones few are objects at a time
            for at, entry in enumerate(part.tolist(), first):
                if entry:
                    yield at, *slot_and_offset(entry)
            first += AT_ONCE

    def close(self) -> None:
        """Unmap it; nobody may look there any more."""
        self._unsummed = None
        self._arena.unmap(self.place)

    def _is(self, origin: bytes, at: int, heaps: dict[int, tuple[int, int]]) -> bool:
        entry = self.known(at, heaps)
        place = record_place(*slot_and_offset(entry), heaps) if entry else 0
        start = place + layout.ZONE_FIXED
        return place != 0 and bytes(self._arena.view[start : start + len(origin)]) == origin


def file_octets(zones: int) -> int:
    """Of a directory with room for so many zones."""
    return _octets(_capacity(zones))


def _capacity(zones: int) -> int:
    return _parts(max(MIN_CAPACITY, layout.DIRECTORY_LOAD * zones)) * PART


def _parts(capacity: int) -> int:
    return -(-capacity // PART)


def _octets(capacity: int) -> int:
    """Of the file."""
    return layout.HEADER_OCTETS + 2 * ENTRY * capacity + SUMS * _parts(capacity)


def milliseconds() -> int:
    """The time as directories have it: of the monotonic clock, which all processes of the machine have in common."""
    return int(time.monotonic() * MILLISECONDS)


def fingerprint(sources: Iterable[tuple[str, str]]) -> int:
    """What tells these data sources (names and URLs, in order) from those of another configuration."""
    digest = hashlib.blake2b(repr(list(sources)).encode(), digest_size=layout.VOUCHED_SHIFT // layout.OCTET)
    return int.from_bytes(digest.digest())


def slot_and_offset(entry: int) -> tuple[int, int]:
    """The slot and the offset of an entry, which tell where the record of its zone is (record_place())."""
    return entry >> layout.SLOT_SHIFT & layout.SLOT_MASK, entry & layout.MASK32


def record_place(slot: int, offset: int, heaps: dict[int, tuple[int, int]]) -> int:
    """Where the record of an entry is in the arena; 0 where the slot is not there."""
    zones, heap = heaps.get(slot, (0, 0))
    base = heap if offset & layout.IN_DELTA else zones
    return base + (offset & layout.BELOW_DELTA) * layout.ZONE_UNIT if base else 0
