"""The updater of a database: everything is worked out first, then written in one short transaction."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from itertools import chain, islice
from typing import Any

from dns.name import Name
from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.exc import IntegrityError

from datasrc.apex import APEX_TYPES, inspect
from datasrc.database import history
from datasrc.database.batches import insert_batch
from datasrc.database.bulk import execute_many, insert_many
from datasrc.database.committing import commit_change
from datasrc.database.engine import Database
from datasrc.database.prepared import Prepared
from datasrc.database.reader import ROW, stream
from datasrc.database.schema import STATES, rrsets, zones
from datasrc.errors import Conflict, ZoneUnusable
from datasrc.keys import APEX, key_text, name_key
from datasrc.pending import CHUNK, Delta, Pending, WholeZone, is_apex_soa, place_of
from datasrc.rdata import soa_serial, unpack
from datasrc.records import Change, Provenance, ZoneInfo, ZoneState
from datasrc.rows import Row, name_wire
from datasrc.transaction import Transaction

READY_CHUNKS = 100  # worked out before the write lock is taken: all of most zones, and some 60 MB of a very large one
KEYS_A_QUERY = 500  # well below the 32 766 parameters SQLite takes

_r = rrsets.c
_ROWS_OF_ZONE = select(*ROW).where(_r.zone == bindparam("zone")).order_by(_r.key, _r.type, _r.covers)
_ROWS_OF_KEYS = Prepared(
    select(*ROW).where(_r.zone == bindparam("zone"), _r.key.in_(bindparam("keys", expanding=True)))
)
_APEX_ROWS = Prepared(select(*ROW).where(_r.zone == bindparam("zone"), _r.key == APEX, _r.type.in_(APEX_TYPES)))
_VERSION = Prepared(select(zones.c.version).where(zones.c.id == bindparam("zone")))
_CLAIM = Prepared(
    update(zones)
    .where(zones.c.id == bindparam("zone"), zones.c.version == bindparam("before"))
    .values(version=bindparam("now"), deleted=False, origin=bindparam("spelled"))
)
_CONCLUDE = Prepared(
    update(zones)
    .where(zones.c.id == bindparam("zone"))
    .values(
        serial=bindparam("serial_now"),
        records=bindparam("records_now"),
        journal_records=bindparam("journal_now"),
        state=bindparam("state_now"),
    )
)
_PLACE = ("of_zone", "of_key", "of_type", "of_covers")
_DELETE_ROWS = delete(rrsets).where(
    _r.zone == bindparam("of_zone"),
    _r.key == bindparam("of_key"),
    _r.type == bindparam("of_type"),
    _r.covers == bindparam("of_covers"),
)
_COLUMNS = tuple(rrsets.columns.keys())  # the zone, and then what a Row has
_INSERT_ROWS = insert(rrsets)


class DatabaseUpdater(Transaction):
    """One transaction on one zone of a database."""

    def __init__(
        self,
        database: Database,
        origin: Name,
        base: ZoneInfo | None,
        stored: tuple[int, int] | None,
        *,
        replace: bool,
        committed: Callable[[], None],
    ) -> None:
        """`stored` is (id, version) of the zone's row, which a deleted zone has too."""
        super().__init__(origin, base, database=database.text, replace=replace)
        self._database = database
        self.stored = stored
        self._committed = committed

    def conflict(self) -> Conflict:
        """The exception that says that somebody else was faster."""
        return Conflict("changed by another writer meanwhile", database=self._database.text, zone=self._origin)

    def _write(self, pending: Pending, provenance: Provenance) -> Change | None:
        stored = None if self.base is None else self._against_stored(pending)
        if stored is not None and not stored:
            return None

        def deltas() -> Iterable[Delta]:
            if stored is not None:
                return stored
            return pending.deltas(()) if pending.whole is None else ()  # a whole new zone: _Commit._fill

        work = _Work(deltas)

        def write(connection: Connection) -> Change:
            return _Commit(connection, self, pending).run(work.take(), provenance)

        change = commit_change(self._database, write)
        self._committed()
        return change

    def _against_stored(self, pending: Pending) -> list[Delta]:
        assert self.stored is not None
        zone_id, version = self.stored
        with self._database.read() as connection:
            if list(map(tuple, _VERSION.rows(connection, {"zone": zone_id}))) != [(version,)]:
                raise self.conflict()
            try:
                return list(pending.deltas(self._stored_rows(connection, zone_id, pending)))
            except ValueError as error:
                text = f"stored data is damaged, load the whole zone again: {error}"
                raise ZoneUnusable(text, database=self._database.text, zone=self._origin) from None

    def _stored_rows(self, connection: Connection, zone_id: int, pending: Pending) -> Iterator[Row]:
        if pending.replace:
            return stream(self._database, connection, _ROWS_OF_ZONE, {"zone": zone_id})
        return self._rows_of(connection, zone_id, sorted({place_of(composite)[0] for composite in pending.touched()}))

    def _rows_of(self, connection: Connection, zone_id: int, keys: list[bytes]) -> Iterator[Row]:
        for start in range(0, len(keys), KEYS_A_QUERY):
            part = keys[start : start + KEYS_A_QUERY]
            yield from map(Row._make, _ROWS_OF_KEYS.rows(connection, {"zone": zone_id, "keys": part}))


