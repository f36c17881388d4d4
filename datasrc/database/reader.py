"""Snapshot and finder of a database: one read transaction, a handful of indexed queries a lookup."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, Self

from dns.name import Name
from sqlalchemy import (
    BindParameter,
    Connection,
    CursorResult,
    Dialect,
    Select,
    and_,
    bindparam,
    not_,
    select,
    union_all,
)

from datasrc.apex import APEX_TYPES, inspect
from datasrc.database.engine import Database
from datasrc.database.prepared import Prepared, filled
from datasrc.database.schema import STATES, journal, journal_rrsets, rrsets, zones
from datasrc.journal import SetPlace, Step
from datasrc.keys import APEX, key_text, name_key, path
from datasrc.lookup import BARRIERS
from datasrc.records import EVERY_ZONE, ZoneFilter, ZoneInfo
from datasrc.rows import Row, stored_origin
from datasrc.source import BATCH, Contents, Finder, RowSink, Snapshot

_j = journal.c
_jr = journal_rrsets.c
_r = rrsets.c
_z = zones.c
ROW = (_r.key, _r.type, _r.covers, _r.ttl, _r.owner, _r.rdatas)
_ZONE = (_z.id, _z.key.label("place"), _z.origin, _z.version, _z.records)
_APEX_TYPE = len(_ZONE) + ROW.index(_r.type)  # the column; null where a zone has no row at its apex

_zone_p: BindParameter[int] = bindparam("zone")
_key_p: BindParameter[bytes] = bindparam("key")
_types_p: BindParameter[Any] = bindparam("types", expanding=True)
_above_p: BindParameter[Any] = bindparam("above", expanding=True)


def _apex_join(zone_rows: Any) -> Any:
    """The zones joined with their NS and SOA rows; a zone without any comes once, with nulls."""
    return zone_rows.outerjoin(rrsets, and_(_r.zone == zone_rows.c.id, _r.key == APEX, _r.type.in_(APEX_TYPES)))


_best = (
    select(_z.id)
    .where(_z.key.in_(bindparam("keys", expanding=True)), not_(_z.deleted))
    .order_by(_z.key.desc())
    .limit(1)
)
_FIND_ZONE = Prepared(select(*_ZONE, *ROW).select_from(_apex_join(zones)).where(_z.id == _best.scalar_subquery()))

_STORED = Prepared(select(*_ZONE, *ROW, _z.deleted).select_from(_apex_join(zones)).where(_z.key == _key_p))

_NODE = select(*ROW).where(_r.zone == _zone_p, _r.key == _key_p)
_NODE_TYPES = _NODE.where(_r.type.in_(_types_p))
_ABOVE = select(*ROW).where(_r.zone == _zone_p, _r.key.in_(_above_p), _r.type.in_(sorted(BARRIERS)))
_WALK = {
    # (whether there are keys above, whether only some types are asked for)
    (False, False): Prepared(_NODE),
    (False, True): Prepared(_NODE_TYPES),
    (True, False): Prepared(union_all(_ABOVE, _NODE)),
    (True, True): Prepared(union_all(_ABOVE, _NODE_TYPES)),
}

_before = select(_r.key).where(_r.zone == _zone_p, _r.key < _key_p).order_by(_r.key.desc()).limit(1)
_after = select(_r.key).where(_r.zone == _zone_p, _r.key >= _key_p).order_by(_r.key).limit(1)
_NEIGHBOURS = Prepared(select(_before.scalar_subquery(), _after.scalar_subquery()))

# The key is bounded within the clustered index; rows of other types on the way are passed over.
_BACKWARDS = Prepared(
    select(*ROW)
    .where(_r.zone == _zone_p, _r.key <= _key_p, _r.type == bindparam("type"))
    .order_by(_r.key.desc())
    .limit(1)
)

_TOUCHED = Prepared(
    select(_j.version, _j.from_serial, _j.to_serial, _j.records, _jr.key, _jr.type, _jr.covers)
    .join(journal_rrsets, and_(_jr.zone == _j.zone, _jr.version == _j.version))
    .where(_j.zone == _zone_p, _j.version > bindparam("after"), _j.version <= bindparam("upto"))
    .limit(bindparam("most"))
)

_EXACT = Prepared(_NODE.where(_r.type == bindparam("type"), _r.covers == bindparam("covers")))
_ALL = select(*ROW).where(_r.zone == _zone_p).order_by(_r.key, _r.type, _r.covers)
_ALL_ROWS = Prepared(_ALL)

USUAL_LABELS = range(1, 6)  # of names that are asked for, the root included
TOGETHER = 500  # zones whose rows are read with one query
_THESE = Prepared(
    select(*_ZONE, *ROW)
    .select_from(_apex_join(zones))
    .where(_z.key.in_(bindparam("keys", expanding=True)), not_(_z.deleted))
    .order_by(_z.id)
)
_ALL_OF = Prepared(
    select(*ROW, _r.zone)
    .where(_r.zone.in_(bindparam("zones", expanding=True)))
    .order_by(_r.zone, _r.key, _r.type, _r.covers)
)
_ZONE_COLUMN = itemgetter(len(ROW))


def get_ready(dialect: Dialect) -> None:
    """Compile what every process asks that looks for zones."""
    _STORED.get_ready(dialect, {"key": b""})
    for labels in USUAL_LABELS:
        _FIND_ZONE.get_ready(dialect, {"keys": [b""] * labels})
    _THESE.get_ready(dialect, {"keys": [b""]})
    _ALL_OF.get_ready(dialect, {"zones": [0]})
    _ALL_ROWS.get_ready(dialect, {"zone": 0})
    _FIRST_PAGE.get_ready(dialect, {"limit": 1})
    _NEXT_PAGE.get_ready(dialect, {"after": b"", "limit": 1})


class DatabaseSnapshot(Snapshot):
    """One consistent state of all zones of a database."""

    def __init__(self, database: Database, connection: Connection) -> None:
        self._database = database
        self._connection = connection

    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match."""
        return self._finder(path(name_key(name)))

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""
        return self._finder([name_key(origin)])

    def each(self, origins: Sequence[Name]) -> Iterator[Contents]:
        """Those of these zones that are there: two queries for many of them."""
        for start in range(0, len(origins), TOGETHER):
            keys = [name_key(origin) for origin in origins[start : start + TOGETHER]]
            with self._database.translated():
                found = sorted(judged(_THESE.rows(self._connection, {"keys": filled(keys)})), key=itemgetter(0))
            if found:
                with _SharedRows(self._database, self._connection, [zone_id for zone_id, _, _ in found]) as rows:
                    for zone_id, info, _ in found:
                        yield _Shared(info, zone_id, rows)

    def _finder(self, keys: list[bytes]) -> Finder | None:
        with self._database.translated():
            rows = _FIND_ZONE.rows(self._connection, {"keys": keys})
        for zone_id, info, apex in judged(rows):
            return DatabaseFinder(self._database, self._connection, zone_id, info, apex)
        return None


