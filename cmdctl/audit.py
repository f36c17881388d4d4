"""The audit log: every change and every refusal, with who, from where, what and how it ended.

What an unknown client can make this write is bounded: refusals of one origin are told in full only so often a minute.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from dataclasses import dataclass

from cmdctl.limits import AUDIT_ROWS, MAX_ORIGINS_REMEMBERED, REFUSALS_A_MINUTE
from cmdctl.store import Store

MINUTE = 60.0
TRIM_EVERY = 1000  # rows


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the log. Its id is given when it is written."""

    time: float  # POSIX seconds
    request: str  # id, which the answer carries, too
    author: str
    origin: str  # where it came from
    token: str
    method: str
    path: str
    status: int
    text: str  # why not, or empty
    id: int = 0


class Audit:
    """Blocks; raises StoreFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, entry: Entry) -> None:
        """Keep an entry; it is durable when this returns."""
        values = (entry.time, entry.request, entry.author, entry.origin, entry.token, entry.method, entry.path)
        with self._store.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO audit (time, request, author, origin, token, method, path, status, text)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, entry.status, entry.text),
            )
            last = cursor.lastrowid or 0
            if last % TRIM_EVERY == 0:
                connection.execute("DELETE FROM audit WHERE id <= ?", (last - AUDIT_ROWS,))

    def page(self, before: int, limit: int, author: str = "") -> list[Entry]:
        """Entries, newest first; only those before an id, if one is given, and of an author, if one is named."""
        query = (
            "SELECT time, request, author, origin, token, method, path, status, text, id FROM audit"
            " WHERE (? = 0 OR id < ?) AND ? IN ('', author) ORDER BY id DESC LIMIT ?"
        )
        with self._store.reading() as connection:
            return [Entry(*row) for row in connection.execute(query, (before, before, author, limit)).fetchall()]


class Refusals:
    """How many refusals of an origin are still told in full this minute."""

    def __init__(self) -> None:
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def tell(self, origin: str) -> bool:
        """Count one; whether it is to be told."""
        now = time.monotonic()
        since, count = self._counted.pop(origin, (now, 0))
        if now - since >= MINUTE:
            since, count = now, 0
        self._counted[origin] = (since, count + 1)
        if len(self._counted) > MAX_ORIGINS_REMEMBERED:
            self._counted.popitem(last=False)
        return count < REFUSALS_A_MINUTE
