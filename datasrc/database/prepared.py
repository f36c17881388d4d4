"""Statements that come again and again: SQLite's driver is handed text that was compiled once.

Through SQLAlchemy a question for one row costs ten times as much as SQLite needs to answer it, and a change of one
RRset takes a dozen of them before it is served. Other databases are a network away, and asked as always.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from sqlalchemy import Connection, Delete, Dialect, Insert, Select, Update
from sqlalchemy.sql.selectable import CompoundSelect

SQLITE = "sqlite"

T = TypeVar("T")

Statement = Select[Any] | CompoundSelect[Any] | Insert | Update | Delete

Plan = tuple[str, list[str], dict[str, Any]]  # the text, the names of its parameters in order, and those with a value


class Prepared:
    """One statement. May be shared between threads."""

    def __init__(self, statement: Statement) -> None:
        """A parameter of `statement` that expands is given as a list, which must not be empty."""
        self.statement = statement
        self._plans: dict[tuple[int, ...], Plan] = {}  # by the lengths of the lists
        self._lists: tuple[str, ...] | None = None  # the parameters that expand; None: nobody has asked yet

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """All rows of a SELECT. Raises the errors of SQLAlchemy and of the driver (Database.translated)."""
        if connection.dialect.name != SQLITE:
            return connection.execute(self.statement, parameters).all()
        found: list[tuple[Any, ...]] = self.cursor(connection, parameters).fetchall()
        return found

    def run(self, connection: Connection, parameters: Mapping[str, Any]) -> int:
        """Carry out a change; how many rows it was about. Raises as rows() does."""
        if connection.dialect.name != SQLITE:
            return connection.execute(self.statement, parameters).rowcount
        count: int = self.cursor(connection, parameters).rowcount
        return count

    def get_ready(self, dialect: Dialect, parameters: Mapping[str, Any]) -> None:
        """Have the text for parameters like these, so that who is forked after this finds it."""
        self._plan(dialect, parameters)

    def cursor(self, connection: Connection, parameters: Mapping[str, Any]) -> Any:
        """The driver's cursor, for who takes rows in batches; of SQLite only."""
        text, order, values = self._plan(connection.dialect, parameters)
        values = {**values, **parameters}
        for name in self._lists or ():
            several = parameters[name]
            values.update(zip((f"{name}_{number}" for number in range(1, len(several) + 1)), several, strict=True))
        driver: Any = connection.connection.driver_connection
        return driver.execute(text, [values[name] for name in order])

    def _plan(self, dialect: Dialect, parameters: Mapping[str, Any]) -> Plan:
        if self._lists is None:
            self._lists = tuple(name for name, value in parameters.items() if isinstance(value, list))
        lengths = tuple([len(parameters[name]) for name in self._lists])
        plan = self._plans.get(lengths)
        if plan is None:
            plan = self._plans[lengths] = self._compile(dialect, parameters)
        return plan

    def _compile(self, dialect: Dialect, parameters: Mapping[str, Any]) -> Plan:
        """The text for lists as long as these."""
        columns = list(parameters) if isinstance(self.statement, Insert) else None
        state = self.statement.compile(dialect=dialect, column_keys=columns).construct_expanded_state(dict(parameters))
        return state.statement, list(state.positiontup or ()), dict(state.parameters)


def filled(values: list[T]) -> list[T]:
    """As many as the next power of two, the last one again and again: for IN, so that few lengths are compiled."""
    return values + values[-1:] * ((1 << (len(values) - 1).bit_length()) - len(values))


def asked(connection: Connection, question: str) -> Sequence[Sequence[Any]]:
    """All rows of a SELECT that is text, without parameters."""
    if connection.dialect.name != SQLITE:
        return connection.exec_driver_sql(question).all()
    driver: Any = connection.connection.driver_connection
    found: list[tuple[Any, ...]] = driver.execute(question).fetchall()
    return found
