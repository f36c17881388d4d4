"""Time that does not count while the kernel has no processor for those who are timed.

    watch = Stopwatch(suite.processes)   # and this process
    ...
    assert watch.seconds() < LIMIT

What is promised within so many seconds is promised on a machine that has the time: beside other work a test that takes
the time of the wall fails for want of a processor. Whoever sleeps too long, or waits for another process, is late all
the same. Where nothing else is done it is the time of the wall, but for what the processes take from each other.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path


class Stopwatch:
    """Runs from when it is made. `processes` tells those that are timed, now and later; this one is always."""

    def __init__(self, processes: Callable[[], Iterable[int]] = tuple) -> None:
        self._processes = processes
        self._before = self._waited()
        self._latest: dict[int, float] = {}  # also of processes that have ended since
        self._began = time.monotonic()

    def seconds(self) -> float:
        """Since then, without what all their threads together waited for a processor."""
        passed = time.monotonic() - self._began
        return max(0.0, passed - sum(self._kept()))

    def longest(self) -> float:
        """Seconds that the worst off of the processes waited for a processor since then, in all."""
        return max(self._kept())

    def _kept(self) -> list[float]:
        self._latest |= self._waited()
        return [0.0, *(now - self._before.get(pid, 0.0) for pid, now in self._latest.items())]

    def _waited(self) -> dict[int, float]:
        found = {pid: waited(pid) for pid in {os.getpid(), *self._processes()}}
        return {pid: seconds for pid, seconds in found.items() if seconds}


def waited(pid: int) -> float:
    """Seconds that the threads of a process were able to run and did not (proc(5), /proc/PID/schedstat)."""
    delay = 0
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            delay += int((task / "schedstat").read_text().split()[1])
    except (FileNotFoundError, ProcessLookupError):  # it, or one of its threads, has just ended
        pass
    return delay / 1e9
