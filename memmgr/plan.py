"""What is to be built, and in which order: zones that changed first, then those that a survey finds one by one.

Big zones have an image each, small ones of one data source share.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dns.name import Name

BIG_RECORDS = 20_000  # from so many on a zone has an image of its own
PACK_RECORDS = 200_000  # an image of small zones has about so many at most
PACK_ZONES = 20_000


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


@dataclass(slots=True)
class Survey:
    """Zones that are found one after the other."""

    found: Iterator[Wanted]
    again: bool  # all of them have images
    left: int  # zones that it has yet to find, as far as that is known


class Plan:
    """What waits to be built. What a survey finds is made as it is taken: of many zones few are here at a time."""

    def __init__(self) -> None:
        self._waiting: dict[Name, Wanted] = {}
        self._surveys: list[Survey] = []
        self._found: Wanted | None = None  # by a survey, and did not fit into the last batch
        self._found_again = False  # by one of zones that have images

    def __len__(self) -> int:
        return len(self._waiting)

    @property
    def waiting(self) -> int:
        """How many zones wait, with those that surveys will find, as far as their number is known."""
        return len(self) + sum(survey.left for survey in self._surveys) + (self._found is not None)

    def add(self, wanted: Wanted) -> None:
        """Have a zone built, as it will be then."""
        self._waiting[wanted.origin] = wanted

    def put_back(self, batch: Batch) -> None:
        """Have zones built later that were taken."""
        for origin in batch.origins:
            if origin not in self._waiting:
                self.add(Wanted(origin, batch.source, batch.records // len(batch.origins)))

    def remove(self, origin: Name) -> None:
        """It needs not be built any more."""
        self._waiting.pop(origin, None)

    def survey(self, found: Iterator[Wanted], *, again: bool = False, zones: int = 0) -> None:
        """Have zones built as they are found: `zones`, where their number is known. `again`: they all have images."""
        self._surveys.append(Survey(found, again, zones))

    @property
    def surveying(self) -> bool:
        """Whether a survey of zones that may have no images has not come to its end."""
        return any(not survey.again for survey in self._surveys) or (self._found is not None and not self._found_again)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to be built."""
        return not (self._waiting or self._surveys or self._found)

    def take(self) -> Batch | None:
        """What to build next: small zones first, for they are most and soon done."""
        return self._take_small() or self._take_found() or self._take_big()

    def _take_small(self) -> Batch | None:
        chosen: list[Wanted] = []
        records = 0
        for one in [one for one in self._waiting.values() if not one.big]:
            same = not chosen or one.source == chosen[0].source
            if same and records + one.records <= PACK_RECORDS and len(chosen) < PACK_ZONES:
                chosen.append(self._waiting.pop(one.origin))
                records += one.records
        return self._batch(chosen) if chosen else None

    def _take_big(self) -> Batch | None:
        return self._batch([self._waiting.pop(next(iter(self._waiting)))]) if self._waiting else None

    def _take_found(self) -> Batch | None:
        chosen: list[Wanted] = []
        try:
            return self._gather(chosen)
        except BaseException:  # what was found before the survey failed is not found again
            for one in chosen:
                self.add(one)
            raise

    def _gather(self, chosen: list[Wanted]) -> Batch | None:
        records = 0
        while (one := self._next()) is not None:
            fits = records + one.records <= PACK_RECORDS and len(chosen) < PACK_ZONES
            if one.big:
                self.add(one)  # the small ones first: they are most
            elif chosen and (one.source != chosen[0].source or not fits):
                self._found = one
                break
            else:
                chosen.append(one)
                records += one.records
        return self._batch(chosen) if chosen else None

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
    def _batch(chosen: list[Wanted]) -> Batch:
        return Batch(chosen[0].source, tuple(one.origin for one in chosen), sum(one.records for one in chosen))
