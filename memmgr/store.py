"""The images: their files, which record every zone has, and what is published when.

One process writes, by a lock. Whatever is killed whenever: a file is listed only when all of it is on the disk, the
list is replaced by renaming, a zone by one store; what is in no list is removed at the next start.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass
from pathlib import Path

import msgspec

from datasrc.keytable import KeyTable
from image import directory, layout, manifest
from image.arena import Arena
from image.census import Census
from image.directory import Directory, record_place
from image.errors import ImageError
from image.manifest import Manifest, Slot
from image.zonerecord import ZoneRecord, identity, origin_at, source_at
from memmgr.announcing import Announcement
from memmgr.imagelist import ImageList
from memmgr.leftovers import Leftovers
from memmgr.notes import Notes
from memmgr.place import Place
from memmgr.shortage import Shortage
from memmgr.slots import Refused, Slots, reason_of, with_another_delta

MANY = 64  # zones that are published in one go: then checksums are made at the end
DIRECTORY_SPARE = 1024  # zones a directory has room for beyond those it is made with, or as many again


@dataclass(frozen=True, slots=True)
class Located:
    """A record and where it is."""

    entry: int  # of the directory
    slot: int
    offset: int  # as the directory has it
    record: ZoneRecord


class Store:
    """The files in `place`. Blocks; for one thread at a time."""

    def __init__(
        self, place: Path, announcement: Path, run: str, refused: Refused, *, gives_list_up: bool = False
    ) -> None:
        """Locks, maps and checks all there is; what is damaged or foreign is refused and told. Nothing is announced.

        `run` is this run of the suite. Raises Occupied, OSError; ListUnreadable behind having put the list aside, where
        that `gives_list_up`.
        """
        self.place = place
        self._announcement = Announcement(announcement, place, run)
        self._refused = refused
        self._gives_list_up = gives_list_up
        self.shortage = Shortage()
        self._leftovers = Leftovers(place, refused)
        with ExitStack() as undo:  # it may be tried again, here or by another process
            self._kept = Place(place)
            undo.callback(self._kept.let_go)
            self.arena = Arena()
            undo.callback(self.arena.close)
            try:
                old = self._take_over()
            finally:
                self._announcement.withdraw()
            self._open(old)
            undo.pop_all()

    def _take_over(self) -> Directory | None:
        """Have what was listed last, and its directory, if that is whole.

        What was announced still is: whoever reads it maps what zones moved to. Behind this nobody answers them as they
        were before that, for nobody can learn of it until the next announcement.
        """
        self.notes = Notes(self._kept, self._leftovers, self._refused)
        self.listed = ImageList(self._kept, self._announcement, self._refused, given_up=self._gives_list_up)
        try:
            self.sync_again()  # now: what was left by who was killed takes room that is needed
        except OSError:  # it may last: the next look tries again, and nothing is removed until then
            pass
        return self._old_directory(self.manifest)

    def _open(self, old: Directory | None) -> None:
        """Map and check all there is; `old` is the directory that was listed."""
        before = self.manifest
        self._slots = Slots(self.place, self.arena, before.seed, self._refused)
        self.images, self.deltas, self.heaps = self._slots.images, self._slots.deltas, self._slots.heaps
        # Images that find no room are left to auth; without a directory there is nothing.
        held = self.arena.hold(self._directory_octets(old))
        whole = self._map()
        self.arena.unmap(held)
        self.zones: Counter[int] = Counter()  # of each slot
        same = before.boot == manifest.boot_id()
        self._open_directory(self.manifest, old, rebuild=not (whole and same))
        self.directory.vouch_for_nothing()
        self.directory.settle(self.zones.total())
        self._sweep()

    @property
    def manifest(self) -> Manifest:
        """What is listed."""
        return self.listed.manifest

    @property
    def in_place(self) -> bool:
        """As Place.in_place. Raises OSError."""
        return self._kept.in_place

    # Reading.

    def find(self, origin: bytes) -> Located | None:
        """What the directory has for an origin (wire form, small letters)."""
        at = self.directory.find(origin, self.heaps)
        entry = self.directory.entry(at)
        if entry == 0:
            return None
        return self._located(at, entry >> layout.SLOT_SHIFT & layout.SLOT_MASK, entry & layout.MASK32)

    def located(self, slots: Collection[int] | None = None) -> Iterator[Located]:
        """Everything in the directory as it is now, or what is in these slots and still is when it comes to it."""
        for at, slot, offset in self.directory.entries():
            if slots is None:
                yield self._located(at, slot, offset)
            elif slot in slots and slot in self.heaps:
                now = self.find(self._located(at, slot, offset).record.origin)
                if now is not None and now.slot in slots:
                    yield now

    def by_source(self) -> Counter[int]:
        """How many zones the directory has of each data source, by its number; those that are gone not among them."""
        found: Counter[int] = Counter()
        census = Census(self.arena.view, self.heaps)
        for part in self.directory.parts():
            census.add_sources(part, found)
        return found

    def there(self) -> Iterator[tuple[bytes, int]]:
        """The origin (wire form, small letters) of each zone and the number of its data source; but for those gone."""
        for _, slot, offset in self._entries_there():
            place = record_place(slot, offset, self.heaps)
            yield origin_at(self.arena.view, place), source_at(self.arena.view, place)

    def versions(self, source: int) -> KeyTable:
        """The version of each zone of a data source, by its key."""
        found = KeyTable(numbered=True)
        census = Census(self.arena.view, self.heaps)
        for part in self.directory.parts():
            census.add_versions(part, source, found)
        return found

    def _entries_there(self) -> Iterator[tuple[int, int, int]]:
        """The entries of the directory but those of zones that are gone."""
        view = self.arena.view
        for at, slot, offset in self.directory.entries():
            if not view[record_place(slot, offset, self.heaps) + layout.ZONE_FLAGS] & layout.ZONE_GONE:
                yield at, slot, offset

    def _located(self, at: int, slot: int, offset: int) -> Located:
        place = record_place(slot, offset, self.heaps)
        return Located(at, slot, offset, ZoneRecord.read(self.arena.view, place))

    def octets(self) -> int:
        """Of all files that are listed."""
        return sum(slot.octets + slot.delta_octets for slot in self.manifest.slots)

    # Writing.

    def enlist(self, number: int, heap: int = 0) -> None:
        """List the image that was just built for a reserved slot, with a delta of its own. No zone points to it yet.

        `heap` is what the heap of the delta must have at least, in octets, whatever its image has.
        Raises ImageError, OSError; nothing is listed then.
        """
        slot = self._slots.add(number, heap)
        try:
            self._list((*self.manifest.slots, slot))
        except BaseException:
            self._slots.let_go(number)
            raise
        self.listed.reserved.discard(number)

    def discard(self, number: int) -> None:
        """Remove what there is of an image that could not be built or listed: it takes room. Raises OSError."""
        self.listed.reserved.discard(number)
        self._kept.require()
        if all(slot.number != number for slot in self.manifest.slots):
            for path in [*self.place.glob(f"{number}.*"), *self.place.glob(f".{number}.*")]:
                if path.name != self.manifest.directory:
                    path.unlink(missing_ok=True)

    def publish(
        self,
        located: Sequence[tuple[bytes, int, int]],
        keeps: Callable[[Located, int], bool] = lambda _there, _number: False,
    ) -> None:
        """Give zones their records, one by one: origin, slot, offset as the directory has it.

        `keeps` is asked whether a zone keeps what is there, instead of this one of the list.
        """
        if len(located) > 1:
            self.make_room([origin for origin, _, _ in located])
        with self.directory.many() if len(located) >= MANY else nullcontext():
            self._publish(located, keeps)

    def _publish(self, located: Sequence[tuple[bytes, int, int]], keeps: Callable[[Located, int], bool]) -> None:
        for number, (origin, slot, offset) in enumerate(located):
            at = self.directory.find(origin, self.heaps)
            before = self.directory.entry(at)
            if before:
                there = self._located(at, before >> layout.SLOT_SHIFT & layout.SLOT_MASK, before & layout.MASK32)
                if keeps(there, number):
                    continue
            try:
                self.directory.put(at, origin, slot, offset, announced=self._announcement.is_told)
            except ValueError:  # no room
                self._grow()
                self.directory.put(self.directory.find(origin, self.heaps), origin, slot, offset)
            if before:
                self.zones[before >> layout.SLOT_SHIFT & layout.SLOT_MASK] -= 1
            self.zones[slot] += 1

    def put_record(self, slot: int, record: ZoneRecord) -> int:
        """Write a record of a zone to the delta of a slot; its offset as the directory has it. Raises DeltaFull."""
        at = self.deltas[slot].append_record(record.pack())
        return layout.IN_DELTA | at // layout.ZONE_UNIT

    def strike(self, numbers: set[int]) -> None:
        """Take slots off the list that no zone points to any more, and remove their files.

        Raises OSError: they are still on it.
        """
        self._list(tuple(slot for slot in self.manifest.slots if slot.number not in numbers))
        for number in numbers:
            self._slots.let_go(number)
        if not self.listed.synced:  # the list before this one has them, and may come back: sync_again() removes them
            return
        for number in numbers:
            for name in (f"{number}.image", f"{number}.delta"):
                self._leftovers.remove(self.place / name)

    def has(self, origin: bytes, source: int, version: int) -> bool:
        """Whether the directory has this version of a zone (wire form, small letters), of this data source."""
        entry = self.directory.entry(self.directory.find(origin, self.heaps))
        if entry == 0:
            return False
        place = record_place(entry >> layout.SLOT_SHIFT & layout.SLOT_MASK, entry & layout.MASK32, self.heaps)
        return identity(self.arena.view, place) == (source, version)

    def altered(self) -> set[int]:
        """Slots of which somebody removed or changed a file: nobody else can map them, and their zones are to be built
        anew. Each is told once.
        """
        return self._slots.altered()

    def keep_directory(self) -> None:
        """Make the directory anew if somebody removed it. Raises OSError."""
        if self.directory.is_gone():
            self._refused(self.directory.path, "it was removed while it was in use")
            self._grow()

    def announce(self) -> None:
        """From now on answers may be made from what is listed. Raises OSError."""
        self._announcement.begin(self.manifest)
        self.directory.advance()

    def announce_again(self) -> None:
        """Announce what could not be announced, if there is anything. Raises OSError."""
        if self._announcement.tell_again(self.manifest):
            self.directory.advance()

    def sync_again(self) -> None:
        """Make last what could not be made to, if there is anything. Raises OSError."""
        if self.listed.sync_again():
            self._sweep()

    def let_go(self) -> None:
        """Let another process keep these images. What is mapped stays so: who still asks must not meet a hole."""
        if self._kept.is_held:
            self._slots.settle()
            self._kept.let_go()

    def close(self) -> None:
        """The same, and unmap everything: nobody may ask any more."""
        self.let_go()
        self.arena.close()

    # Files.

    def _map(self) -> bool:
        """Map what is listed; whether all of it is as it was."""
        whole, lost = self._slots.map(self.manifest)
        if lost:
            # The list says so first: who has one of these deltas mapped tells by its stamp that another is to be
            # mapped. A process that finds one, empty and whole, could not know that it is not the one that was listed.
            self.listed.begin_lineage()
            listed = (with_another_delta(slot) if slot.number in lost else slot for slot in self.manifest.slots)
            self.listed.write(msgspec.structs.replace(self.manifest, slots=tuple(listed)))  # which is still of its boot
            self._slots.make_anew(lost)
        return whole

    def _open_directory(self, before: Manifest, old: Directory | None, *, rebuild: bool) -> None:
        """Have the directory; made anew, if it, or anything that it points to, is not what it was."""
        trusted = old if before.boot == manifest.boot_id() else None  # else some of its pages may not be on the disk
        damaged = trusted.damaged() if trusted is not None else set()
        if old is not None and damaged and not old.loose:
            self._refused(old.path, f"its checksums are wrong: {len(damaged)} of its parts are damaged")
        if old is not None and not (rebuild or damaged):
            zones = self._slots.counted(old)
            if zones is not None:
                self.directory, self.zones = old, zones
                return
            self._refused(old.path, "it points to what is not there")
        self.listed.begin_lineage()
        room = sum(slot.zones for slot in before.slots) + (trusted.used if trusted is not None else 0)
        self.directory = self._make_directory(self._slots.all_records(before, trusted, damaged), room, old)
        if old is not None:
            old.close()
        self.zones = Counter(slot for _, slot, _ in self.directory.entries())

    def _directory_octets(self, old: Directory | None) -> int:
        """Of the directory that may have to be made anew: with the old one it has half of all addresses at most."""
        before = 0 if old is None else old.capacity // layout.DIRECTORY_LOAD
        octets = directory.file_octets(_room(before + sum(slot.zones for slot in self.manifest.slots)))
        return max(0, min(octets, self.arena.octets // 2 - directory.file_octets(before)))

    def _old_directory(self, before: Manifest) -> Directory | None:
        """The directory that was listed, if it can be used; entries have no before any more then."""
        if not before.directory:
            return None
        path = self.place / before.directory
        try:
            with ExitStack() as undo:
                old = Directory(self.arena, path, writable=True)
                undo.callback(old.close)
                if old.seed != before.seed:
                    raise ImageError(path, "its names are hashed with another seed")
                old.forget_moves()
                undo.pop_all()
        except (ImageError, OSError) as error:
            self._refused(path, reason_of(error))
            return None
        return old

    def _make_directory(self, records: Iterable[tuple[int, int]], zones: int, old: Directory | None) -> Directory:
        """One with these records (slot and offset), of so many zones at most."""
        self._kept.require()
        epoch = self.manifest.epoch + 1
        path = self.place / f"{epoch}.directory"
        with ExitStack() as undo:  # in no list it would take its room until the process ends
            undo.callback(self._leftovers.remove, path)
            directory.create(path, self.manifest.seed, _room(zones))
            made = Directory(self.arena, path, writable=True)
            undo.callback(made.close)
            with made.many():
                for slot, offset in records:
                    origin = origin_at(self.arena.view, record_place(slot, offset, self.heaps))
                    made.put(made.find(origin, self.heaps), origin, slot, offset)
            slots = tuple(slot for slot in self.manifest.slots if slot.number in self.images)
            self.listed.replace(msgspec.structs.replace(self.manifest, epoch=epoch, directory=path.name, slots=slots))
            undo.pop_all()
        if old is not None:
            old.advance()  # for who still looks there
        return made

    def make_room(self, origins: list[bytes]) -> None:
        """Make a larger directory at once, where one after the other would be made. Raises OSError."""
        room = self.directory.capacity // layout.DIRECTORY_LOAD - self.directory.used
        if len(origins) <= room:
            return
        new = sum(self.directory.entry(self.directory.find(origin, self.heaps)) == 0 for origin in origins)
        if new > room:
            self._grow(len(origins))  # the entries of those that were gone are not kept

    def _grow(self, new: int = 0) -> None:
        """A directory with more room, for so many new zones at least, and without what is gone."""
        old = self.directory
        kept = Counter(slot for _, slot, _ in self._entries_there())
        records = ((slot, offset) for _, slot, offset in self._entries_there())
        with self.shortage.asking():
            self.directory = self._make_directory(records, kept.total() + new, old)
        self.zones = kept
        old.close()
        self._sweep()

    def _list(self, slots: tuple[Slot, ...]) -> None:
        epoch = self.manifest.epoch + 1
        self.listed.replace(msgspec.structs.replace(self.manifest, epoch=epoch, slots=slots))
        self.directory.advance()

    def _sweep(self) -> None:
        """Remove what is in no list: left by who was killed. What is being built is to be listed.

        Nothing is removed while a list before this one may come back: sync_again() does it then.
        """
        if not (self.listed.synced and self.in_place):
            return
        kept = {manifest.NAME, manifest.UNREADABLE, manifest.LOCK, self.manifest.directory, *self.notes.names}
        for slot in self.manifest.slots:
            kept |= {slot.image, slot.delta}
        self._leftovers.sweep(kept, self.listed.reserved)


def _room(zones: int) -> int:
    """For how many zones a directory is made that has so many at first."""
    return zones + max(zones, DIRECTORY_SPARE)
