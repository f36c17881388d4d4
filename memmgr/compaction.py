"""Compaction: images are built anew, in the background, where their deltas fill, or little of them is still in use.

What is in a slot is answered from until the images that take its place are published, so nothing is urgent here. One
round is one survey in the plan: its zones are built as any others are.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

from image import layout
from image.manifest import Slot
from image.zonerecord import ZoneRecord
from memmgr.plan import Wanted
from memmgr.store import Store

FILLED = 0.75  # of a delta in use, beyond which its image is built anew: what comes meanwhile still fits
USED = 0.5  # of the zones of an image that must still be answered from it
MAX_SMALL_SLOTS = 16  # images of few zones, before they are made one
SMALL_SLOT = 50_000  # records
TRY_AGAIN = 60.0  # s after a round that could not be finished, with its data source gone, say;
TRY_MOST = 3600.0  # doubled after each further one that moved nothing of a slot, up to so many


@dataclass(frozen=True, slots=True)
class Tried:
    """A round of a slot."""

    when: float
    zones: int  # that were answered from it
    wait: float  # s until it is tried again


class Compaction:
    """Knows what is to be compacted. Blocks; for one thread at a time."""

    def __init__(self, store: Store, clock: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._clock = clock
        self._tried: dict[int, Tried] = {}  # slots, and their last round
        self._full: set[int] = set()  # slots whose deltas fill
        self.rounds = 0

    def look(self, slot: int, record: ZoneRecord) -> None:
        """Note it when the delta of a slot fills, or what it has of the chain of the zone that was changed."""
        if self._store.deltas[slot].filling > FILLED or record.patch_entries > FILLED * layout.MAX_PATCH:
            self._full.add(slot)

    def due(self, margin: int | None) -> set[int]:
        """The slots of the next round; none while all is well. The margin is renewed by who writes to it."""
        slots = [
            slot
            for slot in self._store.manifest.slots
            if slot.number != margin and self._in_use(slot) and not self._waits(slot.number)
        ]
        self._full &= self._store.images.keys()
        small = {slot.number for slot in slots if slot.records < SMALL_SLOT}
        worn = {slot.number for slot in slots if self._in_use(slot) < USED * slot.zones}
        full = self._full & {slot.number for slot in slots}
        return full | worn | (small if len(small) > MAX_SMALL_SLOTS else set())

    def begin(
        self, slots: set[int], sources: Mapping[int, str], keep: Callable[[ZoneRecord], None]
    ) -> Iterator[Wanted]:
        """What is to be built in place of these slots; `sources` are the names of data sources by their numbers.

        `keep` takes the records of zones that nothing is answered of, and gives them another place.
        """
        self._full -= slots
        self.rounds += 1
        listed = {slot.number for slot in self._store.manifest.slots}
        self._tried = {slot: when for slot, when in self._tried.items() if slot in listed}
        self._tried |= {slot: self._try(slot) for slot in slots}
        for there in self._store.located(slots):
            record = there.record
            if not record.answered:
                keep(record)
            elif record.source in sources:
                yield Wanted(record.name, sources[record.source], record.records)

    def _waits(self, slot: int) -> bool:
        """Whether it is too early to try a slot again."""
        tried = self._tried.get(slot)
        return tried is not None and self._clock() < tried.when + tried.wait

    def _try(self, slot: int) -> Tried:
        before, zones = self._tried.get(slot), self._store.zones[slot]
        in_vain = before is not None and zones >= before.zones
        wait = min(2 * before.wait, TRY_MOST) if before is not None and in_vain else TRY_AGAIN
        return Tried(self._clock(), zones, wait)

    def _in_use(self, slot: Slot) -> int:
        return self._store.zones[slot.number]
