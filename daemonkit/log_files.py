"""The last lines of all processes, those that have ended among them: mapped files in the run directory.

Each process has one of its own, `log/PID.lines` (`daemonkit.log_ring` has what is in it), and holds a lock on it until
it ends. Who reads needs nobody's answer. Of processes that have ended the newest are kept: KEPT_OF_ONE of each
component and instance, KEPT of all; bob removes the others.
"""

from __future__ import annotations

import contextlib
import fcntl
import mmap
import os
import stat
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from daemonkit.counter_page import DIRECTORY_MODE, FILE_MODE
from daemonkit.log import MessageLog, log_handler, own_log
from daemonkit.log_ring import AREA, AREA_AT, LinesDamaged, LogLine, LogRing, RingImage, begin_of, parse, whose
from daemonkit.log_settings import LEVELS

SUFFIX = ".lines"
KEPT_OF_ONE = 3
KEPT = 32
FORGOTTEN = 60.0  # seconds after which nobody is still making a file
SIZE = AREA_AT + AREA
_ROUNDS = 3  # reading anew while the process writes more than there is room for


def keep_lines(directory: Path, component: str) -> None:
    """Keep the last lines of this process there from now on; where that cannot be, in its memory, and say so."""
    handler, pid = log_handler(), os.getpid()
    assert handler is not None, "there is a log"
    path = directory / f"{pid}{SUFFIX}"
    try:
        handler.keep_in(LogRing(_make(path), handler.who, pid))
    except OSError as error:
        own_log(component).error("DAEMON_LINES_UNKEPT", path=path, reason=error.strerror or str(error))


def _make(path: Path) -> mmap.mmap:
    """A file in the place of one of an earlier process of this number; nobody sees it half made."""
    path.parent.mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    made = path.with_name(f".{path.name}")
    made.unlink(missing_ok=True)
    descriptor = os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)  # the mapping holds the same open file until the end
        os.posix_fallocate(descriptor, 0, SIZE)  # no store can find the disk full
        memory = mmap.mmap(descriptor, SIZE)
        made.replace(path)
    except BaseException:
        made.unlink(missing_ok=True)
        raise
    finally:
        os.close(descriptor)
    return memory


@dataclass(frozen=True, slots=True)
class ProcessLines:
    """The last lines of one process."""

    image: RingImage
    ended: bool

    @property
    def pid(self) -> int:
        """Whose they are."""
        return self.image.pid

    def wanted(self, after: int, level: str) -> tuple[int, list[LogLine]]:
        """Lines of this level and above from a number on, and how many since that number are gone."""
        if after > self.image.next:  # a place in the log of another process, which had this number
            after = 0
        severities = [name for name, value in LEVELS.items() if value >= LEVELS[level]]
        lines = [line for line in self.image.after(after) if line.severity in severities]
        return max(0, self.image.begin - after), lines


def read_lines(directory: Path) -> tuple[list[ProcessLines], dict[str, str]]:
    """What every process has logged last, and what is wrong with files that do not tell, or not all. Raises OSError."""
    found: list[ProcessLines] = []
    problems: dict[str, str] = {}
    for path in sorted(directory.iterdir()) if directory.exists() else ():
        if path.name.startswith(".") or path.suffix != SUFFIX:
            continue
        try:
            process = _read(path)
            found.append(process)
            if process.image.damage:
                problems[path.name] = process.image.damage
        except LinesDamaged as error:
            problems[path.name] = str(error)
        except FileNotFoundError:  # removed a moment ago
            continue
        except OSError as error:
            problems[path.name] = f"it cannot be read: {error.strerror}"
    return found, problems


def _read(path: Path) -> ProcessLines:
    with _opened(path) as descriptor:
        for left in reversed(range(_ROUNDS)):
            ended = _has_ended(descriptor)
            content = os.pread(descriptor, SIZE, 0)
            # What was written over meanwhile began to be gone before, so that it is behind this beginning.
            now = begin_of(os.pread(descriptor, AREA_AT, 0)) if len(content) >= AREA_AT else None
            try:
                image = parse(content, now)
            except LinesDamaged:
                if ended or not left:
                    raise
            else:
                if ended or not left or not image.damage:
                    return ProcessLines(image, ended)
    raise AssertionError("the last round returns or raises")


def forget_lines(directory: Path, log: MessageLog) -> None:
    """Remove the files of ended processes of which there are newer ones enough: for bob, when one has ended."""
    try:
        for path in _superfluous(directory):
            path.unlink(missing_ok=True)
    except OSError as error:
        log.warning("DAEMON_LINES_LEFT", path=directory, reason=error.strerror or str(error))


def _superfluous(directory: Path) -> Iterator[Path]:
    ended: list[tuple[float, str, Path]] = []
    for path in directory.iterdir() if directory.exists() else ():
        with contextlib.suppress(FileNotFoundError):  # it has its name now
            if path.name.startswith("."):  # one that is being made, or whose process was killed at that
                if time.time() - path.lstat().st_mtime > FORGOTTEN:
                    yield path
            elif path.suffix == SUFFIX and (found := _of_ended(path)) is not None:
                ended.append((*found, path))
    seen: Counter[str] = Counter()
    for _, who, path in sorted(ended, reverse=True):
        seen[who] += 1
        if seen[who] > KEPT_OF_ONE or seen.total() > KEPT:
            yield path


def _of_ended(path: Path) -> tuple[float, str] | None:
    """When a process that has ended wrote there last, and which it was; None while it lives. Raises OSError."""
    try:
        with _opened(path) as descriptor:
            if not _has_ended(descriptor):
                return None
            who, written = whose(os.pread(descriptor, AREA_AT, 0))
    except LinesDamaged:
        return 0.0, ""
    return written, who


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[int]:
    """A regular file, for reading. Raises OSError, LinesDamaged."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise LinesDamaged(f"it cannot be opened: {error.strerror}") from error
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise LinesDamaged("it is no regular file")
        yield descriptor
    finally:
        os.close(descriptor)


def _has_ended(descriptor: int) -> bool:
    """Whether the process is gone, and its lock with it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return True
