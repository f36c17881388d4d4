"""The audit log: every change and every refusal, with who, from where, what and how it ended.

Whatever was turned down is a refusal, and refusals have a bound of their own: nobody who may change nothing can push a
change out. What was tried and failed counts as a change: some of it may have been done.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Literal

from cmdctl.limits import (
    AUDIT_REFUSALS,
    AUDIT_ROWS,
    MAX_AUDIT_CHANGES,
    MAX_AUDIT_PATH,
    MAX_ORIGINS_REMEMBERED,
    REFUSALS_A_MINUTE,
)
from cmdctl.store import Store

MINUTE = 60.0
TRIM_EVERY = 1000  # rows
BEGUN = 0  # the status of what was begun, and of which no outcome is known
OUTCOME_UNKNOWN = "it is not known whether this was done: cmdctl ended before the outcome was kept"
Kind = Literal["changes", "refusals"]
NEWER_THAN_ALL = 2**63 - 1  # an id
_KINDS: dict[Kind | None, tuple[int, ...]] = {None: (0, 1), "changes": (0,), "refusals": (1,)}  # refused

# Each walks an index from the newest entry that is wanted, and nothing else: the lock is that of every token check.
_COLUMNS = "SELECT time, request, author, origin, token, method, path, status, text, revision, changed, changes, id"
_NEWEST = "id < ? ORDER BY id DESC LIMIT ?"
_PAGE = f"{_COLUMNS} FROM audit WHERE {_NEWEST}"
_PAGE_OF_KIND = f"{_COLUMNS} FROM audit WHERE refused = ? AND {_NEWEST}"
_PAGE_OF_AUTHOR = f"{_COLUMNS} FROM audit WHERE author = ? AND refused = ? AND {_NEWEST}"


@dataclass(frozen=True, slots=True)
class Changed:
    """What a request changed: names, never values. `revision` is that of the configuration which came of it."""

    names: tuple[str, ...] = ()
    count: int = 0  # of all: not all names are kept
    revision: int | None = None

    @classmethod
    def of(cls, names: Sequence[str], revision: int | None = None, more: int = 0) -> Changed:
        """Of these, of which the first are kept, and so many more whose names are not known."""
        return cls(tuple(name[:MAX_AUDIT_PATH] for name in names[:MAX_AUDIT_CHANGES]), len(names) + more, revision)


NOTHING = Changed()


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
    status: int  # BEGUN while the outcome is not known
    text: str  # why not, or empty
    changed: Changed = NOTHING
    id: int = 0


def is_refusal(status: int) -> bool:
    """Whether a request with this end was turned down, and changed nothing."""
    return HTTPStatus.BAD_REQUEST <= status < HTTPStatus.INTERNAL_SERVER_ERROR


def insert(connection: sqlite3.Connection, entry: Entry) -> int:
    """Keep an entry in this transaction; its id."""
    values = (entry.time, entry.request, entry.author, entry.origin, entry.token, entry.method, entry.path)
    cursor = connection.execute(
        "INSERT INTO audit (time, request, author, origin, token, method, path,"
        " status, text, revision, changed, changes, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (*values, *_outcome(entry)),
    )
    identity = cursor.lastrowid or 0
    if identity % TRIM_EVERY == 0:
        _trim(connection, refused=False, keep=AUDIT_ROWS)
        _trim(connection, refused=True, keep=AUDIT_REFUSALS)
    return identity


class Audit:
    """Blocks; raises StoreFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, entry: Entry) -> int:
        """Keep an entry, and give its id; it is durable when this returns."""
        with self._store.transaction() as connection:
            return insert(connection, entry)

    def complete(self, identity: int, entry: Entry) -> None:
        """Say how what was kept as begun has ended."""
        update = (
            "UPDATE audit SET status = ?, text = ?, revision = ?, changed = ?, changes = ?, refused = ? WHERE id = ?"
        )
        with self._store.transaction() as connection:
            connection.execute(update, (*_outcome(entry), identity))

    def drop(self, identity: int) -> None:
        """Forget what was kept as begun, and was one refusal too many."""
        with self._store.transaction() as connection:
            connection.execute("DELETE FROM audit WHERE id = ?", (identity,))

    def give_up(self) -> int:
        """Say of entries without an outcome that nobody will complete them; how many those are."""
        with self._store.transaction() as connection:
            update = "UPDATE audit SET text = ? WHERE status = 0 AND text = ''"
            return connection.execute(update, (OUTCOME_UNKNOWN,)).rowcount

    def page(self, before: int, limit: int, author: str = "", kind: Kind | None = None) -> list[Entry]:
        """Entries, newest first; only those before an id, of an author, of a kind, where one is given."""
        bound = before or NEWER_THAN_ALL
        with self._store.reading() as connection:
            if kind is None and not author:
                return [_entry(row) for row in connection.execute(_PAGE, (bound, limit))]
            found: list[Entry] = []
            for refused in _KINDS[kind]:
                query, values = (_PAGE_OF_AUTHOR, (author, refused)) if author else (_PAGE_OF_KIND, (refused,))
                found += map(_entry, connection.execute(query, (*values, bound, limit)))
        return sorted(found, key=lambda entry: entry.id, reverse=True)[:limit]


def _outcome(entry: Entry) -> tuple[object, ...]:
    changed = entry.changed
    names = json.dumps(changed.names)
    return (entry.status, entry.text, changed.revision, names, changed.count, is_refusal(entry.status))


def _trim(connection: sqlite3.Connection, *, refused: bool, keep: int) -> None:
    """Keep the newest of a kind."""
    last = "SELECT id FROM audit WHERE refused = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
    connection.execute(f"DELETE FROM audit WHERE refused = ? AND id <= ({last})", (refused, refused, keep))  # noqa: S608


def _entry(row: tuple[Any, ...]) -> Entry:
    revision, names, count, identity = row[-4:]
    changed = Changed(tuple(json.loads(names)), count, revision)
    return Entry(*(*row[:9], changed, identity))


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Refusals that were only counted."""

    count: int
    origins: str

    def entry(self) -> Entry:
        """As a line of the log."""
        told = f"{self.count} more requests were refused; of so many within a minute nothing else is kept"
        return Entry(time.time(), "", "?", self.origins, "", "", "", HTTPStatus.TOO_MANY_REQUESTS, told)


class Refusals:
    """How many refusals of an origin are still told in full this minute, and what becomes of the others."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counted: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._left_out = 0
        self._since = 0.0  # when the first of those was
        self._origins: dict[str, None] = {}  # of those, in their order

    def tell(self, origin: str, most: int = REFUSALS_A_MINUTE) -> bool:
        """Count one; whether it is to be told."""
        now = self._clock()
        since, count = self._counted.pop(origin, (now, 0))
        if now - since >= MINUTE:
            since, count = now, 0
        self._counted[origin] = (since, count + 1)
        if len(self._counted) > MAX_ORIGINS_REMEMBERED:
            self._counted.popitem(last=False)
        if count < most:
            return True
        if not self._left_out:
            self._since = now
        self._left_out += 1
        if len(self._origins) < MAX_ORIGINS_REMEMBERED:
            self._origins[origin] = None
        return False

    def left_out(self, *, at_once: bool = False) -> LeftOut | None:
        """What was not told, each once, a minute after the first of it; None while there is nothing to say."""
        if not self._left_out or (not at_once and self._clock() - self._since < MINUTE):
            return None
        first, others = next(iter(self._origins)), len(self._origins) - 1
        found = LeftOut(self._left_out, f"{first} and {others} more" if others else first)
        self._left_out = 0
        self._origins.clear()
        return found
