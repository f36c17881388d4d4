"""What is announced, as a reader has it: the directory and the files of all slots, mapped into one arena.

    prepared = collection.prepare()         # in a thread that may wait: maps and checks what is new
    if prepared is not None:
        collection.install(prepared, responder)   # in the thread that answers, between two queries
    collection.changed()                    # cheap enough for every turn of the loop: is there anything to prepare?

Who has nothing mapped, or not all, leaves queries to the plain implementation, which is never wrong.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from image import layout, manifest
from image.arena import Arena, NoAddresses
from image.delta import DeltaFile
from image.directory import Directory, record_place, slot_and_offset
from image.errors import ImageError
from image.file import ImageFile
from image.manifest import Manifest, Slot
from image.zonerecord import ZoneRecord

GRACE = 10.0  # s that images are answered from when nobody is known to keep them, or what is announced cannot be read
RETRY = 5.0  # s until what could not be mapped is tried again: of a large image all is read for that


class Reader(Protocol):
    """What install() needs of a responder; its seed must be that of what is installed."""

    rows: memoryview

    def map(self, view: memoryview, address: int, directory: int) -> None:
        """Look up in this arena."""


@dataclass(frozen=True, slots=True)
class Mapped:
    """A slot as it is mapped."""

    slot: Slot
    image: ImageFile
    delta: DeltaFile

    def row(self) -> list[int]:
        """For the rows of the searcher."""
        return self.image.row() + self.delta.row()

    def close(self) -> None:
        """Unmap both."""
        self.delta.close()
        self.image.close()


@dataclass(frozen=True, slots=True)
class Prepared:
    """What to answer from next; without a directory from nothing."""

    seed: int
    directory: Directory | None
    slots: dict[int, Mapped]
    zones: int = 0
    octets: int = 0
    whole: bool = True  # nothing was left out for a reason that may pass
    lacking: frozenset[int] = frozenset()  # slots that are announced and cannot be mapped


_NOTHING = Prepared(0, None, {})


class Collection:
    """The images of one suite. `prepare` and `install` take turns; whatever else is for the thread of install()."""

    def __init__(
        self,
        announcement: Path,
        run: str,
        *,
        arena: Arena | None = None,
        problem: Callable[[Path, str], None] = lambda _path, _reason: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`run` is this run of the suite: what was checked in another is not answered from."""
        self.arena = arena or Arena()
        self.installed = _NOTHING
        self._announcement = announcement
        self._run = run
        self._problem = problem
        self._clock = clock
        self._seen = 0  # the epoch when the announcement was read last
        self._read: tuple[int, int] | None = None  # which one that was: inode and time
        self._place: Path | None = None
        self._again = math.inf  # when to map what was left out for a reason that may pass
        self._keeper = manifest.KeeperWatch()
        self._kept = clock()  # when somebody was known to keep the images last
        self._known = clock()  # when what is announced was known last
        self._gone: float | None = None  # when the directory was first seen to be gone
        self._told: set[tuple[Path, str]] = set()

    def changed(self) -> bool:
        """Whether another epoch has begun since the last prepare()."""
        directory = self.installed.directory
        return directory is not None and directory.epoch != self._seen

    def prepare(self) -> Prepared | None:
        """Map what is announced; None where it is what is installed. To be called each second, and when changed().

        Blocks. Raises nothing for files that cannot be used: they are told, and left out. What was left out for a
        reason that may pass is tried again later.
        """
        if self._is_abandoned():
            return _NOTHING if self.installed.directory is not None else None
        prepared = self._prepare()
        if self._is_unknown() or (prepared is None and self._is_outdated()):
            return _NOTHING
        return prepared

    def _prepare(self) -> Prepared | None:
        seen = self.installed.directory.epoch if self.installed.directory is not None else 0
        before, self._seen = self._seen, seen
        try:
            which = self._which()
            if which == self._read and seen == before and self._clock() < self._again:
                return None
            announced = manifest.read(self._announcement)
        except FileNotFoundError:  # its keeper has only just begun, has taken back what was before, and will announce
            self._known = self._clock()
            return None
        except (ImageError, OSError) as error:
            self._tell(self._announcement, str(error))
            self._read = None
            return None
        if announced.run != self._run:
            return None
        prepared = self._map(announced)
        if prepared is None:
            self._read = None
            return None
        if prepared.directory is not None and prepared.directory is not self.installed.directory:
            epoch = prepared.directory.epoch
            seen = epoch if self._is_still(which) else 0
        self._seen, self._read = seen, which
        self._again = math.inf if prepared.whole else self._clock() + RETRY
        self._place = Path(announced.place)
        return prepared if prepared.whole or self._is_another(prepared) else None

    def _is_another(self, prepared: Prepared) -> bool:
        """Whether it has anything else than what is installed."""
        before = self.installed
        if prepared.directory is not before.directory:
            return True
        return (prepared.slots, prepared.lacking) != (before.slots, before.lacking)

    def _which(self) -> tuple[int, int]:
        status = self._announcement.stat()
        return status.st_ino, status.st_mtime_ns

    def _is_still(self, which: tuple[int, int]) -> bool:
        try:
            return self._which() == which
        except OSError:
            return False

    def install(self, prepared: Prepared, reader: Reader | None = None) -> None:
        """Answer from this from now on; what is listed no more is unmapped."""
        before, self.installed = self.installed, prepared
        if reader is not None:
            self.attach(reader, before)
        for number, mapped in before.slots.items():
            if prepared.slots.get(number) is not mapped:
                mapped.close()
        if before.directory is not None and before.directory is not prepared.directory:
            before.directory.close()
        if prepared.directory is None:
            self._read = None  # it may be announced again
            self._seen = 0
            self._gone = None

    def attach(self, reader: Reader, before: Prepared | None = None, prepared: Prepared | None = None) -> None:
        """Have a reader look at what is installed, or will be; `before` is what it looked at until now."""
        after = self.installed if prepared is None else prepared
        rows = reader.rows
        for number in () if before is None else before.slots.keys() | before.lacking:
            if number not in after.slots:
                _set(rows, number, [0] * layout.ROW)
        for number in after.lacking:  # what zones there were before is no answer any more
            rows[number * layout.ROW + layout.ROW_LACKING] = 1
        for number, mapped in after.slots.items():
            _set(rows, number, mapped.row())
        if after.directory is not None:
            reader.map(self.arena.view, self.arena.address, after.directory.place)

    def find(self, origin: bytes) -> ZoneRecord | None:
        """The record of a zone (wire form, small letters) that is answered from what is installed.

        For any thread while nothing is installed.
        """
        directory, slots = self.installed.directory, self.installed.slots
        if directory is None:
            return None
        places = self._places()
        entry = directory.known(directory.find(origin, places), places)
        if entry == 0:
            return None
        slot, offset = slot_and_offset(entry)
        if slot not in slots:
            return None
        record = ZoneRecord.read(self.arena.view, record_place(slot, offset, places))
        return record if record.answered else None

    def knows(self, origins: Iterable[bytes]) -> bool:
        """Whether all these zones (wire form, small letters) have entries: one left to the data sources has one, too.

        For any thread while nothing is installed.
        """
        directory = self.installed.directory
        return directory is not None and all(self._has_entry(directory, origin) for origin in origins)

    def _has_entry(self, directory: Directory, origin: bytes) -> bool:
        places = self._places()
        entry = directory.known(directory.find(origin, places), places)
        if entry == 0:
            return False
        place = record_place(*slot_and_offset(entry), places)
        return not self.arena.view[place + layout.ZONE_FLAGS] & layout.ZONE_GONE

    def _places(self) -> dict[int, tuple[int, int]]:
        """Of each slot those of ZONES and of the heap of its delta; 0 for what is announced and cannot be mapped."""
        slots = self.installed.slots
        places = {number: (mapped.image.row()[0], mapped.delta.heap) for number, mapped in slots.items()}
        return places | dict.fromkeys(self.installed.lacking, (0, 0))

    def _is_abandoned(self) -> bool:
        """Whether nobody keeps the images, and has not for some time."""
        now = self._clock()
        try:
            if self._place is None or self._keeper.is_kept(self._place):
                self._kept = now
        except OSError:  # the lock is gone, or cannot be asked for: what lasts is taken for the same
            pass
        return now - self._kept > GRACE

    def _is_unknown(self) -> bool:
        """Whether what is announced could not be read, and could not for some time.

        A zone may have moved since to an image that only that names, and would be answered as before that for ever.
        """
        now = self._clock()
        if self._read is not None or self.installed.directory is None:
            self._known = now
        return now - self._known > GRACE

    def _is_outdated(self) -> bool:
        """Whether the directory is gone, and has been for some time, without another one that can be mapped.

        Its keeper goes on in another one, which it could not announce, or not yet: no change is seen in this one.
        """
        directory = self.installed.directory
        if directory is None or not directory.is_gone():
            self._gone = None
            return False
        now = self._clock()
        if self._gone is None:
            self._gone = now
        return now - self._gone > GRACE

    def _map(self, announced: Manifest) -> Prepared | None:
        place = Path(announced.place)
        before = self.installed
        directory = before.directory
        if directory is None or directory.path != place / announced.directory or before.seed != announced.seed:
            try:
                directory = Directory(self.arena, place / announced.directory)
            except (ImageError, OSError) as error:
                self._tell(place / announced.directory, str(error))
                return None
        slots: dict[int, Mapped] = {}
        whole = True
        for slot in announced.slots:
            there = before.slots.get(slot.number)
            if there is not None and there.slot == slot and before.seed == announced.seed:
                slots[slot.number] = there
                continue
            try:
                slots[slot.number] = self._map_slot(place, announced, slot)
            except FileNotFoundError:  # it was struck off the list meanwhile
                pass
            except (ImageError, OSError) as error:
                self._tell(place / slot.image, str(error))
                whole = whole and isinstance(error, (ImageError, NoAddresses))
        return Prepared(
            announced.seed,
            directory,
            slots,
            directory.used,
            sum(slot.octets + slot.delta_octets for slot in announced.slots),
            whole,
            frozenset(slot.number for slot in announced.slots) - slots.keys(),
        )

    def _map_slot(self, place: Path, announced: Manifest, slot: Slot) -> Mapped:
        """Raises ImageError, OSError."""
        image = ImageFile(self.arena, place / slot.image, announced.seed)
        try:
            delta = DeltaFile(self.arena, place / slot.delta, seed=announced.seed, boot=announced.boot)
        except BaseException:
            image.close()
            raise
        return Mapped(slot, image, delta)

    def _tell(self, path: Path, reason: str) -> None:
        """Once."""
        if (path, reason) not in self._told:
            self._told.add((path, reason))
            self._problem(path, reason)


def _set(rows: memoryview, number: int, row: list[int]) -> None:
    for index, value in enumerate(row):
        rows[number * layout.ROW + index] = value
