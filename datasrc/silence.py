"""Who asks a data source and gets no answer: a driver without time limits waits for ever, and its thread with it.

Silence is that a thread or process does nothing at all: it neither runs nor wants to. Who has much to do, or is
answered slowly, is not silent; and what this process itself sleeps through is nobody's silence.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TypeVar

SILENT_AFTER = 60.0  # s after which no answer is expected any more: what drivers and servers limit ends before
LISTEN_EVERY = 1.0  # s between looks whether there is silence
LOOKED_AFTER = 5.0  # s that count at most between two looks: the process, or the machine, may have been stopped
BUSY = 0.001  # of the time: who runs for less only looks whether there is an answer
TICKS = os.sysconf("SC_CLK_TCK")  # a second, in which proc(5) counts

T = TypeVar("T")
_END = object()


class Pulse:
    """Of one thread or process: since when it has done nothing."""

    def __init__(self, stat: str, clock: Callable[[], float] = time.monotonic) -> None:
        """`stat` is its file of that name, see proc(5)."""
        self._stat = Path(stat)
        self._clock = clock
        self._since = self._looked = clock()
        self._ticks = self._read()[1]

    @classmethod
    def of_thread(cls, number: int | None = None) -> Pulse:
        """That of a thread of this process, by the number that the system gives it; of the one that asks."""
        return cls(f"/proc/self/task/{threading.get_native_id() if number is None else number}/stat")

    @classmethod
    def of_process(cls, pid: int) -> Pulse:
        """That of a process with one thread."""
        return cls(f"/proc/{pid}/stat")

    def silent(self) -> float:
        """For how many seconds, as far as it was looked at: that should be done every second."""
        now = self._clock()
        self._since += max(0.0, now - self._looked - LOOKED_AFTER)
        self._looked = now
        runs, ticks = self._read()
        if runs or ticks - self._ticks > 1 + BUSY * TICKS * (now - self._since):
            self._since, self._ticks = now, ticks
        return now - self._since

    def _read(self) -> tuple[bool, int]:
        """Whether it runs, wants to, or is no more; and for how long it has run."""
        try:
            words = self._stat.read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            return True, 0
        return words[0] not in "SD", int(words[11]) + int(words[12])


@dataclass(frozen=True, slots=True)
class Unanswered:
    """A question that may never be answered."""

    source: str
    seconds: float  # for which nothing has happened
    thread: int  # that asks (threading.get_ident())


class Question:
    """What one thread asks of a source; while the block lasts. It may ask again with the same."""

    __slots__ = ("_before", "_now", "number", "source", "thread")

    def __init__(self, source: str, now: dict[int, Question]) -> None:
        self.source = source
        self.thread = 0
        self.number = 0  # how often it was asked
        self._now = now
        self._before: Question | None = None

    def __enter__(self) -> None:
        ident = threading.get_ident()
        self.thread = threading.get_native_id()
        self.number += 1
        self._before = self._now.get(ident)
        self._now[ident] = self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if self._before is None:
            self._now.pop(threading.get_ident(), None)
        else:
            self._now[threading.get_ident()] = self._before


class Asking:
    """All that is asked of data sources just now. May be shared between threads."""

    def __init__(self) -> None:
        self._now: dict[int, Question] = {}  # by thread: what it asked last, and was not answered
        self._pulses: dict[int, tuple[Question, int, Pulse]] = {}

    def of(self, source: str) -> Question:
        """Note, for a block, that this thread asks a data source."""
        return Question(source, self._now)

    def each(self, source: str, found: Iterable[T]) -> Iterator[T]:
        """What a data source gives one by one: it is asked for each."""
        question, now = self.of(source), self._now
        one: T | object
        with question:
            iterator = iter(found)
        ident = threading.get_ident()
        while True:
            before = now.get(ident)
            question.number += 1
            now[ident] = question
            try:
                one = next(iterator, _END)
            finally:
                if before is None:
                    del now[ident]
                else:
                    now[ident] = before
            if one is _END:
                return
            yield one  # type: ignore[misc]

    def unanswered(self) -> list[Unanswered]:
        """What is not answered, and since when. To be looked at every second, by one thread."""
        pulses: dict[int, tuple[Question, int, Pulse]] = {}
        for ident, question in list(self._now.items()):
            known = self._pulses.get(ident)
            if known is None or known[:2] != (question, question.number):
                known = question, question.number, Pulse.of_thread(question.thread)
            pulses[ident] = known
        self._pulses = pulses
        return [Unanswered(asked.source, pulse.silent(), ident) for ident, (asked, _, pulse) in pulses.items()]
