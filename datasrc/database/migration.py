"""Making the database and bringing its schema to that of this release: by the command line, by loadzone where there is
none yet, and by memmgr for SQLite files in its own state directory (docs/adr/0036). What answers never does.

An SQLite file of an earlier release is copied beside itself first, for the way back.
"""

from __future__ import annotations

import errno
import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, text

from datasrc.database.engine import Database
from datasrc.database.store import check_schema
from datasrc.errors import Locked, Missing, SchemaTooOld, StorageError

FILE_MODE = 0o640  # -wal and -shm get the same mode and owner from SQLite
UNFINISHED_MODE = 0o600  # of a copy, until it has the owner and the mode of the original
LOCK_WAIT = 20.0  # s that another migration is waited for: one that hangs must not hold up memmgr for ever
LOCK_EVERY = 0.05  # s between looks whether it has ended
ADVISORY_LOCK = 0x626F62646E73  # "bobdns": one migration at a time on PostgreSQL


def migrate(url: str) -> Path | None:
    """Make the database where there is none, and bring its schema to that of this release. Nothing to do is fine.

    All of it is one transaction, and one process at a time does it. The copy of an SQLite file that was of an earlier
    release; else None. Raises StorageError.
    """
    database = Database(url)
    kept = None
    try:
        with _lock(database):
            if database.path is not None:
                make_file(database, database.path)
                version = _version_before(database)
                if version is not None:
                    _expect_writable(database, database.path)
                    kept = _keep(database, database.path, version)
            with database.write() as connection:
                if database.engine.dialect.name == "postgresql":
                    connection.execute(text("SELECT pg_advisory_xact_lock(:id)"), {"id": ADVISORY_LOCK})
                _upgrade(connection, database)
    finally:
        database.close()
    return kept


def upgrade(url: str, directory: Path) -> Path | None:
    """Migrate an SQLite file of an earlier release below the directory; the copy, or None where there is nothing to do.

    Anything else is left as it is: others may have a part in it. Raises StorageError.
    """
    database = Database(url)
    try:
        if database.path is None or not database.path.resolve().is_relative_to(directory.resolve()):
            return None
        if not database.path.exists() or _version_before(database) is None:
            return None
    finally:
        database.close()
    return migrate(url)


def _version_before(database: Database) -> str | None:
    """The version of the schema, if it is one of an earlier release."""
    try:
        check_schema(database)
    except SchemaTooOld as error:
        return error.version or None
    except StorageError:  # whoever opens it says so
        pass
    return None


def _expect_writable(database: Database, path: Path) -> None:
    """What cannot be written is not copied in vain, each time that it is tried. Raises StorageError."""
    if not os.access(path, os.W_OK, effective_ids=True):  # SQLite lets a write transaction begin nevertheless
        raise StorageError("the file cannot be written", database=database.text)
    with database.write():
        pass


def _keep(database: Database, path: Path, version: str) -> Path:
    """Copy the file as it is now, whole and on the disk before anything changes."""
    kept = path.with_name(f"{path.name}.schema-{version}")
    made = kept.with_name(f"{kept.name}.new")
    try:
        made.unlink(missing_ok=True)
        os.close(os.open(made, os.O_RDWR | os.O_CREAT | os.O_EXCL, UNFINISHED_MODE))
        with database.translated(), database.engine.connect() as connection, closing(sqlite3.connect(made)) as copy:
            driver = connection.connection.driver_connection
            assert driver is not None
            driver.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, whoever takes it away
        _become_safe(made, path)
        made.replace(kept)
        _synchronise(kept.parent)
    except OSError as error:
        _remove(made)
        raise StorageError(f"{kept} cannot be made: {error.strerror}", database=database.text) from error
    except BaseException:
        _remove(made)
        raise
    return kept


def _become_safe(made: Path, original: Path) -> None:
    """Who may read the original may read the copy, and nobody else; it is on the disk."""
    as_it_was = original.stat()
    descriptor = os.open(made, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:  # not by name: root does so in a directory of the suite's user, who could exchange it
        if os.fstat(descriptor).st_nlink != 1:
            raise OSError(errno.EPERM, "it has another name, too")
        if os.geteuid() == 0:
            os.fchown(descriptor, as_it_was.st_uid, as_it_was.st_gid)
        os.fchmod(descriptor, stat.S_IMODE(as_it_was.st_mode))
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _synchronise(path: Path) -> None:
    """Have the file, or what a directory says about its files, on the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(made: Path) -> None:
    with suppress(OSError):  # what kept the copy from being made is told, and may be the same
        made.unlink(missing_ok=True)


def _upgrade(connection: Connection, database: Database) -> None:
    # Imported here: what only reads and writes zones does not pay for alembic.
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", "datasrc:migrations")
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StorageError(f"it cannot be migrated: {error}", database=database.text) from error


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
        _take(directory, database)
        yield
    finally:
        os.close(directory)


def _take(directory: int, database: Database) -> None:
    """Lock it. Raises Locked where another holds it for LOCK_WAIT, or StorageError."""
    deadline = time.monotonic() + LOCK_WAIT
    while True:
        try:
            fcntl.flock(directory, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if time.monotonic() >= deadline:
                reason = f"another migration in its directory has not ended within {LOCK_WAIT:g} s"
                raise Locked(reason, database=database.text) from error
            time.sleep(LOCK_EVERY)  # flock(2) itself waits without an end
        except OSError as error:
            raise StorageError(f"its directory cannot be locked: {error.strerror}", database=database.text) from error
        else:
            return


def _require_no_strangers_link(database: Database, path: Path) -> None:
    """Root makes nothing where a link leads that the suite's user may have put there. Raises StorageError."""
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) and found.st_uid not in (0, os.geteuid()):
        reason = f"it is a symbolic link of user {found.st_uid}, which is not followed"
        raise StorageError(reason, database=database.text)


def make_file(database: Database, path: Path) -> None:
    """Make the file, owned by whom the state directory belongs to, and turn WAL on."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, FILE_MODE)
    except FileExistsError:
        _require_no_strangers_link(database, path)
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
