"""Journal and outbox: what each transaction did, and the one numbered list of all transactions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any

from dns.name import Name
from sqlalchemy import Connection, Dialect, and_, bindparam, case, delete, func, insert, literal, select, update

from datasrc import journal as rules
from datasrc.database.bulk import execute_many
from datasrc.database.engine import Database
from datasrc.database.prepared import Prepared
from datasrc.database.reader import ROW, stream
from datasrc.database.schema import CHANNEL, OUTBOX_COUNTER, counters, journal, journal_rrsets, outbox, rrsets, zones
from datasrc.errors import Damaged
from datasrc.keys import APEX, name_key
from datasrc.pending import SOA, Delta, is_apex_soa
from datasrc.records import Change, Difference, Provenance, RRset
from datasrc.rows import Row, split, stored_origin

_j = journal.c
_jr = journal_rrsets.c
_o = outbox.c
_r = rrsets.c

_JOURNAL_ROW = (_jr.key, _jr.type, _jr.covers, _jr.ttl, _jr.owner, _jr.rdatas)
_COLUMNS = tuple(journal_rrsets.columns.keys())  # zone, version, added, position, and then what a Row has
_INSERT_ROWS = insert(journal_rrsets)
_PART = (
    select(*_JOURNAL_ROW)
    .where(_jr.zone == bindparam("zone"), _jr.version == bindparam("version"), _jr.added == bindparam("added"))
    .order_by(_jr.position)
)
_INSERT_HEAD = Prepared(insert(journal))
_OLDEST = Prepared(
    select(_j.version, _j.records, zones.c.journal_records)
    .join(zones, zones.c.id == _j.zone)
    .where(_j.zone == bindparam("zone"))
    .order_by(_j.version)
    .limit(1)
)
_DROP = [
    Prepared(delete(rows).where(rows.c.zone == bindparam("of_zone"), rows.c.version == bindparam("of_version")))
    for rows in (journal_rrsets, journal)
]
_COUNTER = counters.c.name == OUTBOX_COUNTER
_NEXT = Prepared(update(counters).where(_COUNTER).values(last=counters.c.last + 1))
_NEXT_TOLD = Prepared(update(counters).where(_COUNTER).values(last=counters.c.last + 1).returning(counters.c.last))
_LAST = Prepared(select(counters.c.last).where(_COUNTER))
_INSERT_CHANGE = Prepared(insert(outbox))
_FORGET = Prepared(delete(outbox).where(_o.id <= bindparam("upto")))


class Sequence:
    """The difference sequence of the transaction that is being written."""

    def __init__(self, connection: Connection, zone_id: int, version: int) -> None:
        self._connection = connection
        self._zone_id = zone_id
        self._version = version
        self._records = 0
        self._position = 0

    def record(self, deltas: Iterable[Delta]) -> None:
        """Note what these deltas delete and add."""
        rows: list[tuple[Any, ...]] = []
        for delta in deltas:
            for added, row in enumerate(split(*delta)):
                if row is not None:
                    rows.append(self._values(row, added=bool(added)))
        execute_many(self._connection, _INSERT_ROWS, _COLUMNS, rows)

    def record_deletion(self) -> None:
        """Note that everything the zone has is deleted."""
        soa_first = case((and_(_r.key == APEX, _r.type == SOA), 0), else_=1)
        position = func.row_number().over(order_by=(soa_first, _r.key, _r.type, _r.covers))
        head = (_r.zone, literal(self._version), literal(value=False), position)
        source = select(*head, *ROW).where(_r.zone == self._zone_id)
        columns = [_jr.zone, _jr.version, _jr.added, _jr.position, *_JOURNAL_ROW]
        self._connection.execute(insert(journal_rrsets).from_select(columns, source))

    def finish(self, serials: tuple[int | None, int | None], zone_records: int, records: int | None = None) -> int:
        """Write the head of the sequence and trim the oldest ones; how many records the journal of the zone has then,
        for `journal_records` in its row.
        """
        if records is not None:
            self._records = records
        head = {
            "zone": self._zone_id,
            "version": self._version,
            "from_serial": serials[0],
            "to_serial": serials[1],
            "records": self._records,
        }
        _INSERT_HEAD.run(self._connection, head)
        return self._trim(zone_records)

    def _values(self, row: Row, *, added: bool) -> tuple[Any, ...]:
        self._records += row.records()
        self._position += 1
        position = 0 if is_apex_soa(row) else self._position
        return (self._zone_id, self._version, added, position, *row)

    def _trim(self, zone_records: int) -> int:
        zone = {"zone": self._zone_id}
        version, records, before = _OLDEST.rows(self._connection, zone)[0]
        total: int = before + self._records
        while rules.too_long(self._version - version + 1, total, zone_records):
            for statement in _DROP:
                statement.run(self._connection, {"of_zone": self._zone_id, "of_version": version})
            total -= records
            version, records, _ = _OLDEST.rows(self._connection, zone)[0]
        return total


def append(connection: Connection, zone_id: int, change: Change) -> Change:
    """Write a change to the outbox and give it its id. The last step of a transaction: others wait for the counter."""
    change = replace(change, id=_next(connection))
    values = {
        "id": change.id,
        "zone": zone_id,
        "version": change.version,
        "serial": change.serial,
        "deleted": change.deleted,
        "author": change.provenance.author,
        "source": change.provenance.source,
        "reason": change.provenance.reason,
        "time": change.time,
    }
    _INSERT_CHANGE.run(connection, values)
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_notify(CHANNEL, str(change.id))))
    if change.id > rules.OUTBOX_ROWS:
        _FORGET.run(connection, {"upto": change.id - rules.OUTBOX_ROWS})
    return change


def _next(connection: Connection) -> int:
    if connection.dialect.update_returning:
        told: int = _NEXT_TOLD.rows(connection, {})[0][0]
        return told
    _NEXT.run(connection, {})
    return last_change(connection)


def forget_deleted(connection: Connection) -> None:
    """Drop the journals of zones deleted long ago. Their rows stay: a version never comes twice."""
    last = func.max(_o.id)
    kept = select(zones.c.id, last.label("last")).join(outbox, _o.zone == zones.c.id).where(zones.c.deleted)
    kept = kept.where(zones.c.journal_records > 0).group_by(zones.c.id).order_by(last.desc())
    for zone_id in connection.execute(kept.offset(rules.DELETED_ZONES)).scalars().all():
        connection.execute(delete(journal_rrsets).where(_jr.zone == zone_id))
        connection.execute(delete(journal).where(_j.zone == zone_id))
        connection.execute(update(zones).where(zones.c.id == zone_id).values(journal_records=0))


def changes(connection: Connection, after_id: int, limit: int) -> list[Change]:
    """Outbox rows in order of id."""
    return _told(_AFTER.rows(connection, {"after": after_id, "limit": limit}))


def change_of(connection: Connection, origin: Name, version: int) -> Change | None:
    """The outbox row of one transaction on a zone, if it is still there."""
    query = _OUTBOX.where(zones.c.key == name_key(origin), _o.version == version)
    return next(iter(_told(connection.execute(query).all())), None)


def history_of(connection: Connection, origin: Name, before: int, limit: int) -> list[Change]:
    """The outbox rows of a zone that are still there, the newest first, before an id (0: all)."""
    query = _OUTBOX.where(zones.c.key == name_key(origin)).order_by(_o.id.desc()).limit(limit)
    return _told(connection.execute(query.where(_o.id < before) if before else query).all())


_TOLD = (
    _o.id,
    zones.c.key,
    zones.c.origin,
    _o.version,
    _o.serial,
    _o.author,
    _o.source,
    _o.reason,
    _o.time,
    _o.deleted,
)
_OUTBOX = select(*_TOLD).join(zones, zones.c.id == _o.zone)
_AFTER = Prepared(_OUTBOX.where(_o.id > bindparam("after")).order_by(_o.id).limit(bindparam("limit")))


def _told(rows: Iterable[Any]) -> list[Change]:
    return [
        Change(number, stored_origin(key, origin), version, serial, Provenance(*provenance), made, bool(deleted))
        for number, key, origin, version, serial, *provenance, made, deleted in rows
    ]


def get_ready(dialect: Dialect) -> None:
    """Compile what every process asks that follows a database."""
    _LAST.get_ready(dialect, {})
    _AFTER.get_ready(dialect, {"after": 0, "limit": 1})


def last_change(connection: Connection) -> int:
    """The id of the newest outbox row, 0 where there is none."""
    last: int = _LAST.rows(connection, {})[0][0]
    return last


def steps(connection: Connection, origin: Name) -> list[rules.Step]:
    """The heads of a zone's sequences, the newest first."""
    query = select(_j.version, _j.from_serial, _j.to_serial, _j.records).join(zones, zones.c.id == _j.zone)
    rows = connection.execute(query.where(zones.c.key == name_key(origin)).order_by(_j.version.desc())).all()
    return [rules.Step._make(row) for row in rows]


def difference(database: Database, connection: Connection, origin: Name, version: int) -> Difference | None:
    """One sequence, or None where it is not (or no longer) in the journal."""
    query = select(journal, zones.c.key, zones.c.origin).join(zones, zones.c.id == _j.zone)
    head = connection.execute(query.where(zones.c.key == name_key(origin), _j.version == version)).one_or_none()
    if head is None:
        return None
    spelled = stored_origin(head.key, head.origin)
    parts = []
    for added in (False, True):
        parameters = {"zone": head.zone, "version": version, "added": added}
        parts.append(tuple(_sets(stream(database, connection, _PART, parameters), database, spelled)))
    return Difference(head.from_serial, head.to_serial, parts[0], parts[1])


def _sets(rows: Iterator[Row], database: Database, origin: Name) -> Iterator[RRset]:
    for row in rows:
        try:
            yield row.rrset(origin)
        except ValueError as error:
            raise Damaged(f"its journal is damaged: {error}", database=database.text, zone=origin) from None
