"""Which places are not there, asked beside all else: a look at a hung network file system never ends.

A revision is in effect when this is asked, so a place that cannot be looked at in time, or at all, is no news.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Sequence
from contextlib import suppress

LOOK_LIMIT = 2.0  # s, for all places of one question


class Absence:
    """Has one thread at most: while it hangs nothing more is asked."""

    def __init__(self) -> None:
        self._looking = False

    async def of(self, places: Sequence[str]) -> frozenset[str]:
        """Those that are certainly not there."""
        if not places or self._looking:
            return frozenset()
        loop, done, absent = asyncio.get_running_loop(), asyncio.Event(), list[str]()

        def ended() -> None:
            self._looking = False
            done.set()

        def look() -> None:
            for place in places:
                try:
                    os.lstat(place)
                except (FileNotFoundError, NotADirectoryError):
                    absent.append(place)
                except OSError:  # it may be there, and whoever reads it says what is wrong
                    continue
            with suppress(RuntimeError):  # it hung until the process had ended its loop
                loop.call_soon_threadsafe(ended)

        self._looking = True
        threading.Thread(target=look, name="absence", daemon=True).start()  # one that hangs must not hold up the exit
        with suppress(TimeoutError):
            await asyncio.wait_for(done.wait(), LOOK_LIMIT)
        return frozenset(absent)