class _SharedRows:
    """The rows of several zones, one zone after the other, from one query."""

    def __init__(self, database: Database, connection: Connection, zone_ids: list[int]) -> None:
        self._batches = _batches(database, connection, _ALL_OF, {"zones": filled(zone_ids)})
        self._batch: list[Any] = []
        self._at = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._batches.close()

    def pour(self, zone_id: int, sink: RowSink) -> None:
        """Hand the rows of a zone over; those of zones before it are passed over."""
        while True:
            start = bisect_left(self._batch, zone_id, self._at, key=_ZONE_COLUMN)
            end = bisect_right(self._batch, zone_id, start, key=_ZONE_COLUMN)
            if start < end:
                sink.add_rows(self._batch[start:end])
            self._at = end
            if end < len(self._batch):
                return
            self._batch, self._at = next(self._batches, []), 0
            if not self._batch:
                return


@dataclass(frozen=True, slots=True)
class _Shared:
    """A zone whose rows come with those of others."""

    info: ZoneInfo
    zone_id: int
    rows: _SharedRows

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over, before those of the next zone."""
        self.rows.pour(self.zone_id, sink)


class DatabaseFinder(Finder):
    """One zone of a snapshot. The sets at its apex came with the zone and cost no further query."""

    def __init__(
        self, database: Database, connection: Connection, zone_id: int, info: ZoneInfo, apex: list[Row]
    ) -> None:
        super().__init__(info, database.text)
        self._store = database
        self._connection = connection
        self._zone_id = zone_id
        self._apex = {row.rdtype: row for row in apex}

    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""
        before, after = self._execute(_NEIGHBOURS, {"zone": self._zone_id, "key": key})[0]
        return before, after

    def _walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> list[Row]:
        parameters: dict[str, Any] = {"zone": self._zone_id, "key": keys[-1]}
        if len(keys) > 1:
            parameters["above"] = keys[:-1]
        if types is not None:
            parameters["types"] = sorted(types)
        statement = _WALK[len(keys) > 1, types is not None]
        return [Row._make(row) for row in self._execute(statement, parameters)]

    def _row(self, key: bytes, rdtype: int, covers: int) -> Row | None:
        if key == APEX and rdtype in self._apex:
            return self._apex[rdtype]
        parameters = {"zone": self._zone_id, "key": key, "type": rdtype, "covers": covers}
        return next((Row._make(row) for row in self._execute(_EXACT, parameters)), None)

    def _touched(self, after: int, limit: int) -> Iterator[tuple[Step, SetPlace]]:
        parameters = {"zone": self._zone_id, "after": after, "upto": self.info.version, "most": limit}
        for version, before, now, records, *place in self._execute(_TOUCHED, parameters):
            yield Step(version, before, now, records), tuple(place)

    def _backwards(self, key: bytes, rdtype: int) -> Iterator[Row]:
        while rows := self._execute(_BACKWARDS, {"zone": self._zone_id, "key": key, "type": rdtype}):
            row = Row._make(rows[0])
            yield row
            if row.key == APEX:
                return
            key = row.key[:-1]  # without its terminator: above every key before it, and no key itself

    def _rows(self) -> Iterator[Row]:
        return stream(self._store, self._connection, _ALL, {"zone": self._zone_id})

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over as the driver gives them: objects of SQLAlchemy would cost as much again."""
        with closing(_batches(self._store, self._connection, _ALL_ROWS, {"zone": self._zone_id})) as batches:
            for batch in batches:
                sink.add_rows(batch)

    def _execute(self, statement: Prepared, parameters: dict[str, Any]) -> Sequence[Sequence[Any]]:
        with self._store.translated():
            return statement.rows(self._connection, parameters)


