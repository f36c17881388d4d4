"""Keeps the images in line with the data sources: what changes, what is built when, and what is announced.

Before all sources were surveyed nothing is announced, and auth answers everything by itself: an image in which a zone
is missing would answer from the zone above. A zone that is not built yet, has no data, or must wait has a record that
leaves it to auth.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator
from contextlib import closing
from itertools import chain

from dns.name import Name

from daemonkit.log import MessageLog
from datasrc.keys import name_key, name_of, wire_of
from datasrc.sources import Sources
from image import layout
from image.zonerecord import origin_wire
from memmgr.aligning import Aligning
from memmgr.builds import Builds
from memmgr.changing import Changing
from memmgr.compacting import Compacting
from memmgr.compaction import Compaction
from memmgr.following import Following, Found
from memmgr.noting import Noting
from memmgr.plan import Batch, Build, Plan, Wanted
from memmgr.resting import Resting
from memmgr.store import Store
from memmgr.sweeping import Sweeping

AT_ONCE = 500  # zones that take() asks a survey for: their files may have to be read, 0.2 ms each
SCARCE = 4  # less than that part of all slots is free: big zones share images
TRIED_AT_ONCE = 100  # zones that could not be built or asked for; changes have their turn in between
CANNOT_BE_HAD = "its data could not be read"


class Keeper:
    """Blocks; for one thread at a time, that of the worker."""

    def __init__(self, store: Store, log: MessageLog, resting: Resting | None = None) -> None:
        """`resting` are data sources that are left alone for now."""
        self.store = store
        self.following = Following(log, self._known, None if resting is None else resting.reason)
        self.plan = Plan(scarce=lambda: store.listed.free < layout.MAX_SLOTS // SCARCE)
        self._log = log
        changing, self._compaction = Changing(store, log), Compaction(store)
        self._builds = Builds(store, log)
        self._aligning = Aligning(
            store,
            self.following,
            self.plan,
            self._builds,
            changing,
            self._compaction,
            log,
            lambda key: key in self._sweeping.listed,
        )
        self._margin = self._aligning.margin
        self._compacting = Compacting(store, self._compaction, self.following, changing, log)
        self._sweeping = Sweeping(store, self.following, self.update, self._aligning.leave)
        self._noting = Noting(store, self.following, self._unsettled, log)
        self._due: list[bytes] = []  # keys of the zones that are to be tried again, what is yet to be
        self._closed = False

    # Configuration.

    def configure(self, sources: Sources, listed: Collection[bytes]) -> None:
        """Keep these data sources from now on; `listed` are the keys of zones that are ours with or without data.

        Nothing is done behind close(). Raises OSError, DataSourceError: what is left to be done is done by follow() and
        take() then.
        """
        if self._closed:
            return
        first = self.following.sources is None
        notes = self.store.notes
        files, left = (notes.take_files(), notes.left_marks(self.store.manifest)) if first else (None, None)
        if left is not None:
            self._sweeping.unsettled = left.unsettled
        if self.following.adopt(sources, self.store.manifest.sources, left=left, files=files):
            # What was vouched for holds as long as nothing is taken away; these sources may come back.
            self.store.directory.vouch_for_nothing()
            self._sweeping.begin_anew()
        if files is not None:
            self._noting.take_read(files)
        self._sweeping.take_listed(listed)
        self._noting.note()
        self.follow()

    # Following.

    def follow(self) -> None:
        """Take notice of what changed in the data sources; nothing is done behind close(). Raises OSError."""
        if self._closed:  # another process may keep these images
            return
        self.following.follow(self.update, self._survey)
        self._vouch()
        self.store.announce_again()
        self.store.sync_again()

    def _survey(self, found: Generator[Found]) -> None:
        """Have all zones of a source looked at; those that it has no more are found at the end."""
        self._sweeping.begin_anew()
        self.plan.survey(self._missing(found))

    def _unsettled(self) -> Iterator[bytes]:
        """The keys of zones that the directory may not have as their sources have them, though these were followed."""
        yield from self._sweeping.unsettled
        aligning = self._aligning
        yield from chain(self.plan.found(), self._builds.keys, self.failures, self._due)
        yield from chain(aligning.unsure, aligning.stale, aligning.unread)

    def _vouch(self) -> None:
        """Tell auth, if it is so, that a zone without a record is in no source: it may refuse such names by itself."""
        if not self.doubt:
            self.store.directory.vouch(self.following.until, self.following.fingerprint())

    @property
    def doubt(self) -> str:
        """Why there may be zones without a record; empty: there are none."""
        if not self.announced:
            return "the images are not ready"
        if self.following.unasked:
            return f"{', '.join(self.following.unasked)} cannot be asked"
        if not self.following.complete:
            return "the list of zones of a data source could not be read to its end"
        if self.plan.surveying or self._builds.unrecorded or not self._sweeping.done:
            return "zones are being built for the first time"
        if self._aligning.stale:
            return "there is no room for all changes"
        return "a data source that failed was not asked again yet" if self._aligning.unsure else ""

    def _missing(self, survey: Generator[Found]) -> Iterator[Wanted]:
        """Those that are not in the directory as they are. An error closes the survey, which has it taken once more."""
        with closing(survey) as found:
            for one in found:
                wanted = self._aligning.look(one)
                if wanted is not None:
                    yield wanted

    def _known(self, number: int, *, at_once: bool) -> Callable[[bytes, int], bool]:
        """What tells whether the directory has a zone (by key) of a source in a version: as it is when that is asked.

        `at_once`: as it is now. That takes 30 octets a zone, and a third of the time. What has come since is asked
        for in vain, and found to be there.
        """
        if not at_once:
            return lambda key, version: self.store.has(wire_of(key), number, version)
        versions = self.store.versions(number)
        return lambda key, version: versions.number(key) == version

    # One zone.

    def update(self, origin: Name) -> None:
        """Bring a zone in line, or have it built; nothing is done behind close().

        Where there is no room for that it is served as it is, and tried again: those behind it wait for nothing.
        Raises OSError before anything is announced.
        """
        if not self._closed:
            self._aligning.update(origin)

    @property
    def announced(self) -> bool:
        """Whether auth answers from what is there."""
        return self._aligning.announced

    @property
    def changes(self) -> int:
        """How many zones were changed in place so far."""
        return self._aligning.changes

    @property
    def no_room(self) -> int:
        """How often there was none for the record of a zone so far."""
        return self._aligning.no_room

    @property
    def published(self) -> float | None:
        """When a zone last was given a record, in POSIX seconds."""
        return self._aligning.published

    @property
    def unread(self) -> bool:
        """Whether large files are to be read, by another thread, before take() goes on with their zones."""
        return bool(self._aligning.unread)

    # Building.

    @property
    def failures(self) -> dict[bytes, str]:
        """The keys of zones that could not be built, and why."""
        return self._builds.failures

    @property
    def waiting(self) -> int:
        """How many zones wait to be built, those among them whose files are to be read first."""
        return self.plan.waiting + len(self._aligning.unread)

    @property
    def building(self) -> int:
        """How many zones are being built."""
        return self._builds.count

    def waits(self, origin: Name) -> bool:
        """Whether a zone waits to be built, or is being built."""
        return name_key(origin) in self._aligning.unread or self.plan.has(origin) or self._builds.has(origin)

    @property
    def compactions(self) -> int:
        """Rounds of compaction so far."""
        return self._compaction.rounds

    @property
    def busy(self) -> bool:
        """Whether take() has anything to do that should not wait."""
        if not self.plan.is_empty or self.unread or not self.announced:
            return True
        return self.unfinished or not self._sweeping.done

    def take(self) -> Build | None:
        """What to build next; None: nothing now. Announces what can be."""
        if self._closed:
            return None
        self._aligning.take_up()
        self._try_again()
        for _ in range(TRIED_AT_ONCE):
            batch = self.plan.take(AT_ONCE)
            try:
                batch = self._prepare(batch)
                if batch is None:
                    return None
                begun = self._begin(batch)
            except BaseException:
                self._builds.hold(None)
                if batch is not None:
                    self.plan.put_back(batch)
                raise
            if begun is not None:
                return begun
        return None

    def _begin(self, batch: Batch) -> Build | None:
        """Have these zones built; None: there can be no more images."""
        try:
            return self._builds.begin(batch)
        except OSError as error:
            self._refuse(batch, str(error))
            return None

    def _refuse(self, batch: Batch, reason: str) -> None:
        """Have auth answer for zones that nothing can be built for."""
        self._builds.refuse(batch, reason)
        self._aligning.leave_outdated(batch.origins)
        self._builds.unrecorded = False

    def _prepare(self, batch: Batch | None) -> Batch | None:
        """Do what comes before building that; what to build then."""
        self._builds.hold(batch)
        # Once it is the turn of big zones the small ones are done, and the big ones have records that leave them.
        if self._surveyed and (batch is None or batch.big):
            self._sweeping.begin()
            if not self._sweeping.go_on():
                if batch is not None:
                    self.plan.put_back(batch)
                for key in self._builds.end():  # nothing is being built: what was put off is not to wait for that
                    self.update(name_of(key))
                return None
            self._announce()
        if batch is None:
            self._builds.strike(self._margin.number)  # what could not be then: there may be room for the list by now
            self._noting.note_if_due()
            return None if self.plan.gathering else self.plan.take(AT_ONCE)
        return batch

    @property
    def unfinished(self) -> bool:
        """Whether more zones are to be looked at, by take(), than one call does: others have their turn in between."""
        return self.plan.gathering or bool(self._due) or (self._sweeping.under_way and self._surveyed)

    @property
    def _surveyed(self) -> bool:
        """Whether all zones are known of the sources that can be asked."""
        return not self.plan.surveying and self.following.complete

    def answers_for(self, batch: Batch) -> bool:
        """Whether a zone that is built alone is answered from its image, as it was, until then; many need no hurry."""
        there = self.store.find(origin_wire(batch.origins[0]))
        return len(batch.origins) > 1 or (there is not None and there.record.answered)

    def built(self, build: Build) -> None:
        """Publish what was built; nothing is done behind close(). Raises ImageError, OSError."""
        if self._closed:
            return
        try:
            self._publish(build)
        except BaseException:
            self._builds.hold(build.batch)  # they are unsettled until somebody calls failed()
            raise
        self._builds.unrecorded = False
        self._builds.strike(self._margin.number)
        self._noting.note_if_due()  # with very many zones it is long before there is nothing else to do

    def _publish(self, build: Build) -> None:
        again, missing = self._builds.publish(build)
        self._aligning.note_published()
        for key in again:
            self.update(name_of(key))
        # Those that a source has all the same: to build them again at once would fail again.
        lost, gone = list[Name](), list[Name]()
        for origin in missing:
            (lost if self._aligning.is_ready(origin) else gone).append(origin)
        for origin in lost:
            self.failures[name_key(origin)] = self.following.files.fault_of(origin) or CANNOT_BE_HAD
        self._aligning.stale.difference_update(map(name_key, build.batch.origins))
        self._aligning.leave_outdated(lost)
        for origin in gone:
            self.update(origin)

    def failed(self, build: Build, reason: str) -> None:
        """These zones could not be built: auth answers for them, from what is stored, until they can."""
        if self._closed:
            return
        self._builds.give_up(build, reason)
        self._aligning.leave_outdated(build.batch.origins)
        self._builds.unrecorded = False
        self._builds.strike(self._margin.number)  # the room they take is what the next try may want

    def retry(self) -> None:
        """Try again to build what could not be built, and to ask for what a source that failed may have: some of that
        now, the rest by take(), for there may be very many.
        """
        self.store.shortage.forget()
        if not self._due:
            self._due = list(dict.fromkeys([*self.failures, *self._aligning.unsure]))
        self._try_again()
        self._mend()

    def _mend(self) -> None:
        """Have built anew what others cannot map any more, until no zone is in such a slot. Raises OSError."""
        altered = self.store.altered()
        held = {number for number in altered if self.store.zones[number]}
        if held and self.plan.is_empty:
            self.plan.survey(self._each_again(held), again=True, zones=sum(self.store.zones[slot] for slot in held))
        if self._margin.number in altered:
            self._margin.renew()
        self.store.keep_directory()

    def _try_again(self) -> None:
        due = [self._due.pop() for _ in range(min(TRIED_AT_ONCE, len(self._due)))]
        for key in due:
            reason = self.failures.pop(key, None)
            try:
                self.update(name_of(key))
            except BaseException:
                if reason is not None:
                    self.failures[key] = reason
                raise
        if due and not self._due and self._aligning.stale:
            self._aligning.tell_stale()

    def rebuild(self, origin: Name) -> bool:
        """Have a zone built anew, whatever is there; whether there is such a zone."""
        return self._aligning.rebuild(origin)

    def close(self) -> None:
        """Leave everything as it is, for the next process to go on from. Raises OSError.

        What is there can still be asked for, by builds in hand and commands; nothing is changed any more.
        """
        if self._closed:
            return
        self._closed = True
        try:
            if self.following.sources is not None:
                self._noting.note()
        finally:
            self.store.let_go()

    def rebuild_all(self) -> None:
        """Have every zone built anew that is there now."""
        slots = set(self.store.heaps)
        self.plan.survey(self._each_again(slots), again=True, zones=sum(self.store.zones.values()))

    def _each_again(self, slots: set[int]) -> Iterator[Wanted]:
        """The zones in these slots that are still there when it is their turn."""
        for there in self.store.located(slots):
            origin = there.record.name
            if there.record.gone or self._aligning.is_read_first(origin):
                continue
            wanted = self._aligning.wanted(origin)
            if wanted is not None:
                yield wanted

    def _announce(self) -> None:
        if self.announced:
            return
        self._noting.note()
        try:
            self._margin.slot()  # there is room now: zones that are gone or left need it when the disk is full
        except OSError as error:
            self._log.error("MEMMGR_CANNOT_PUBLISH", reason=error)
        self.store.announce()
        self._aligning.announced = True
        self._log.info(
            "MEMMGR_READY",
            zones=sum(self.store.zones.values()),
            slots=len(self.store.manifest.slots),
            octets=self.store.octets(),
        )
        self._builds.strike(self._margin.number)  # a process may have been killed just before it did

    # Compaction, beside all that.

    @property
    def worn(self) -> bool:
        """Whether take_worn() has anything."""
        if self._closed or not self.announced or not self._sweeping.done:
            return False
        return self._compacting.is_due(self._margin.number)

    def take_worn(self) -> Build | None:
        """As take(), for what nobody waits for: more of it can be taken while that is being built."""
        return self._compacting.take(self._margin.number, self._margin.put) if self.worn else None

    def compacted(self, build: Build) -> None:
        """Have answered from what was built what can be; nothing is done behind close(). Raises ImageError, OSError."""
        if self._closed:
            return
        self._compacting.publish(build)
        self._builds.strike(self._margin.number)

    def not_compacted(self, build: Build) -> None:
        """It could not be built."""
        if self._closed:
            return
        try:
            self._compacting.give_up(build)
        except OSError as error:
            self._log.error("MEMMGR_CANNOT_PUBLISH", reason=error)
