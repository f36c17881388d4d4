"""Many rows at once, handed to the driver as they are: through SQLAlchemy a row costs three times as much."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, Delete, Dialect, Insert

Statement = Insert | Delete


def execute_many(
    connection: Connection, statement: Statement, names: tuple[str, ...], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Execute a statement once for each row, whose values are in the order of these parameter names."""
    if not rows:
        return
    text, by_position = _compiled(statement, connection.dialect, names)
    parameters: Any = rows if by_position else [dict(zip(names, row, strict=True)) for row in rows]
    connection.exec_driver_sql(text, parameters)


@lru_cache(maxsize=32)
def _compiled(statement: Statement, dialect: Dialect, names: tuple[str, ...]) -> tuple[str, bool]:
    compiled = statement.compile(dialect=dialect, column_keys=list(names) if isinstance(statement, Insert) else None)
    order = getattr(compiled, "positiontup", None)
    if order is not None and tuple(order) != names:
        raise AssertionError(f"parameters in the order {order}, not {names}")
    return str(compiled), order is not None
