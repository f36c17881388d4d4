"""Compaction in the background: each image is built by a process at the lowest priority, one at a time.

The process also has what is built there in its own memory: nobody pays for that when it has ended. What changes
meanwhile has its builds beside it (memmgr/daemon.py), which have the processor first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec

from daemonkit.module import Context
from datasrc.errors import DataSourceError
from datasrc.sources import is_master_files
from memmgr.building import IDLE, build_apart
from memmgr.buildtasks import Carrier, task_for
from memmgr.errors import BuildFailed, SourceSilent
from memmgr.handing import hand_over
from memmgr.keeper import Keeper
from memmgr.plan import Build

HANDING = "handing"  # the thread that copies what was read of zone files


class Background:
    """The task of one daemon."""

    def __init__(
        self,
        context: Context,
        keeper: Keeper,
        patience: Callable[[], float],
        leave_alone: Callable[[SourceSilent], None],
    ) -> None:
        """`leave_alone` is told of a source that has said nothing for `patience()` seconds."""
        self._context = context
        self._keeper = keeper
        self._patience = patience
        self._carrier = Carrier(context, self._make, keeper.compacted, self._give_up, leave_alone)
        self._look = asyncio.Event()

    def look(self) -> None:
        """There may be something to do."""
        self._look.set()

    async def run(self) -> None:
        """Compact whenever there is something to compact."""
        while True:
            await self._look.wait()
            self._look.clear()
            try:
                while (build := await self._context.work(self._keeper.take_worn)) is not None:
                    await self._carrier.carry_out(build)
            except (OSError, DataSourceError) as error:
                self._context.counters.add("failures")
                self._context.log.error("MEMMGR_CANNOT_PUBLISH", reason=error)

    async def _make(self, build: Build) -> None:
        """Have the file of an image made by a process, which is given what was read of zone files."""
        keeper, batch = self._keeper, build.batch
        task = task_for(keeper, build, IDLE)
        source = await self._context.work(keeper.following.source, batch.source)
        if is_master_files(task.entry):
            handed = await self._context.work_apart(HANDING, hand_over, source, batch.origins)
            if handed is None:
                raise BuildFailed("none of the zones has data any more")
            task = msgspec.structs.replace(task, handed=handed)
        await build_apart(task, self._patience())

    def _give_up(self, build: Build, _reason: str) -> None:
        """In the worker thread: what is there is answered on."""
        self._keeper.not_compacted(build)
