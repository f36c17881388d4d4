"""Making the database and bringing its schema to that of this release. Only bob and the command line do this."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, text

from datasrc.database.engine import Database
from datasrc.errors import Missing, StorageError

FILE_MODE = 0o640  # -wal and -shm get the same mode and owner from SQLite
ADVISORY_LOCK = 0x626F62646E73  # "bobdns": one migration at a time on PostgreSQL


def migrate(url: str) -> None:
    """Make the database where there is none, and bring its schema to that of this release. Nothing to do is fine.

    All of it is one transaction, and one process at a time does it. Raises StorageError.
    """
    database = Database(url)
    try:
        with _lock(database):
            if database.path is not None:
                make_file(database, database.path)
            with database.write() as connection:
                if database.engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
                _upgrade(connection)
    finally:
        database.close()


def _upgrade(connection: Connection) -> None:
    # Imported here: what only reads and writes zones does not pay for alembic.
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "datasrc:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _lock(database: Database) -> Iterator[None]:
    """One migration of a file at a time: a lock on its directory, which leaves no file behind and dies with its holder.

    The lock of the database itself is not enough, since turning WAL on cannot be in a transaction.
    """
    if database.path is None:
        yield
        return
    try:
        directory = os.open(database.path.parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise Missing(f"its directory cannot be opened: {error.strerror}", database=database.text) from error
    try:
        fcntl.flock(directory, fcntl.LOCK_EX)
        yield
    finally:
        os.close(directory)


def make_file(database: Database, path: Path) -> None:
    """Make the file, owned by whom the state directory belongs to, and turn WAL on."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        pass
    except OSError as error:
        raise StorageError(f"the file cannot be made: {error.strerror}", database=database.text) from error
    else:
        try:
            if os.geteuid() == 0:
                directory = path.parent.stat()
                os.fchown(descriptor, directory.st_uid, directory.st_gid)
        finally:
            os.close(descriptor)
    with database.translated(), database.engine.connect() as connection:
        # Outside of a transaction, where alone the journal mode can be changed.
        driver = connection.connection.driver_connection
        assert driver is not None
        mode = driver.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise StorageError(
            f"WAL cannot be turned on (journal mode {mode}): is this a network file system?", database=database.text
        )
