"""What a server's processes cost: every process below the one we started, its processor time, its memory, its core."""

from __future__ import annotations

import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

PR_SET_PDEATHSIG = 1  # prctl(2)
CPUCLOCK_SCHED = 2  # include/linux/posix-timers.h
PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """A process and all its living descendants."""
    return [root, *_descendants(root)]


def _descendants(parent: int) -> Iterator[int]:
    try:
        children = [
            int(child)
            for task in (PROC / str(parent) / "task").iterdir()
            for child in (task / "children").read_text().split()
        ]
    except (FileNotFoundError, ProcessLookupError):
        return
    for child in children:
        yield child
        yield from _descendants(child)


def processor_time(pids: Iterable[int]) -> int:
    """Nanoseconds these processes ran, user and system, threads that ended included."""
    total = 0
    for pid in pids:
        try:
            total += time.clock_gettime_ns(_processor_clock(pid))
        except OSError:
            continue  # it ended; what it used is not counted any more
    return total


def _processor_clock(pid: int) -> int:
    """clock_getcpuclockid(3) of Linux: nanoseconds, where /proc/PID/stat counts in ticks of 10 ms."""
    return ~pid << 3 | CPUCLOCK_SCHED


def proportional_set_size(pids: Iterable[int]) -> int:
    """Octets of memory these processes hold, what they share counted once (PSS)."""
    total = 0
    for pid in pids:
        try:
            lines = (PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))
    return total


def pin(pids: Iterable[int], core: int) -> None:
    """Hold all threads of these processes on one core, whatever they chose themselves."""
    for pid in pids:
        try:
            for task in (PROC / str(pid) / "task").iterdir():
                os.sched_setaffinity(int(task.name), {core})
        except (FileNotFoundError, ProcessLookupError):
            continue


def confined(core: int, dying: signal.Signals = signal.SIGTERM) -> Callable[[], None]:
    """For `preexec_fn`: what is started stays on this core and does not outlive us."""
    libc = ctypes.CDLL(None, use_errno=True)

    def confine() -> None:
        os.sched_setaffinity(0, {core})
        libc.prctl(PR_SET_PDEATHSIG, dying, 0, 0, 0)

    return confine


@contextmanager
def held_on(core: int) -> Iterator[None]:
    """We ourselves on this core, for a while."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def choose_cores() -> tuple[int, int]:
    """A core for the servers and another for the load; the same one twice where there is only one."""
    cores = sorted(os.sched_getaffinity(0))
    return cores[0], cores[-1]
