"""A queue and a thread before each destination, so that no place a log goes to can ever hold up who writes it.

put() --bounded queue--> thread --> Destination.write(), which may block for ever or fail

What finds the queue full is dropped and counted; the count is told at its place once the destination takes lines again.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from daemonkit.log_destinations import Destination
from daemonkit.log_entry import Entry

MAX_QUEUED = 4000  # entries: some 2 MB, and minutes of a busy suite
RETRY = 0.5  # s after a failure, as of a full disk
IDLE_LOOK = 30.0  # s between looks at a destination nobody writes to


@dataclass(slots=True)
class _Gap:
    """Where entries were dropped, and how many."""

    count: int = 0


class Sink:
    """One destination with its queue. put() never blocks and never raises."""

    def __init__(
        self,
        destination: Destination,
        *,
        gap: Callable[[int], Entry],
        idle: Callable[[], float | None] = lambda: None,
        dropped: Callable[[], None] = lambda: None,
        lost: Callable[[int], None] = lambda _count: None,
        limit: int = MAX_QUEUED,
    ) -> None:
        """`gap` makes the entry that tells of a number of dropped ones; `idle` is called when there is nothing to do,
        and tells in how many seconds to call it again, if it wants to be called. `dropped` is called for each; `lost`
        when the sink has closed, with the number of those that could not be written any more.
        """
        self._destination = destination
        self._gap = gap
        self._idle = idle
        self._tell_dropped = dropped
        self._tell_lost = lost
        self._lost = 0
        self._limit = limit
        self._queue: deque[Entry | _Gap] = deque()
        self._changed = threading.Condition()
        self._in_hand = False
        self._closing = False
        self._thread: threading.Thread | None = None  # started with the first entry: bob changes its user before
        self.dropped = 0

    def put(self, entry: Entry) -> None:
        """Queue an entry, or count it as dropped."""
        with self._changed:
            if self._closing:  # its thread may have ended: the other places have the line
                self._drop()
                return
            if len(self._queue) >= self._limit:
                last = self._queue[-1]
                if not isinstance(last, _Gap):
                    self._queue.append(last := _Gap())
                last.count += 1
                self._drop()
                return
            self._queue.append(entry)
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="log", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def wake(self) -> None:
        """Have `idle` called."""
        with self._changed:
            self._changed.notify_all()

    def flush(self, timeout: float) -> bool:
        """Wait until everything is written; whether it was within the time."""
        with self._changed:
            return self._changed.wait_for(lambda: not self._queue and not self._in_hand, timeout)

    def close(self) -> None:
        """Take nothing more; what is queued is written, as far as the destination takes it, and then it is let go."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()

    def _run(self) -> None:
        while (item := self._next()) is not None:
            if isinstance(item, _Gap):
                if not self._write(self._gap(item.count)):
                    self._lost += item.count  # each is counted as dropped already
            elif not self._write(item):
                self._lost += 1
                self._drop()
            with self._changed:
                self._in_hand = False
                self._changed.notify_all()
        self._destination.close()
        if self._lost:
            self._tell_lost(self._lost)

    def _drop(self) -> None:
        self.dropped += 1
        self._tell_dropped()

    def _next(self) -> Entry | _Gap | None:
        """The next item, waited for; None: closed, and everything is written."""
        while True:
            with self._changed:
                if self._queue:
                    self._in_hand = True
                    return self._queue.popleft()
                if self._closing:
                    return None
            again = self._idle()
            self._destination.look()
            with self._changed:
                if not self._queue and not self._closing:
                    self._changed.wait(IDLE_LOOK if again is None else min(again, IDLE_LOOK))

    def _write(self, entry: Entry) -> bool:
        """Whether it is written: a destination that fails is tried again, but not by a sink that closes."""
        while True:
            try:
                self._destination.write(entry)
            except OSError:  # full disk, no reader, no syslog: the queue fills and what is too much is counted
                if self._closing:
                    return False
                time.sleep(RETRY)
            else:
                return True
