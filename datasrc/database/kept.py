"""Connections to an SQLite file that wait for their next transaction.

To get one from SQLAlchemy's pool and give it back takes longer than SQLite needs to find a row, and a change of a zone
takes three of them. These stay taken from the pool, few enough to leave room in it for who comes by way of SQLAlchemy.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from sqlalchemy import Connection, Engine

KEPT = 5  # at most; as many threads are busy at once, as a rule


class KeptConnections:
    """May be shared between threads; a connection is one thread's from its BEGIN to its end."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: list[Connection] = []

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A read transaction, rolled back at its end, whatever SQLAlchemy began in it by itself."""
        with self._begun("BEGIN") as (connection, _):
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A write transaction, committed at its end, unless an exception leaves it: then nothing of it stays."""
        with self._begun("BEGIN IMMEDIATE") as (connection, driver):
            yield connection
            driver.commit()

    @contextmanager
    def _begun(self, begin: str) -> Iterator[tuple[Connection, Any]]:
        """A transaction, and the connection of the driver; rolled back where the block has not committed it."""
        idle = self._idle
        connection = self._take(idle)
        try:
            driver: Any = connection.connection.driver_connection
            driver.execute(begin)
            try:
                yield connection, driver
            finally:
                driver.rollback()  # nothing, after a commit
        except BaseException:
            connection.close()
            raise
        self._give(connection, idle)

    def close(self) -> None:
        """Give all that wait back to the pool; those in use follow when they are done."""
        idle, self._idle = self._idle, []
        with suppress(IndexError):  # another thread may take the last one
            while True:
                idle.pop().close()

    def _take(self, idle: list[Connection]) -> Connection:
        try:
            return idle.pop()
        except IndexError:
            return self._engine.connect()

    def _give(self, connection: Connection, idle: list[Connection]) -> None:
        if connection.in_transaction():  # as SQLAlchemy sees it
            connection.rollback()
        if idle is self._idle and len(idle) < KEPT:
            idle.append(connection)
        else:
            connection.close()