class _Work:
    """The deltas in chunks, many of them worked out before the write lock is taken; for a new attempt all again."""

    def __init__(self, deltas: Callable[[], Iterable[Delta]]) -> None:
        self._deltas = deltas
        self._ready: Iterator[list[Delta]] | None = self._begun()

    def take(self) -> Iterator[list[Delta]]:
        """All chunks."""
        ready, self._ready = self._ready or self._begun(), None
        return ready

    def _begun(self) -> Iterator[list[Delta]]:
        chunks = _chunks(self._deltas())
        return chain(list(islice(chunks, READY_CHUNKS)), chunks)


class _Commit:
    """The inside of commit(): the zone's row first, as compare-and-swap, then rows, journal and outbox."""

    def __init__(self, connection: Connection, updater: DatabaseUpdater, pending: Pending) -> None:
        base = updater.base
        self._connection = connection
        self._updater = updater
        self._pending = pending
        self._origin = pending.origin
        self._serial = base.serial if base else None
        self._records = base.records if base else 0
        self._had_data = bool(base and base.records)
        self._damaged = False

    def run(self, chunks: Iterable[list[Delta]], provenance: Provenance) -> Change:
        zone_id, version = self._claim()
        before = self._serial
        sequence = history.Sequence(self._connection, zone_id, version)
        if self._updater.base is None and self._pending.whole is not None:
            self._fill(zone_id, self._pending.whole)
        for deltas in chunks:
            self._write(zone_id, deltas)
            if self._had_data:
                sequence.record([self._told(delta) for delta in deltas])
        if self._pending.replace:
            self._records = self._pending.records  # counted, not reckoned: what was there may have been damaged
        whole = self._had_data and not self._damaged
        values = {
            "zone": zone_id,
            "serial_now": self._serial,
            "records_now": self._records,
            "journal_now": sequence.finish((before if whole else None, self._serial), self._records),
            "state_now": self._state(zone_id),
        }
        _CONCLUDE.run(self._connection, values)
        change = Change(0, self._origin, version, self._serial, provenance, time.time())
        return history.append(self._connection, zone_id, change)

    def _state(self, zone_id: int) -> int:
        rows = [Row._make(row) for row in _APEX_ROWS.rows(self._connection, {"zone": zone_id})]
        return STATES[inspect(self._origin, 0, self._records, rows).state]

    def _fill(self, zone_id: int, zone: WholeZone) -> None:
        """Write the sets of a zone that has none yet."""
        if self._connection.dialect.name == "sqlite":
            for batch in zone.batches(CHUNK):
                insert_batch(self._connection, zone_id, batch)
        else:
            for chunk in zone.row_chunks(CHUNK):
                insert_many(self._connection, _INSERT_ROWS, _COLUMNS, [(zone_id, *row) for row in chunk])
        self._serial = zone.serial
        self._pending.records = self._records = zone.records

    def _told(self, delta: Delta) -> Delta:
        """What the journal can tell of a delta: not what a damaged row held."""
        if delta.old is None or delta.old.readable():
            return delta
        self._damaged = True
        return Delta(None, delta.new)

    def _claim(self) -> tuple[int, int]:
        stored = self._updater.stored
        if stored is None:
            return self._make(), 1
        zone_id, version = stored
        values = {"zone": zone_id, "before": version, "now": version + 1, "spelled": name_wire(self._origin)}
        if _CLAIM.run(self._connection, values) != 1:
            raise self._updater.conflict()
        return zone_id, version + 1

    def _make(self) -> int:
        key = name_key(self._origin)
        values = {
            "key": key,
            "origin": name_wire(self._origin),
            "version": 1,
            "records": 0,
            "journal_records": 0,
            "deleted": False,
            "text": key_text(key),
            "state": STATES[ZoneState.EMPTY],
        }
        try:
            inserted = self._connection.execute(insert(zones).values(values)).inserted_primary_key
        except IntegrityError:
            raise self._updater.conflict() from None
        assert inserted is not None
        zone_id: int = inserted[0]
        return zone_id

    def _write(self, zone_id: int, deltas: list[Delta]) -> None:
        gone: list[tuple[Any, ...]] = []
        rows: list[tuple[Any, ...]] = []
        for old, new in deltas:
            if old is not None:
                gone.append((zone_id, old.key, old.rdtype, old.covers))
                self._records -= old.records()
            if new is not None:
                rows.append((zone_id, *new))
                self._records += new.records()
            self._note_serial(old, new)
        execute_many(self._connection, _DELETE_ROWS, _PLACE, gone)
        insert_many(self._connection, _INSERT_ROWS, _COLUMNS, rows)

    def _note_serial(self, old: Row | None, new: Row | None) -> None:
        if new is not None and is_apex_soa(new):
            self._serial = soa_serial(unpack(new.rdatas)[0])
        elif new is None and old is not None and is_apex_soa(old):
            self._serial = None


def _chunks(deltas: Iterable[Delta]) -> Iterator[list[Delta]]:
    iterator = iter(deltas)
    while chunk := list(islice(iterator, CHUNK)):
        yield chunk
