"""Threads for one kind of blocking work each: whatever fills one pool, the other kinds do not wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, Protocol, TypeVar

from cmdctl.errors import RequestError
from cmdctl.limits import CHECKS_AT_ONCE

P = ParamSpec("P")
R = TypeVar("R")


class Work(Protocol):
    """Runs a blocking call in a worker thread (daemonkit.module.Context.work, `daemonkit.lane.Lane.run`, or a Pool)."""

    async def __call__(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Its result."""
        ...


class Pool:
    """So many threads, started when there is work (Work)."""

    def __init__(self, name: str, threads: int, *, busy: str = "") -> None:
        """With `busy` work is refused with that text while all threads have some; without it work waits."""
        self._threads = ThreadPoolExecutor(threads, name)
        self._most = threads
        self._busy = busy
        self._in_hand = 0

    async def __call__(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """Run it in a thread; raises RequestError where none is free and work is not to wait."""
        if self._busy and self._in_hand >= self._most:
            raise RequestError("unavailable", f"busy: {self._busy}")
        loop = asyncio.get_running_loop()
        self._in_hand += 1
        future = loop.run_in_executor(self._threads, self._done_then, loop, lambda: fn(*args, **kwargs))
        return await asyncio.shield(future)  # whoever asked may be gone: the thread has it all the same

    def close(self) -> None:
        """Begin nothing more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _done_then(self, loop: asyncio.AbstractEventLoop, fn: Callable[[], R]) -> R:
        try:
            return fn()
        finally:
            if not loop.is_closed():
                loop.call_soon_threadsafe(self._one_less)

    def _one_less(self) -> None:
        self._in_hand -= 1


def check_pool() -> Pool:
    """For what reads and checks whole zones."""
    return Pool("checks", CHECKS_AT_ONCE, busy="other zones are being checked; try again when they are done")
