"""Medians and their intervals, without assumptions on how noise is distributed."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Interval:
    """A median and the interval that holds the true one in 95 % of cases; the extremes where values are few."""

    median: float
    low: float
    high: float
    count: int

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


class Reach(Enum):
    """How a goal of at least so much ended. It is met when the interval reaches it: a noisy machine has a wide one."""

    REACHED = "reached"
    WITHIN_NOISE = "within noise"  # the interval reaches it, the median does not
    MISSED = "missed"

    @classmethod
    def of(cls, interval: Interval, goal: float) -> Reach:
        """That of a ratio."""
        if interval.median >= goal:
            return cls.REACHED
        return cls.WITHIN_NOISE if interval.high >= goal else cls.MISSED

    @property
    def is_met(self) -> bool:
        """Whether the goal counts as met."""
        return self is not Reach.MISSED


def median_interval(values: Sequence[float], confidence: float = CONFIDENCE) -> Interval:
    """The median with the narrowest symmetric pair of order statistics of at least this confidence.

    The number of values below the true median is binomial with p = 1/2, whatever the distribution: with 15 values the
    fourth smallest and the fourth largest hold it in 96.5 % of cases. With fewer than six it is less than that.
    """
    if not values:
        raise ValueError("no values to take a median of")
    ordered = sorted(values)
    count = len(ordered)
    rank, below = 0, 0.0
    for candidate in range(count // 2):
        below += math.comb(count, candidate) / 2**count
        if 1 - 2 * below < confidence:
            break
        rank = candidate
    return Interval(statistics.median(ordered), ordered[rank], ordered[count - 1 - rank], count)


def pairwise(values: Sequence[float], reference: Sequence[float]) -> Interval:
    """The ratio of two servers, slice by slice of the same round; infinite where the other did not answer at all."""
    if len(values) != len(reference):
        raise ValueError(f"{len(values)} slices of one, {len(reference)} of the other")
    return median_interval(
        [value / other if other else math.inf for value, other in zip(values, reference, strict=True)]
    )
