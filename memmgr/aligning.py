"""Brings one zone in line: what the directory has of it against what the data sources have.

A zone is changed in place, written to the margin, or has to be built. Until it is, auth has what is there, or a record
that leaves the zone to it. Where there is no room for a record what is there is answered on, and the zone tried again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterable

from dns.name import Name

from daemonkit.log import MessageLog
from datasrc.keys import name_key, name_of
from datasrc.records import ZoneInfo, ZoneState
from image import layout
from image.delta import DeltaFull
from image.zonerecord import ZoneRecord, origin_wire
from memmgr.builds import Builds
from memmgr.changing import Changing
from memmgr.compaction import Compaction
from memmgr.following import Following, Found, Held
from memmgr.margin import Margin
from memmgr.plan import Plan, Wanted
from memmgr.store import Located, Store

SMALL_ZONE = 500  # records of a zone that is written to a delta as a whole


class Aligning:
    """Zones, one by one, and which of them could not be brought in line. Blocks; for one thread at a time."""

    def __init__(
        self,
        store: Store,
        following: Following,
        plan: Plan,
        builds: Builds,
        changing: Changing,
        compaction: Compaction,
        log: MessageLog,
        is_listed: Callable[[bytes], bool],
    ) -> None:
        """`plan` takes what is to be built, `compaction` looks at what was changed; `is_listed` says which zones (by
        key) are ours with or without data.
        """
        self.announced = False  # whether auth answers from what is there
        self.margin = Margin(store, self.rebuild)
        self.changes = 0  # zones changed in place
        self.no_room = 0  # times there was none for the record of a zone
        self.published: float | None = None  # POSIX seconds when a zone last was given a record
        # Keys of zones
        self.unsure: set[bytes] = set()  # that no source has of those that could be asked,
        self.stale: set[bytes] = set()  # for whose records there was no room; all of them failures, too,
        self.unread: set[bytes] = set()  # whose files are large, and are to be read before anything is done.
        self._lacking: OSError | None = None  # why there was no room, last
        self._store = store
        self._following = following
        self._plan = plan
        self._builds = builds
        self._changing = changing
        self._compaction = compaction
        self._log = log
        self._is_listed = is_listed

    # What changed, or may have.

    def update(self, origin: Name) -> None:
        """Bring a zone in line, or have it built.

        Where there is no room for that it is served as it is, and tried again: those behind it wait for nothing.
        Raises OSError before anything is announced.
        """
        if self._builds.put_off(origin):
            return
        first = not self.stale
        try:
            self._update(origin)
        except OSError as error:
            if not self.announced:
                raise
            self._builds.failures[name_key(origin)] = str(error)
            self._serve_on([origin], error, tell=first)

    def look(self, one: Found) -> Wanted | None:
        """Bring in line a zone that a survey came by; what is to be built of it, if anything."""
        origin = one.info.origin
        there = self._store.find(origin_wire(origin))
        if self._following.files.is_unread(origin):
            self._defer(origin, there)
            return None
        if self._is_as(there, one.number, one.info):
            return None
        wanted = Wanted(origin, one.source, one.info.records)
        if wanted.big and there is not None and self._change(one, there):
            return None
        if wanted.big or there is not None:
            self.leave(origin)  # else what is there would be answered before it is built
        return wanted

    def take_up(self) -> None:
        """Bring in line zones whose large files have been read meanwhile. Raises OSError as update() does."""
        for key in [key for key in self.unread if not self._following.files.has_unread(key)]:
            self.unread.discard(key)
            try:
                self.update(name_of(key))
            except BaseException:  # nobody else tells of it again
                self.unread.add(key)
                raise

    def rebuild(self, origin: Name) -> bool:
        """Have a zone built anew, whatever is there; whether there is such a zone."""
        if self.is_read_first(origin):
            return True
        wanted = self.wanted(origin)
        if wanted is None:
            return False
        self._plan.add(wanted)
        return True

    def is_read_first(self, origin: Name) -> bool:
        """Whether the zone has a large file that is yet to be read: then it is taken up when that was done."""
        if not self._following.files.is_unread(origin):
            return False
        self.unread.add(name_key(origin))
        return True

    def wanted(self, origin: Name) -> Wanted | None:
        """To build a zone as its source has it; None: no source has it."""
        with self._following.held(origin) as (held, _):
            return None if held is None else Wanted(held.info.origin, held.source, held.info.records)

    # What could not be built.

    def leave(self, origin: Name) -> None:
        """Have the zone answered by auth itself. Raises OSError."""
        self.margin.put(ZoneRecord(origin_wire(origin), layout.ZONE_LEFT))

    def leave_outdated(self, origins: Iterable[Name]) -> None:
        """Have zones that could not be built answered by auth, unless what is there is what the source has."""
        rest = iter(origins)
        for origin in rest:
            try:
                if not self._is_good(origin):
                    self.leave(origin)
            except OSError as error:  # no room for that either, nor for those behind it
                self._serve_on([origin, *rest], error, tell=not self.stale)

    def is_ready(self, origin: Name) -> bool:
        """Whether a source has the zone, and with data."""
        with self._following.held(origin) as (held, _):
            return held is not None and held.info.state is ZoneState.READY

    def tell_stale(self) -> None:
        """Say for how many zones there was no room."""
        self._log.error("MEMMGR_STALE", zones=len(self.stale), zone=name_of(min(self.stale)), reason=self._lacking)

    def note_published(self) -> None:
        """A zone was given a record now."""
        self.published = time.time()

    # One zone.

    def _update(self, origin: Name) -> None:
        key = name_key(origin)
        self.unsure.discard(key)
        self.stale.discard(key)
        there = self._store.find(origin_wire(origin))
        if self._following.files.is_unread(origin):
            self._defer(origin, there)
            return
        with self._following.held(origin) as (held, sure):
            if held is not None and (sure or (there is not None and there.record.source == held.number)):
                self._bring(held, there)
                return
        self._plan.remove(origin)
        if sure:
            self._remove(origin, there)
        else:
            self.unsure.add(key)
            if held is not None and (there is None or there.record.gone):
                self.leave(origin)  # a source before that one may have it, and cannot be asked

    def _defer(self, origin: Name, there: Located | None) -> None:
        """Take the zone up when its file has been read; auth has what is there until then."""
        self.unread.add(name_key(origin))
        if there is None or there.record.gone:
            self.leave(origin)

    def _bring(self, held: Held, there: Located | None) -> None:
        """Give a zone that a source has what it has there."""
        origin, info = held.info.origin, held.info
        if self._is_as(there, held.number, info) or self._write(held, there):
            self._plan.remove(origin)
            return
        if there is None or there.record.gone or not self.announced:
            self.leave(origin)
        self._plan.add(Wanted(origin, held.source, info.records))

    def _change(self, one: Found, there: Located) -> bool:
        """Bring a big zone in line in place; whether that could be done: to build it takes its time."""
        with self._following.held(one.info.origin) as (held, _):
            return held is not None and held.number == one.number and self._write(held, there)

    def _write(self, held: Held, there: Located | None) -> bool:
        """Write to a delta what changed, or a small zone as a whole; False: it must be built."""
        if there is not None and there.record.answered and there.record.source == held.number:
            record = self._changing.change(held.finder, there)
            if record is not None:
                self._note_change()
                self._compaction.look(there.slot, record)
                return True
        return self.announced and self._write_small(held)

    def _write_small(self, held: Held) -> bool:
        """Write a small zone as a whole to the delta of the margin; False: it must be built."""
        if held.info.records > SMALL_ZONE or held.info.state is not ZoneState.READY:
            return False
        slot = self.margin.slot()
        blank = ZoneRecord(origin_wire(held.info.origin), number=self.margin.zone_number(), source=held.number)
        try:
            written = self._changing.write(held.finder, blank, slot)
        except DeltaFull:
            self.margin.renew()
            return False
        if written:
            self._note_change()
        return written

    def _note_change(self) -> None:
        self.changes += 1
        self.note_published()

    def _remove(self, origin: Name, there: Located | None) -> None:
        if self._is_listed(name_key(origin)):
            if there is None or there.record.source or not there.record.flags & layout.ZONE_LEFT:
                self.leave(origin)
        elif there is not None and not there.record.gone:
            self.margin.put(ZoneRecord(origin_wire(origin), layout.ZONE_GONE))

    def _serve_on(self, origins: Collection[Name], reason: OSError, *, tell: bool) -> None:
        """There is no room for the records of these zones: what is there is answered until they are tried again."""
        self.no_room += len(origins)
        self.stale.update(map(name_key, origins))
        self._lacking = reason
        if tell:
            self.tell_stale()

    # What is there.

    def _is_as(self, there: Located | None, number: int, info: ZoneInfo) -> bool:
        """Whether what is there is what the source has; of a file the last good version that any process read."""
        if there is None or there.record.source != number or there.record.gone:
            return False
        if there.record.version == info.version:
            return True
        if not there.record.answered or not self._following.files.is_source(number):
            return False
        if info.state is ZoneState.READY:  # a process that was killed did not tell that it had read a later version
            return info.version < there.record.version
        return self._following.files.is_bad(number, info.origin)

    def _is_good(self, origin: Name) -> bool:
        """Whether what is there is what the source has, or that cannot be asked."""
        there = self._store.find(origin_wire(origin))
        if there is None or not there.record.answered:
            return False
        with self._following.held(origin) as (held, sure):
            if held is None or (not sure and there.record.source != held.number):
                return not sure
            bad = there.record.source == held.number and self._following.files.is_bad(held.number, origin)
            return bad or self._is_as(there, held.number, held.info)
