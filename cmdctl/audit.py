"""The audit log: every change and every refusal, with who, from where, what and how it ended.

What an unknown client can make this write is bounded: refusals of one origin are told in full only so often a minute,
and refusals have a bound of their own, so that they push no change out.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections import OrderedDict
from collections.abc import Sequence
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
REFUSALS = (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN, HTTPStatus.TOO_MANY_REQUESTS)
Kind = Literal["changes", "refusals"]


@dataclass(frozen=True, slots=True)
class Changed:
    """What a request changed: names, never values. `revision` is that of the configuration which came of it."""

    names: tuple[str, ...] = ()
    count: int = 0  # of all: not all names are kept
    revision: int | None = None

    @classmethod
    def of(cls, names: Sequence[str], revision: int | None = None) -> Changed:
        """Of these, of which the first are kept."""
        return cls(tuple(name[:MAX_AUDIT_PATH] for name in names[:MAX_AUDIT_CHANGES]), len(names), revision)


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
    status: int
    text: str  # why not, or empty
    changed: Changed = NOTHING
    id: int = 0


class Audit:
    """Blocks; raises StoreFailed."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def write(self, entry: Entry) -> None:
        """Keep an entry; it is durable when this returns."""
        changed, refused = entry.changed, entry.status in REFUSALS
        values = (entry.time, entry.request, entry.author, entry.origin, entry.token, entry.method, entry.path)
        told = (entry.status, entry.text, changed.revision, json.dumps(changed.names), changed.count, refused)
        with self._store.transaction() as connection:
            cursor = connection.execute(
                "INSERT INTO audit (time, request, author, origin, token, method, path,"
                " status, text, revision, changed, changes, refused) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (*values, *told),
            )
            if (cursor.lastrowid or 0) % TRIM_EVERY == 0:
                _trim(connection, refused=False, keep=AUDIT_ROWS)
                _trim(connection, refused=True, keep=AUDIT_REFUSALS)

    def page(self, before: int, limit: int, author: str = "", kind: Kind | None = None) -> list[Entry]:
        """Entries, newest first; only those before an id, of an author, of a kind, where one is given."""
        query = (
            "SELECT time, request, author, origin, token, method, path, status, text, revision, changed, changes, id"
            " FROM audit WHERE (? = 0 OR id < ?) AND ? IN ('', author) AND refused IN (?, ?) ORDER BY id DESC LIMIT ?"
        )
        kinds = {None: (0, 1), "changes": (0, 0), "refusals": (1, 1)}[kind]
        with self._store.reading() as connection:
            return [_entry(row) for row in connection.execute(query, (before, before, author, *kinds, limit))]


def _trim(connection: sqlite3.Connection, *, refused: bool, keep: int) -> None:
    """Keep the newest of a kind."""
    last = "SELECT id FROM audit WHERE refused = ? ORDER BY id DESC LIMIT 1 OFFSET ?"
    connection.execute(f"DELETE FROM audit WHERE refused = ? AND id <= ({last})", (refused, refused, keep))  # noqa: S608


def _entry(row: tuple[Any, ...]) -> Entry:
    revision, names, count, identity = row[-4:]
    changed = Changed(tuple(json.loads(names)), count, revision)
    return Entry(*(*row[:9], changed, identity))


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
