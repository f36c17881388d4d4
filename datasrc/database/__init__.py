"""The database backend: zones in SQLite, or in a server database by URL, through SQLAlchemy Core."""

from __future__ import annotations

from datasrc.database.engine import Database
from datasrc.database.migration import migrate, upgrade
from datasrc.database.store import DatabaseSource
from datasrc.errors import Missing, SchemaTooOld

__all__ = ["DatabaseSource", "migrate", "open_source", "upgrade"]


def open_source(url: str, *, name: str = "", create: bool = False, read_only: bool = False) -> DatabaseSource:
    """Open a database of zones; `create` makes one where there is none, and never touches an old schema."""
    try:
        return DatabaseSource(Database(url, read_only=read_only), name=name, read_only=read_only)
    except (Missing, SchemaTooOld) as error:
        if not create or (isinstance(error, SchemaTooOld) and not error.empty):
            raise
    migrate(url)
    return DatabaseSource(Database(url, read_only=read_only), name=name, read_only=read_only)
