"""The zones of a directory of zone files by the names of the files alone: for lists, which read no file.

What the files have memmgr knows, who has read them; `problems` is what it says of files that cannot be used.
"""

from __future__ import annotations

import operator
import threading
import time
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice, pairwise
from pathlib import Path
from typing import overload

from dns.name import Name

from datasrc.errors import Missing, StorageError
from datasrc.filezones import CERTAIN
from datasrc.keys import key_labels, key_text, name_key
from datasrc.keytable import KeyTable
from datasrc.records import ZoneFilter, ZoneInfo, ZoneState
from datasrc.zonefiles import SUFFIX, zones_in

UNREAD = "its file was not read for this"


@dataclass(frozen=True, slots=True)
class FileProblem:
    """Why a zone file cannot be used, and the serial of the last good version, if it goes on being served."""

    text: str
    serial: int | None


Problems = Mapping[bytes, FileProblem]
"""By the keys of zones."""

Rank = tuple[bytes, bytes]
"""What a list is sorted by."""


class BeyondTold(Exception):
    """A list needs to know of more zones of a data source than memmgr has told of."""

    def __init__(self, source: str) -> None:
        super().__init__(source)
        self.source = source


@dataclass(frozen=True, slots=True)
class Told:
    """What memmgr says of the files of one data source, from where a page begins up to a zone, or all."""

    source: str
    problems: Problems
    upto: Rank | None = None  # None: to the end

    def state(self, rank: Rank) -> str:
        """That of a zone. Raises BeyondTold."""
        if self.upto is not None and rank > self.upto:
            raise BeyondTold(self.source)
        return state_told(self.problems, rank[1])


STALE = "stale"  # the state of a zone whose file is bad and whose last good version goes on being served


def state_told(problems: Problems, key: bytes) -> str:
    """The state of a zone by what is wrong with its file."""
    problem = problems.get(key)
    if problem is None:
        return ZoneState.READY.value
    return ZoneState.BROKEN.value if problem.serial is None else STALE


