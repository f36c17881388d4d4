"""What builds have in common, whoever waits for them: how one is carried out, and what its process is told.

What fails costs one image. It is logged, and whoever keeps the images gives it up.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from daemonkit.module import Context
from memmgr.building import ERRORS, Task, reason_of
from memmgr.errors import SourceSilent
from memmgr.keeper import Keeper
from memmgr.plan import Build


@dataclass(frozen=True, slots=True)
class Carrier:
    """Carries out builds, with what is done for each: `publish` and `give_up` by the worker thread."""

    context: Context
    make: Callable[[Build], Awaitable[None]]  # has the file made; raises ERRORS
    publish: Callable[[Build], None]  # has it answered from; raises ERRORS
    give_up: Callable[[Build, str], None]  # for a reason
    leave_alone: Callable[[SourceSilent], None]  # a source that has said nothing for too long

    async def carry_out(self, build: Build) -> bool:
        """Have an image built and published; whether that could be."""
        context, batch = self.context, build.batch
        start = asyncio.get_running_loop().time()
        try:
            await self.make(build)
            await context.work(self.publish, build)
        except ERRORS as error:
            if isinstance(error, SourceSilent):
                self.leave_alone(error)
            reason, (first, *_) = reason_of(error), batch.origins
            context.counters.add("builds.failed")
            context.log.error("MEMMGR_BUILD_FAILED", zones=len(batch.origins), zone=first, reason=reason)
            await context.work(self.give_up, build, reason)
            return False
        seconds = f"{asyncio.get_running_loop().time() - start:.2f}"
        context.counters.add("builds")
        context.counters.add("builds.zones", len(batch.origins))
        context.log.info("MEMMGR_BUILT", zones=len(batch.origins), records=batch.records, seconds=seconds)
        return True


def task_for(keeper: Keeper, build: Build, niceness: int) -> Task:
    """What builds it. Raises StorageError where its data source is configured no more."""
    following, batch = keeper.following, build.batch
    return Task(
        batch.source,
        dict(following.entry(batch.source)),
        following.number_of(batch.source),
        [origin.to_text() for origin in batch.origins],
        str(build.path),
        keeper.store.manifest.seed,
        niceness,
    )
