"""The margin: an image without zones, whose delta takes what is written after the images.

Zones that are left to auth or are gone have their records there, and small zones that are new all they have: nothing
has to be built or mapped for them.
"""

from __future__ import annotations

import errno
from collections.abc import Callable

from dns.name import Name

from image import builder, layout
from image.delta import DeltaFull
from image.errors import ImageError
from image.zonerecord import ZoneRecord
from memmgr.store import Store

ROOM = 2  # times what is moved to a new margin: moving costs a zone no more, however many there are


class Margin:
    """The slot, which is another when its delta is full. Blocks; for one thread at a time."""

    def __init__(self, store: Store, rebuild: Callable[[Name], object]) -> None:
        """`rebuild` has a zone built that is answered from a margin that was given up."""
        self._store = store
        self._rebuild = rebuild
        self._number: int | None = None

    @property
    def number(self) -> int | None:
        """Of the slot, if there is one: that of a process before this one, too."""
        if self._number in self._store.deltas:
            return self._number
        empty = [slot.number for slot in self._store.manifest.slots if slot.zones == 0]
        return empty[-1] if empty else None

    def slot(self) -> int:
        """The slot; made where there is none. Raises OSError."""
        number = self.number
        self._number = self._make() if number is None else number
        return self._number

    def zone_number(self) -> int:
        """For a zone that is written next: no two have begun at the same place."""
        return layout.IN_DELTA | self._store.deltas[self.slot()].used // layout.ZONE_UNIT

    def put(self, record: ZoneRecord) -> None:
        """Give a zone this record. Raises OSError: where the directory has no room, before any is taken here."""
        slot = self.slot()
        self._store.make_room([record.origin])
        try:
            offset = self._store.put_record(slot, record)
        except DeltaFull:
            slot = self.renew()
            offset = self._store.put_record(slot, record)
        self._store.publish([(record.origin, slot, offset)])

    def renew(self) -> int:
        """Begin another, for this one is full: zones that are answered from it are built. Raises OSError."""
        full = self._number
        found = list(self._store.located({full})) if full is not None else []
        moved = sum(len(there.record.pack()) + layout.ZONE_UNIT for there in found if not there.record.answered)
        self._number = self._make(ROOM * moved)
        for there in found:
            if there.record.answered:
                self._rebuild(there.record.name)
            else:
                offset = self._store.put_record(self._number, there.record)
                self._store.publish([(there.record.origin, self._number, offset)])
        return self._number

    def _make(self, heap: int = 0) -> int:
        """Another slot. Raises OSError: a disk that does not give back what was written has no room for it either."""
        with self._store.shortage.asking():
            number, path = self._store.listed.reserve()
            try:
                builder.build([], path, self._store.manifest.seed)
                self._store.enlist(number, heap)
            except BaseException as error:
                self._store.discard(number)
                if isinstance(error, ImageError):
                    raise OSError(errno.EIO, str(error)) from error
                raise
            return number
