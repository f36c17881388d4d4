"""The data source over a database: snapshots, updaters, journal and outbox of one URL."""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from dns.name import Name
from sqlalchemy import Connection, bindparam, delete, inspect, make_url, not_, select, update

from datasrc import doorbell
from datasrc.database import history, reader
from datasrc.database.committing import commit_change
from datasrc.database.engine import Database
from datasrc.database.patience import LOOKING, READER
from datasrc.database.prepared import SQLITE, Prepared, asked
from datasrc.database.reader import DatabaseSnapshot, judged, stored_zone, zones_on_page
from datasrc.database.schema import HEAD, KNOWN, STATE_DELETED, VERSION_TABLE, rrsets, zones
from datasrc.database.writer import KEYS_A_QUERY, DatabaseUpdater
from datasrc.errors import (
    Conflict,
    Damaged,
    DataSourceError,
    HistoryLost,
    NoSuchZone,
    ReadOnly,
    SchemaTooNew,
    SchemaTooOld,
)
from datasrc.journal import chain
from datasrc.keys import name_key
from datasrc.records import EVERY_ZONE, Change, Difference, Provenance, ZoneFilter, ZoneInfo
from datasrc.source import Bell, DataSource, Snapshot, Updater

_z = zones.c
KEYS_PAGE = 10_000  # keys that are read at once
_KEYS = select(_z.key).where(not_(_z.deleted)).order_by(_z.key).limit(bindparam("limit"))
_FIRST_KEYS, _NEXT_KEYS = Prepared(_KEYS), Prepared(_KEYS.where(_z.key > bindparam("after")))
_HELD = select(_z.key).where(_z.key.in_(bindparam("keys", expanding=True)), not_(_z.deleted))


class DatabaseSource(DataSource):
    """Zones in a database. May be shared between threads; what it hands out may not."""

    def __init__(self, database: Database, *, name: str = "", read_only: bool = False) -> None:
        """Opens nothing yet but checks the schema. Raises Missing, SchemaTooOld, SchemaTooNew, Damaged, Locked."""
        self.name = name or database.text
        self.writable = not read_only
        self._database = database
        self._lock = threading.Lock()
        self._ready = False
        try:
            self._ensure()
        except DataSourceError:
            database.close()
            raise
        if read_only:
            database.wait_for_answers(LOOKING.answer)  # whoever has less patience says so

    def take_patience(self, seconds: float) -> None:  # noqa: ARG002 - a zone is not read whole before it is asked
        """Who uses it answers questions: others wait while the server is waited for."""
        self._database.wait_for_answers(READER.answer)

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """One consistent state of all zones."""
        self._ensure()
        with self._database.read() as connection:
            yield DatabaseSnapshot(self._database, connection)

    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """A page of the zones. By state they are chosen as the last transaction left them, and told as they are."""
        self._ensure()
        with self._database.read() as connection:
            rows = zones_on_page(connection, None if after is None else name_key(after), limit, only)
            return [info for _, info, _ in judged(rows)]

    def updater(self, origin: Name, *, create: bool = False, replace: bool = False) -> Updater:
        """Begin a transaction on a zone."""
        self._writable(origin)
        self._ensure()
        base, stored = self._find(origin)
        if base is None and not create:
            raise NoSuchZone("there is no such zone", database=self.name, zone=origin)
        spelled = base.origin if base else origin
        return DatabaseUpdater(self._database, spelled, base, stored, replace=replace, committed=self._ring)

    def delete_zone(self, origin: Name, provenance: Provenance) -> Change:
        """Delete a zone: its row stays, marked, and its data goes to the journal, so that this can be undone."""
        self._writable(origin)
        self._ensure()
        base, stored = self._find(origin)
        if base is None or stored is None:
            raise NoSuchZone("there is no such zone", database=self.name, zone=origin)
        zone_id, version = stored[0], stored[1] + 1

        def write(connection: Connection) -> Change:
            claim = update(zones).where(_z.id == zone_id, _z.version == stored[1])
            values = {"version": version, "deleted": True, "serial": None, "records": 0, "state": STATE_DELETED}
            if connection.execute(claim.values(values)).rowcount != 1:
                raise Conflict("changed by another writer meanwhile", database=self.name, zone=origin)
            sequence = history.Sequence(connection, zone_id, version)
            sequence.record_deletion()
            kept = sequence.finish((base.serial, None), 0, base.records)
            connection.execute(update(zones).where(_z.id == zone_id).values(journal_records=kept))
            connection.execute(delete(rrsets).where(rrsets.c.zone == zone_id))
            change = Change(0, base.origin, version, None, provenance, time.time(), deleted=True)
            change = history.append(connection, zone_id, change)
            history.forget_deleted(connection)
            return change

        change = commit_change(self._database, write)
        self._ring()
        return change

    def journal(self, origin: Name, from_serial: int, to_serial: int) -> Iterator[Difference] | None:
        """The unbroken chain of differences between two serials."""
        self._ensure()
        if from_serial == to_serial:
            base, _ = self._find(origin)
            return iter(()) if base is not None and base.serial == to_serial else None
        with self._database.read() as connection:
            versions = chain(history.steps(connection, origin), from_serial, to_serial)
        return None if versions is None else self._differences(origin, versions)

    def difference(self, origin: Name, version: int) -> Difference | None:
        """What the transaction that made this version deleted and added."""
        self._ensure()
        with self._database.read() as connection:
            return history.difference(self._database, connection, origin, version)

    def changes(self, after_id: int = 0, limit: int = 1000) -> list[Change]:
        """Outbox rows after `after_id`, in commit order."""
        self._ensure()
        with self._database.read() as connection:
            return history.changes(connection, after_id, limit)

    @contextmanager
    def since(self, after_id: int, limit: int) -> Iterator[tuple[list[Change], Snapshot | None]]:
        """Outbox rows after `after_id`, and the state that they led to: one read transaction."""
        self._ensure()
        with self._database.read() as connection:
            yield history.changes(connection, after_id, limit), DatabaseSnapshot(self._database, connection)

    def change_of(self, origin: Name, version: int) -> Change | None:
        """The outbox row of one transaction on a zone."""
        self._ensure()
        with self._database.read() as connection:
            return history.change_of(connection, origin, version)

    def history(self, origin: Name, before: int, limit: int) -> list[Change]:
        """The outbox rows of a zone, the newest first."""
        self._ensure()
        with self._database.read() as connection:
            return history.history_of(connection, origin, before, limit)

    def last_change(self) -> int:
        """The id of the newest outbox row."""
        self._ensure()
        with self._database.read() as connection:
            return history.last_change(connection)

    def listen(self, name: str) -> Bell | None:
        """The doorbell beside a file, or the notifications of a PostgreSQL server."""
        if self._database.path is not None:
            return doorbell.Listener(self._database.path.parent, name)
        if not self._database.notifies:
            return None
        from datasrc.database.notifications import NotificationListener

        return NotificationListener(self._database)

    def each_key(self) -> Iterator[bytes]:
        """The keys of all origins, a page at a time."""
        self._ensure()
        statement, parameters = _FIRST_KEYS, {"limit": KEYS_PAGE}
        while True:
            with self._database.read() as connection:
                page = [key for (key,) in statement.rows(connection, parameters)]
            yield from page
            if len(page) < KEYS_PAGE:
                return
            statement, parameters = _NEXT_KEYS, {"limit": KEYS_PAGE, "after": page[-1]}

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""
        self._ensure()
        asked = sorted(keys)
        found: set[bytes] = set()
        with self._database.read() as connection:
            for start in range(0, len(asked), KEYS_A_QUERY):
                part = asked[start : start + KEYS_A_QUERY]
                found.update(connection.execute(_HELD, {"keys": part}).scalars())
        return found

    def close(self) -> None:
        """Close every connection."""
        self._database.close()

    def _differences(self, origin: Name, versions: list[int]) -> Iterator[Difference]:
        """Each in a read transaction of its own: whoever takes long over them holds nothing."""
        for version in versions:
            difference = self.difference(origin, version)
            if difference is None:
                raise HistoryLost(f"version {version} is no longer in the journal", database=self.name, zone=origin)
            yield difference

    def _find(self, origin: Name) -> tuple[ZoneInfo | None, tuple[int, int] | None]:
        """The zone, unless deleted, and (id, version) of its row, which a deleted one has too."""
        with self._database.read() as connection:
            return stored_zone(connection, origin)

    def _writable(self, origin: Name) -> None:
        if not self.writable:
            raise ReadOnly("this data source is only read", database=self.name, zone=origin)

    def _ring(self) -> None:
        if self._database.path is not None:
            doorbell.ring(self._database.path.parent)

    def _ensure(self) -> None:
        """Look at the schema at first, and again where the file was replaced by another."""
        with self._lock:
            if self._database.replaced():
                self._ready = False
            if not self._ready:
                check_schema(self._database)
                self._ready = True


