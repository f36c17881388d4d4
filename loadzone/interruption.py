"""SIGINT and SIGTERM: they end the program between steps, never within the writing of a zone."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from loadzone.errors import Interrupted


class Interruption:
    """Turns the signals into Interrupted, wherever the program is, except while they are held back."""

    def __init__(self) -> None:
        self._caught: int | None = None
        self._held = False

    def install(self) -> None:
        """Catch the signals from now on. Main thread only."""
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self._catch)

    def check(self) -> None:
        """Raise Interrupted if a signal came: libraries may have taken the exception for one of their own."""
        if self._caught is not None:
            raise Interrupted(self._caught)

    @contextmanager
    def held(self) -> Iterator[None]:
        """Let what is inside come to its end; a signal meanwhile is seen at the next check()."""
        self.check()
        self._held = True
        try:
            yield
        finally:
            self._held = False

    def _catch(self, number: int, _frame: FrameType | None) -> None:
        self._caught = number
        if not self._held:
            raise Interrupted(number)
