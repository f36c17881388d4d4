"""The doorbells of data sources: the worker thread hangs them up, the loop waits for them and takes them down."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

from datasrc.source import Bell


class Bells:
    """By the names of data sources. hang_up() and `in` are for any thread, all else for that of the loop."""

    def __init__(self, rung: Callable[[], None]) -> None:
        """`rung` is called on the loop, which is the one that runs now."""
        self._rung = rung
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._bells: dict[str, Bell] = {}
        self._closed = False

    def __contains__(self, name: str) -> bool:
        return name in self._bells

    def hang_up(self, name: str, bell: Bell) -> None:
        """Have the loop wait for the bell of a data source that has none yet; it is closed at once behind close()."""
        with self._lock:
            if not self._closed:
                self._bells[name] = bell
                self._loop.call_soon_threadsafe(self._wait_for, name, bell)
                return
        bell.close()

    def _wait_for(self, name: str, bell: Bell) -> None:
        if self._bells.get(name) is bell:  # else it was taken down meanwhile, and its descriptor may be another's
            self._loop.add_reader(bell.fileno(), self._ring, bell)

    def _ring(self, bell: Bell) -> None:
        bell.drain()
        self._rung()

    def take_down(self) -> None:
        """Wait for none that hangs there now."""
        with self._lock:
            bells, self._bells = self._bells, {}
        for bell in bells.values():
            self._loop.remove_reader(bell.fileno())
            bell.close()

    def close(self) -> None:
        """Wait for none any more, whatever the worker is about to hang up."""
        with self._lock:
            self._closed = True
        self.take_down()
