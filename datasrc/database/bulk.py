"""Many rows at once, handed to the driver as they are: through SQLAlchemy a row costs three times as much."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert, Table

from datasrc.database.prepared import SQLITE

ROWS_A_STATEMENT = 50  # well below the 32 766 parameters SQLite takes, also with 100 columns
COPY_FROM = 50  # rows; fewer are not worth the round trips

Statement = Insert | Delete


def execute_many(
    connection: Connection, statement: Statement, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Execute a statement once for each row, whose values are in the order of these parameter names."""
    if not rows:
        return
    if connection.dialect.driver == "psycopg" and isinstance(statement, Insert) and len(rows) >= COPY_FROM:
        _copy(connection, statement, names, rows)
        return
    text, by_position = _compiled(statement, connection.dialect, names)
    _run(connection, text, rows if by_position else [dict(zip(names, row, strict=True)) for row in rows])


def insert_many(
    connection: Connection, statement: Insert, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows, many with each statement where the driver counts parameters: half the time of one with each."""
    text, by_position = _compiled(statement, connection.dialect, names)
    together = len(rows) - len(rows) % ROWS_A_STATEMENT if by_position else 0
    if together:
        many = _repeated(text)
        starts = range(0, together, ROWS_A_STATEMENT)
        parameters = [tuple(chain.from_iterable(rows[start : start + ROWS_A_STATEMENT])) for start in starts]
        _run(connection, many, parameters)
    execute_many(connection, statement, names, rows[together:])


def _run(connection: Connection, text: str, parameters: Any) -> None:
    """Once for each of these; SQLite's driver is asked itself, as by `Prepared`."""
    if connection.dialect.name == SQLITE:
        driver: Any = connection.connection.driver_connection
        driver.executemany(text, parameters)
    else:
        connection.exec_driver_sql(text, parameters)


def _repeated(text: str) -> str:
    """The statement with many rows."""
    return text + f",{text[text.rindex(' (') :]}" * (ROWS_A_STATEMENT - 1)


def _copy(connection: Connection, statement: Insert, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]) -> None:
    """As PostgreSQL's COPY, within the same transaction. Errors are the driver's own."""
    table = statement.table
    assert isinstance(table, Table)
    quoted = connection.dialect.identifier_preparer.quote
    place = f"{quoted(table.name)} ({', '.join(map(quoted, names))})"
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f"COPY {place} FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([table.c[name].type.compile(connection.dialect).lower() for name in names])
        for row in rows:
            copy.write_row(row)


@lru_cache(maxsize=32)
def _compiled(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, bool]:
    compiled = statement.compile(dialect=dialect, column_keys=list(names) if isinstance(statement, Insert) else None)
    order = getattr(compiled, "positiontup", None)
    if order is not None and tuple(order) != names:
        raise AssertionError(f"parameters in the order {order}, not {names}")
    return str(compiled), order is not None
