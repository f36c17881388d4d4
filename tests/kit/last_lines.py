"""Files with the last lines of processes, as these leave them in the run directory."""

from __future__ import annotations

import fcntl
import mmap
import os
from pathlib import Path

import msgspec

from daemonkit.log_files import SIZE, SUFFIX
from daemonkit.log_ring import LogLine, LogRing


def leave_lines(directory: Path, pid: int, who: str, *lines: LogLine) -> Path:
    """A file of a process that has ended."""
    directory.mkdir(exist_ok=True)
    path = directory / f"{pid}{SUFFIX}"
    path.write_bytes(bytes(SIZE))
    with path.open("r+b") as file:
        ring = LogRing(mmap.mmap(file.fileno(), SIZE), who, pid)
    for line in lines:
        ring.append(msgspec.json.encode(line), line.time)
    ring.close()
    return path


def hold(path: Path) -> int:
    """As the process does while it lives; close the descriptor, and it has ended."""
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    return descriptor
