"""What is being built, and what becomes of it: published zone by zone, or its zones tried again later.

Zones are told apart by their keys (datasrc.keys), here and wherever there may be many: dnspython's hash of a name has
no secret, and whoever chooses the names of zones can have them meet (tests/kit/meeting.py).
"""

from __future__ import annotations

from dns.name import Name

from daemonkit.log import MessageLog
from datasrc.keys import name_key
from image.zonerecord import ZoneRecord, origin_wire
from memmgr.plan import Batch, Build
from memmgr.store import Located, Store

LAST_SLOTS = 16  # for the margin, and for compaction, which makes others free


class Builds:
    """The build in hand. Blocks; for one thread at a time."""

    def __init__(self, store: Store, log: MessageLog) -> None:
        self.failures: dict[bytes, str] = {}  # keys of zones that could not be built, and why
        self.unrecorded = False  # whether zones that are being built have no records yet
        self._store = store
        self._log = log
        self.keys: frozenset[bytes] = frozenset()  # of the zones that are being built,
        self._again: set[bytes] = set()  # and of those that changed meanwhile

    def put_off(self, origin: Name) -> bool:
        """Whether a zone that changed is being built, and will be looked at when that is done."""
        key = name_key(origin)
        if key not in self.keys:
            return False
        self._again.add(key)
        return True

    @property
    def count(self) -> int:
        """How many zones are being built."""
        return len(self.keys)

    def has(self, origin: Name) -> bool:
        """Whether a zone is being built."""
        return name_key(origin) in self.keys

    def hold(self, batch: Batch | None) -> None:
        """These zones are about to be built: put off what changes of them."""
        self.keys = frozenset(map(name_key, batch.origins if batch else ()))

    def begin(self, batch: Batch) -> Build:
        """Have an image of these zones built. Raises OSError where there is no slot for it."""
        self.hold(batch)
        self.unrecorded = not all(map(self._has_record, batch.origins))
        return Build(batch, *self._store.listed.reserve(LAST_SLOTS))

    def end(self) -> set[bytes]:
        """Nothing is being built any more; the keys of the zones that changed meanwhile."""
        again, self._again, self.keys = self._again, set(), frozenset()
        return again

    def publish(self, build: Build) -> tuple[set[bytes], list[Name]]:
        """Have what was built answered; the keys of zones that are to be looked at now, and which others are not in the
        image: they have gone, or could not be had. Raises ImageError, OSError.
        """
        batch, number = build.batch, build.number
        try:
            self._store.enlist(number)
            image = self._store.images[number]
            found = [(ZoneRecord.read(self._store.arena.view, place), offset) for offset, place in image.zones()]
            self._store.publish(
                [(record.origin, number, offset) for record, offset in found],
                lambda there, at: self._is_overtaken(found[at][0], there),
            )
            for origin in batch.origins:
                self.failures.pop(name_key(origin), None)
        finally:
            again = self.end()
        there = {record.origin for record, _ in found}
        missing = [origin for origin in batch.origins if origin_wire(origin) not in there]
        return again, [origin for origin in missing if name_key(origin) not in again]

    def give_up(self, build: Build, reason: str) -> None:
        """It could not be built: let nothing of it take room."""
        self.end()
        try:
            self._store.discard(build.number)
        except OSError as error:
            self._log.error("MEMMGR_CANNOT_PUBLISH", reason=error)
        self.failures |= dict.fromkeys(map(name_key, build.batch.origins), reason)

    def refuse(self, batch: Batch, reason: str) -> None:
        """It cannot even begin."""
        self.end()
        first, *_ = batch.origins
        self._log.error("MEMMGR_BUILD_FAILED", zones=len(batch.origins), zone=first, reason=reason)
        self.failures |= dict.fromkeys(map(name_key, batch.origins), reason)

    def strike(self, margin: int | None) -> None:
        """Give up images that nobody points to, but for the margin; where that fails it is logged, and tried again."""
        slots = self._store.manifest.slots
        empty = {slot.number for slot in slots if self._store.zones[slot.number] == 0 and slot.number != margin}
        if not empty:
            return
        try:
            self._store.strike(empty)
        except OSError as error:
            self._log.error("MEMMGR_CANNOT_PUBLISH", reason=error)

    def _has_record(self, origin: Name) -> bool:
        there = self._store.find(origin_wire(origin))
        return there is not None and not there.record.gone

    def _is_overtaken(self, record: ZoneRecord, found: Located) -> bool:
        """Whether the zone was deleted, or has come to a later version, while it was being built."""
        there = found.record
        if there.gone:
            return name_key(record.name) in self._again
        return there.answered and there.source == record.source and there.version > record.version
