"""How far the data sources were followed, noted for the next process: now and then, and at the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from itertools import islice

from daemonkit.log import MessageLog
from datasrc.filememory import PackedFiles
from memmgr.following import Following
from memmgr.marks import Marks
from memmgr.store import Store

NOTE_EVERY = 5.0  # s between notes of how far sources were followed; a successor looks at what came since again
MOST_UNSETTLED = 1000  # zones that are noted one by one: where there are more, all are looked at
NOTE_SHARE = 0.05  # of the time at most that these notes may take: of very many zone files they take their time


class Noting:
    """Without these notes the next process looks at more than it needs."""

    def __init__(
        self, store: Store, following: Following, unsettled: Callable[[], Iterator[bytes]], log: MessageLog
    ) -> None:
        """`unsettled` are the keys of zones that the directory does not have as they are."""
        self._store = store
        self._following = following
        self._unsettled = unsettled
        self._log = log
        self._marks: Marks | None = None  # that were written last
        self._noted: list[tuple[int, int]] = []  # which news of zone files were written for the next process
        self._due = 0.0  # on the monotonic clock

    def take_read(self, files: dict[int, PackedFiles]) -> None:
        """What was read of zone files was just taken from these notes: they need not be written again."""
        news = self._following.files.news
        if all(number in files for number, _ in news):
            self._noted = [(number, 0) for number, _ in news]

    def note(self) -> None:
        """Write the notes; where that fails it is logged."""
        begun = time.monotonic()
        try:
            self._note_marks()
            news = self._following.files.news
            if news != self._noted:
                self._store.notes.remember_files(self._following.files.told())
                self._noted = news
        except OSError as error:
            self._log.warning("MEMMGR_NOT_NOTED", reason=error)
        now = time.monotonic()
        self._due = now + max(NOTE_EVERY, (now - begun) / NOTE_SHARE)

    def _note_marks(self) -> None:
        """Raises OSError: what was noted before may be so no more, and is not left either."""
        listed, kept = self._following.listed(), self._kept()
        try:
            if listed != self._store.manifest.sources:
                self._store.listed.remember(listed)
            if kept != self._marks:
                self._store.notes.remember_marks(self._store.manifest, kept)
                self._marks = kept
        except OSError:
            self._marks = None
            self._store.notes.forget_marks()
            raise

    def _kept(self) -> Marks:
        unsettled = list(islice(self._unsettled(), MOST_UNSETTLED + 1))
        kept = Marks(self._following.marks(), tuple(sorted(set(unsettled))))
        return kept if len(unsettled) <= MOST_UNSETTLED else kept.of_another()

    def note_if_due(self) -> None:
        """The same, now and then: what was read outlives who is killed."""
        if time.monotonic() >= self._due:
            self.note()
