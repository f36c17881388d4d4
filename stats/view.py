"""What is known of all instances at one moment: their pages, what bob says of them, what the kernel says.

No instance is asked, so one that hangs is seen like the others; and what bob does not run is not told as running.
"""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bob.api import InstanceStatus, SystemStatus
from daemonkit.counter_page import PageImage, read_pages
from daemonkit.durations import Histogram, Histograms, split

GONE = "gone"  # there is a page of it, and bob knows no such instance
UNKNOWN = "unknown"  # bob did not answer
RUNNING = "running"
BOB = ("bob", "0")

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
# Fields of /proc/PID/stat after the name, which ends with the last parenthesis (proc(5)); utime is field 14.
_USER_TIME, _SYSTEM_TIME, _RESIDENT = 14 - 3, 15 - 3, 24 - 3


@dataclass(frozen=True, slots=True)
class Usage:
    """What a process has used."""

    cpu_seconds: float
    memory_bytes: int  # resident


@dataclass(frozen=True, slots=True)
class Place:
    """One instance."""

    component: str
    instance: str
    state: str
    pid: int | None
    restarts: int
    usage: Usage | None
    counters: Mapping[str, int]
    durations: Histograms = field(default_factory=dict)

    @property
    def member(self) -> str:
        """`auth/0`."""
        return f"{self.component}/{self.instance}"

    @property
    def lives(self) -> bool:
        """Whether there is a process, as far as is known: what a dead one last said of a gauge is true no more."""
        return self.pid is not None or self.state == UNKNOWN


@dataclass(frozen=True, slots=True)
class View:
    """All of them."""

    time: float
    places: tuple[Place, ...]
    problems: Mapping[str, str]
    suite: SystemStatus | None  # None: bob did not answer

    def of(self, component: str) -> list[Place]:
        """The places of a component."""
        return [place for place in self.places if place.component == component]


def look(directory: Path, suite: SystemStatus | None) -> View:
    """Read all pages in the directory. Blocks for as long as small files take."""
    pages, problems = read_pages(directory)
    places = tuple(sorted(_places(pages, suite), key=lambda place: (place.component, place.instance)))
    return View(time.time(), places, problems, suite)


def total(places: list[Place], gauges: Collection[str] = ()) -> dict[str, int]:
    """The sum of what they counted, those that are gone too; of a gauge the highest of those that live.

    Gauges are no sums: all instances of auth map the same images.
    """
    summed: dict[str, int] = {}
    for place in places:
        for name, value in place.counters.items():
            if name not in gauges:
                summed[name] = summed.get(name, 0) + value
            elif place.lives:
                summed[name] = max(summed.get(name, 0), value)
    return summed


def total_durations(places: list[Place]) -> dict[str, dict[str, Histogram]]:
    """How long things took in all of them."""
    summed: dict[str, dict[str, Histogram]] = {}
    for place in places:
        for family, told in place.durations.items():
            of_family = summed.setdefault(family, {})
            for label, histogram in told.items():
                of_family[label] = of_family[label] + histogram if label in of_family else histogram
    return summed


def usage(pid: int) -> Usage | None:
    """What a process has used; None where there is none."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    ticks = int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])
    return Usage(ticks / _TICKS, int(fields[_RESIDENT]) * _PAGE)


def _places(pages: Mapping[tuple[str, str], PageImage], suite: SystemStatus | None) -> Iterator[Place]:
    known: dict[tuple[str, str], InstanceStatus] = {}
    if suite is not None:
        known = {(one.component, one.instance): one for one in suite.components}
        yield _place(*BOB, suite.state, suite.pid, 0, pages.get(BOB))
    for (component, instance), told in known.items():
        yield _place(component, instance, told.state, told.pid, told.restarts, pages.get((component, instance)))
    for key, page in pages.items():
        if key not in known and not (suite is not None and key == BOB):
            yield _place(*key, UNKNOWN if suite is None else GONE, None, 0, page)


def _place(component: str, instance: str, state: str, pid: int | None, restarts: int, page: PageImage | None) -> Place:
    used = None if not pid else usage(pid)
    counters, durations = split({} if page is None else page.values)
    return Place(component, instance, state, pid or None, restarts, used, counters, durations)
