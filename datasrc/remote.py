"""A data source behind a network: looked after by a thread, and by another one where that gets no answer any more.

Drivers of PostgreSQL and MySQL, and SQLite, give up after a while. One without time limits waits for as long as its
connection stands, which is for ever where the server was cut off: its thread is left to itself, and ends when it comes
back.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

from datasrc.errors import StorageError
from datasrc.lookout import Lookout
from datasrc.member import PASS_LIMIT, Failure, Held, OnChange, SourceStatus, nobody
from datasrc.silence import LISTEN_EVERY, SILENT_AFTER
from datasrc.source import DataSource

SILENT_MOST = 3600.0  # s: the limit is doubled with each thread that was given up in a row
LOST_MOST = 8  # threads that were given up and have not come back: each keeps a connection


class RemoteMember(Held):
    """A source and the thread that looks after it (datasrc.member.Member). May be shared between threads."""

    def __init__(
        self, name: str, opener: Callable[[], DataSource], changed: OnChange = nobody, *, hears: bool = True
    ) -> None:
        """`hears`: the thread looks at each change, and at once when a server is gone; else every second, and no more.

        In a process that follows the source itself it would do all work of a change a second time.
        """
        super().__init__(name)
        self._make = partial(Lookout, name, opener, changed, hears=hears)
        self._closed = False
        self._limit = SILENT_AFTER
        self._listened = time.monotonic()
        self._lost: list[Lookout] = []
        self._lookout = self._make()
        self._lookout.start()

    def look(self, limit: float = PASS_LIMIT) -> None:
        """Wait for the first look of the thread, but not for long. Raises UnknownBackend."""
        self._now().look(limit)

    def refresh(self) -> None:
        """Have the thread look now, and wait for it, but not for long."""
        self._rest.end()
        self._now().refresh()

    def usable(self) -> DataSource | Failure:
        """The source, or why it cannot be used."""
        return self._resting() or self._now().usable()

    def failed(self, error: StorageError) -> Failure:
        """Note that the source failed; the thread finds out when it works again."""
        return self._now().failed(error)

    def leave_alone(self, silent: float) -> float:
        """Have nobody ask it for a while; the thread finds out meanwhile whether it answers. Never waits."""
        rest = super().leave_alone(silent)
        self._lookout.doubt(Failure(f"it has not answered for {silent:.0f} s", self.name, new=False))
        return rest

    def longest(self, keys: list[bytes]) -> int | None:
        """The length of the longest of these keys that was a zone here; -1: none was; None: nothing is known."""
        return self._lookout.longest(keys)

    def status(self) -> SourceStatus:
        """How the source does, looked at now; one that failed is being looked at all the time."""
        resting = self._resting()
        return self._now().status() if resting is None else self._lookout.status_as(resting)

    def _let_go(self) -> None:
        """End the thread, which closes the source."""
        self._closed = True
        self._lookout.close()

    def _now(self) -> Lookout:
        """The thread that looks after it; another one where that has got no answer for too long."""
        now = time.monotonic()
        if now - self._listened >= LISTEN_EVERY and self._lock.acquire(blocking=False):
            try:
                self._listened = now
                self._listen()
            finally:
                self._lock.release()
        return self._lookout

    def _listen(self) -> None:
        before = self._lookout
        silent = before.silent()
        if silent < self._limit or self._closed:
            if silent == 0.0 and not isinstance(before.usable(), Failure):
                self._limit = SILENT_AFTER
            return
        failure = Failure(f"it has not answered for {silent:.0f} s", self.name, new=False)
        self._lost = [one for one in self._lost if not one.has_ended()]
        if len(self._lost) == LOST_MOST:
            before.note(failure)
            return
        self._lost.append(before)
        self._limit = min(2 * self._limit, SILENT_MOST)
        self._lookout = self._make()
        self._lookout.start(before.give_up(failure))
