"""SELECTs that are asked again and again: SQLite's driver is handed text that was compiled once.

Through SQLAlchemy a question for one row costs ten times as much as SQLite needs to answer it, and a change of one
RRset has to wait for several of them before it is served. Other databases are a network away, and asked as always.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Connection, Dialect, Select
from sqlalchemy.sql.selectable import CompoundSelect

SQLITE = "sqlite"

Plan = tuple[str, list[str], dict[str, Any]]  # the text, the names of its parameters in order, and those with a value


class Prepared:
    """One SELECT. May be shared between threads."""

    def __init__(self, statement: Select[Any] | CompoundSelect[Any]) -> None:
        """A parameter of `statement` that expands is given as a list, which must not be empty."""
        self._statement = statement
        self._plans: dict[tuple[tuple[str, int], ...], Plan] = {}  # by the expanding parameters and their lengths

    def rows(self, connection: Connection, parameters: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """All rows. Raises the errors of SQLAlchemy and of the driver (Database.translated)."""
        if connection.dialect.name != SQLITE:
            return connection.execute(self._statement, parameters).all()
        lists = {name: value for name, value in parameters.items() if isinstance(value, list)}
        lengths = tuple((name, len(values)) for name, values in lists.items())
        plan = self._plans.get(lengths)
        if plan is None:
            plan = self._plans[lengths] = self._compile(connection.dialect, parameters)
        text, order, values = plan
        values = {**values, **parameters}
        for name, several in lists.items():
            values.update(zip((f"{name}_{number}" for number in range(1, len(several) + 1)), several, strict=True))
        driver: Any = connection.connection.driver_connection
        found: list[tuple[Any, ...]] = driver.execute(text, [values[name] for name in order]).fetchall()
        return found

    def _compile(self, dialect: Dialect, parameters: Mapping[str, Any]) -> Plan:
        """The text for lists as long as these."""
        state = self._statement.compile(dialect=dialect).construct_expanded_state(dict(parameters))
        return state.statement, list(state.positiontup or ()), dict(state.parameters)


@contextmanager
def reading(connection: Connection) -> Iterator[None]:
    """A read transaction of SQLite: at its end whatever began since is over, what SQLAlchemy began by itself, too."""
    driver: Any = connection.connection.driver_connection
    driver.execute("BEGIN")
    try:
        yield
    finally:
        driver.rollback()
