"""No room on the disk: what needs some is not tried again at once.

Each try writes a file, and very many zones may want the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

PAUSE = 1.0  # s: a change that comes later than that is tried, whether others wait or not


class Shortage:
    """Remembers that there was no room just now. For one thread at a time."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._error: OSError | None = None
        self._until = 0.0

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Write what needs room. Raises OSError, too, where another could not just now."""
        if self._error is not None and self._clock() < self._until:
            raise OSError(*self._error.args)
        try:
            yield
        except OSError as error:
            self._error = error.with_traceback(None)
            self._until = self._clock() + PAUSE
            raise
        self._error = None

    def forget(self) -> None:
        """Have it tried again now."""
        self._error = None
