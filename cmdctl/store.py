"""What cmdctl keeps: one SQLite database in the state directory, for users, tokens and the audit log.

Everything blocks; threads take turns. A transaction is durable when it returns.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

FILE = "cmdctl.sqlite"
MODE = 0o600
BUSY_SECONDS = 5.0

# What makes each version out of the one before, statement by statement.
_STEPS = (
    """
CREATE TABLE users (
    name TEXT PRIMARY KEY, password TEXT, role TEXT NOT NULL, created REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE tokens (
    id TEXT PRIMARY KEY, user TEXT NOT NULL REFERENCES users (name) ON DELETE CASCADE, hash BLOB NOT NULL,
    role TEXT NOT NULL, zones TEXT, label TEXT NOT NULL, created REAL NOT NULL, expires REAL
) WITHOUT ROWID;
CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT, time REAL NOT NULL, request TEXT NOT NULL, author TEXT NOT NULL,
    origin TEXT NOT NULL, token TEXT NOT NULL, method TEXT NOT NULL, path TEXT NOT NULL, status INTEGER NOT NULL,
    text TEXT NOT NULL
);
""",
    """
ALTER TABLE audit ADD COLUMN revision INTEGER;
ALTER TABLE audit ADD COLUMN changed TEXT NOT NULL DEFAULT '[]';
ALTER TABLE audit ADD COLUMN changes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE audit ADD COLUMN refused INTEGER NOT NULL DEFAULT 0;
UPDATE audit SET refused = 1 WHERE status IN (401, 403, 429);
CREATE INDEX audit_kinds ON audit (refused, id);
""",
    """
UPDATE audit SET refused = 1 WHERE status BETWEEN 400 AND 499;
""",
    """
CREATE INDEX audit_begun ON audit (id) WHERE status = 0;
""",
    """
CREATE INDEX audit_authors ON audit (author, refused, id);
""",
)
VERSION = len(_STEPS)


class StoreFailed(Exception):
    """The database cannot be used; the text says which and why."""


class Store:
    """The open database."""

    def __init__(self, directory: Path) -> None:
        """Opens it, making it if need be. Raises StoreFailed."""
        self.path = directory / FILE
        self._lock = threading.Lock()
        with self._explained():
            descriptor = os.open(self.path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, MODE)
            os.fchmod(descriptor, MODE)
            os.close(descriptor)
            self._connection = sqlite3.connect(
                self.path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON"):
                self._connection.execute(f"PRAGMA {pragma}")
            self._make()

    @contextlib.contextmanager
    def transaction(self) -> Iterator[sqlite3.Connection]:
        """Read and write as one. Raises StoreFailed."""
        with self._lock, self._explained():
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.rollback()
                raise
            self._connection.execute("COMMIT")

    @contextlib.contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """Only read. Raises StoreFailed."""
        with self._lock, self._explained():
            yield self._connection

    def close(self) -> None:
        """Let go of it."""
        self._connection.close()

    def _make(self) -> None:
        (version,) = self._connection.execute("PRAGMA user_version").fetchone()
        if version > VERSION:
            raise StoreFailed(f"{self.path} was made by a later release (version {version}, this one knows {VERSION})")
        if version < VERSION:
            with self.transaction() as connection:
                for step in _STEPS[version:]:
                    for statement in filter(str.strip, step.split(";\n")):
                        connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {VERSION}")

    @contextlib.contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.IntegrityError:
            raise
        except (sqlite3.Error, OSError) as error:
            raise StoreFailed(f"{self.path}: {error}") from error