class _Keys(Sequence[bytes]):
    """Keys without an object for any of them."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        each = list(keys)
        self._octets = b"".join(each)
        self._starts = array("Q", accumulate(map(len, each), initial=0))

    def __len__(self) -> int:
        return len(self._starts) - 1

    @overload
    def __getitem__(self, place: int) -> bytes: ...

    @overload
    def __getitem__(self, place: slice) -> list[bytes]: ...

    def __getitem__(self, place: int | slice) -> bytes | list[bytes]:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        return self._octets[self._starts[place] : self._starts[place + 1]]

    def __iter__(self) -> Iterator[bytes]:
        return (self._octets[start:end] for start, end in pairwise(self._starts))

    def are(self, keys: list[bytes]) -> bool:
        """Whether these are the same."""
        return len(keys) == len(self) and all(map(operator.eq, keys, self))


class _Listing:
    """The names of one moment in both orders of a list; that of their text is made when it is first asked for."""

    def __init__(self, keys: Iterable[bytes]) -> None:
        self.keys = _Keys(keys)

    @cached_property
    def by_text(self) -> array[int]:
        """The places of the keys in the order of their text."""
        return array("I", sorted(range(len(self.keys)), key=self._rank))

    def _rank(self, place: int) -> Rank:
        key = self.keys[place]
        return (_text(key), key)

    def has(self, key: bytes) -> bool:
        place = bisect_left(self.keys, key)
        return place < len(self.keys) and self.keys[place] == key

    def behind(self, after: Name | None, beginning: str) -> Iterator[bytes]:
        """The keys behind `after` whose names begin so."""
        origin = None if after is None else name_key(after)
        if not beginning:
            start = 0 if origin is None else bisect_right(self.keys, origin)
            return (self.keys[place] for place in range(start, len(self.keys)))
        places, (first, end) = self.by_text, ZoneFilter(beginning).text_range()
        start = bisect_left(places, (first, b""), key=self._rank)
        if origin is not None:
            start = max(start, bisect_right(places, (key_text(origin), origin), key=self._rank))
        stop = bisect_left(places, (end, b""), key=self._rank)
        return (self.keys[places[number]] for number in range(start, stop))


class FileNames:
    """May be shared between threads."""

    writable = False

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self._directory = directory
        self._lock = threading.Lock()
        self._listing = _Listing([])
        self._seen: tuple[int, int] | None = None  # inode and time of the directory, where they can be believed

    def zones(
        self, after: Name | None, limit: int, beginning: str, accepts: Callable[[bytes], bool] | None
    ) -> list[ZoneInfo]:
        """A page of the zones whose names begin so and whose keys are accepted, unread. Raises StorageError."""
        return [unread(key) for key in islice(filter(accepts, self._now().behind(after, beginning)), limit)]

    def of_ranks(self, ranks: Iterable[Rank], limit: int) -> list[ZoneInfo]:
        """The first of these zones, in their order, that are here. Raises StorageError."""
        listing = self._now()
        return list(islice((unread(key) for _, key in ranks if listing.has(key)), limit))

    def has(self, key: bytes) -> bool:
        """Whether there is a zone of this key; one whose file has its usual name is found at once.

        Raises StorageError.
        """
        name = _text(key).decode().removesuffix(".")
        usual = (f"{name}{SUFFIX}", name) if _has_usual_file(name) else ()
        try:
            if any((self._directory / each).is_file() for each in usual):
                return True
        except OSError as error:
            raise self._unreadable(error) from error
        return self._now().has(key)

    def of_keys(self, keys: Collection[bytes]) -> list[ZoneInfo]:
        """The zones of these keys, in their order, as far as they are here. Raises StorageError."""
        listing = self._now()
        return [unread(key) for key in keys if listing.has(key)]

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here. Raises StorageError."""
        listing = self._now()
        return {key for key in keys if listing.has(key)}

    def each_key(self) -> Iterator[bytes]:
        """The keys of all origins. Raises StorageError."""
        return iter(self._now().keys)

    def zone_keys(self) -> KeyTable:
        """The same, to be asked later. Raises StorageError."""
        return KeyTable(self.each_key())

    def _now(self) -> _Listing:
        """As the directory is: it has another time when a name comes or goes."""
        with self._lock:
            try:
                status = self._directory.stat()
                if self._seen != (status.st_ino, status.st_mtime_ns):
                    keys = zones_in(self._directory)
                    if not self._listing.keys.are(keys):
                        self._listing = _Listing(keys)
                    certain = time.time() - status.st_mtime >= CERTAIN  # else it may change and keep its time
                    self._seen = (status.st_ino, status.st_mtime_ns) if certain else None
            except FileNotFoundError as error:
                raise Missing("there is no such directory", database=self.name) from error
            except OSError as error:
                raise self._unreadable(error) from error
            return self._listing

    def _unreadable(self, error: OSError) -> StorageError:
        return StorageError(f"the directory cannot be read: {error.strerror}", database=self.name)


def _has_usual_file(name: str) -> bool:
    """Whether a file of this name, or of this name with the suffix, is that of a zone of this name.

    Others have escapes, or are no zones or those of another name by the rules of datasrc.zonefiles.
    """
    odd = name.startswith(".") or name.endswith((SUFFIX, "~")) or "/" in name or "\\" in name
    return bool(name) and not odd


def unread(key: bytes) -> ZoneInfo:
    """What a list has of a zone whose file was not read."""
    return ZoneInfo(Name([*key_labels(key), b""]), 0, None, 0, ZoneState.BROKEN, UNREAD)


def _text(key: bytes) -> bytes:
    """As key_text(), without a name object for names as nearly all are."""
    labels = key[:-1].replace(b"\0", b"")
    if labels.isalnum() or labels.replace(b"-", b"").replace(b"_", b"").isalnum():
        return b".".join(reversed(key[:-1].split(b"\0"))) + b"."
    return key_text(key)
