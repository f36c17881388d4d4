"""Databases as earlier releases left them."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from datasrc.database.schema import VERSION_TABLE


def as_the_first_release_left_it(path: Path) -> None:
    """Take back what came with schema 0002."""
    with sqlite3.connect(path) as connection:
        connection.execute("DROP INDEX zones_by_text")
        connection.execute("DROP INDEX zones_by_state")
        connection.execute("ALTER TABLE zones DROP COLUMN text")
        connection.execute("ALTER TABLE zones DROP COLUMN state")
        connection.execute(f"UPDATE {VERSION_TABLE} SET version_num = '0001'")
    connection.close()
