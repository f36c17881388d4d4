"""The round of compaction in hand: built beside everything else, since nobody waits for it.

What changes meanwhile is written to what is there, and answered; what was built is brought to that before it takes the
place of it. So a change never waits for a compaction, however long that takes at its low priority.
"""

from __future__ import annotations

from collections.abc import Callable

from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError
from image.zonerecord import ZoneRecord
from memmgr.changing import Changing
from memmgr.compaction import Compaction
from memmgr.following import Following
from memmgr.plan import Build, Plan
from memmgr.store import Located, Store


class Compacting:
    """What it builds, and what becomes of it. Blocks; for one thread at a time."""

    def __init__(
        self, store: Store, compaction: Compaction, following: Following, changing: Changing, log: MessageLog
    ) -> None:
        self._store = store
        self._compaction = compaction
        self._following = following
        self._changing = changing
        self._log = log
        self._plan = Plan()
        self._slots: set[int] = set()  # of this round

    def is_due(self, margin: int | None) -> bool:
        """Whether take() has anything."""
        return not self._plan.is_empty or bool(self._compaction.due(margin))

    def take(self, margin: int | None, keep: Callable[[ZoneRecord], None]) -> Build | None:
        """What to build next; None: nothing now. `keep` as in Compaction.begin().

        Raises OSError.
        """
        batch = self._plan.take()
        if batch is None:
            self._slots = self._compaction.due(margin)
            if not self._slots:
                return None
            self._log.info("MEMMGR_COMPACTING", slots=len(self._slots))
            again = self._compaction.begin(self._slots, self._following.names(), keep)
            self._plan.survey(again, again=True)
            batch = self._plan.take()
        if batch is None:
            return None
        try:
            return Build(batch, *self._store.listed.reserve())
        except OSError:
            self._plan.put_back(batch)
            raise

    def publish(self, build: Build) -> None:
        """Have zones answered from what was built that are as they were, or can be changed in it to what they are.

        Others stay where they are. Raises ImageError, OSError.
        """
        number = build.number
        self._store.enlist(number)
        view = self._store.arena.view
        for offset, place in self._store.images[number].zones():
            record = ZoneRecord.read(view, place)
            there = self._store.find(record.origin)
            if there is None or there.slot not in self._slots or not there.record.answered:
                continue  # gone, left, or built anew elsewhere
            if (there.record.source, there.record.version) == (record.source, record.version):
                self._store.publish([(record.origin, number, offset)])
            elif there.record.source == record.source and there.record.version > record.version:
                self._bring(Located(there.entry, number, offset, record))

    def _bring(self, built: Located) -> None:
        """Change in it what has changed since it was built, which also has it answered."""
        origin = built.record.name
        if self._following.files.is_unread(origin):
            return
        with self._following.held(origin) as (held, sure):
            if held is None or not sure or held.number != built.record.source:
                return
            try:
                self._changing.change(held.finder, built)
            except DataSourceError as error:  # who follows the source will be told the same
                self._log.debug("MEMMGR_REBUILDING", zone=origin, reason=error)

    def give_up(self, build: Build) -> None:
        """It could not be built: the round goes on without, and what is there is answered. Raises OSError."""
        self._store.discard(build.number)
