"""What is known of zone files: what processes before this one read in them, and what this one finds.

A source that cannot be used yet keeps what a process before read: what its images are made of is known by nobody else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

from dns.name import Name

from datasrc.filememory import PackedFiles
from datasrc.keys import name_key
from datasrc.masterfiles import MasterFilesSource

Usable = Callable[[], Iterator[tuple[str, int, MasterFilesSource]]]
"""The data sources of zone files that can be used now: their names and numbers."""


class FileRecall:
    """Of all data sources, by their numbers in records of zones. For one thread at a time; lookups for any."""

    def __init__(self, usable: Usable) -> None:
        self._usable = usable
        self._left: dict[int, PackedFiles] = {}  # what a process before read of those that could not be used yet,
        self._read: dict[int, MasterFilesSource] = {}  # and those that could, now or before

    def adopt(self, left: Mapping[int, PackedFiles] | None, numbers: Collection[int]) -> None:
        """These sources there are from now on; what a process before this one `left` of them, None: as it is known."""
        known = self._left if left is None else left
        self._left = {number: packed for number, packed in known.items() if number in numbers}
        self._read = {number: source for number, source in self._read.items() if number in numbers}

    def meet(self, number: int, source: MasterFilesSource) -> None:
        """Have a source that can be used go on from what a process before this one read of it, once."""
        left = self._left.get(number)
        if left is not None:
            source.recall(left)
            del self._left[number]
        self._read[number] = source

    def waits(self, number: int) -> bool:
        """Whether a source is yet to be told what a process before this one read."""
        return number in self._left

    @property
    def news(self) -> list[tuple[int, int]]:
        """What changes when told() has something else to tell."""
        news = dict.fromkeys(self._left, 0) | {number: source.news for number, source in self._read.items()}
        return sorted(news.items())

    def told(self) -> dict[int, PackedFiles]:
        """What was read, for the next process; of sources that cannot be used now, too."""
        return self._left | {number: source.remembered() for number, source in self._read.items()}

    # Zones.

    def is_unread(self, origin: Name) -> bool:
        """Whether the zone may be that of a large file that is yet to be read: who asks for it waits for that."""
        return self.has_unread(name_key(origin))

    def has_unread(self, key: bytes) -> bool:
        """The same of the zone of this key."""
        return any(source.is_unread(key) for _, _, source in self._usable())

    def is_bad(self, number: int, origin: Name) -> bool:
        """Whether the data source of this number has the zone in a file that cannot be used."""
        key = name_key(origin)
        return any(source.is_bad(key) for _, each, source in self._usable() if each == number)

    def fault_of(self, origin: Name) -> str:
        """Why the zone file of a zone cannot be used; empty where it can, or there is none."""
        key = name_key(origin)
        return next((fault for _, _, source in self._usable() if (fault := source.faults.get(key))), "")

    # Sources.

    def is_source(self, number: int) -> bool:
        """Whether the data source of this number is a directory of zone files."""
        return any(each == number for _, each, _ in self._usable())

    def faults(self, number: int) -> Mapping[bytes, str]:
        """Why zone files of a data source cannot be used, by the keys of their zones."""
        return next((source.faults for _, each, source in self._usable() if each == number), {})

    def sources(self) -> list[tuple[str, MasterFilesSource]]:
        """Those that can be used now, by name, to have their large files read."""
        return [(name, source) for name, _, source in self._usable()]
