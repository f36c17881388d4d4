"""The slots of the store, each an image and its delta: mapped, checked at the start, made anew where one is lost."""

from __future__ import annotations

import errno
import os
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from pathlib import Path

import msgspec

from image import delta, layout, manifest
from image.arena import Arena, NoAddresses
from image.census import Census
from image.delta import Delta
from image.directory import PART, Directory
from image.errors import ImageError
from image.file import ImageFile
from image.manifest import Manifest, Slot
from image.zonerecord import ZoneRecord

HEAP_SHARE = 8  # the heap of a delta has that part of its image
HEAP_LEAST = 1 << 20  # octets
HEAP_MOST = 64 << 20
HEAP_ENTRY = 128  # octets of heap an entry of the table, about what a changed name takes
PASSING = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.ENOSPC, errno.EDQUOT, errno.EINTR})
STAMP_OCTETS = 7  # JSON has numbers of 63 bits at least

Refused = Callable[[Path, str], None]


class Slots:
    """What is mapped of each slot, by its number. Blocks; for one thread at a time."""

    def __init__(self, place: Path, arena: Arena, seed: int, refused: Refused) -> None:
        """`seed` is that of the hashes of all files; what is damaged or foreign is `refused`."""
        self.images: dict[int, ImageFile] = {}
        self.deltas: dict[int, Delta] = {}
        self.heaps: dict[int, tuple[int, int]] = {}  # of each slot the places of ZONES and of the heap
        self._altered: set[int] = set()  # slots whose files are not what is mapped
        self._place = place
        self._arena = arena
        self._seed = seed
        self._refused = refused

    # At the start.

    def map(self, listed: Manifest) -> tuple[bool, dict[int, ImageFile]]:
        """Map what is listed: whether all of it is as it was, and the images that are, but without their deltas."""
        whole = True
        lost: dict[int, ImageFile] = {}
        for slot in listed.slots:
            image = self._map_image(slot)
            if image is None:
                whole = False
                continue
            changes = self._map_delta(slot, listed.boot)
            if changes is None:
                lost[slot.number] = image
            else:
                self._take(slot.number, image, changes)
        return whole and not lost, lost

    def _map_image(self, slot: Slot) -> ImageFile | None:
        """The image, if it is as it was."""
        path = self._place / slot.image
        try:
            image = ImageFile(self._arena, path, self._seed)
            if (image.octets, checksum(path)) != (slot.octets, slot.checksum):
                image.close()
                raise ImageError(path, "it is another image than the one that was listed")
        except (ImageError, OSError) as error:
            self._refused(path, reason_of(error))
            return None
        return image

    def _map_delta(self, slot: Slot, boot: str) -> Delta | None:
        """The delta, if it is as it was when the list was written, in this `boot` or another."""
        path, now = self._place / slot.delta, manifest.boot_id()
        try:
            return Delta(self._arena, path, seed=self._seed, boot=now)
        except (ImageError, OSError) as error:
            reason = reason_of(error)
            if boot == now:  # else it is as expected
                self._refused(path, reason)
            return None

    def make_anew(self, lost: dict[int, ImageFile]) -> None:
        """Make deltas of these images, in place of those that are lost. They are listed as such. Raises OSError."""
        for number, image in lost.items():
            try:
                changes = self._make_delta(number, image.octets)
            except NoAddresses as error:
                self._refused(image.path, reason_of(error))
                image.close()
            else:
                self._take(number, image, changes)

    # Later.

    def add(self, number: int, heap: int) -> Slot:
        """Map the image that was just built, with a delta of its own, for the list. Raises ImageError, OSError.

        `heap` is what the heap of the delta must have at least, in octets.
        """
        path = self._place / f"{number}.image"
        image = ImageFile(self._arena, path, self._seed, checked=True)
        try:
            records = [ZoneRecord.read(self._arena.view, place).records for _, place in image.zones()]
            summed = checksum(path)
            changes = self._make_delta(number, image.octets, heap)
        except BaseException:
            image.close()
            raise
        self._take(number, image, changes)
        return Slot(number, image.octets, summed, changes.octets, stamp(), sum(records), len(records))

    def altered(self) -> set[int]:
        """Those of which others would map something else by now, or nothing. Each is told once."""
        for number in self.images.keys() - self._altered:
            file = next((file for file in (self.images[number], self.deltas[number]) if file.is_altered()), None)
            if file is not None:
                self._altered.add(number)
                self._refused(file.path, "it was removed or changed while it was in use")
        return set(self._altered)

    def let_go(self, number: int) -> None:
        """Unmap both; nobody may ask for them any more."""
        self._altered.discard(number)
        self.images.pop(number).close()
        self.deltas.pop(number).close()
        del self.heaps[number]

    def settle(self) -> None:
        """Nothing is changed any more: who opens them next needs not look through all changes."""
        for changes in self.deltas.values():
            changes.settle()

    def _take(self, number: int, image: ImageFile, changes: Delta) -> None:
        self.images[number] = image
        self.deltas[number] = changes
        self.heaps[number] = (image.row()[0], changes.heap)

    def _make_delta(self, number: int, image_octets: int, least: int = 0) -> Delta:
        path = self._place / f"{number}.delta"
        boot = manifest.boot_id()
        delta.create(path, self._seed, boot, *_delta_room(image_octets, least))
        return Delta(self._arena, path, seed=self._seed, boot=boot)

    # What entries of a directory point to.

    def counted(self, found: Directory) -> Counter[int] | None:
        """How many zones each slot has; None where an entry points to what is not there."""
        census = Census(self._arena.view, self.heaps)
        ends = {number: changes.sealed for number, changes in self.deltas.items()}
        whole = all(census.count(part, ends) for part in found.parts())
        return census.counted() if whole else None

    def all_records(
        self, listed: Manifest, trusted: Directory | None, damaged: Collection[int]
    ) -> Iterator[tuple[int, int]]:
        """The slot and offset of every record in the images, then those of the directory, where it can be trusted.

        In the order in which they were published: of two records of a zone the later one counts.
        """
        for slot in listed.slots:
            if slot.number in self.images:
                yield from ((slot.number, offset) for offset, _ in self.images[slot.number].zones())
        if trusted is not None:
            for at, number, offset in trusted.entries():
                if at // PART not in damaged and self._is_whole(number, offset):
                    yield number, offset

    def _is_whole(self, slot: int, offset: int) -> bool:
        """Whether what an entry points to is there, and is what it was."""
        if slot not in self.heaps:
            return False
        if not offset & layout.IN_DELTA:
            return True
        return layout.ZONE_UNIT <= (offset & layout.BELOW_DELTA) * layout.ZONE_UNIT < self.deltas[slot].sealed


