"""Taking zone files as they are now: those that changed are read, and the zones of those that are gone deleted.

Which files there are is somebody else's (datasrc.directoryzones).
"""

from __future__ import annotations

import threading
import time
from collections.abc import Collection, Iterable, Mapping
from itertools import chain
from pathlib import Path

from datasrc.filezones import FileZone, Unreadable, ZoneFile, read_file
from datasrc.keptzones import Kept
from datasrc.memory import MemorySource
from datasrc.packed_finder import differences
from datasrc.records import Provenance, ZoneState
from datasrc.signatures import LookedAt, look_again, written_at
from datasrc.versions import Replacement
from datasrc.zonedirectory import is_settled

PROVENANCE = Provenance("", "master-files")


class ZoneTaking:
    """Takes files as they are now. By one at a time, but for get(), read_large(), new(), blank() and forget()."""

    def __init__(self, zones: MemorySource, kept: Kept, faults: dict[bytes, str], closing: threading.Event) -> None:
        """`faults` is told which files cannot be used, by zone; with `closing` what takes long ends early."""
        self._zones = zones
        self._kept = kept
        self._faults = faults
        self._closing = closing
        self._judging = threading.Lock()  # held while zones are forgotten, or one is said to be bad
        self._large: set[bytes] = set()  # keys of zones that have, or had, large files

    def get(self, key: bytes) -> FileZone | None:
        """A zone that is there, perhaps deleted, if it was asked for."""
        zone = self._zones.get(key)
        return zone if isinstance(zone, FileZone) else None

    def read_large(self, most: int | None = None) -> int:
        """Read large files that were not read yet, so many at most; how many that were. For a thread that has the time.

        No more are read than there is room for, until somebody asks for what was read.
        """
        read = 0
        for key in list(self._large):
            if read == most or not self._kept.has_room:
                break
            zone = self.get(key)
            if zone is not None and zone.is_unread and not self._closing.is_set():
                zone.info()
                read += 1
        return read

    def take(self, files: Mapping[bytes, ZoneFile], gone: Collection[bytes], *, all_files: bool) -> bool:
        """Take files as they are now, and have zones gone; whether that came to its end.

        New ones that may be half written wait for another look, unless `all_files`: somebody says that they are not.
        """
        replacements = [self._without(key) for key in gone]
        number = first_number()
        for key, file in self._large_last(files):
            known = self._zones.get(key)
            if replacements and key in self._large:  # the small ones do not wait for it
                self._zones.publish_all(replacements, PROVENANCE)
                replacements = []
            if known is None or known.deleted:
                if not (all_files or is_settled(file.changed)):
                    continue
                self._faults.pop(key, None)
                next_number = number if known is None else max(number, known.number + 1)
                replacements.append(Replacement(known, self.new(key, file, next_number), []))
            elif isinstance(known, FileZone):
                replacements += self.again(key, known, file, all_files=all_files)
            if self._closing.is_set():
                return False
        self._zones.publish_all(replacements, PROVENANCE)
        for key in gone:
            self._faults.pop(key, None)
        return True

    def _large_last(self, files: Mapping[bytes, ZoneFile]) -> Iterable[tuple[bytes, ZoneFile]]:
        large = self._large & files.keys() if self._large else set()
        if not large:
            return files.items()
        small = ((key, file) for key, file in files.items() if key not in large)
        return chain(small, ((key, files[key]) for key in large))

    def again(self, key: bytes, known: FileZone, file: ZoneFile, *, all_files: bool) -> list[Replacement]:
        """Look at a file again: the version in place of the one before, if there is another good one."""
        known.file = file
        if not known.was_read:
            if known.is_unread:  # it has grown since it was listed
                self._large.add(key)
            return []
        included = look_again(known.included)
        changed = known.seen != file.signature or known.included != included
        if not (changed and _are_settled(file, included)) and not (
            all_files and (changed or known.may_differ or key in self._faults)
        ):
            return []
        known.seen, known.included = file.signature, included
        number = known.number + 1
        if known.packed is None:  # nothing to compare with: perhaps another process gave that number to other data
            number = max(number, first_number())
        try:
            read = read_file(Path(file.path), known.origin, number)
        except Unreadable as error:
            self._faults[key] = str(error)
            known.fail(error, file.signature)
            return []
        before = known.packed
        found = differences(before, read.packed) if before is not None else None
        if found == [] and known.info().state is ZoneState.READY:
            known.confirm(read)
            self._faults.pop(key, None)
            return []
        new = self.new(key, file, number)
        new.take(read)
        self._faults.pop(key, None)
        return [Replacement(known, new, found)]

    def _without(self, key: bytes) -> Replacement:
        known = self.get(key)
        assert known is not None
        return Replacement(known, known.removed(), [])

    def new(self, key: bytes, file: ZoneFile, number: int) -> FileZone:
        """A zone whose file is not read yet."""
        zone = FileZone(key, number, file, self._kept, self._failed)
        if zone.is_large:
            self._large.add(key)
        return zone

    def blank(self, key: bytes, number: int) -> FileZone:
        """A zone without a file."""
        return FileZone(key, number, None, self._kept, self._failed)

    def _failed(self, zone: FileZone, reason: str) -> None:
        with self._judging:
            if self._zones.get(zone.key) is zone:  # else another one reads the file, and tells
                self._faults[zone.key] = reason

    def make_empty(self, keys: Collection[bytes], number: int) -> None:
        """Have zones that are there to be BROKEN."""
        for key in keys:
            self._zones.publish(self._zones.get(key), self.blank(key, number), [], PROVENANCE)

    def forget(self, keys: Collection[bytes]) -> None:
        """Have these zones no more, as if nobody had asked for them."""
        with self._judging:
            self._zones.forget(keys)
            for key in keys:
                self._faults.pop(key, None)


def _are_settled(file: ZoneFile, included: LookedAt) -> bool:
    """Whether nobody is writing to a file or what it includes, as far as their times tell."""
    times = (written_at(signature) for _, signature in included if signature is not None)
    return is_settled(file.changed) and all(map(is_settled, times))


def first_number() -> int:
    """The version of a zone that is read first: none that a process before this one gave may come again."""
    return time.time_ns() // 1_000_000
