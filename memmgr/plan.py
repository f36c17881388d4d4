"""What is to be built, and in which order: zones that changed first, then those that a survey finds one by one.

Big zones have an image each, small ones of one data source share.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from dns.name import Name

from datasrc.keys import name_key, name_of

BIG_RECORDS = 20_000  # from so many on a zone has an image of its own
PACK_RECORDS = 200_000  # an image of small zones has about so many at most
PACK_BIG_RECORDS = 2_000_000  # of big zones, where they must share
PACK_ZONES = 20_000
PACK_SECONDS = 10.0  # that finding them may take: what is built of them is done, whoever is killed afterwards


@dataclass(frozen=True, slots=True)
class Wanted:
    """A zone to be built."""

    origin: Name
    source: str
    records: int

    @property
    def big(self) -> bool:
        """Whether it gets an image of its own."""
        return self.records >= BIG_RECORDS


@dataclass(frozen=True, slots=True)
class Batch:
    """Zones of one source that go into one image."""

    source: str
    origins: tuple[Name, ...]
    records: int
    big: bool = False  # whether it is one big zone, or some that must share: what is small was built before


@dataclass(frozen=True, slots=True)
class Build:
    """A batch that is built now."""

    batch: Batch
    number: int  # of the slot that the image is for
    path: Path  # of its file


@dataclass(slots=True)
class Survey:
    """Zones that are found one after the other."""

    found: Iterator[Wanted]
    again: bool  # all of them have images
    left: int  # zones that it has yet to find, as far as that is known


class Plan:
    """What waits to be built. What a survey finds is made as it is taken: of many zones few are here at a time."""

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, *, scarce: Callable[[], bool] = lambda: False
    ) -> None:
        """`scarce` says whether there is room for few images more: then big zones share, too."""
        self._clock = clock
        self._scarce = scarce
        # Source and records of each zone, by its key: names are chosen by others (memmgr/builds.py), and take room.
        self._waiting: dict[bytes, tuple[str, int]] = {}
        self._surveys: list[Survey] = []
        self._found: Wanted | None = None  # by a survey, and did not fit into the last batch
        self._found_again = False  # by one of zones that have images
        self._chosen: list[Wanted] = []  # of the next batch of zones that a survey finds
        self._chosen_since = 0.0
        self._chosen_again = True  # they all have images

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many zones wait, with those that surveys will find, as far as their number is known."""
        found = len(self._chosen) + (self._found is not None)
        return len(self) + sum(survey.left for survey in self._surveys) + found

    def add(self, wanted: Wanted) -> None:
        """Have a zone built, as it will be then."""
        self._waiting[name_key(wanted.origin)] = (wanted.source, wanted.records)

    def has(self, origin: Name) -> bool:
        """Whether a zone waits, or may be found to: a survey does not say what it has yet to find."""
        found = self._found is not None and self._found.origin == origin
        return found or name_key(origin) in self._waiting or bool(self._surveys)

    def found(self) -> Iterator[bytes]:
        """The keys of the zones that are known to wait."""
        yield from self._waiting
        yield from (name_key(one.origin) for one in self._chosen)
        if self._found is not None:
            yield name_key(self._found.origin)

    def put_back(self, batch: Batch) -> None:
        """Have zones built later that were taken."""
        for origin in batch.origins:
            if name_key(origin) not in self._waiting:
                self.add(Wanted(origin, batch.source, batch.records // len(batch.origins)))

    def remove(self, origin: Name) -> None:
        """It needs not be built any more."""
        self._waiting.pop(name_key(origin), None)

    def survey(self, found: Iterator[Wanted], *, again: bool = False, zones: int = 0) -> None:
        """Have zones built as they are found: `zones`, where their number is known. `again`: they all have images."""
        self._surveys.append(Survey(found, again, zones))

    @property
    def surveying(self) -> bool:
        """Whether a survey of zones that may have no images has not come to its end."""
        if (self._found is not None and not self._found_again) or (self._chosen and not self._chosen_again):
            return True
        return any(not survey.again for survey in self._surveys)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be built."""
        return not (self._waiting or self._surveys or self._found or self._chosen)

    @property
    def gathering(self) -> bool:
        """Whether take() has found zones for a batch, and is to go on."""
        return bool(self._chosen)

    def take(self, most: int | None = None) -> Batch | None:
        """What to build next: small zones first, for they are most and soon done.

        A survey is asked for so many zones at most, for their files may have to be read: until there are enough for a
        batch it is None, and the plan is `gathering`.
        """
        batch = self._take_small() or self._take_found(most)
        return batch if batch is not None or self.gathering else self._take_big()

    def _take_small(self) -> Batch | None:
        chosen: list[Wanted] = []
        records = 0
        for key in [key for key, (_, count) in self._waiting.items() if count < BIG_RECORDS]:
            source, count = self._waiting[key]
            same = not chosen or source == chosen[0].source
            if same and records + count <= PACK_RECORDS and len(chosen) < PACK_ZONES:
                chosen.append(self._take_waiting(key))
                records += count
        return self._batch(chosen) if chosen else None

    def _take_big(self) -> Batch | None:
        chosen: list[Wanted] = []
        for key, (source, count) in list(self._waiting.items()):
            fits = not chosen or (
                self._scarce()
                and source == chosen[0].source
                and count + sum(each.records for each in chosen) <= PACK_BIG_RECORDS
            )
            if not fits:
                break
            chosen.append(self._take_waiting(key))
        return self._batch(chosen, big=True) if chosen else None

    def _take_waiting(self, key: bytes) -> Wanted:
        return Wanted(name_of(key), *self._waiting.pop(key))

    def _take_found(self, most: int | None) -> Batch | None:
        try:
            is_full = self._gather(most)
        except BaseException:  # what was found before the survey failed is not found again
            for one in self._chosen:
                self.add(one)
            self._chosen = []
            raise
        if not is_full or not self._chosen:
            return None
        chosen, self._chosen = self._chosen, []
        return self._batch(chosen)

    def _gather(self, most: int | None) -> bool:
        """Choose more zones; whether that is all for this batch."""
        records = sum(one.records for one in self._chosen)
        asked = 0
        while asked != most:
            one = self._next()
            if one is None:
                return True
            asked += 1
            if one.big:
                self.add(one)  # the small ones first: they are most
            elif self._chosen and not self._fits(one, records):
                self._found = one
                return True
            else:
                if not self._chosen:
                    self._chosen_since, self._chosen_again = self._clock(), True
                self._chosen.append(one)
                self._chosen_again = self._chosen_again and self._found_again
                records += one.records
                if self._clock() - self._chosen_since >= PACK_SECONDS:
                    return True
        return False

    def _fits(self, one: Wanted, records: int) -> bool:
        """Whether a zone goes into the batch that is being gathered, which has so many records."""
        if one.source != self._chosen[0].source:
            return False
        return records + one.records <= PACK_RECORDS and len(self._chosen) < PACK_ZONES

    def _next(self) -> Wanted | None:
        if self._found is not None:
            one, self._found = self._found, None
            return one
        while self._surveys:
            survey = self._surveys[0]
            found = next(survey.found, None)
            if found is not None:
                self._found_again, survey.left = survey.again, max(0, survey.left - 1)
                return found
            del self._surveys[0]
        return None

    @staticmethod
    def _batch(chosen: list[Wanted], *, big: bool = False) -> Batch:
        origins, records = tuple(one.origin for one in chosen), sum(one.records for one in chosen)
        return Batch(chosen[0].source, origins, records, big)
