"""Zones in memory, behind the same interface: for tests, and for data sources that are read from elsewhere.

Each version of a zone is a value of its own that never changes. A snapshot is the table of all zones at its moment: a
transaction makes a new version beside the old one and puts it into a new table. A table changes in one way alone: of a
zone that was there before anybody asked for it add() puts the first version in, and snapshots of that table see the
zone, too. That takes nothing from them: no version in a table makes way for another, and who has such a snapshot asks
for zones that are not in it (datasrc.files_snapshot). Who goes through a table that may grow has a copy.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left, bisect_right
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import cached_property
from itertools import islice
from operator import itemgetter

from dns.name import Name

from datasrc import journal
from datasrc.errors import Conflict, NoSuchZone, ReadOnly
from datasrc.keys import key_text, name_key, path
from datasrc.pending import Delta, Pending, is_apex_soa
from datasrc.records import EVERY_ZONE, Change, Difference, Provenance, ZoneFilter, ZoneInfo
from datasrc.rows import Row, split
from datasrc.source import DataSource, Finder, Snapshot, Updater
from datasrc.transaction import Transaction
from datasrc.versions import History, Recorded, Replacement, Stored, Version


class _Catalog:
    """The zones of one table in both orders of a list, each sorted when it is first asked for."""

    def __init__(self, table: Mapping[bytes, Stored]) -> None:
        self.table = table

    @cached_property
    def _keys(self) -> list[bytes]:
        return sorted(key for key, version in self.table.items() if not version.deleted)

    @cached_property
    def _texts(self) -> list[tuple[bytes, bytes]]:
        return sorted((key_text(key), key) for key in self._keys)

    def behind(self, after: Name | None, only: ZoneFilter) -> Iterator[Stored]:
        """The zones behind `after`, those whose names begin so; of whatever state."""
        origin = None if after is None else name_key(after)
        if not only.beginning:
            start = 0 if origin is None else bisect_right(self._keys, origin)
            return (self.table[key] for key in islice(self._keys, start, None))
        first, behind = only.text_range()
        start = bisect_left(self._texts, (first,))
        if origin is not None:
            start = max(start, bisect_right(self._texts, (key_text(origin), origin)))
        return (self.table[key] for _, key in islice(self._texts, start, bisect_left(self._texts, (behind,))))


class MemorySource(DataSource):
    """Zones in memory. May be shared between threads."""

    def __init__(self, *, name: str = "memory", read_only: bool = False) -> None:
        self.name = name
        self.writable = not read_only
        self._lock = threading.Lock()  # held to make a new table, never to read one
        self._table: dict[bytes, Stored] = {}
        self._catalog = _Catalog(self._table)
        self._journals: dict[bytes, deque[Recorded]] = {}
        self._outbox: deque[Change] = deque()

    @contextmanager
    def snapshot(self) -> Iterator[MemorySnapshot]:
        """One consistent state of all zones."""
        yield MemorySnapshot(self.name, self._table, self._recorded)

    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """A page of the zones."""
        return list(islice(self.walk(after, only, lambda info: info), limit))

    def walk(self, after: Name | None, only: ZoneFilter, judge: Callable[[ZoneInfo], ZoneInfo]) -> Iterator[ZoneInfo]:
        """The zones behind `after`, each as `judge` makes of it, those of the state asked for."""
        if self._catalog.table is not self._table:
            self._catalog = _Catalog(self._table)
        for version in self._catalog.behind(after, only):
            info = judge(version.info())
            if only.state in (None, info.state):
                yield info

    def updater(self, origin: Name, *, create: bool = False, replace: bool = False) -> Updater:
        """Begin a transaction on a zone."""
        self._check_writable(origin)
        stored = self._version(origin)
        missing = stored is None or stored.deleted
        if missing and not create:
            raise NoSuchZone("there is no such zone", database=self.name, zone=origin)
        return MemoryUpdater(self, origin, stored, replace=replace)

    def delete_zone(self, origin: Name, provenance: Provenance) -> Change:
        """Delete a zone; its data goes to the journal."""
        self._check_writable(origin)
        stored = self._version(origin)
        if stored is None or stored.deleted:
            raise NoSuchZone("there is no such zone", database=self.name, zone=origin)
        gone = Version(stored.origin, stored.number + 1, deleted=True)
        return self.publish(stored, gone, [Delta(row, None) for row in stored.rows()], provenance)

    def journal(self, origin: Name, from_serial: int, to_serial: int) -> Iterator[Difference] | None:
        """The unbroken chain of differences between two serials."""
        stored = self._table.get(name_key(origin))
        if from_serial == to_serial:
            return iter(()) if stored is not None and stored.serial() == to_serial else None
        recorded = list(self._journals.get(name_key(origin), ()))
        versions = journal.chain((entry.step for entry in reversed(recorded)), from_serial, to_serial)
        if stored is None or versions is None:
            return None
        return (_difference(entry, stored.origin) for entry in recorded if entry.step.version in versions)

    def difference(self, origin: Name, version: int) -> Difference | None:
        """What the transaction that made this version deleted and added."""
        stored = self._table.get(name_key(origin))
        for entry in list(self._journals.get(name_key(origin), ())):
            if stored is not None and entry.step.version == version:
                return _difference(entry, stored.origin)
        return None

    def changes(self, after_id: int = 0, limit: int = 1000) -> list[Change]:
        """Outbox rows after `after_id`, in commit order."""
        with self._lock:
            start = max(0, after_id + 1 - self._outbox[0].id) if self._outbox else 0
            return list(islice(self._outbox, start, start + limit))

    def _version(self, origin: Name) -> Version | None:
        stored = self._table.get(name_key(origin))
        assert stored is None or isinstance(stored, Version), "such zones are changed by who keeps their rows"
        return stored

    def _recorded(self, origin: Name) -> list[Recorded]:
        with self._lock:
            return list(self._journals.get(name_key(origin), ()))

    def last_change(self) -> int:
        """The id of the newest outbox row."""
        with self._lock:
            return self._outbox[-1].id if self._outbox else 0

    def each_key(self) -> Iterator[bytes]:
        """The keys of all origins."""
        there = list(self._table.items())  # add() may come in between
        return (key for key, version in there if not version.deleted)

    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""
        table = self._table
        return {key for key in keys if key in table and not table[key].deleted}

    def close(self) -> None:
        """Nothing is held open."""

    def get(self, key: bytes) -> Stored | None:
        """The version of a zone that is there, deleted ones too."""
        return self._table.get(key)

    def stored(self) -> list[tuple[bytes, Stored]]:
        """The zones by key, in canonical order, deleted ones not among them."""
        there = list(self._table.items())  # at once: others add to it meanwhile
        return sorted((item for item in there if not item[1].deleted), key=itemgetter(0))

    def adopt(self, versions: Mapping[bytes, Stored]) -> None:
        """Take versions, by key, that were there before anybody looked: no changes."""
        with self._lock:
            self._table = {**self._table, **versions}

    def add(self, key: bytes, version: Stored) -> Stored:
        """The version of a zone that is there, or else this one, which was there before anybody asked: no change."""
        with self._lock:
            return self._table.setdefault(key, version)

    def __len__(self) -> int:
        """How many zones there are in the table, deleted ones among them."""
        return len(self._table)

    def oldest(self) -> Iterator[tuple[bytes, Stored]]:
        """The zones by key, deleted ones too, in the order in which they came."""
        return iter(list(self._table.items()))

    def forget(self, keys: Collection[bytes]) -> None:
        """Have these zones no more, as if nobody had asked for them. A snapshot that is there keeps them."""
        with self._lock:
            self._table = {key: version for key, version in self._table.items() if key not in keys}

    def publish(self, old: Stored | None, new: Stored, deltas: list[Delta] | None, provenance: Provenance) -> Change:
        """Put a version in place of the one it was made from. Raises Conflict."""
        return self.publish_all([Replacement(old, new, deltas)], provenance)[0]

    def publish_all(self, replacements: Sequence[Replacement], provenance: Provenance) -> list[Change]:
        """Put versions in place of those they were made from, all at once. Raises Conflict."""
        changes = []
        with self._lock:
            for old, new, _ in replacements:
                if self._table.get(name_key(new.origin)) is not old:
                    raise Conflict("changed by another writer meanwhile", database=self.name, zone=new.origin)
            table = dict(self._table)
            for old, new, deltas in replacements:
                key = name_key(new.origin)
                if deltas is None:
                    self._journals.pop(key, None)  # where it breaks, nothing before it leads on
                else:
                    self._record(key, old, new, deltas)
                serial = None if new.deleted else new.serial()
                last = self._outbox[-1].id if self._outbox else 0
                change = Change(last + 1, new.origin, new.number, serial, provenance, time.time(), new.deleted)
                self._outbox.append(change)
                if len(self._outbox) > journal.OUTBOX_ROWS:
                    self._outbox.popleft()
                table[key] = new
                changes.append(change)
            self._table = table
            if any(new.deleted for _, new, _ in replacements):
                self._forget_deleted()
        return changes

    def _record(self, key: bytes, old: Stored | None, new: Stored, deltas: list[Delta]) -> None:
        had_data = old is not None and old.records > 0
        parts = [split(*delta) for delta in deltas] if had_data else []
        deleted = _soa_first(row for row, _ in parts if row is not None)
        added = _soa_first(row for _, row in parts if row is not None)
        serials = (old.serial() if old is not None and had_data else None, new.serial())
        step = journal.Step(new.number, *serials, sum(row.records() for row in (*deleted, *added)))
        entries = self._journals.pop(key, deque())
        self._journals[key] = entries  # at the end: the order of the table is that of the last changes
        entries.append(Recorded(step, deleted, added))
        total = sum(entry.step.records for entry in entries)
        while journal.too_long(len(entries), total, new.records):
            total -= entries.popleft().step.records

    def _forget_deleted(self) -> None:
        gone = [key for key in self._journals if key in self._table and self._table[key].deleted]
        for key in gone[: -journal.DELETED_ZONES]:
            del self._journals[key]

    def _check_writable(self, origin: Name) -> None:
        if not self.writable:
            raise ReadOnly("this data source is only read", database=self.name, zone=origin)


class MemorySnapshot(Snapshot):
    """All zones as they were when the snapshot was taken."""

    def __init__(self, name: str, table: dict[bytes, Stored], recorded: History) -> None:
        self._name = name
        self._table = table  # that of the source, which others look at, too
        self._added: dict[bytes, Stored] = {}
        self._recorded = recorded

    def get(self, key: bytes) -> Stored | None:
        """The version of a zone that is there, deleted ones too."""
        return self._added.get(key) or self._table.get(key)

    def add(self, key: bytes, version: Stored) -> None:
        """A zone that was there when this was taken, but that nobody had asked for: for this snapshot alone."""
        if key not in self._table:
            self._added.setdefault(key, version)

    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match."""
        for key in reversed(path(name_key(name))):
            version = self.get(key)
            if version is not None and not version.deleted:
                return version.finder(self._name, self._recorded)
        return None

    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""
        version = self.get(name_key(origin))
        if version is None or version.deleted:
            return None
        return version.finder(self._name, self._recorded)


