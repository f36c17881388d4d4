"""The thread of the loop, and how others reach it."""

from __future__ import annotations

import asyncio
import collections
import signal
import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, Generic, Protocol, TypeVar

from daemonkit.log import MessageLog


class Turning(Protocol):
    """What such a thread runs."""

    def open(self) -> None:
        """Get the descriptors."""

    def close(self) -> None:
        """Give them back."""

    def run(self) -> None:
        """Take turns until somebody calls."""

    def wake(self) -> None:
        """From any thread: the turn in hand is the last before `run` returns."""

    def recover(self) -> bool:
        """After an exception in a turn; whether turns may go on."""

    def renew(self) -> None:
        """Between turns: do what takes an object."""

    def has_in_hand(self) -> bool:
        """Whether the next turn goes on with something that was received before."""


T = TypeVar("T")
L = TypeVar("L", bound=Turning)
CALL_LIMIT = 10.0  # seconds; a turn takes less than a millisecond


class LoopThread(Generic[L]):
    """Runs a loop. What is to be changed in it is called in its thread, between two turns."""

    def __init__(self, name: str, loop: L, log: MessageLog, after: Callable[[], None] | None = None) -> None:
        """`after` is called in its thread whenever turns ended."""
        self.loop = loop
        self.failure: Exception | None = None  # why the thread ended, if it was not stopped
        self._log = log
        self._after = after
        self._calls: collections.deque[tuple[Future[Any], Callable[[], Any]]] = collections.deque()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Turn from now on."""
        self.loop.open()
        self._thread.start()

    def call_now(self, fn: Callable[[], T]) -> T:
        """As `call()`; waits for the turn in hand, which takes no longer than a batch."""
        return self._post(fn).result(CALL_LIMIT)

    async def call(self, fn: Callable[[], T]) -> T:
        """Run this in the thread of the loop; raises what it raises."""
        return await asyncio.wrap_future(self._post(fn))

    def _post(self, fn: Callable[[], T]) -> Future[T]:
        future: Future[T] = Future()
        self._calls.append((future, fn))
        self.loop.wake()
        return future

    async def stop(self) -> None:
        """End with the turn in hand."""
        if self._thread.is_alive():
            await self.call(self._stop)
            self._thread.join()
            self.loop.close()

    def turned(self) -> None:
        """Called to see that turns end."""

    def _stop(self) -> None:
        self._stopped = True

    def _run(self) -> None:
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # those of the process are the main thread's
        while not self._stopped:
            try:
                self.loop.run()
            except Exception as error:  # noqa: BLE001 - the boundary: whatever a query provokes, the next is answered
                self._log.exception("AUTH_LOOP_ERROR", error)
                if self.loop.recover():
                    continue
                self.failure = error
                return
            self.loop.renew()
            if self._after is not None:
                self._after()
            self._serve_calls()

    def _serve_calls(self) -> None:
        for _ in range(len(self._calls)):  # what is called meanwhile comes after another turn
            future, fn = self._calls.popleft()
            if not future.set_running_or_notify_cancel():  # who called waits no more
                continue
            try:
                future.set_result(fn())
            except Exception as error:  # noqa: BLE001 - the caller's
                future.set_exception(error)
            if self.loop.has_in_hand():  # that is answered before anything is changed: where it is, and for whom
                if self._calls:
                    self.loop.wake()
                return
