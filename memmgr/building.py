"""Building one image: in a process of its own at low priority, or here where it is a matter of milliseconds.

The process is given a `Task` on its standard input, and what was read of a zone file in memory (memmgr.handing); it
exits with 0, or says on standard error what is wrong.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext, suppress
from pathlib import Path
from typing import Any

import dns.name
import msgspec
from dns.name import Name

import datasrc
from daemonkit.process import die_with_parent, interpreter
from datasrc.errors import DataSourceError
from datasrc.silence import LISTEN_EVERY, SILENT_AFTER, Pulse
from datasrc.source import Contents, DataSource
from datasrc.sources import source_url
from image.builder import build
from image.errors import ImageError
from memmgr.errors import BuildFailed, SourceSilent
from memmgr.handing import Handed, handed_zones

# Of the processes, as in sched(7); that of this process, where that is the higher one: there is no way back.
HURRIED = 5  # what a zone, or all, are answered more slowly without
NICENESS = 10  # what a change waits for
IDLE = 19  # what nobody waits for: it has what others leave
FAILED = 1
MAX_REASON = 2000  # characters of what a failed process said
ERRORS = (BuildFailed, ImageError, OSError, DataSourceError, MemoryError)  # that cost one image


class Task(msgspec.Struct, frozen=True):
    """One image."""

    source: str
    entry: dict[str, Any]  # of `data_sources`
    number: int  # of the source
    origins: list[str]
    path: str
    seed: int
    niceness: int = NICENESS  # of the process, from its beginning
    handed: Handed | None = None  # the zones, where they are not read from the source


def reason_of(error: BaseException) -> str:
    """Why an image could not be built."""
    return "there is not enough memory" if isinstance(error, MemoryError) else str(error)


def build_here(
    source: DataSource,
    number: int,
    origins: Sequence[Name],
    path: Path,
    seed: int,
    *,
    asking: AbstractContextManager[object] | None = None,
) -> None:
    """Build it from a source that is open, `asking` as long as that is read. Raises ERRORS."""
    with ExitStack() as stack:
        stack.enter_context(asking or nullcontext())
        snapshot = stack.enter_context(source.snapshot())
        build(_all(snapshot.each(origins), stack), path, seed, number)


def _all(zones: Iterable[Contents], source: ExitStack) -> Iterator[Contents]:
    """What the source has; it is let go before the image is made and written, which takes what the disk takes."""
    yield from zones
    source.close()


async def build_apart(task: Task, patience: float = SILENT_AFTER) -> None:
    """Have a process build it; a cancelled build leaves nothing running.

    Raises BuildFailed, SourceSilent where the process has waited for an answer of the source for so many seconds.
    """
    try:
        process = await asyncio.create_subprocess_exec(
            *interpreter(),
            "-m",
            "memmgr.building",
            str(os.getpid()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd="/",
            pass_fds=[] if task.handed is None else [task.handed.descriptor],
        )
    finally:
        if task.handed is not None:  # the memory is the process's now, and ends when it has taken what it needs
            os.close(task.handed.descriptor)
    try:
        with suppress(ProcessLookupError):  # it has ended, and says why
            os.setpriority(os.PRIO_PROCESS, process.pid, max(task.niceness, os.getpriority(os.PRIO_PROCESS, 0)))
        said = await _said(process, task, patience)
    except BaseException:
        if process.returncode is None:
            process.kill()
            await process.wait()
        raise
    if process.returncode != 0:
        reason = said.decode("utf-8", "replace").strip()[-MAX_REASON:]
        raise BuildFailed(reason or f"the process that built it {_ended(process.returncode)}")


async def _said(process: asyncio.subprocess.Process, task: Task, patience: float) -> bytes:
    """What it had to say. It closes its standard output when it has all that the source has to give."""
    assert process.stdout is not None
    pulse = Pulse.of_process(process.pid)
    talk = asyncio.create_task(process.communicate(msgspec.json.encode(task)))
    try:
        while not (await asyncio.wait({talk}, timeout=LISTEN_EVERY))[0]:
            if not process.stdout.at_eof() and (silent := pulse.silent()) >= patience:
                raise SourceSilent(task.source, silent)
        return talk.result()[1]
    finally:
        talk.cancel()


def _ended(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _open(name: str, entry: Mapping[str, Any]) -> DataSource:
    return datasrc.open(source_url(entry), name=name, read_only=True)


@contextmanager
def _reading() -> Iterator[None]:
    """Tell who waits for this process when nothing is asked of the source any more: standard output ends."""
    try:
        yield
    finally:
        with Path(os.devnull).open("wb") as nothing:
            os.dup2(nothing.fileno(), sys.stdout.fileno())


def main(parent: int) -> int:
    """The process."""
    die_with_parent(parent)
    task = msgspec.json.decode(sys.stdin.buffer.read(), type=Task)
    try:
        if task.handed is not None:
            with _reading():  # there is nobody to wait for
                pass
            build(handed_zones(task.handed), Path(task.path), task.seed, task.number)
            return 0
        source = _open(task.source, task.entry)
        try:
            origins = [dns.name.from_text(text) for text in task.origins]
            build_here(source, task.number, origins, Path(task.path), task.seed, asking=_reading())
        finally:
            source.close()
    except ERRORS as error:
        sys.stderr.write(f"{reason_of(error)}\n")
        return FAILED
    return 0


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