class MemoryUpdater(Transaction):
    """One transaction on one zone in memory."""

    def __init__(self, source: MemorySource, origin: Name, stored: Version | None, *, replace: bool) -> None:
        base = None if stored is None or stored.deleted else stored
        spelled = base.origin if base else origin
        super().__init__(spelled, base.info() if base else None, database=source.name, replace=replace)
        self._source = source
        self._stored = stored

    def _write(self, pending: Pending, provenance: Provenance) -> Change | None:
        before = self._stored or Version(self._origin, 0)
        deltas = list(pending.deltas(before.rows()))
        if self.base is not None and not deltas:
            return None
        new = replace(before, origin=self._origin, deleted=False).after(deltas)
        return self._source.publish(self._stored, new, deltas, provenance)


def open_source(url: str, *, name: str = "", create: bool = False, read_only: bool = False) -> MemorySource:  # noqa: ARG001
    """A new, empty store (there is nothing a URL or `create` could say about it)."""
    return MemorySource(name=name or "memory", read_only=read_only)


def _soa_first(rows: Iterable[Row]) -> tuple[Row, ...]:
    return tuple(sorted(rows, key=lambda row: not is_apex_soa(row)))


def _difference(entry: Recorded, origin: Name) -> Difference:
    deleted, added = (tuple(row.rrset(origin) for row in rows) for rows in (entry.deleted, entry.added))
    return Difference(entry.step.from_serial, entry.step.to_serial, deleted, added)
