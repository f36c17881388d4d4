"""How long things took: histograms, kept in the page of an instance beside its counters, so that they outlive it too.

A histogram has a family (`command`) and a label in it (`status`); its slots in the page are named

    duration:FAMILY:LABEL:0.005     how many took at most so many seconds, and more than the bound before
    duration:FAMILY:LABEL:inf       how many took longer than all bounds
    duration:FAMILY:LABEL:us        how long all took together, in microseconds
"""

from __future__ import annotations

import contextlib
import time
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from daemonkit.counters import HISTOGRAM, Counters

# Seconds. The goals of control are 50 ms for a commit or a page and 300 ms for a status: each is a bound or beside one.
BOUNDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.3, 1.0, 3.0, 10.0)
_PARTS = (*map(str, BOUNDS), "inf", "us")


@dataclass(frozen=True, slots=True)
class Histogram:
    """What was noted under one label."""

    counts: tuple[int, ...]  # by bound, each without those of the bounds before; the last is beyond all
    seconds: float  # all together

    @property
    def count(self) -> int:
        """How many."""
        return sum(self.counts)

    def __add__(self, other: Histogram) -> Histogram:
        counts = tuple(one + two for one, two in zip(self.counts, other.counts, strict=True))
        return Histogram(counts, self.seconds + other.seconds)


Histograms = Mapping[str, Mapping[str, Histogram]]
"""By family and label."""


class Durations:
    """The histograms of one process."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters
        self._first: dict[tuple[str, str], int] = {}

    def declare(self, family: str, labels: Iterable[str]) -> None:
        """Have a histogram for each of these. To be said before the process has its page."""
        for label in labels:
            if (family, label) not in self._first:
                self._first[family, label] = self._counters.declare(
                    [f"{HISTOGRAM}{family}:{label}:{part}" for part in _PARTS]
                )

    def note(self, family: str, label: str, seconds: float) -> None:
        """One took so long. Raises KeyError for what was not declared."""
        first = self._first[family, label]
        slots = self._counters.slots
        slots[first + bisect_left(BOUNDS, seconds)] += 1
        slots[first + len(_PARTS) - 1] += int(seconds * 1e6)

    @contextlib.contextmanager
    def taking(self, family: str, label: str) -> Iterator[None]:
        """Note how long the body takes, however it ends."""
        began = time.perf_counter()
        try:
            yield
        finally:
            self.note(family, label, time.perf_counter() - began)


def split(values: Mapping[str, int]) -> tuple[dict[str, int], dict[str, dict[str, Histogram]]]:
    """What a page says: counters, and histograms under which anything was noted."""
    counters: dict[str, int] = {}
    parts: dict[tuple[str, str], dict[str, int]] = {}
    for name, value in values.items():
        if name.startswith(HISTOGRAM):
            family, rest = name.removeprefix(HISTOGRAM).split(":", 1)
            label, part = rest.rsplit(":", 1)
            parts.setdefault((family, label), {})[part] = value
        else:
            counters[name] = value
    found: dict[str, dict[str, Histogram]] = {}
    for (family, label), told in parts.items():
        histogram = Histogram(tuple(told.get(part, 0) for part in _PARTS[:-1]), told.get("us", 0) / 1e6)
        if histogram.count:
            found.setdefault(family, {})[label] = histogram
    return counters, found
