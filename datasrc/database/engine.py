"""Connections: one engine a database, with its transaction rules and its errors in our words.

SQLite: WAL, `synchronous=FULL`, foreign keys, a busy time-out; reads begin deferred (a consistent snapshot from the
first SELECT on), writes begin immediate, since a deferred transaction that turns writer fails at once, time-out or not.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from datasrc.errors import Damaged, Locked, Missing, StorageError, UnknownBackend

BUSY_TIMEOUT = 5.0  # s; writers are short, longer means that one hangs
POOL_SIZE = 5  # connections kept; more are made when that many threads read at once
POOL_OVERFLOW = 20
POOL_TIMEOUT = 10.0  # s to wait for a connection when all are in use
CONNECT_TIMEOUT = 5  # s, for a server that does not answer at all
_KNOW_CONNECT_TIMEOUT = {"psycopg", "psycopg2", "pymysql", "mysqldb"}

POOL: dict[str, Any] = {"pool_size": POOL_SIZE, "max_overflow": POOL_OVERFLOW, "pool_timeout": POOL_TIMEOUT}

_OF_USE = (OperationalError, InterfaceError)
_SQLITE_FAULTS: dict[int, tuple[type[StorageError], str]] = {
    sqlite3.SQLITE_BUSY: (Locked, f"another process held its lock for more than {BUSY_TIMEOUT:g} s"),
    sqlite3.SQLITE_LOCKED: (Locked, "another connection of this process holds its lock"),
    sqlite3.SQLITE_CORRUPT: (Damaged, "the file is damaged"),
    sqlite3.SQLITE_NOTADB: (Damaged, "the file is not an SQLite database"),
    sqlite3.SQLITE_READONLY: (StorageError, "the file, or its -wal and -shm beside it, cannot be written"),
    sqlite3.SQLITE_FULL: (StorageError, "the disk is full"),
    sqlite3.SQLITE_IOERR: (StorageError, "reading or writing the file failed"),
    sqlite3.SQLITE_CANTOPEN: (StorageError, "the file cannot be opened"),
    sqlite3.SQLITE_PERM: (StorageError, "the file cannot be opened"),
}


class Database:
    """One database, named by a URL: its engine, and how it is called in messages."""

    def __init__(self, url: str) -> None:
        self.url = _parsed(url)
        self.text = self.url.render_as_string(hide_password=True)
        self.path = _sqlite_path(self.url)
        self.engine = _sqlite_engine(self.url, self.path) if self.path else _server_engine(self.url)
        self._reader = self.engine
        if self.path is None:
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
        self.writer = self.engine.execution_options(immediate=True)  # for who must know of COMMIT itself
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent state, never waited for by writers, rolled back at the end."""
        with self.translated(), self._reader.connect() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction, committed at the end unless an exception leaves the block."""
        with self.translated(), self.writer.begin() as connection:
            yield connection

    @contextmanager
    def translated(self) -> Iterator[None]:
        """Turn the driver's errors into ours."""
        try:
            yield
        except PoolTimeout as error:
            raise StorageError(f"all {POOL_SIZE + POOL_OVERFLOW} connections are in use", database=self.text) from error
        except DBAPIError as error:
            raise self._fault(error.orig or error, is_of_use=isinstance(error, _OF_USE)) from error
        except sqlite3.Error as error:  # of the driver itself, where SQLAlchemy would open a transaction
            raise self._fault(error, is_of_use=isinstance(error, sqlite3.OperationalError)) from error

    def replaced(self) -> bool:
        """Whether the file is another one than at the last call: connections to the old one were closed.

        Raises Missing where there is no file any more. Databases on a server are never replaced.
        """
        if self.path is None:
            return False
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self.engine.dispose()
            self._identity = None
            raise Missing("there is no such file", database=self.text) from None
        except OSError as error:
            raise StorageError(f"the file cannot be opened: {error.strerror}", database=self.text) from error
        identity = (status.st_dev, status.st_ino)
        if identity == self._identity:
            return False
        self.engine.dispose()
        self._identity = identity
        return True

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    def _fault(self, error: BaseException, *, is_of_use: bool) -> StorageError:
        """The driver's error as ours; `is_of_use`: it tells of the use of the database, not of its content."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and (code & 0xFF) in _SQLITE_FAULTS:
            kind, text = _SQLITE_FAULTS[code & 0xFF]
            return kind(f"{text} ({error})", database=self.text)
        kind = StorageError if is_of_use else Damaged
        return kind(str(error).strip(), database=self.text)


def _parsed(text: str) -> URL:
    try:
        url = make_url(text)
        url.get_dialect()
    except (ArgumentError, NoSuchModuleError, ValueError) as error:
        raise UnknownBackend(
            f"no database driver for it: {error}", database=text.partition("://")[0] + "://..."
        ) from error
    return url


def _sqlite_path(url: URL) -> Path | None:
    if url.get_backend_name() != "sqlite":
        return None
    if not url.database or url.database == ":memory:":
        raise UnknownBackend("zone data in memory is `memory:`; SQLite needs a file", database=str(url))
    return Path(url.database).absolute()


def _sqlite_engine(url: URL, path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # mode=rw: opening must never make an empty database out of a mistyped path. isolation_level: we say BEGIN.
        location = f"file:{quote(str(path))}?mode=rw"
        connection = sqlite3.connect(
            location, uri=True, timeout=BUSY_TIMEOUT, isolation_level=None, check_same_thread=False
        )
        try:
            connection.execute("PRAGMA foreign_keys=ON")
            connection.execute("PRAGMA synchronous=FULL")
        except sqlite3.Error:
            connection.close()
            raise
        return connection

    engine = create_engine(url, creator=connect, **POOL)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _server_engine(url: URL) -> Engine:
    arguments = {"connect_timeout": CONNECT_TIMEOUT} if url.get_driver_name() in _KNOW_CONNECT_TIMEOUT else {}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=arguments, **POOL)
    except ImportError as error:
        raise UnknownBackend(f"its driver is not installed: {error}", database=url.render_as_string()) from error
