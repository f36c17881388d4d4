"""Opens the images, as soon as there is room for what must be written.

Each try locks them, which keeps auth answering from them as they were, and reads all of them. So the second is made
soon, and from then on nobody has the lock for longer than auth waits for that.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from daemonkit.module import Context
from daemonkit.process import suite_run
from image import manifest
from image.collection import GRACE
from memmgr.errors import ListUnreadable
from memmgr.slots import Refused
from memmgr.store import Store

DIRECTORY = "images"  # in the state directory
SOON = 1.0  # s to the next try where that may well find all it wants
OPEN_EVERY = GRACE + 2.0  # s between all others: auth gives the images up meanwhile
LIST_TRIES = 3  # for the list, whose loss has all images built anew: then auth has given them up anyway


class Obstacle:
    """What keeps the images from being opened: told once in the log, and in the status for as long as it is so."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self.reason = ""  # why they could not be opened, with the file where that is known
        self._met: tuple[int | None, str] | None = None

    def met(self, error: OSError) -> None:
        """They could not be opened: the same fault in the same directory is counted each time, and not told again.

        Files that are written before they take the place of others have another name at each try.
        """
        self._context.counters.add("failures")
        met = error.errno, str(Path(os.fsdecode(error.filename or "")).parent)
        if met != self._met:
            self._met = met
            self.reason = str(error) if error.filename is None else f"{error.filename}: {error.strerror}"
            self._context.log.error("MEMMGR_CANNOT_OPEN", reason=self.reason, seconds=f"{OPEN_EVERY:.0f}")

    def gone(self) -> None:
        """They are open."""
        self.reason, self._met = "", None


async def open_store(
    context: Context,
    refused: Refused,
    failed: Callable[[OSError], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> Store:
    """Try until they are open; whatever keeps them from that is told."""
    places = context.directories
    rest, unread = SOON, 0
    while True:
        try:
            return await context.work(
                Store,
                places.state / DIRECTORY,
                places.run / manifest.ANNOUNCEMENT,
                suite_run(),
                refused,
                gives_list_up=unread + 1 >= LIST_TRIES,
            )
        except ListUnreadable as error:
            unread += 1
            if error.aside is None:
                failed(error)
            else:
                context.log.error(
                    "MEMMGR_LIST_PUT_ASIDE", file=error.filename, reason=error.strerror, aside=error.aside
                )
                rest = SOON
        except OSError as error:
            failed(error)
        await sleep(rest)
        rest = OPEN_EVERY
