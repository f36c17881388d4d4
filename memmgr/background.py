"""Compaction in the background: each image is built by a process at the lowest priority, one at a time.

The process also has what is built there in its own memory: nobody pays for that when it has ended. What changes
meanwhile has its builds beside it (memmgr/daemon.py), which have the processor first.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

import msgspec

from daemonkit.module import Context
from datasrc.errors import DataSourceError
from memmgr.building import ERRORS, IDLE, Task, build_apart, reason_of
from memmgr.errors import BuildFailed, SourceSilent
from memmgr.following import FILES
from memmgr.handing import hand_over
from memmgr.keeper import Keeper
from memmgr.plan import Batch

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
        self._leave_alone = leave_alone
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
                while (taken := await self._context.work(self._keeper.take_worn)) is not None:
                    await self._build_one(*taken)
            except (OSError, DataSourceError) as error:
                self._context.counters.add("failures")
                self._context.log.error("MEMMGR_CANNOT_PUBLISH", reason=error)

    async def _build_one(self, batch: Batch, number: int, path: Path) -> None:
        context, keeper = self._context, self._keeper
        start = asyncio.get_running_loop().time()
        try:
            await self._build_file(batch, path)
            await context.work(keeper.compacted, number)
        except ERRORS as error:
            if isinstance(error, SourceSilent):
                self._leave_alone(error)
            context.counters.add("builds.failed")
            first, *_ = batch.origins
            context.log.error("MEMMGR_BUILD_FAILED", zones=len(batch.origins), zone=first, reason=reason_of(error))
            await context.work(keeper.not_compacted, number)
        else:
            seconds = f"{asyncio.get_running_loop().time() - start:.2f}"
            context.counters.add("builds")
            context.counters.add("builds.zones", len(batch.origins))
            context.log.info("MEMMGR_BUILT", zones=len(batch.origins), records=batch.records, seconds=seconds)

    async def _build_file(self, batch: Batch, path: Path) -> None:
        following, seed = self._keeper.following, self._keeper.store.manifest.seed
        entry, number = following.entry(batch.source), following.number_of(batch.source)
        origins = [origin.to_text() for origin in batch.origins]
        task = Task(batch.source, dict(entry), number, origins, str(path), seed, IDLE)
        source = await self._context.work(following.source, batch.source)
        if entry["type"] == FILES.rstrip(":"):
            handed = await self._context.work_apart(HANDING, hand_over, source, batch.origins)
            if handed is None:
                raise BuildFailed("none of the zones has data any more")
            task = msgspec.structs.replace(task, handed=handed)
        await build_apart(task, self._patience())
