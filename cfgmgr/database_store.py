"""The store in a database: SQLite in a file of its own, or PostgreSQL by URL. One change touches a few rows.

One cfgmgr has the store at a time: a lock on a file beside SQLite's, an advisory lock on PostgreSQL. Should such a lock
be lost with its connection, the head in the database still tells: a revision is written only on top of the one that
was read.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path as FilePath
from typing import Any, TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select, text, update

from cfgmgr import database_schema as schema
from cfgmgr import files
from cfgmgr.errors import StoreLocked, StoreTooNew, StoreUncertain, StoreUnreachable, StoreUnusable
from cfgmgr.store import Damage, Draft, Revision, Store, Summary
from cfgmgr.tree import ROWS, Change, Tree, look_up, scopes_of, with_rows
from daemonkit.findings import Path
from datasrc.database.engine import Database
from datasrc.database.migration import make_file
from datasrc.errors import DataSourceError, Locked, StorageError

LOCK = 0x626F62636667  # "bobcfg", of pg_advisory_lock
LOCK_PATIENCE = 5.0  # s a server may take to notice that the cfgmgr before is dead
LOCK_INTERVAL = 0.2  # s
# After a COMMIT without an answer: how long to try to learn what became of it. Members that prepared ask after 8 s.
RESOLVE_PATIENCE = 6.0  # s
RESOLVE_INTERVAL = 0.2  # s
PAGE = 100  # revisions read at once
ONLY = 1  # the id of the row in the table `store`

T = TypeVar("T")
_Raw = list[tuple[tuple[str | int, ...], Any, Any]]
_changes = msgspec.json.Decoder(_Raw)


class DatabaseStore(Store):
    """A store in the database of a URL. Raises StoreError: StoreUnreachable where a server may come back."""

    def __init__(self, url: str) -> None:
        with _translated():
            self._database = Database(url)
        self._head: Revision | None = None
        self._state: Tree = {}
        self._given_out = 0  # the greatest number so far
        self._lock: Connection | None = None
        self._file_lock = -1
        try:
            with _translated():
                self._take()
                self._make()
                self._load()
        except BaseException:
            self.close()
            raise

    @property
    def name(self) -> str:
        return self._database.text

    @property
    def head(self) -> Revision | None:
        return self._head

    @property
    def state(self) -> Tree:
        return self._state

    @property
    def damage(self) -> list[Damage]:
        return []  # a database is whole, or cannot be opened at all

    @property
    def next_number(self) -> int:
        return self._given_out + 1

    def append(self, revision: Revision, state: Tree, *, whole: bool = False) -> None:
        whole = whole or self._head is None
        scopes = [()] if whole else sorted(scopes_of(revision.changes))

        def write(connection: Connection) -> None:
            self._require_head(connection)
            row = {
                "number": revision.number,
                "time": revision.time.isoformat(),
                "author": revision.author,
                "reason": revision.reason,
                "changes": _text(revision.changes),
            }
            connection.execute(insert(schema.revisions).values(row))
            for scope in scopes:
                _write_scope(connection, scope, state)
            connection.execute(update(schema.store).values(head=revision.number))

        self._commit(write, lambda: self._there(revision))
        self._head, self._state, self._given_out = revision, state, revision.number

    def revisions(self, before: int = 0) -> Iterator[Revision]:
        return map(_revision, self._rows(before))

    def summaries(self, before: int = 0) -> Iterator[Summary]:
        return map(_summary, self._rows(before))

    def _rows(self, before: int) -> Iterator[Any]:
        while True:
            query = select(schema.revisions).order_by(schema.revisions.c.number.desc()).limit(PAGE)
            if before:
                query = query.where(schema.revisions.c.number < before)
            with _translated(), self._database.read() as connection:
                rows = connection.execute(query).all()
            yield from rows
            if len(rows) < PAGE:
                return
            before = rows[-1].number

    def drafts(self) -> list[Draft]:
        with _translated(), self._database.read() as connection:
            rows = connection.execute(select(schema.drafts).order_by(schema.drafts.c.author)).all()
        return [Draft(row.author, row.base, _read_changes(row.changes)) for row in rows]

    def keep(self, draft: Draft) -> None:
        with _translated(), self._database.write() as connection:
            connection.execute(delete(schema.drafts).where(schema.drafts.c.author == draft.author))
            row = {"author": draft.author, "base": draft.base, "changes": _text(draft.changes)}
            connection.execute(insert(schema.drafts).values(row))

    def forget(self, author: str) -> None:
        with _translated(), self._database.write() as connection:
            connection.execute(delete(schema.drafts).where(schema.drafts.c.author == author))

    def clear(self) -> None:
        """Forget everything."""
        with _translated(), self._database.write() as connection:
            for table in (schema.revisions, schema.state, schema.drafts):
                connection.execute(delete(table))
            connection.execute(update(schema.store).values(head=0))
        self._head, self._state, self._given_out = None, {}, 0

    def close(self) -> None:
        if self._lock is not None:
            self._lock.close()
            self._lock = None
        files.unlock(self._file_lock)
        self._file_lock = -1
        self._database.close()

    # The commit point.

    def _commit(self, write: Callable[[Connection], None], there: Callable[[], bool]) -> None:
        """Make a change. Where no answer comes to COMMIT, `there` tells what became of it, if it can."""
        with _translated():
            if self._at_commit(write):
                return
        if not self._resolved(there):
            raise StoreUnusable(f"{self.name} did not take the change")

    def _at_commit(self, write: Callable[[Connection], None]) -> bool:
        """Whether the change was made; False where it is not known. An error says that it was not."""
        with self._database.translated():
            connection = self._database.writer.connect()
        with connection:
            with self._database.translated():
                transaction = connection.begin()
                write(connection)
            try:
                with self._database.translated():
                    transaction.commit()
            except DataSourceError:
                connection.invalidate()
                return False
        return True

    def _resolved(self, there: Callable[[], bool]) -> bool:
        deadline = time.monotonic() + RESOLVE_PATIENCE
        while True:
            try:
                with _translated():
                    return there()
            except StoreUnusable as error:
                if time.monotonic() >= deadline:
                    raise StoreUncertain(f"no answer came to a commit, and {error}") from error
            time.sleep(RESOLVE_INTERVAL)

    def _there(self, revision: Revision) -> bool:
        """Whether a revision came about. Waits for the lock that its transaction has, should that still be at work."""
        with self._database.write() as connection:
            _locked_head(connection)
            row = connection.execute(
                select(schema.revisions).where(schema.revisions.c.number == revision.number)
            ).first()
        return row is not None and _revision(row) == revision

    def _require_head(self, connection: Connection) -> None:
        head, ours = _locked_head(connection), self._head.number if self._head else 0
        if head != ours:
            raise StoreUncertain(f"somebody else wrote revision {head} to {self.name}, where {ours} was the newest")

    # The start.

    def _take(self) -> None:
        """Have the store alone."""
        path = self._database.path
        if path is not None:
            make_directory(path.parent)
            make_file(self._database, path)
            self._file_lock = files.lock(path.with_name(path.name + ".lock"), self.name)
        elif self._database.engine.dialect.name == "postgresql":
            with self._database.translated():
                self._lock = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
                self._wait_for_lock(self._lock)

    def _wait_for_lock(self, connection: Connection) -> None:
        deadline = time.monotonic() + LOCK_PATIENCE
        while not connection.execute(text("SELECT pg_try_advisory_lock(:id)"), {"id": LOCK}).scalar_one():
            if time.monotonic() >= deadline:
                raise StoreLocked(f"{self.name} is in use by another cfgmgr")
            time.sleep(LOCK_INTERVAL)

    def _make(self) -> None:
        """Make the tables where there are none."""
        with self._database.write() as connection:
            schema.metadata.create_all(connection)
            row = connection.execute(select(schema.store)).first()
            if row is None:
                connection.execute(insert(schema.store).values(id=ONLY, format=schema.FORMAT, head=0))
            elif row.format > schema.FORMAT:
                raise StoreTooNew(
                    f"{self.name} has format {row.format}, and this release reads up to {schema.FORMAT}. "
                    "Run the newer release again"
                )

    def _load(self) -> None:
        with self._database.read() as connection:
            head = connection.execute(select(schema.store.c.head)).scalar_one()
            rows = connection.execute(select(schema.state)).all()
            row = connection.execute(select(schema.revisions).where(schema.revisions.c.number == head)).first()
        state: Tree = {}
        for root, name, value in rows:
            if root in ROWS:
                state.setdefault(root, {})[name] = msgspec.json.decode(value)
            else:
                state[root] = msgspec.json.decode(value)
        self._state, self._given_out = with_rows(state), head
        self._head = None if row is None else _revision(row)


def _locked_head(connection: Connection) -> int:
    head: int = connection.execute(select(schema.store.c.head).with_for_update()).scalar_one()
    return head


def _write_scope(connection: Connection, scope: Path, state: Tree) -> None:
    """Bring the rows of a scope to what the state says."""
    table = schema.state
    gone = delete(table)
    if scope:
        gone = gone.where(table.c.root == str(scope[0]))
    if len(scope) > 1:
        gone = gone.where(table.c.name == str(scope[1]))
    connection.execute(gone)
    rows = list(_rows(scope, state))
    if rows:
        connection.execute(insert(table), rows)


def _rows(scope: Path, state: Tree) -> Iterable[dict[str, str]]:
    roots = [str(scope[0])] if scope else list(state)
    for root in roots:
        if root not in state:
            continue
        if root not in ROWS:
            yield {"root": root, "name": "", "value": _json(state[root])}
            continue
        for name in [str(scope[1])] if len(scope) > 1 else state[root]:
            value = look_up(state, (root, name))
            if value is not None:
                yield {"root": root, "name": name, "value": _json(value)}


def make_directory(path: FilePath) -> None:
    """Make the directory of a store; raises StoreUnusable."""
    try:
        path.mkdir(mode=files.DIRECTORY_MODE, parents=True, exist_ok=True)
    except OSError as error:
        raise StoreUnusable(f"{path} cannot be used: {error.strerror}") from error


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _text(changes: Iterable[Change]) -> str:
    return _json([tuple(change) for change in changes])


def _read_changes(raw: str) -> tuple[Change, ...]:
    return tuple(Change(tuple(path), old, new) for path, old, new in _changes.decode(raw))


def _revision(row: Any) -> Revision:
    time_ = datetime.fromisoformat(row.time)
    return Revision(row.number, time_, row.author, row.reason, _read_changes(row.changes))


def _summary(row: Any) -> Summary:
    count = len(msgspec.json.decode(row.changes, type=list[msgspec.Raw]))
    return Summary(row.number, datetime.fromisoformat(row.time), row.author, row.reason, count)


@contextmanager
def _translated() -> Iterator[None]:
    """Errors of the database as ours."""
    try:
        yield
    except Locked as error:
        raise StoreUnusable(str(error)) from error
    except StorageError as error:
        unreachable = type(error) is StorageError
        raise (StoreUnreachable if unreachable else StoreUnusable)(str(error)) from error
    except DataSourceError as error:
        raise StoreUnusable(str(error)) from error
    except (msgspec.DecodeError, ValueError) as error:
        raise StoreUnusable(f"what the database holds is not ours: {error}") from error
