"""All zones of a directory of zone files at one moment, each with what is wrong with its file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from dns.name import Name

from datasrc.keys import name_key, path
from datasrc.memory import MemorySnapshot
from datasrc.records import ZoneInfo, ZoneState
from datasrc.source import Finder, Snapshot
from datasrc.versions import Stored

Late = Callable[[bytes], Stored | None]
"""The zone of a key that nobody asked for yet, if there is one."""


class MasterFilesSnapshot(Snapshot):
    """All zones of the directory at one moment."""

    def __init__(self, snapshot: MemorySnapshot, faults: Mapping[bytes, str], late: Late | None) -> None:
        """Without `late` all zones are in the snapshot."""
        self._snapshot = snapshot
        self._faults = faults
        self._late = late

    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match."""
        if self._late is not None:
            any(self._is_there(key, self._late) for key in reversed(path(name_key(name))))
        return self._judge(self._snapshot.find_zone(name))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""
        if self._late is not None:
            self._is_there(name_key(origin), self._late)
        return self._judge(self._snapshot.zone(origin))

    def _is_there(self, key: bytes, late: Late) -> bool:
        """Whether there is a zone with this key; if so, it is in the snapshot from now on."""
        zone = self._snapshot.get(key)
        if zone is None:
            zone = late(key)
            if zone is not None:
                self._snapshot.add(key, zone)
        return zone is not None and not zone.deleted

    def _judge(self, finder: Finder | None) -> Finder | None:
        if finder is not None:
            finder.info = judged(finder.info, self._faults)
        return finder


def judged(info: ZoneInfo, faults: Mapping[bytes, str]) -> ZoneInfo:
    """The zone with what is wrong with its file; without a version that was ever good it is BROKEN."""
    fault = faults.get(name_key(info.origin))
    if fault is None:
        return info
    if info.state is ZoneState.EMPTY:
        return replace(info, state=ZoneState.BROKEN, reason=fault)
    return replace(info, reason=f"an older version is served: {fault}")
