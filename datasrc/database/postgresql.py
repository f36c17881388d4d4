"""What is particular to PostgreSQL: connections that never wait for ever, passwords from files, errors, notifications.

A server may stop answering in the middle of anything (a host that lost its power closes no connection), so every wait
has an end: connecting (CONNECT_TIMEOUT), each answer (Patience), and, kept by the server, each statement, each lock and
each pause within a transaction.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy import URL

from datasrc.database.patience import LOOKING, Patience
from datasrc.errors import Contended, Damaged, Locked, StorageError

Error = psycopg.Error
PASSWORD_FILE = "password_file"  # noqa: S105 - a parameter of ours in the URL's query: a file that holds only the password

CONNECT_TIMEOUT = 3  # s for each host of the URL; libpq takes 2 at least
LOCK_TIMEOUT = 5.0  # s; writers are short, longer means that one hangs
# Of a TCP connection: a peer that is gone is noticed, on both sides, without anything being sent (tcp(7)).
KEEPALIVES = {"keepalives_idle": 20, "keepalives_interval": 5, "keepalives_count": 4}
_SERVER_KEEPALIVES = {"tcp_keepalives_idle": 20, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 4}

_NOTHING_READY = 0  # psycopg.waiting.Ready.NONE: a wait ended with nothing to read or write
_RETRY = {"40001", "40P01"}  # serialization_failure, deadlock_detected: the whole transaction may be tried again
_OUR_FAULT_CLASSES = {"22", "23", "42"}  # data, constraints, undefined names: what is there is not what we made
_INSUFFICIENT_PRIVILEGE = "42501"


class _Deadline(threading.local):
    """Until when this thread may go on making connections; nothing else sees that they belong to one attempt."""

    end: float | None = None


_deadline = _Deadline()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Let no new connection be begun after this time: a pool tries several times, and each may wait."""
    _deadline.end = time.monotonic() + seconds
    try:
        yield
    finally:
        _deadline.end = None


class PatientConnection(psycopg.Connection[Any]):
    """A connection that ends itself when the server says nothing for too long."""

    answer = LOOKING.answer  # s; another limit holds in a transaction that writes

    def wait(self, gen: Any, *arguments: Any, **options: Any) -> Any:
        """Drive psycopg's generator, with an end to each wait."""
        if not self.closed:
            return super().wait(self._limited(gen), *arguments, **options)
        try:  # a cursor is closed without asking the server, where the connection is gone already
            next(gen)
        except StopIteration as done:
            return done.value
        raise psycopg.OperationalError("the connection is closed")

    def _limited(self, gen: Generator[Any, Any, Any]) -> Generator[Any, Any, Any]:
        end = time.monotonic() + self.answer
        try:
            wanted = next(gen)
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready != _NOTHING_READY:
                    end = now + self.answer
                elif now > end:
                    self.pgconn.finish()
                    raise psycopg.OperationalError(f"no answer from the server for {self.answer:g} s")
                wanted = gen.send(ready)
        except StopIteration as done:
            return done.value


def connect(arguments: Sequence[Any], parameters: dict[str, Any], password_file: str, patience: Patience) -> Any:
    """A connection as the driver makes it, with our limits. Raises psycopg.Error."""
    if _deadline.end is not None and time.monotonic() > _deadline.end:
        raise psycopg.OperationalError("no answer from the server, and no time for another connection")
    if password_file:
        parameters = {**parameters, "password": _password(password_file)}
    defaults: dict[str, Any] = {"connect_timeout": CONNECT_TIMEOUT, "application_name": "bobdns", **KEEPALIVES}
    connection = PatientConnection.connect(*arguments, **{**defaults, **parameters})
    connection.answer = patience.answer
    try:
        _set_limits(connection, patience)
    except BaseException:
        connection.close()
        raise
    return connection


def _set_limits(connection: PatientConnection, patience: Patience) -> None:
    limits = {
        "statement_timeout": patience.statement * 1000,  # ms
        "lock_timeout": LOCK_TIMEOUT * 1000,
        "idle_in_transaction_session_timeout": patience.pause * 1000,
        **_SERVER_KEEPALIVES,
    }
    values = ", ".join(f"set_config('{name}', '{value:.0f}', false)" for name, value in limits.items())
    before, connection.autocommit = connection.autocommit, True
    connection.execute(f"SELECT {values}".encode())
    connection.autocommit = before


def _password(path: str) -> str:
    """The password in a file, read anew for each connection, so that it can be changed. Raises psycopg.Error."""
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        with os.fdopen(descriptor, encoding="utf-8") as file:
            if os.fstat(descriptor).st_mode & stat.S_IRWXO:
                raise psycopg.OperationalError(f"the password file {path} is open to everybody: chmod o= {path}")
            return file.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise psycopg.OperationalError(f"the password file {path} cannot be read: {reason}") from error


def without_password_file(url: URL) -> tuple[URL, str]:
    """The URL for the driver, and the password file it named."""
    named = url.query.get(PASSWORD_FILE, "")
    return url.difference_update_query([PASSWORD_FILE]), named if isinstance(named, str) else named[-1]


def _sentence(text: str) -> str:
    """What libpq says of a connection, without its advice; what it says of each of several addresses once."""
    told = text.partition("Multiple connection attempts failed")[0]  # before it is the last attempt
    lines = [" ".join(line.split()).removeprefix("connection failed: ") for line in (told or text).splitlines()]
    return "; ".join(dict.fromkeys(line for line in lines if line and not line.startswith("Is the server running")))


def fault(error: BaseException, database: str) -> StorageError | None:
    """The driver's error as ours, where there is more to say of it than that it is one."""
    state = getattr(error, "sqlstate", None)
    reason = " ".join(str(error).split())
    if state is None:
        reason = _sentence(str(error))
        return StorageError(reason, database=database) if isinstance(error, psycopg.OperationalError) else None
    if state in _RETRY:
        return Contended(reason, database=database)
    if state == "55P03":  # lock_not_available
        return Locked(f"another transaction held a lock for more than {LOCK_TIMEOUT:g} s", database=database)
    if state == "25006":  # read_only_sql_transaction
        return StorageError("the server takes no changes: it is a standby, or read-only", database=database)
    if state[:2] in _OUR_FAULT_CLASSES and state != _INSUFFICIENT_PRIVILEGE:
        return Damaged(reason, database=database)
    return StorageError(reason, database=database)
