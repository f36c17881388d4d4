"""The last lines a process has logged, in its memory: what `bobctl log tail` shows, wherever else they went.

Bounded in octets, whatever is logged. They are kept as they will be sent, since most are never asked for.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Iterator

import msgspec

from daemonkit.api import LogLine
from daemonkit.log_entry import Entry

MAX_KEPT = 64 * 1024  # octets of all lines of a process, with what an object costs beside its content: some 250 lines
MAX_LINE = 8 * 1024  # octets; of a longer one only its beginning is kept
SHORTENED = 1000  # characters of the text that are left of it
_OVERHEAD = 33 + 56 + 8 + 32  # octets: bytes, tuple, place in the deque, integer (CPython 3.11, 64 bits)


class LogRing:
    """Lines with consecutive numbers. Who calls sees to it that it is one thread at a time."""

    def __init__(self, most: int = MAX_KEPT) -> None:
        self._most = most
        self._lines: deque[tuple[int, bytes]] = deque()  # the level (of the module logging) and the line
        self._octets = 0
        self.end = 0  # the number of the next line

    @property
    def begin(self) -> int:
        """The number of the first line that is still there."""
        return self.end - len(self._lines)

    def add(self, entry: Entry) -> None:
        """Keep a line, and let old ones go."""
        line = msgspec.json.encode(_line(entry))
        if len(line) > MAX_LINE:
            line = msgspec.json.encode(_line(entry, shortened=True))
        self._lines.append((entry.level, line))
        self._octets += len(line) + _OVERHEAD
        self.end += 1
        while self._octets > self._most:
            self._octets -= len(self._lines.popleft()[1]) + _OVERHEAD

    def lines(self, after: int, level: int = logging.DEBUG) -> Iterator[LogLine]:
        """Those numbered `after` and later, of this level and above."""
        for number, (its, line) in enumerate(self._lines, self.begin):
            if number >= after and its >= level:
                yield msgspec.json.decode(line, type=LogLine)


def _line(entry: Entry, *, shortened: bool = False) -> LogLine:
    text, traceback = entry.text, entry.traceback
    if shortened:
        text, traceback = f"{text[:SHORTENED]}...", ()
    return LogLine(entry.time, entry.severity, entry.who, entry.id, text, traceback, entry.revision)
