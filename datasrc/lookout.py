"""A thread that looks after a data source, so that who answers questions never waits for a server that is gone.

datasrc/remote.py says what becomes of one that gets no answer.
"""

from __future__ import annotations

import os
import random
import select
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

import dns.name

from datasrc.errors import StorageError, UnknownBackend
from datasrc.keytable import KeyTable
from datasrc.member import (
    LOOK_EVERY,
    PASS_LIMIT,
    RETRY_FIRST,
    RETRY_MOST,
    Failure,
    OnChange,
    SourceStatus,
    longest_of,
    nobody,
    take_in,
)
from datasrc.silence import Pulse
from datasrc.source import Bell, DataSource


@dataclass(frozen=True, slots=True)
class Learnt:
    """What a thread knew of a source when it was given up."""

    known: KeyTable | None  # of the keys of origins
    seen: int  # the last outbox id that is in them
    failure: Failure


class Lookout:
    """A thread that looks after a source: it opens it, follows it, and tries it again after a failure.

    Who asks gets what the thread found last, at once: the source, or the failure. Only a question in hand when the
    server stops answering waits, as long as the source itself does (for PostgreSQL: two seconds), and reports it.
    """

    def __init__(
        self, name: str, opener: Callable[[], DataSource], changed: OnChange = nobody, *, hears: bool = True
    ) -> None:
        """`hears`: the thread looks at each change, and at once when a server is gone; else every second, and no more.

        In a process that follows the source itself it would do all work of a change a second time.
        """
        self.name = name
        self._hears = hears
        self._opener = opener
        self._changed = changed
        self._source: DataSource | None = None
        self._failure: Failure | None = Failure("it has not answered yet", name, new=False)
        self._unusable: UnknownBackend | None = None  # no waiting mends that
        self._known: KeyTable | None = None
        self._seen = 0
        self._begun = 0  # looks of the thread
        self._ended = 0
        self._told = False  # whether the failure was
        self._after_failure = False
        self._closing = False
        self._asks: Pulse | None = None  # while the thread waits for the source, how long it has done nothing else
        self._state = threading.Condition()  # its lock is never held during input or output
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name=f"source {name}", daemon=True)

    def start(self, learnt: Learnt | None = None) -> None:
        """Begin; in place of one that was given up, with what that had learnt."""
        if learnt is not None:
            self._known, self._seen = learnt.known, learnt.seen
            self._failure, self._told = learnt.failure, True
        self._thread.start()

    def look(self, limit: float = PASS_LIMIT) -> None:
        """Wait for the first look of the thread, but not for long. Raises UnknownBackend."""
        with self._state:
            self._state.wait_for(lambda: self._ended, limit)
            if self._unusable is not None:
                raise self._unusable

    def refresh(self) -> None:
        """Have the thread look now, and wait for it, but not for long."""
        with self._state:
            before = self._begun  # one that is under way may have begun too early
        self._ring()
        with self._state:
            self._state.wait_for(lambda: self._ended > before or self._closing, PASS_LIMIT)

    def usable(self) -> DataSource | Failure:
        """The source, or why it cannot be used."""
        with self._state:
            if self._failure is not None:
                return self._failure
            assert self._source is not None
            return self._source

    def failed(self, error: StorageError) -> Failure:
        """Note that the source failed; the thread finds out when it works again."""
        failure = self.note(Failure.of(error))
        with self._state:
            self._after_failure = True
        self._ring()
        return failure

    def doubt(self, failure: Failure) -> None:
        """Have it fail until the thread has found that it works: who asked got no answer. That is told by who did."""
        with self._state:
            self._failure = failure
        self._ring()

    def longest(self, keys: list[bytes]) -> int | None:
        """The length of the longest of these keys that was a zone here; -1: none was; None: nothing is known."""
        with self._state:
            return longest_of(keys, self._known, self._failure)

    def status(self) -> SourceStatus:
        """How the source does, looked at now; one that failed is being looked at all the time."""
        with self._state:
            works = self._failure is None
        if works:
            self.refresh()
        with self._state:
            return SourceStatus.of(self.name, self._failure, self._known)

    def status_as(self, failure: Failure) -> SourceStatus:
        """How the source does, as another knows better."""
        with self._state:
            return SourceStatus.of(self.name, failure, self._known)

    def silent(self) -> float:
        """For how many seconds the source has said nothing to the thread. To be asked every second."""
        asks = self._asks
        return 0.0 if asks is None else asks.silent()

    def give_up(self, failure: Failure) -> Learnt:
        """Expect nothing of the thread any more: it ends, and closes the source, when it has an answer."""
        self.note(failure)
        with self._state:
            self._closing, self._changed = True, nobody
            self._state.notify_all()
            return Learnt(self._known, self._seen, failure)

    def has_ended(self) -> bool:
        """Whether the thread has, after close()."""
        return not self._thread.is_alive()

    def close(self) -> None:
        """End the thread, which closes the source."""
        with self._state:
            self._closing = True
            self._state.notify_all()
        self._ring()  # the thread closes everything: it may be waiting for a server that says nothing

    # The thread.

    def _run(self) -> None:
        bell: Bell | None = None
        wait = RETRY_FIRST
        while not self._closing:
            with self._state:
                self._begun += 1
            self._asks = Pulse.of_thread()
            works = self._try()
            if works:
                bell = bell or self._listen()
            self._asks = None
            if works:
                wait, pause = RETRY_FIRST, LOOK_EVERY
            else:
                pause, wait = wait * random.uniform(0.5, 1.0), min(2 * wait, RETRY_MOST)  # noqa: S311 - no secret
                if self._failure is not None and self._failure.new:  # to look whether it is there costs nothing
                    pause = min(pause, LOOK_EVERY)
            with self._state:
                self._ended = self._begun
                self._state.notify_all()
            if self._unusable is not None:
                break
            self._sleep(pause, bell)
        if bell is not None:
            bell.close()
        if self._source is not None:
            self._source.close()
        with self._state:
            os.close(self._wake)
            self._wake = -1

    def _try(self) -> bool:
        """Open the source if it is not, and follow it; whether it works."""
        try:
            source = self._source or self._opener()
            with self._state:
                self._source = source
            self._follow(source)
            with source.snapshot() as snapshot:
                snapshot.find_zone(dns.name.root)
        except StorageError as error:
            self.note(Failure.of(error))
            return False
        except UnknownBackend as error:
            self._unusable = error
            return False
        except Exception as error:  # noqa: BLE001 - without this thread the source would never come back
            self.note(Failure(f"{type(error).__name__}: {error}", self.name, new=False))
            return False
        with self._state:
            told, self._told, self._failure = self._told, False, None
        if told:
            self._changed(self.name, None)
        return True

    def note(self, failure: Failure) -> Failure:
        """Note that the source fails."""
        with self._state:
            told, self._told, self._failure = self._told, True, failure
        if not told:
            self._changed(self.name, failure)
        return failure

    def _follow(self, source: DataSource) -> None:
        last = source.last_change()
        known, seen = self._known, self._seen  # only this thread changes them
        while known is not None and seen < last:
            changes = source.changes(seen)
            if not changes or changes[0].id != seen + 1:
                known = None  # older ones were trimmed
                break
            seen = changes[-1].id
            with self._state:
                if self._closing:  # another has it by now
                    return
                take_in(known, changes)
                self._seen = seen
        if known is None or last < seen:
            keys = source.zone_keys()
            with self._state:
                # `last` was read first: what changed in between comes again.
                self._known, self._seen = keys, last

    def _listen(self) -> Bell | None:
        assert self._source is not None
        if not self._hears:
            return None
        try:
            return self._source.listen(f"{self.name}.{id(self)}")
        except OSError:  # no descriptor left, say: the look every second does
            return None

    def _sleep(self, seconds: float, bell: Bell | None) -> None:
        watched = select.poll()  # not select(2): descriptors above 1024 are nothing unusual here
        for descriptor in (self._wake, *([] if bell is None else [bell.fileno()])):
            watched.register(descriptor, select.POLLIN)
        watched.poll(seconds * 1000)
        try:
            os.eventfd_read(self._wake)
        except BlockingIOError:  # it was the bell, or time
            pass
        if bell is not None:
            bell.drain()
        with self._state:
            after_failure, self._after_failure = self._after_failure, False
        if after_failure:  # let a server that just fell get up, and never turn faster than this
            time.sleep(RETRY_FIRST)

    def _ring(self) -> None:
        with self._state:
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)
