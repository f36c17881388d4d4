"""The tasks that have images built and large zone files read, each where it holds up nobody else.

The worker thread is asked what to build next, and publishes it; in between others have their turn.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from daemonkit.module import Context
from datasrc.errors import DataSourceError
from datasrc.source import DataSource
from datasrc.sources import is_master_files
from memmgr.building import HURRIED, NICENESS, Task, build_apart, build_here
from memmgr.buildtasks import Carrier, task_for
from memmgr.errors import SourceSilent
from memmgr.handing import hand_over
from memmgr.keeper import Keeper
from memmgr.plan import Build

PAUSE = 1.0  # s behind an error: neither the log nor the disk is to be filled by what fails again and again
RETRY_EVERY = 10.0  # s after which zones that could not be built are tried again
HERE_RECORDS = 2000  # so many at most are built in this process: it takes less than to start one
HERE_READ = 1_500_000  # the same of zone files, which were read here: 0.3 s a million in a thread, a process 0.1 s more

# Threads beside the worker.
BUILDING = "building"
READING = "reading"  # large zone files


class BuildLoop:
    """Two tasks on the event loop."""

    def __init__(
        self,
        context: Context,
        keeper: Keeper,
        work: asyncio.Event,
        leave_alone: Callable[[SourceSilent], None],
        tell: Callable[[], None],
        patience: Callable[[], float],
    ) -> None:
        """`work` is set when something may wait to be built; `leave_alone` hears of a source that does not answer, and
        `tell` of each image; `patience` is for how many seconds a source may say nothing.
        """
        self._context = context
        self._keeper = keeper
        self._work = work
        self._carrier = Carrier(context, self._make, keeper.built, keeper.failed, leave_alone)
        self._tell = tell
        self._patience = patience
        self._unread = asyncio.Event()  # large files may wait to be read
        self._loop = asyncio.get_running_loop()

    async def build(self) -> None:
        """Build what waits, one image after the other, for as long as the process lives."""
        retry = self._loop.time() + RETRY_EVERY
        while True:
            self._work.clear()
            try:
                if self._loop.time() >= retry:
                    retry = self._loop.time() + RETRY_EVERY
                    await self._context.work(self._keeper.retry)
                build = await self._context.work(self._keeper.take)
            except (OSError, DataSourceError) as error:
                self._context.counters.add("failures")
                self._context.log.error("MEMMGR_CANNOT_PUBLISH", reason=error)
                build = None
                await asyncio.sleep(PAUSE)
            if self._keeper.unread:
                self._unread.set()
            if build is not None:
                if not await self._carry_out(build):  # however long it took: not at once again, and told until then
                    retry = self._loop.time() + RETRY_EVERY
                continue
            if self._keeper.unfinished:  # others had their turn in between
                continue
            try:
                async with asyncio.timeout(RETRY_EVERY):
                    await self._work.wait()
            except TimeoutError:
                pass

    async def _carry_out(self, build: Build) -> bool:
        """Whether it could be built."""
        try:
            return await self._carrier.carry_out(build)
        finally:
            self._tell()

    async def _make(self, build: Build) -> None:
        """Have the file of an image made, where that takes least."""
        keeper, batch = self._keeper, build.batch
        source = await self._context.work(keeper.following.source, batch.source)
        hurried = not keeper.announced or not await self._context.work(keeper.answers_for, batch)
        task = task_for(keeper, build, HURRIED if hurried else NICENESS)
        if is_master_files(task.entry):
            await self._make_of_files(task, source, build)
        elif batch.records <= HERE_RECORDS:
            await self._context.work(self._make_here, build, task)
        else:
            await build_apart(task, self._patience())

    async def _make_of_files(self, task: Task, source: DataSource, build: Build) -> None:
        """What was read of zone files is here: a process is given it, where that is worth while."""
        batch = build.batch
        if len(batch.origins) == 1 and batch.records > HERE_READ:
            handed = await self._context.work_apart(BUILDING, hand_over, source, batch.origins)
            if handed is not None:
                await build_apart(msgspec.structs.replace(task, handed=handed), self._patience())
                return
        await self._context.work_apart(BUILDING, self._make_here, build, task)

    def _make_here(self, build: Build, task: Task) -> None:
        """In the worker thread, or in that of builds."""
        following, batch = self._keeper.following, build.batch
        source, asking = following.source(batch.source), following.asking.of(batch.source)
        build_here(source, task.number, batch.origins, build.path, task.seed, asking=asking)

    async def read(self) -> None:
        """Have large zone files read beside everything else: until it was, a zone is left to auth."""
        while True:
            await self._unread.wait()
            self._unread.clear()
            while await self._context.work_apart(READING, self._read_one):
                self._work.set()

    def _read_one(self) -> bool:
        """In a thread of its own: read a large zone file, if there is any; whether there was."""
        following = self._keeper.following
        for name, source in following.files.sources():
            with following.asking.of(name):
                if source.read_large(1):
                    return True
        return False
