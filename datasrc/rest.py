"""How long a data source that did not answer is left alone: each who asks it may wait for ever."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

FIRST = 30.0  # s; doubled each time
MOST = 600.0  # s
FORGOTTEN = 3600.0  # s from the end of a rest, after which the next one is short again
ANSWERED = 5.0  # s that are left when it has answered, late: it may still be slow


class Rest:
    """Of one data source. May be shared between threads."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._until = float("-inf")
        self._seconds = 0.0  # of the rest that is, or was last
        self._silent = 0.0  # s for which it had not answered

    def begin(self, silent: float) -> float:
        """Leave it alone: it has not answered for so many seconds. For how long; of a rest that is, what is left."""
        with self._lock:
            now = self._clock()
            if now >= self._until:
                again = now < self._until + FORGOTTEN
                self._seconds = min(2 * self._seconds, MOST) if again else FIRST
                self._until, self._silent = now + self._seconds, silent
            return self._until - now

    def answered(self) -> None:
        """Who waited for it has an answer."""
        with self._lock:
            self._until = min(self._until, self._clock() + ANSWERED)

    def end(self) -> None:
        """Somebody wants it to be asked now."""
        with self._lock:
            self._until = min(self._until, self._clock())

    def reason(self) -> str:
        """Why it is left alone; empty: it is not."""
        left = self._until - self._clock()
        if left <= 0.0:
            return ""
        return f"it had not answered for {self._silent:.0f} s, and is asked again in {left:.0f} s"
