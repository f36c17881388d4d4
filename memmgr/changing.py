"""Writing what changed to deltas: the names that a change touches, or a small zone as a whole."""

from __future__ import annotations

from daemonkit.log import MessageLog
from datasrc.errors import DataSourceError, ZoneError
from datasrc.records import ZoneState
from datasrc.source import Finder
from image.delta import DeltaFull
from image.errors import NotExpressible
from image.overlay import Place
from image.patch import Patch, Tools
from image.zonerecord import ZoneRecord
from memmgr.store import Located, Store

MAX_SETS = 4000  # that are changed in place at once; of more the zone is built anew


class Changing:
    """Changes zones in place. Blocks; for one thread at a time."""

    def __init__(self, store: Store, log: MessageLog) -> None:
        self._store = store
        self._log = log
        self._tools = Tools(store.manifest.seed)

    def change(self, finder: Finder, there: Located) -> ZoneRecord | None:
        """Bring a zone that is there to what its source has, and publish it; None: it must be built anew."""
        before = there.record
        delta = self._store.deltas[there.slot]
        try:
            if finder.info.state is not ZoneState.READY or finder.info.version <= before.version:
                return None
            touched = finder.touched(before.version, MAX_SETS)
            if touched is None:
                return None
            place = Place(self._store.arena, self._store.images[there.slot], delta, before)
            record = Patch(place, finder, self._tools).change(touched)
            offset = self._store.put_record(there.slot, record)
        except (NotExpressible, DeltaFull) as error:
            self._log.debug("MEMMGR_REBUILDING", zone=finder.info.origin, reason=error)
            return None
        except DataSourceError as error:
            if isinstance(error, ZoneError):
                return None
            raise
        self._store.publish([(record.origin, there.slot, offset)])
        return record

    def write(self, finder: Finder, blank: ZoneRecord, slot: int) -> bool:
        """Write a whole zone to the delta of a slot, and publish it; `blank` has what its record begins with.

        False: it must be built. Raises DeltaFull, DataSourceError, OSError where the directory has no room for it.
        """
        if finder.info.state is not ZoneState.READY:
            return False
        self._store.make_room([blank.origin])  # before anything is written: each further try would take more
        delta = self._store.deltas[slot]
        place = Place(self._store.arena, self._store.images[slot], delta, blank)
        try:
            record = Patch(place, finder, self._tools).write_all()
        except NotExpressible:
            return False
        self._store.publish([(record.origin, slot, self._store.put_record(slot, record))])
        return True
