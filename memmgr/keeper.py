"""Keeps the images in line with the data sources: what the directory has against what they have.

At first every source is surveyed, or its outbox read from where its images are; then changes are followed. Before all
of that is done nothing is announced, and auth answers everything by itself: an image in which a zone is missing would
answer from the zone above. A zone that is not built yet, has no data, or must wait has a record that leaves it to
auth.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dns.name import Name

from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError, StorageError, ZoneError
from datasrc.keys import key_labels, name_key
from datasrc.records import Change, ZoneInfo, ZoneState
from datasrc.source import DataSource, Finder
from datasrc.sources import Failure, Sources, source_url
from image import builder, layout, manifest
from image.delta import DeltaFull
from image.manifest import Mark
from image.patch import Cuts, NotExpressible, Patch, Place, touched_by
from image.zone import name_of, wire
from image.zonerecord import ZoneRecord
from memmgr.plan import BIG_RECORDS, Batch, Plan, Wanted
from memmgr.store import Located, Store

SOURCE_OCTETS = 4  # of the number of a source in records
PAGE = 1000  # zones or changes read at once
FILES = "master-files:"
MAX_CUTS_KNOWN = 100  # zones
MAX_VERSIONS = 100  # of a zone that are taken in at once; who is further behind builds it anew
SMALL_ZONE = 500  # records of a zone that is written to a delta as a whole
COMPACT = 0.75  # of a delta in use, when the image is built anew
MAX_SMALL_SLOTS = 16  # images of few zones, before they are made one
SMALL_SLOT = 50_000  # records


@dataclass(slots=True)
class Followed:
    """One data source."""

    number: int  # in the manifest and in records of zones
    url: str
    seen: int | None = None  # the outbox id up to where changes are known; None: it must be surveyed
    mark: Mark | None = None  # the same, as it outlives the process


class Keeper:
    """Blocks; for one thread at a time, that of the worker."""

    def __init__(self, store: Store, log: MessageLog) -> None:
        self.store = store
        self.plan = Plan()
        self.announced = False
        self.changes = 0  # zones changed in place
        self.published: float | None = None  # POSIX seconds when a zone last was given a record
        self.failures: dict[Name, str] = {}  # zones that could not be built, and why
        self._log = log
        self._sources: Sources | None = None
        self._followed: dict[str, Followed] = {}
        self._listed: frozenset[bytes] = frozenset()  # keys of zones of the configuration
        self._building: frozenset[Name] = frozenset()
        self._again: set[Name] = set()  # that changed while they were being built
        self._margin: int | None = None  # the slot whose delta has records of zones that have no image
        self._swept = False
        self._cuts: dict[bytes, tuple[int, Cuts]] = {}  # delegations of zones that were changed last, and the version

    # Configuration.

    def configure(self, sources: Sources, listed: Collection[bytes]) -> None:
        """Keep these data sources from now on; `listed` are the keys of zones that are ours with or without data."""
        urls = {name: source_url(entry) for name, entry in sources.configured.items()}
        same = list(urls.items()) == [(name, one.url) for name, one in self._followed.items()]  # their order counts
        followed = self._followed
        if not same:
            fresh = self._sources is None and not self.store.rebuilt
            known = {(one.name, one.url): one for one in self.store.manifest.sources}
            followed = {}
            for name, url in urls.items():
                stored = known.get((name, url)) if _lasts(url) else None
                followed[name] = Followed(
                    stored.number if stored else _lot(),
                    url,
                    mark=stored.mark if stored and fresh else None,
                )
            self._swept = False
        self._sources, self._followed = sources, followed
        if self._listed != frozenset(listed):
            difference = self._listed.symmetric_difference(listed)
            self._listed = frozenset(listed)
            if self._swept:
                for key in difference:
                    self.update(Name([*key_labels(key), b""]))
        self._remember()
        self.follow()

    def _remember(self) -> None:
        kept = tuple(manifest.Source(one.number, name, one.url, one.mark) for name, one in self._followed.items())
        if kept != self.store.manifest.sources:
            self.store.remember(kept)

    # Following.

    def follow(self) -> None:
        """Take notice of what changed in the data sources."""
        assert self._sources is not None
        for name, source in self._sources.each():
            if isinstance(source, Failure):
                continue
            try:
                self._follow(name, source, self._followed[name])
            except StorageError as error:
                self._log.debug("MEMMGR_SOURCE_WAITING", source=name, reason=error)

    def _follow(self, name: str, source: DataSource, followed: Followed) -> None:
        if followed.seen is None:
            self._begin(name, source, followed)
        assert followed.seen is not None
        while (last := source.last_change()) != followed.seen:
            changes = source.changes(followed.seen, PAGE) if last > followed.seen else []
            if not changes or changes[0].id != followed.seen + 1:  # trimmed, or it is another database
                self._begin(name, source, followed)
                return
            for origin in dict.fromkeys(change.origin for change in changes):
                self.update(origin)
            self._note(followed, changes[-1])

    def _begin(self, name: str, source: DataSource, followed: Followed) -> None:
        """Survey the source, unless its outbox tells all since its images were made."""
        mark = followed.mark
        if mark is not None and mark.id:
            row = next(iter(source.changes(mark.id - 1, 1)), None)
            if row is not None and _mark(row) == mark:
                followed.seen = mark.id
                return
            followed.number = _lot()  # another database, or too much happened to tell: versions may mean other data
        last = source.last_change()
        row = next(iter(source.changes(last - 1, 1)), None) if last else None
        followed.seen = last
        self.plan.survey(self._survey(name, source, followed, row))

    @staticmethod
    def _note(followed: Followed, change: Change) -> None:
        followed.seen = change.id
        followed.mark = _mark(change)

    def _survey(self, name: str, source: DataSource, followed: Followed, last: Change | None) -> Iterator[Wanted]:
        """Every zone of the source that is not in the directory as it is."""
        assert self._sources is not None
        hidden: set[bytes] = set()
        for other, earlier in self._sources.each():
            if other == name:
                break
            if not isinstance(earlier, Failure):
                hidden |= earlier.zone_keys()
        after: Name | None = None
        while page := source.zones(after, PAGE):
            for info in page:
                if hidden and name_key(info.origin) in hidden:
                    continue
                there = self.store.find(_wire(info.origin))
                if there is None or not _matches(there.record, followed.number, info):
                    wanted = Wanted(info.origin, name, info.records)
                    if wanted.big or there is not None:
                        self._leave(info.origin)  # else what is there would be answered before it is built
                    yield wanted
            after = page[-1].origin
        if last is not None:
            followed.mark = _mark(last)

    def _sweep(self) -> None:
        """Zones that no source has any more, or that are listed and have no data."""
        assert self._sources is not None
        keys: dict[int, set[bytes] | None] = {}
        for name, source in self._sources.each():
            number = self._followed[name].number
            try:
                keys[number] = None if isinstance(source, Failure) else source.zone_keys()
            except StorageError:
                keys[number] = None
        for there in list(self.store.located()):
            record = there.record
            if record.flags & layout.ZONE_GONE:
                continue
            known = keys.get(record.source, set())
            key = name_key(name_of(record.origin))
            if known is not None and key not in known:  # a source that cannot be asked keeps its zones
                self.update(name_of(record.origin))
        for key in self._listed:
            origin = Name([*key_labels(key), b""])
            if self.store.find(_wire(origin)) is None:
                self.update(origin)
        self._swept = True

    # One zone.

    def update(self, origin: Name) -> None:
        """Bring a zone in line, or have it built."""
        if origin in self._building:
            self._again.add(origin)
            return
        held, sure = self._holder(origin)
        there = self.store.find(_wire(origin))
        if held is None:
            self.plan.remove(origin)
            if sure:
                self._remove(origin, there)
            return
        name, info = held
        if there is not None and _matches(there.record, self._followed[name].number, info):
            self.plan.remove(origin)
            return
        if there is not None and self._change(name, origin, there):
            self.plan.remove(origin)
            return
        if self.announced and self._write_small(name, info):
            self.plan.remove(origin)
            return
        if there is None or there.record.flags & layout.ZONE_GONE or not self.announced:
            self._leave(origin)
        self.plan.add(Wanted(info.origin, name, info.records))

    def _change(self, name: str, origin: Name, there: Located) -> bool:
        """Change a zone in place; False: it must be built anew."""
        before = there.record
        if not before.answered or before.source != self._followed[name].number:
            return False
        source = self.source(name)
        delta = self.store.deltas[there.slot]
        try:
            with source.snapshot() as snapshot:
                finder = snapshot.zone(origin)
                if finder is None or finder.info.state is not ZoneState.READY:
                    return False
                versions = range(before.version + 1, finder.info.version + 1)
                if not 0 < len(versions) <= MAX_VERSIONS:
                    return False
                differences = [source.difference(origin, version) for version in versions]
                touched = touched_by(one for one in differences if one is not None)
                if None in differences:
                    return False
                delta.begin()
                patch = self._patch(there.slot, before, finder)
                record = patch.change(touched)
                offset = self.store.put_record(there.slot, record)
        except (NotExpressible, DeltaFull) as error:
            delta.end()
            self._log.debug("MEMMGR_REBUILDING", zone=origin, reason=error)
            return False
        except DataSourceError as error:
            delta.end()
            if isinstance(error, ZoneError):
                return False
            raise
        self.store.publish([(record.origin, there.slot, offset)])
        delta.end()
        self._told()
        if patch.cuts is not None:
            while len(self._cuts) >= MAX_CUTS_KNOWN:
                del self._cuts[next(iter(self._cuts))]
            self._cuts[record.origin] = record.version, patch.cuts
        if delta.filling > COMPACT and record.records >= BIG_RECORDS:  # what comes meanwhile still fits
            self.plan.add(Wanted(origin, name, record.records))
        return True

    def _write_small(self, name: str, info: ZoneInfo) -> bool:
        """Write a small zone as a whole to the delta of the margin; False: it must be built."""
        if info.records > SMALL_ZONE or info.state is not ZoneState.READY:
            return False
        slot = self._margin_slot()
        delta = self.store.deltas[slot]
        number = layout.IN_DELTA | delta.used // layout.ZONE_UNIT  # no two zones have begun at the same place
        blank = ZoneRecord(_wire(info.origin), number=number, source=self._followed[name].number)
        try:
            with self.source(name).snapshot() as snapshot:
                finder = snapshot.zone(info.origin)
                if finder is None or finder.info.state is not ZoneState.READY:
                    return False
                delta.begin()
                record = self._patch(slot, blank, finder).write_all()
                offset = self.store.put_record(slot, record)
        except NotExpressible:
            delta.end()
            return False
        except DeltaFull:
            delta.end()
            self._new_margin(slot)
            return False
        except DataSourceError:
            delta.end()
            raise
        self.store.publish([(record.origin, slot, offset)])
        delta.end()
        self._told()
        return True

    def _patch(self, slot: int, record: ZoneRecord, finder: Finder) -> Patch:
        store = self.store
        version, cuts = self._cuts.pop(record.origin, (0, None))
        place = Place(store.arena, store.images[slot], store.deltas[slot], record)
        return Patch(place, finder, store.manifest.seed, cuts if version == record.version else None)

    def _told(self) -> None:
        self.changes += 1
        self.published = time.time()

    def _holder(self, origin: Name) -> tuple[tuple[str, ZoneInfo] | None, bool]:
        """The first source that has the zone, and the zone; and whether no source that fails could have it."""
        assert self._sources is not None
        sure = True
        for name, source in self._sources.each():
            if isinstance(source, Failure):
                sure = sure and source.new
                continue
            try:
                with source.snapshot() as snapshot:
                    finder = snapshot.zone(origin)
                    if finder is not None:
                        return (name, finder.info), sure
            except StorageError:
                sure = False
        return None, sure

    def _remove(self, origin: Name, there: Located | None) -> None:
        if name_key(origin) in self._listed:
            if there is None or there.record.source or not there.record.flags & layout.ZONE_LEFT:
                self._leave(origin)
        elif there is not None and not there.record.flags & layout.ZONE_GONE:
            self._put(ZoneRecord(_wire(origin), layout.ZONE_GONE))

    def _leave(self, origin: Name) -> None:
        """Have the zone answered by auth itself."""
        self._put(ZoneRecord(_wire(origin), layout.ZONE_LEFT))

    def _put(self, record: ZoneRecord) -> None:
        slot = self._margin_slot()
        try:
            offset = self.store.put_record(slot, record)
        except DeltaFull:
            slot = self._new_margin(slot)
            offset = self.store.put_record(slot, record)
        self.store.publish([(record.origin, slot, offset)])

    def _margin_slot(self) -> int:
        if self._margin is None or self._margin not in self.store.deltas:
            empty = [slot.number for slot in self.store.manifest.slots if slot.zones == 0]
            self._margin = empty[-1] if empty else self._new_margin(None)
        return self._margin

    def _new_margin(self, full: int | None) -> int:
        """A slot whose image is empty, for what is written after the images; zones of the full one are built."""
        number, path = self.store.reserve()
        builder.build([], path, self.store.manifest.seed)
        self.store.enlist(number)
        self._margin = number
        for there in list(self.store.located()) if full is not None else []:
            if there.slot != full:
                continue
            if there.record.answered:
                self.rebuild(name_of(there.record.origin))
            else:
                offset = self.store.put_record(number, there.record)
                self.store.publish([(there.record.origin, number, offset)])
        return number

    # Building.

    def take(self) -> tuple[Batch, int, Path] | None:
        """What to build next, the slot it is for and the file; None: nothing now. Announces what can be."""
        batch = self.plan.take()
        self._building = frozenset(batch.origins if batch else ())
        if not self.plan.surveying:
            if not self._swept:
                self._sweep()
                batch = batch or self.plan.take()
            if batch is None or batch.records >= BIG_RECORDS:  # of which the small ones are done, and it is left
                self._announce()
        if batch is None:
            self._tidy()
            return None
        self._building = frozenset(batch.origins)
        self._again = set()
        number, path = self.store.reserve()
        return batch, number, path

    def built(self, batch: Batch, number: int) -> None:
        """Publish what was built. Raises ImageError, OSError."""
        try:
            self.store.enlist(number)
            image = self.store.images[number]
            found = [(ZoneRecord.read(self.store.arena.view, place), offset) for offset, place in image.zones()]
            self.published = time.time()
            self.store.publish(
                (record.origin, number, offset) for record, offset in found if not self._is_overtaken(record)
            )
            for origin in batch.origins:
                self.failures.pop(origin, None)
        finally:
            again = self._done()
        there = {record.origin for record, _ in found}
        again |= {origin for origin in batch.origins if _wire(origin) not in there}  # gone meanwhile
        for origin in again:
            self.update(origin)
        self._strike()

    def failed(self, batch: Batch, reason: str) -> None:
        """These zones could not be built: auth answers for them, from what is stored, until they can."""
        self._done()
        for origin in batch.origins:
            self.failures[origin] = reason
            try:
                self._leave(origin)
            except OSError as error:  # no room for that either: what is there is served on
                self._log.error("MEMMGR_STALE", zone=origin, reason=error)

    def retry(self) -> None:
        """Try again to build what could not be built."""
        for origin in list(self.failures):
            self.update(origin)
            del self.failures[origin]

    def rebuild(self, origin: Name) -> bool:
        """Have a zone built anew, whatever is there; whether there is such a zone."""
        held, _ = self._holder(origin)
        if held is None:
            return False
        self.plan.add(Wanted(held[1].origin, held[0], held[1].records))
        return True

    def rebuild_all(self) -> None:
        """Have every zone built anew."""
        assert self._sources is not None
        for there in list(self.store.located()):
            if not there.record.flags & layout.ZONE_GONE:
                self.rebuild(name_of(there.record.origin))

    def number_of(self, source: str) -> int:
        """Of a data source."""
        return self._followed[source].number

    def source(self, name: str) -> DataSource:
        """The source, to build from. Raises StorageError where it cannot be used now."""
        assert self._sources is not None
        found = dict(self._sources.each())[name]
        if isinstance(found, Failure):
            raise StorageError(found.reason, database=found.database)
        return found

    def entry(self, name: str) -> Mapping[str, Any]:
        """Of `data_sources` in the configuration."""
        assert self._sources is not None
        return self._sources.configured[name]

    def _done(self) -> set[Name]:
        again, self._again, self._building = self._again, set(), frozenset()
        return again

    def _is_overtaken(self, record: ZoneRecord) -> bool:
        """Whether the zone was deleted, or has come to a later version, while it was being built."""
        there = self.store.find(record.origin)
        if there is None:
            return False
        if there.record.flags & layout.ZONE_GONE:
            return name_of(record.origin) in self._again
        return (
            there.record.answered and there.record.source == record.source and (there.record.version > record.version)
        )

    def _announce(self) -> None:
        self._remember()
        if not self.announced:
            self.store.announce()
            self.announced = True
            self._log.info(
                "MEMMGR_READY",
                zones=sum(self.store.zones.values()),
                slots=len(self.store.manifest.slots),
                octets=self.store.octets(),
            )

    def _strike(self) -> None:
        """Give up images that nobody points to."""
        empty = {
            slot.number
            for slot in self.store.manifest.slots
            if self.store.zones[slot.number] == 0 and slot.number != self._margin
        }
        if empty:
            self.store.strike(empty)

    def _tidy(self) -> None:
        """Make one image of many small ones; note how far the sources were followed."""
        if self.announced:
            self._remember()
        small = {slot.number for slot in self.store.manifest.slots if slot.zones and slot.records < SMALL_SLOT}
        if len(small) > MAX_SMALL_SLOTS:
            for there in list(self.store.located()):
                if there.slot in small and there.record.answered:
                    self.rebuild(name_of(there.record.origin))


def _matches(record: ZoneRecord, number: int, info: ZoneInfo) -> bool:
    return (record.source, record.version) == (number, info.version) and not record.flags & layout.ZONE_GONE


def _lot() -> int:
    """A number for a data source. Drawn: none may come twice, whatever old images say."""
    return int.from_bytes(os.urandom(SOURCE_OCTETS))


def _lasts(url: str) -> bool:
    """Whether versions of zones mean the same to the next process; those of zone files are each process's own."""
    return not url.startswith(FILES)


def _mark(change: Change) -> Mark:
    return Mark(change.id, change.origin.to_text(), change.version, change.time)


def _wire(origin: Name) -> bytes:
    """As the directory has it."""
    return wire(origin).lower()
