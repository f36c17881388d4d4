"""Connections: one engine a database, with its transaction rules and its errors in our words.

SQLite: WAL, `synchronous=FULL`, foreign keys, a busy time-out; reads begin deferred (a consistent snapshot from the
first SELECT on), writes begin immediate, since a deferred transaction that turns writer fails at once, time-out or not.
"""

from __future__ import annotations

import math
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, ExceptionContext, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, InterfaceError, NoSuchModuleError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from datasrc.database.kept import KeptConnections
from datasrc.database.patience import LOOKING, READER, WRITER
from datasrc.errors import Damaged, Locked, Missing, OutcomeUnknown, StorageError, UnknownBackend

BUSY_TIMEOUT = 5.0  # s; writers are short, longer means that one hangs
POOL_SIZE = 5  # connections kept; more are made when that many threads read at once
POOL_OVERFLOW = 20
POOL_TIMEOUT = 10.0  # s to wait for a connection when all are in use
WRITING = "READ COMMITTED"  # isolation of transactions that write: a lock that was waited for shows what was committed
CONNECT_TIMEOUT = 5  # s, for a server that does not answer at all
_KNOW_CONNECT_TIMEOUT = {"psycopg2", "pymysql", "mysqldb"}  # psycopg has more (datasrc.database.postgresql)
_KNOW_ANSWER_TIMEOUT = {"pymysql", "mysqldb"}

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

    def __init__(self, url: str, *, read_only: bool = False) -> None:
        """`read_only`: who uses it may answer questions, and does not wait long for a server that says nothing."""
        self.url = _parsed(url)
        self.text = self.url.render_as_string(hide_password=True)
        self.path = _sqlite_path(self.url)
        self._answer_limit: float | None = None  # s, where the driver is told it with each connection
        self._patience: float | None = None  # s to get a connection in, where that is bounded
        self.is_postgresql = self.url.get_backend_name() == "postgresql"
        self._apart: Callable[[], Any] | None = None  # makes a driver's connection that is in no pool
        self._driver_errors: tuple[type[Exception], ...] = ()
        self._kept: KeptConnections | None = None  # of SQLite
        if self.path is not None:
            self.engine = self._reader = _sqlite_engine(self.url, self.path)
            self._kept = KeptConnections(self.engine)
            self.writer = self.engine.execution_options(immediate=True)  # for who must know of COMMIT itself
        else:
            self.engine = self._server_engine(read_only=read_only)
            self._reader = self.engine.execution_options(isolation_level="REPEATABLE READ")
            self.writer = self.engine.execution_options(isolation_level=WRITING)
            if self.is_postgresql:
                self._reader = self._reader.execution_options(postgresql_readonly=True)
        self._identity: tuple[int, int] | None = None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """A read transaction: one consistent state, never waited for by writers, rolled back at the end."""
        if self._kept is not None:
            with self.translated(), self._kept.reading() as connection:
                yield connection
            return
        with self.translated(), self._readers_connection() as connection, connection.begin() as transaction:
            yield connection
            transaction.rollback()

    def _readers_connection(self) -> Connection:
        if self._patience is None:
            return self._reader.connect()
        from datasrc.database.postgresql import within

        with within(self._patience):
            return self._reader.connect()

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """A write transaction, committed at the end unless an exception leaves the block.

        Raises OutcomeUnknown where the connection was lost after COMMIT was sent and before it was answered.
        """
        with self.translated(), self.writer.connect() as connection, connection.begin() as transaction:
            yield connection
            try:
                transaction.commit()
            except DBAPIError as error:
                if not error.connection_invalidated:
                    raise
                reason = f"the connection was lost while a change was being committed: {_one_line(error.orig)}"
                raise OutcomeUnknown(reason, database=self.text) from error

    @contextmanager
    def change(self) -> Iterator[Connection]:
        """As write(), for what comes again and again: SQLAlchemy knows nothing of the transaction of SQLite."""
        if self._kept is None:
            with self.write() as connection:
                yield connection
            return
        with self.translated(), self._kept.writing() as connection:
            yield connection

    @property
    def notifies(self) -> bool:
        """Whether connect_apart() can be used, to LISTEN."""
        return self._apart is not None

    def connect_apart(self) -> Any:
        """A connection of the driver's in no pool and in no transaction. Raises the driver's errors."""
        assert self._apart is not None
        return self._apart()

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
        except self._driver_errors as error:  # of the driver itself, where rows go past SQLAlchemy
            raise self._fault(error, is_of_use=True) from error

    def replaced(self) -> bool:
        """Whether the file is another one than at the last call: connections to the old one were closed.

        Raises Missing where there is no file any more. Databases on a server are never replaced.
        """
        if self.path is None:
            return False
        try:
            status = self.path.stat()
        except FileNotFoundError:
            self.close()
            self._identity = None
            raise Missing("there is no such file", database=self.text) from None
        except OSError as error:
            raise StorageError(f"the file cannot be opened: {error.strerror}", database=self.text) from error
        identity = (status.st_dev, status.st_ino)
        if identity == self._identity:
            return False
        self.close()
        self._identity = identity
        return True

    def close(self) -> None:
        """Close every connection."""
        if self._kept is not None:
            self._kept.close()
        self.engine.dispose()

    def _fault(self, error: BaseException, *, is_of_use: bool) -> StorageError:
        """The driver's error as ours; `is_of_use`: it tells of the use of the database, not of its content."""
        code = getattr(error, "sqlite_errorcode", None)
        if code is not None and (code & 0xFF) in _SQLITE_FAULTS:
            kind, text = _SQLITE_FAULTS[code & 0xFF]
            return kind(f"{text} ({error})", database=self.text)
        if self.path is None and self._apart is not None:
            from datasrc.database import postgresql

            if (known := postgresql.fault(error, self.text)) is not None:
                return known
        kind = StorageError if is_of_use else Damaged
        return kind(_one_line(error), database=self.text)

    def _server_engine(self, *, read_only: bool) -> Engine:
        try:
            if self.is_postgresql and self.url.get_driver_name() == "psycopg":
                return self._patient_engine(read_only=read_only)
            driver, arguments = self.url.get_driver_name(), {}
            if driver in _KNOW_CONNECT_TIMEOUT:
                arguments["connect_timeout"] = CONNECT_TIMEOUT
            engine = create_engine(self.url, pool_pre_ping=True, connect_args=arguments, **POOL)
            if driver in _KNOW_ANSWER_TIMEOUT:
                self._answer_limit = (READER if read_only else WRITER).answer
                event.listen(engine, "do_connect", self._limit_answers)
            return engine
        except ImportError as error:
            raise UnknownBackend(f"its driver is not installed: {error}", database=self.text) from error

    def _limit_answers(self, _dialect: Any, _record: Any, _arguments: Any, parameters: dict[str, Any]) -> None:
        """Of a driver that takes the limit, in whole seconds, when it connects."""
        assert self._answer_limit is not None
        limit = math.ceil(self._answer_limit)
        parameters |= {"read_timeout": limit, "write_timeout": limit}

    def wait_for_answers(self, seconds: float) -> None:
        """Wait so long for each answer of a server whose driver is told when it connects: connections are new ones."""
        if self._answer_limit not in (None, seconds):
            self._answer_limit = seconds
            self.engine.dispose()

    def _patient_engine(self, *, read_only: bool) -> Engine:
        from datasrc.database import postgresql

        url, password_file = postgresql.without_password_file(self.url)
        patience = READER if read_only else LOOKING
        self._patience = patience.answer
        engine = create_engine(url, pool_pre_ping=True, **POOL)

        @event.listens_for(engine, "do_connect")
        def connect(_dialect: Any, _record: Any, arguments: list[Any], parameters: dict[str, Any]) -> Any:
            return postgresql.connect(arguments, parameters, password_file, patience)

        @event.listens_for(engine, "begin")
        def begin(connection: Connection) -> None:
            writes = connection.get_execution_options().get("isolation_level") == WRITING
            driver: Any = connection.connection.driver_connection
            driver.answer = WRITER.answer if writes else patience.answer

        @event.listens_for(engine, "checkin")
        def calm(driver: Any, _record: Any) -> None:
            if driver is not None:  # it was not lost
                driver.answer = patience.answer

        @event.listens_for(engine, "handle_error")
        def let_go(context: ExceptionContext) -> None:
            cursor = getattr(context.execution_context, "cursor", None)
            if context.is_disconnect and cursor is not None:
                cursor.close()  # SQLAlchemy leaves it to the garbage collector, and psycopg warns of that

        def apart() -> Any:
            arguments, parameters = engine.dialect.create_connect_args(url)
            return postgresql.connect(arguments, {**parameters, "autocommit": True}, password_file, patience)

        self._apart = apart
        self._driver_errors = (postgresql.Error,)
        return engine


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
        driver: Any = connection.connection.driver_connection
        if driver.in_transaction:  # datasrc.database.kept
            return
        immediate = connection.get_execution_options().get("immediate", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine


def _one_line(error: BaseException | None) -> str:
    return " ".join(str(error).split())