def with_another_delta(slot: Slot) -> Slot:
    """How a slot is listed whose delta is about to be made anew."""
    octets = delta.file_octets(*_delta_room(slot.octets))
    return msgspec.structs.replace(slot, delta_octets=octets, delta_stamp=stamp())


def _delta_room(image_octets: int, least: int = 0) -> tuple[int, int]:
    """Entries of the table and octets of the heap of a delta; the heap has `least` octets at least."""
    heap = max(min(max(image_octets // HEAP_SHARE, HEAP_LEAST), HEAP_MOST), least)
    return heap // HEAP_ENTRY, heap


def stamp() -> int:
    """A number that no other has."""
    return int.from_bytes(os.urandom(STAMP_OCTETS))


def checksum(path: Path) -> int:
    """That of the header of an image. Raises OSError."""
    with path.open("rb") as file:
        return int.from_bytes(file.read(layout.HEADER_OCTETS)[-4:], "little")


def reason_of(error: ImageError | OSError) -> str:
    """Why a file is not used. Raises the error where it says nothing of the file, and another try may be well."""
    if isinstance(error, ImageError):
        return error.reason
    if error.errno in PASSING and not isinstance(error, NoAddresses):
        raise error
    return "it is gone" if isinstance(error, FileNotFoundError) else str(error.strerror)
