"""What the worker asks of data sources, watched: who gets no answer is left to itself, and the source left alone.

Asking --each second--> Watch --Desk.leave, Sources.leave_alone--> another thread answers, without that source
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, TypeVar

from authworker.desk import Desk
from authworker.errors import SourceSilent
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from datasrc.silence import Asking, Unanswered
from datasrc.sources import Sources
from msgq.errors import Refused

P = ParamSpec("P")
T = TypeVar("T")

SOURCE_LIMIT = 4.0  # s for one answer; drivers with time limits give up after two, auth after eight
LOST_MOST = 32  # threads that wait and have not come back: each has a connection; then the process begins afresh


@dataclass(eq=False, slots=True)
class _Call:
    """What a command asks, in a thread of its own."""

    sources: Sources
    done: asyncio.Future[None]
    thread: int = 0
    source: str = ""  # that it waits for in vain


class Watch:
    """Of one process, in its loop. look() is to be called every second."""

    def __init__(self, asking: Asking, log: MessageLog, counters: Counters) -> None:
        self._asking = asking
        self._log = log
        self._counters = counters
        self._calls: set[_Call] = set()

    async def ask(self, sources: Sources, fn: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Have a thread ask data sources for a command. Raises Refused where one of them does not answer."""
        loop, found = asyncio.get_running_loop(), list[T]()
        call = _Call(sources, loop.create_future())

        def run() -> None:
            error: BaseException | None = None
            try:
                found.append(fn(*args, **kwargs))
            except BaseException as failure:  # noqa: BLE001 - who waits raises it
                error = failure
            with contextlib.suppress(RuntimeError):  # the loop has ended
                loop.call_soon_threadsafe(self._end, call, error)

        thread = threading.Thread(target=run, name="call", daemon=True)
        thread.start()
        call.thread = thread.ident or 0
        self._calls.add(call)
        await call.done
        return found[0]

    def look(self, desk: Desk, sources: Sources) -> None:
        """Leave alone what does not answer. Raises SourceSilent where too many threads have waited in vain."""
        waiting = {*desk.threads(), *(call.thread for call in self._calls if not call.source)}
        silent = [one for one in self._asking.unanswered() if one.seconds >= SOURCE_LIMIT and one.thread in waiting]
        for source in {one.source for one in silent}:  # first: who answers in their place asks, too
            self._leave_alone(sources, source, max(one.seconds for one in silent if one.source == source))
        for one in silent:
            if not desk.leave(one.thread, one.source):
                self._leave(one)
        lost = [*desk.lost(), *(call.source for call in self._calls if call.source)]
        self._counters.set("threads.lost", len(lost))
        if len(lost) > LOST_MOST:
            names = ", ".join(sorted(set(lost)))
            raise SourceSilent(f"{len(lost)} threads wait for data sources that do not answer: {names}")

    def _leave_alone(self, sources: Sources, source: str, seconds: float) -> None:
        rest = sources.leave_alone(source, seconds)
        if rest is not None:  # it is still configured
            self._log.error("AUTHWORKER_SOURCE_SILENT", source=source, seconds=f"{seconds:.0f}", rest=f"{rest:.0f}")
            self._counters.add("datasource.silences")

    def _leave(self, one: Unanswered) -> None:
        """Expect nothing of the thread of a command any more."""
        for call in self._calls:
            if call.thread == one.thread and not call.done.done():
                call.source = one.source
                call.done.set_exception(Refused("unavailable", f"the data source {one.source} does not answer"))

    def _end(self, call: _Call, error: BaseException | None) -> None:
        self._calls.discard(call)
        if call.source:
            call.sources.answered(call.source)
        elif call.done.cancelled():
            return
        elif error is None:
            call.done.set_result(None)
        else:
            call.done.set_exception(error)
