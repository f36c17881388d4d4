"""The zones of a directory of zone files: all, or, of very many, those that were asked for and the names of others.

Where a thread looks for changes it does so by look(); who asks questions comes by asked() and has zones made of names.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from functools import partial
from itertools import chain, islice
from pathlib import Path

from datasrc.filememory import FileMemory, PackedFiles
from datasrc.files_snapshot import Late
from datasrc.filezones import FileZone, ZoneFile
from datasrc.keptzones import Kept
from datasrc.memory import MemorySource
from datasrc.versions import Stored
from datasrc.zonedirectory import ZoneDirectory, name_of
from datasrc.zonefiles import Names
from datasrc.zonetaking import PROVENANCE, ZoneTaking, first_number

MOST_ZONES = 40_000  # that were asked for, of very many; more than memmgr has in hand for an image


class DirectoryZones:
    """All zones of one directory. May be shared between threads."""

    def __init__(self, directory: Path, database: str, kept: Kept) -> None:
        """Looks which files there are; `kept` has what was read.

        Raises Missing or StorageError where the directory cannot be read.
        """
        self.zones = MemorySource(name=database)  # all, or those that were asked for
        self.kept = kept
        self.faults: dict[bytes, str] = {}  # by zone
        self.strays: tuple[str, ...] = ()  # what does not concern one zone
        self.names: Names | None = None  # all that is known of files whose zones nobody asked for; None: it is more
        self.looked = time.monotonic()  # when the last look began
        self.closing = threading.Event()  # what takes long ends early
        self._directory = ZoneDirectory(directory, database)
        self._lock = threading.Lock()  # held by whoever looks at the directory
        self._told = FileMemory()  # what files of such zones were when they were read, before this process perhaps
        self._most = MOST_ZONES
        self._taking = ZoneTaking(self.zones, kept, self.faults, self.closing)
        with self._lock:
            self.names = self._directory.names()
            if self.names is None:
                self._begin_with_all()
            else:
                self.faults.update(self.names.faults)
                self.strays = tuple(self.names.strays)

    def late(self) -> Late | None:
        """Who has the zones that nobody asked for yet; None where all are there."""
        names = self.names
        return None if names is None else partial(self.asked, names)

    def get(self, key: bytes) -> FileZone | None:
        """A zone that is there, perhaps deleted, if it was asked for."""
        return self._taking.get(key)

    def remembered(self) -> PackedFiles:
        """What was read in the files: for recall() of the next process."""
        found = FileMemory() if self.names is None else self._told
        for _, zone in self.zones.stored():
            assert isinstance(zone, FileZone)
            if zone.file is None:
                continue
            name, told = name_of(zone.file), zone.remembered()
            if told is not None:
                found.put(name, told)
            else:
                found.discard(name)
        return found.packed()

    def recall(self, packed: PackedFiles) -> None:
        """Go on from what a process before this one read. Only files that look like other ones by now are read."""
        with self._lock:
            remembered = FileMemory(packed)
            if self.names is not None:
                _forget_others(remembered, self.names)
            if self.names is not None and not self._told:
                self._told = remembered
            replacements = []
            for key, zone in self.zones.stored():
                assert isinstance(zone, FileZone)
                if zone.file is not None and not zone.was_read:
                    told = remembered.get(name_of(zone.file))
                    if told is not None and not zone.recall(told):
                        replacements += self._taking.again(key, zone, zone.file, all_files=False)
            self.zones.publish_all(replacements, PROVENANCE)

    def unlike_told(self, names: Names, known: Callable[[bytes, int], bool]) -> Iterator[tuple[bytes, Stored]]:
        """Zones but those that are known, and whose files nobody asked for and are as they were told."""
        for keys, part in names.parts():
            asked = len(self.zones) > 0
            for key, version in zip(keys, self._directory.versions(self._told, part), strict=True):
                zone = self.zones.get(key) if asked else None
                if zone is None and version and key not in self.faults and known(key, version):
                    continue
                zone = zone or self.asked(names, key)
                if zone is not None and not zone.deleted:
                    yield key, zone

    def read_large(self, most: int | None = None) -> int:
        """Read large files that were not read yet, so many at most (ZoneTaking.read_large)."""
        return self._taking.read_large(most)

    def look_at_all(self) -> None:
        """Look at every file, if only the names of some are known."""
        if self.names is not None:
            self.look(all_files=False, all_zones=True)

    def asked(self, names: Names, key: bytes) -> Stored | None:
        """The zone of a key that nobody asked for yet, if there is one."""
        file = self._directory.file_of(names, key)
        if file is None:
            if key in names.faults:
                return self.zones.add(key, self._taking.blank(key, first_number()))
            return self._missed(key) if names.has_zone(key) else None  # not to stay: the next look knows better
        new, is_as_told = self._recalled(key, file, first_number())
        zone = self.zones.add(key, new)
        if zone is not new or is_as_told:
            if len(self.zones) > self._most and self._lock.acquire(blocking=False):
                try:
                    self._make_room()
                finally:
                    self._lock.release()
            return zone
        with self._lock:
            if self.zones.get(key) is new:
                self.zones.publish_all(self._taking.again(key, new, file, all_files=False), PROVENANCE)
        return self.zones.get(key)

    def look(self, *, all_files: bool, all_zones: bool = False) -> None:
        """Read those of the files that were asked for which changed; the zones of files that are gone are deleted."""
        with self._lock:
            begun = time.monotonic()
            if self.names is None or all_zones:
                self._take_all(begun, all_files=all_files)
            else:
                names = self._directory.all_names()
                gone = self._directory.gone(self.names.lost(names), begun, at_once=all_files)
                names.keep(self.names, gone)
                if self._directory.are_many(names):
                    self._take_asked(names, all_files=all_files)
                else:
                    self._take_all(begun, all_files=all_files, gone=gone)
            self.looked = begun

    def _begin_with_all(self) -> None:
        found, number = self._directory.files(), first_number()
        self.zones.adopt({key: self._taking.new(key, file, number) for key, file in found.files.items()})
        self._taking.make_empty(found.faults.keys() - found.files.keys(), number)
        self.faults.update(found.faults)
        self.strays = tuple(found.strays)

    def _take_asked(self, names: Names, *, all_files: bool) -> None:
        """Look at the files of zones that were asked for, and at which names there are."""
        before = self.names
        assert before is not None
        away = list(before.beyond(names))
        gone = self._add_blank(
            chain(
                (key for key, _ in away if not names.has_zone(key)),
                (key for key in before.faults if not names.has_zone(key)),
            )
        )
        unknown = self._add_renamed(names, away)
        self._judge_twice(before.faults, names.faults)
        for key, name in names.items() if self._told else ():
            told = self._told.get(name)
            if told is not None and self.zones.get(key) is None and not self._directory.is_as(told, name):
                file = self._directory.file_of(names, key)
                if file is not None:
                    self.zones.add(key, self._recalled(key, file, first_number())[0])
        new = sorted([*unknown, *(key for key, _ in names.beyond(before) if before.file_of(key) is None)])
        files = self._directory.files_of(names, [*self.zones.each_key(), *new])
        if self._taking.take(files, gone, all_files=all_files):
            self._taking.make_empty([key for key in names.faults if not before.has_zone(key)], first_number())
            self.faults.update(names.faults)
            self.names, self.strays = names.without(set(new) - self.zones.held(new)), tuple(names.strays)
            self._make_room()

    def _judge_twice(self, before: Collection[bytes], now: Collection[bytes]) -> None:
        """Have zones with several files, which they had or had not before, read again when they have one alone."""
        for key in before:
            if key not in now:
                self.faults.pop(key, None)
        for key in now:
            if (known := self.get(key)) is not None:
                known.seen = None  # whichever of them stays is read again

    def _add_renamed(self, names: Names, away: Iterable[tuple[bytes, str]]) -> list[bytes]:
        """Have zones nobody asked for, whose files have other names now, as they were; which nothing is known of.

        `away` are the names that are not there any more, and nothing is known by from now on.
        """
        unknown: list[bytes] = []
        for key, name in away:
            if names.file_of(key) is not None and self.zones.get(key) is None:
                file = self._directory.file_of(names, key)
                if file is not None and name in self._told:
                    self.zones.add(key, self._recalled(key, file, first_number(), name)[0])
                elif file is not None:
                    unknown.append(key)
            self._told.discard(name)
        return unknown

    def _take_all(self, begun: float, *, all_files: bool, gone: set[bytes] | None = None) -> None:
        """Look at all files. `gone` are the zones that are, where that is known."""
        files, twice, strays = self._directory.files()
        self._judge_twice((), twice)
        if self.names is not None:
            self._add_rest(self.names, files)
        missed = set(self.zones.each_key()) - files.keys() - twice.keys()
        gone = self._directory.gone(missed, begun, at_once=all_files) if gone is None else missed & gone
        if self._taking.take(files, gone, all_files=all_files):
            self._taking.make_empty(twice.keys() - set(self.zones.each_key()), first_number())
            self.faults.update(twice)
            self.strays = tuple(strays)

    def _add_rest(self, names: Names, files: Mapping[bytes, ZoneFile]) -> None:
        """Have all zones that were known by name."""
        number = first_number()
        for key in names.keys():  # noqa: SIM118 - it is no dictionary
            if key not in files and self.zones.get(key) is None:
                self.zones.add(key, self._taking.blank(key, number) if key in names.faults else self._missed(key))
        self.zones.adopt(
            {
                key: self._recalled(key, file, number, name)[0]
                for key, file in files.items()
                if (name := names.file_of(key)) is not None and self.zones.get(key) is None
            }
        )
        self.names, self._told = None, FileMemory()

    def _add_blank(self, keys: Iterable[bytes]) -> set[bytes]:
        """Have zones that were known by name and are gone, so that this can be told; which of them are there."""
        number = first_number()
        added = {key: self.zones.add(key, self._taking.blank(key, number)) for key in keys}
        return {key for key, zone in added.items() if not zone.deleted}

    def _make_room(self) -> None:
        """Of very many zones that were asked for know the names alone again, and what was read of them: of those first
        that were asked for longest ago. By who holds the lock.
        """
        if self.names is None or len(self.zones) <= self._most:
            return
        oldest = islice(self.zones.oldest(), len(self.zones) - max(1, MOST_ZONES * 3 // 4))
        zones = ((key, _file_zone(one)) for key, one in oldest if key not in self.faults)
        chosen = {key: zone for key, zone in zones if zone.is_replaceable}
        for zone in chosen.values():
            if zone.file is not None and (told := zone.remembered()) is not None:
                self._told.put(name_of(zone.file), told)
            zone.let_go()
        self._taking.forget(chosen.keys())
        self._most = max(MOST_ZONES, len(self.zones) * 4 // 3)  # what must stay is not to be gone through each time

    def _recalled(self, key: bytes, file: ZoneFile, number: int, before: str = "") -> tuple[FileZone, bool]:
        """A zone nobody asked for, as it was before this process; and whether its file is still what it was then.

        `before` is the name that the file had, where that may be another one.
        """
        zone = self._taking.new(key, file, number)
        told = self._told.get(name_of(file)) or self._told.get(before)
        return zone, told is None or zone.recall(told)

    def _missed(self, key: bytes) -> FileZone:
        """A zone whose file is not there at the moment."""
        zone = self._taking.blank(key, first_number())
        zone.miss(f"{self._directory.path}: the file of the zone is not there at the moment")
        return zone


def _forget_others(told: FileMemory, names: Names) -> None:
    """Have nothing remembered of files that there are no more, or not alone."""
    if names.faults or sum(map(told.count, names.texts())) < len(told):
        for name in [name for name in told if not names.has(name)]:
            told.discard(name)


def _file_zone(zone: Stored) -> FileZone:
    assert isinstance(zone, FileZone)
    return zone
