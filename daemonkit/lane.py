"""Threads for calls that may never return: a driver without time limits, or a file system on a network, waits for ever.

Nobody can end such a thread. So whoever waits for the call is refused after a while, and the thread is left to itself;
a call says before it asks something outside (`Lane.asks`), and what has not answered another call is left alone.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from daemonkit.log import MessageLog
from msgq.errors import Refused

P = ParamSpec("P")
R = TypeVar("R")

AGAIN_AFTER = 30.0  # s in which nobody asks what did not answer one call; twice as long for each more that waits
MAX_LEFT = 64  # threads left to themselves: while there are so many, all calls are refused


class Silent(Exception):
    """What is to be asked has not answered another call so far."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(f"{what} has not answered for {seconds:.0f} s")
        self.what = what


@dataclass(slots=True, eq=False)
class _Call:
    """One that has not returned."""

    began: float
    patience: float
    asks: str = ""  # what it asked last
    left: bool = False  # nobody waits for it any more

    def is_late(self, now: float) -> bool:
        """Whether it should have returned."""
        return now - self.began > self.patience


class Calls:
    """Those of lanes that ask the same."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.running: list[_Call] = []
        self.mine = threading.local()  # .call: that of this thread

    def late(self) -> list[_Call]:
        """Those that should have returned."""
        now = time.monotonic()
        with self.lock:
            return [call for call in self.running if call.is_late(now)]


class Lane:
    """A few threads. `run` and `close` belong to the loop, `asks` and `silent` to any thread."""

    def __init__(self, name: str, threads: int, patience: float, log: MessageLog, beside: Lane | None = None) -> None:
        """At most so many calls at a time are waited for, each for `patience` seconds from its start.

        What does not answer a call of a lane is left alone by those of all lanes beside it.
        """
        self._patience = patience
        self._log = log
        self._threads = ThreadPoolExecutor(threads + MAX_LEFT, name)  # starts none before it has work
        self._places = asyncio.Semaphore(threads)
        self.calls: Calls = Calls() if beside is None else beside.calls

    async def run(self, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> R:
        """The result of the call. Refused (`unavailable`) where it does not return in time; it may go on then."""
        async with self._places:
            call = self._begin()
            running = asyncio.get_running_loop().run_in_executor(self._threads, self._job(call, fn, *args, **kwargs))
            try:
                await asyncio.wait({running}, timeout=self._patience)
            finally:
                if not running.done():
                    call.left = True
                    running.add_done_callback(_nobody_waits)
            if not running.done():
                raise self._refusal(call)
            return running.result()

    def asks(self, what: str) -> None:
        """Say in a call what is asked next, in words for people; Silent where that does not answer another call."""
        now = time.monotonic()
        waiting = [call for call in self.calls.late() if call.asks == what]
        if waiting:
            last = max(call.began + call.patience for call in waiting)
            if now - last < AGAIN_AFTER * 2 ** (len(waiting) - 1):
                raise Silent(what, now - min(call.began for call in waiting))
        mine: _Call | None = getattr(self.calls.mine, "call", None)
        if mine is not None:
            mine.asks = what

    def silent(self) -> list[str]:
        """What has not answered a call in time so far."""
        return sorted({call.asks for call in self.calls.late() if call.asks})

    def close(self) -> None:
        """Take no calls any more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> _Call:
        with self.calls.lock:
            left = sum(call.left for call in self.calls.running)
            if left >= MAX_LEFT:
                raise Refused("unavailable", f"{left} calls that nobody waits for any more have not returned")
            call = _Call(time.monotonic(), self._patience)
            self.calls.running.append(call)
        return call

    def _job(self, call: _Call, fn: Callable[P, R], *args: P.args, **kwargs: P.kwargs) -> Callable[[], R]:
        def job() -> R:
            self.calls.mine.call = call
            try:
                return fn(*args, **kwargs)
            finally:
                with self.calls.lock:
                    self.calls.running.remove(call)

        return job

    def _refusal(self, call: _Call) -> Refused:
        what = call.asks or "what was asked"
        self._log.warning("DAEMON_CALL_LEFT", what=what, seconds=f"{self._patience:g}")
        return Refused("unavailable", f"{what} did not answer within {self._patience:g} s")


def _nobody_waits(running: asyncio.Future[Any]) -> None:
    if not running.cancelled():
        running.exception()  # as late as this it is nobody's any more