def _tables(connection: Connection) -> list[str]:
    if connection.dialect.name != SQLITE:
        return inspect(connection).get_table_names()
    rows = asked(connection, "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")
    return [name for (name,) in rows if not name.startswith("sqlite_")]


def get_ready() -> None:
    """Do once what every process does that reads a database of zones in SQLite, for those that are forked after it."""
    dialect = make_url(f"{SQLITE}:///zones.sqlite").get_dialect()()
    _FIRST_KEYS.get_ready(dialect, {"limit": KEYS_PAGE})
    _NEXT_KEYS.get_ready(dialect, {"limit": KEYS_PAGE, "after": b""})
    history.get_ready(dialect)
    reader.get_ready(dialect)


def check_schema(database: Database) -> None:
    """Raise unless the database has the schema of this release."""
    with database.read() as connection:
        tables = _tables(connection)
        version = None
        if VERSION_TABLE in tables:
            rows = asked(connection, f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
            version = rows[0][0] if rows else None
    if version == HEAD:
        return
    advice = f"run `{shlex.join([sys.executable, '-m', 'datasrc', 'migrate', database.text])}`"
    if version is None and set(tables) - {VERSION_TABLE}:
        raise Damaged(f"not a database of zones: it has the tables {', '.join(sorted(tables))}", database=database.text)
    if version is None:
        error = SchemaTooOld(f"an empty database: {advice}", database=database.text)
        error.empty = True
        raise error
    if version in KNOWN:
        error = SchemaTooOld(f"its schema is {version}, this release needs {HEAD}: {advice}", database=database.text)
        error.version = version
        raise error
    raise SchemaTooNew(
        f"its schema is {version}, this release knows {HEAD} at most: use the release that wrote it",
        database=database.text,
    )