def _batches(
    database: Database, connection: Connection, prepared: Prepared, parameters: dict[str, Any]
) -> Generator[list[Any]]:
    """The rows of a long SELECT as tuples, or like them; those of SQLite are the driver's own, for half the price."""
    options = {"yield_per": BATCH}
    with database.translated(), ExitStack() as stack:
        if database.path is not None:
            rows: Any = stack.enter_context(closing(prepared.cursor(connection, parameters)))
        else:
            rows = stack.enter_context(connection.execute(prepared.statement, parameters, execution_options=options))
        while batch := rows.fetchmany(BATCH):
            yield batch


def stream(
    database: Database, connection: Connection, statement: Select[Any], parameters: dict[str, Any]
) -> Iterator[Row]:
    """The rows of a long SELECT, fetched in batches; closing the iterator closes the cursor."""
    with database.translated():
        result: CursorResult[Any] = connection.execute(statement, parameters, execution_options={"yield_per": BATCH})
    with result:
        while True:
            with database.translated():
                batch = result.fetchmany(BATCH)
            if not batch:
                return
            yield from map(Row._make, batch)


def judged(rows: Iterable[Sequence[Any]]) -> Iterator[tuple[int, ZoneInfo, list[Row]]]:
    """Zones out of a join with their apex rows, whose rows stand together: (zone id, info, rows at the apex)."""
    group: list[Sequence[Any]] = []
    for row in rows:
        if group and group[0][0] != row[0]:
            yield _judge(group)
            group = []
        group.append(row)
    if group:
        yield _judge(group)


def _judge(group: list[Sequence[Any]]) -> tuple[int, ZoneInfo, list[Row]]:
    zone_id, key, wire, version, records = group[0][: len(_ZONE)]
    apex = [Row._make(row[len(_ZONE) : len(_ZONE) + len(ROW)]) for row in group if row[_APEX_TYPE] is not None]
    return zone_id, inspect(stored_origin(key, wire), version, records, apex), apex


def stored_zone(connection: Connection, origin: Name) -> tuple[ZoneInfo | None, tuple[int, int] | None]:
    """The zone, unless deleted, and (id, version) of its row, which a deleted one has too."""
    rows = _STORED.rows(connection, {"key": name_key(origin)})
    for zone_id, info, _ in judged(rows):
        return (None if rows[0][-1] else info), (zone_id, info.version)
    return None, None


def zones_on_page(
    connection: Connection, after: bytes | None, limit: int | None, only: ZoneFilter
) -> Sequence[Sequence[Any]]:
    """The rows of a page of zones, each with those of its apex."""
    if limit is None or only != EVERY_ZONE:
        return connection.execute(_page(after, limit, only)).all()
    if after is None:
        return _FIRST_PAGE.rows(connection, {"limit": limit})
    return _NEXT_PAGE.rows(connection, {"after": after, "limit": limit})


def _page(after: Any, limit: Any, only: ZoneFilter) -> Select[Any]:
    """Zones joined with their apex rows, along one index: that of the texts where a beginning is asked for."""
    order = _z.text if only.beginning else _z.key
    chosen = select(*_ZONE, order.label("rank")).where(not_(_z.deleted))
    if only.beginning:
        first, behind = only.text_range()
        chosen = chosen.where(_z.text >= first, _z.text < behind)
    if only.state is not None:
        # As an expression it cannot lead a planner away from the range of texts, which has the order.
        state = _z.state + 0 if only.beginning else _z.state
        chosen = chosen.where(state == STATES[only.state])
    if after is not None:
        chosen = chosen.where(order > (key_text(after) if only.beginning else after))
    part = chosen.order_by(order).limit(limit).subquery()
    columns = [part.c[column.name] for column in _ZONE]
    return select(*columns, *ROW).select_from(_apex_join(part)).order_by(part.c.rank, _r.type, _r.covers)


_FIRST_PAGE = Prepared(_page(None, bindparam("limit"), EVERY_ZONE))
_NEXT_PAGE = Prepared(_page(bindparam("after"), bindparam("limit"), EVERY_ZONE))
