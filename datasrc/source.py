"""What every backend provides: DataSource, Snapshot, Finder, Updater.

    DataSource --snapshot()--> Snapshot --find_zone(qname)--> Finder --find(name, type)--> Lookup
               --updater(origin)--> Updater (one transaction: add, replace, delete ..., commit)

Public verbs are implemented once, here; a backend supplies the underscore primitives at the bottom of each class. All
calls block; callers on an event loop go through a worker thread. Nothing here is thread-safe: one thread, one object
(a DataSource may be shared between threads, what it hands out may not).
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from itertools import islice
from types import TracebackType
from typing import Protocol, Self

from dns.name import Name

from datasrc import lookup
from datasrc.apex import SOA
from datasrc.errors import NotInZone, ZoneUnusable
from datasrc.journal import SetPlace, Step
from datasrc.keys import AFTER_ALL, APEX, key_labels, name_key
from datasrc.keytable import KeyTable
from datasrc.packed_zone import PackedZone
from datasrc.pending import WholeZone
from datasrc.records import (
    EVERY_ZONE,
    Change,
    Difference,
    Lookup,
    Provenance,
    RRset,
    ZoneFilter,
    ZoneInfo,
    ZoneState,
)
from datasrc.rows import Columns, Row

BATCH = 2000  # rows that are handed over at a time
SURVEY_PAGE = 1000  # zones that are read at once


class Bell(Protocol):
    """Add `fileno()` to a loop; call `drain()` when it is readable."""

    def fileno(self) -> int:
        """The descriptor to wait on."""

    def drain(self) -> bool:
        """Take all that rang; whether anything did."""

    def close(self) -> None:
        """Stop listening."""


class RowSink(Protocol):
    """Takes the rows of a zone, in order of (key, type, covers)."""

    def add_rows(self, rows: list[Row] | list[Columns]) -> None:
        """Take rows, or what they are made of."""

    def add_packed(self, packed: PackedZone) -> None:
        """Take all sets of a zone that was read from text."""


class Contents(Protocol):
    """A zone as a whole: a Finder is that, and so is the text of a zone."""

    @property
    def info(self) -> ZoneInfo:
        """What it is."""

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over, in order."""


class Finder(ABC):
    """One zone within one snapshot."""

    info: ZoneInfo

    def __init__(self, info: ZoneInfo, database: str) -> None:
        """`database` is what messages call the data source."""
        self.info = info
        self._database = database
        self._origin_key = name_key(info.origin)

    def find(self, name: Name, rdtype: int, *, below_cuts: bool = False) -> Lookup:
        """Look `name` up as RFC 1034 section 4.3.2 and RFC 4592 have it, within this zone.

        `below_cuts` ignores delegations (for glue), not DNAMEs. `rdtype` ANY gives every set of the node in `rrsets`.
        A DS query at a cut is answered from this, the parent, side. NSEC3 records are not seen, and names that have
        nothing else do not exist (RFC 5155 section 7.2.8): see backwards(). For RRSIG `rrset` has all signatures of the
        node, `rrsets` has them by covered type. Where a cut or a DNAME ended the lookup it is `closest_encloser`.

        Raises NotInZone for a name outside, ZoneUnusable where the zone is EMPTY or BROKEN or a set that was needed is
        damaged, StorageError where the store fails.
        """
        if self.info.state is not ZoneState.READY:
            reason = f"{self.info.state.value}: {self.info.reason}"
            raise ZoneUnusable(reason, database=self._database, zone=self.info.origin)
        return lookup.find(self, name, self.key_of(name), rdtype, below_cuts=below_cuts)

    def previous(self, name: Name) -> Name | None:
        """The last name before `name` in canonical order (RFC 4034 section 6.1) that owns a set; None at the apex."""
        before, _ = self.neighbours(self.key_of(name))
        if before is None:
            return None
        return Name([*key_labels(before), *self.info.origin.labels])

    def backwards(self, key: bytes, rdtype: int) -> Iterator[tuple[bytes, RRset]]:
        """The sets of a type (NSEC, NSEC3, NS) along their chain, which is a ring: that at or before the key first,
        then down to the first of all, and on from the last one.
        """
        for row in self._backwards(key, rdtype):
            yield row.key, self._rrset(row)
        for row in self._backwards(AFTER_ALL, rdtype):
            if row.key <= key:
                return
            yield row.key, self._rrset(row)

    def rrset(self, name: Name, rdtype: int, covers: int = 0) -> RRset | None:
        """The set stored at exactly this name and type: no cut, wildcard or CNAME semantics."""
        row = self._row(self.key_of(name), rdtype, covers)
        return None if row is None else self._rrset(row)

    def rrsets(self) -> Iterator[RRset]:
        """Every set of the zone in canonical order (RFC 4034 section 6.1), the SOA first."""
        soa = self._row(APEX, SOA, 0)
        if soa is not None:
            yield self._rrset(soa)
        for row in self._rows():
            if (row.key, row.rdtype) != (APEX, SOA):
                yield self._rrset(row)

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over as they are stored, many at a time. Raises StorageError."""
        rows = self._rows()
        while batch := list(islice(rows, BATCH)):
            sink.add_rows(batch)

    def touched(self, after: int, limit: int) -> dict[bytes, set[int]] | None:
        """What the transactions since a version changed: by key the types of the sets, and what signatures cover.

        None where the journal does not tell all, where there was no data meanwhile, or more than `limit` sets changed
        (one that was replaced counts twice).
        """
        found: dict[bytes, set[int]] = {}
        versions: set[int] = set()
        for count, (step, sets) in enumerate(self._touched(after, limit + 1)):
            if None in (step.from_serial, step.to_serial) or count >= limit:
                return None
            versions.add(step.version)
            key, rdtype, covers = sets
            found.setdefault(key, set()).update({rdtype, covers} - {0})
        # All are within; those of zone files may be milliseconds apart, too many to be named.
        return found if len(versions) == self.info.version - after else None

    def key_of(self, name: Name) -> bytes:
        """The key of a name relative to the origin. Raises NotInZone."""
        key = name_key(name)
        if not key.startswith(self._origin_key):
            raise NotInZone(f"{name} is outside of the zone", database=self._database, zone=self.info.origin)
        return key[len(self._origin_key) :]

    def walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> list[tuple[bytes, RRset]]:
        """What the lookup asks a store (`lookup.Nodes`), as is neighbours()."""
        return [(row.key, self._rrset(row)) for row in self._walk(keys, types)]

    def rows(self) -> Iterator[Row]:
        """All rows in order of (key, type, covered type), as they are stored."""
        return self._rows()

    def rows_at(self, keys: Sequence[bytes]) -> list[Row]:
        """As they are stored: all rows at the last of these keys, and the NS and DNAME rows at the others."""
        return list(self._walk(keys, None))

    def row(self, key: bytes, rdtype: int, covers: int = 0) -> Row | None:
        """The row of exactly this key, type and covered type, as it is stored."""
        return self._row(key, rdtype, covers)

    def _rrset(self, row: Row) -> RRset:
        try:
            return row.rrset(self.info.origin)
        except ValueError as error:
            reason = f"the type {row.rdtype} set under key {row.key.hex()} is damaged: {error}"
            raise ZoneUnusable(reason, database=self._database, zone=self.info.origin) from None

    # Primitives a backend supplies. Keys are relative to the origin (`datasrc.keys`).

    @abstractmethod
    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""

    @abstractmethod
    def _walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> Iterable[Row]:
        """The rows of these types (None: of all) at the last key, and the NS and DNAME rows at the others."""

    @abstractmethod
    def _touched(self, after: int, limit: int) -> Iterable[tuple[Step, SetPlace]]:
        """The sets of the transactions since a version, up to this state: at most `limit` of them."""

    @abstractmethod
    def _row(self, key: bytes, rdtype: int, covers: int) -> Row | None:
        """The row of exactly this key, type and covered type."""

    @abstractmethod
    def _backwards(self, key: bytes, rdtype: int) -> Iterator[Row]:
        """The rows of a type that covers none at this key and before, the nearest first; made as they are taken."""

    @abstractmethod
    def _rows(self) -> Iterator[Row]:
        """Every row in order of (key, type, covers)."""


class Snapshot(ABC):
    """A consistent, read-only view of a data source; closed as soon as the answer is composed."""

    @abstractmethod
    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match of `name` (RFC 1034 section 4.3.2 step 2)."""

    @abstractmethod
    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""

    def each(self, origins: Sequence[Name]) -> Iterator[Contents]:
        """Those of these zones that are there, in any order, to be poured one after the other before the next."""
        return (finder for origin in origins if (finder := self.zone(origin)) is not None)


class Updater(ABC):
    """One transaction on one zone; a context manager that rolls back unless commit() was called.

    Changes are collected first; the write transaction of the database opens in commit() and is short. `base` is the
    zone as this transaction found it, None where it makes it: commit() succeeds only while that is what is stored.
    """

    base: ZoneInfo | None

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    @abstractmethod
    def add(self, rrset: RRset) -> None:
        """Merge these records into the set of their name and type.

        Duplicates are merged, the spelling of the stored owner stays. The TTL added wins over the stored one; of
        several within this transaction the lowest. An SOA takes the place of the stored one.

        Raises NotInZone, BadRecord.
        """

    @abstractmethod
    def load(self, zone: WholeZone) -> None:
        """Take all sets of a zone, read and checked, as the whole of a replacement: much faster than one by one.

        Raises ValueError where this is no replacement or anything else was added or deleted.
        """

    @abstractmethod
    def delete(self, name: Name, rdtype: int, covers: int = 0, rdatas: tuple[bytes, ...] | None = None) -> None:
        """Delete these records, or the whole set; deleting what is not there is not an error."""

    @abstractmethod
    def commit(self, provenance: Provenance) -> Change | None:
        """Write everything at once. None: the data was the same already, nothing is written.

        The serial is the caller's matter: what is in the SOA set stands. Raises Conflict when the version moved on.
        """


class DataSource(ABC):
    """A store of zones. datasrc.open(url) makes one."""

    name: str
    writable: bool

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]:
        """One consistent state of all zones. Close it as soon as the answer is composed."""

    @abstractmethod
    def zones(
        self, after: Name | None = None, limit: int | None = None, *, only: ZoneFilter = EVERY_ZONE
    ) -> list[ZoneInfo]:
        """Zones in canonical order of origin; those of one beginning in the order of their text (`keys.key_text`).

        `after` and `limit` page through them, without reading what is before or behind.
        """

    def survey(self, known: Callable[[bytes, int], bool]) -> Iterator[ZoneInfo]:  # noqa: ARG002 - for subclasses
        """All zones in canonical order, a page at a time; without those of a key and a version that `known` says are
        known, where they cost something to tell.
        """
        after: Name | None = None
        while page := self.zones(after, SURVEY_PAGE):
            yield from page
            after = page[-1].origin

    @abstractmethod
    def updater(self, origin: Name, *, create: bool = False, replace: bool = False) -> Updater:
        """Begin a transaction. `create` makes a missing zone; `replace` starts from an empty one.

        The zone is made by commit(), with its data. What a replacement changes is recorded like any other difference.
        Raises NoSuchZone, ReadOnly.
        """

    @abstractmethod
    def delete_zone(self, origin: Name, provenance: Provenance) -> Change:
        """Delete a zone and its data, as one transaction. Raises NoSuchZone, ReadOnly."""

    @abstractmethod
    def journal(self, origin: Name, from_serial: int, to_serial: int) -> Iterator[Difference] | None:
        """The unbroken chain of differences between two serials, or None where history does not reach.

        Data that changed under an unchanged serial breaks the chain there: what a secondary has is not known then. Each
        difference is read when it is asked for; HistoryLost is raised if it was trimmed meanwhile.
        """

    @abstractmethod
    def difference(self, origin: Name, version: int) -> Difference | None:
        """What the transaction that made this version deleted and added, or None where history does not reach.

        A zone's first data, and its deletion, are there too, with None as the serial of the missing side; of first data
        `added` is empty, since undoing it deletes the zone.
        """

    @abstractmethod
    def changes(self, after_id: int = 0, limit: int = 1000) -> list[Change]:
        """Outbox rows after `after_id`, in commit order.

        Ids have no gaps: where the first is not `after_id` + 1 older rows were trimmed: all zones must be read anew.
        """

    @contextmanager
    def since(self, after_id: int, limit: int) -> Iterator[tuple[list[Change], Snapshot | None]]:
        """What changes() tells; and where it comes from one state with all data, that one, to look at what changed."""
        yield self.changes(after_id, limit), None

    def refresh(self) -> None:  # noqa: B027 - most sources have nothing to do
        """Take notice of what changed, now. Only sources that look now and then have anything to do."""

    def take_patience(self, seconds: float) -> None:  # noqa: B027 - most sources read nothing before they answer
        """Have no question wait longer than so for a zone to be read: until it is, the zone is BROKEN."""

    def known_until(self) -> float:
        """What was committed before is in what changes() tells: seconds of the monotonic clock. To be asked first."""
        return time.monotonic()

    def problems(self) -> list[str]:
        """What is wrong without stopping the source: zone files with errors, say."""
        return []

    def history(self, origin: Name, before: int, limit: int) -> list[Change]:
        """The transactions on a zone, gone or not, the newest first, before an id (0: all) and at most so many.

        Those that were trimmed are not among them: the outbox is one for all zones.
        """
        found: deque[Change] = deque(maxlen=limit)
        after = 0
        while rows := self.changes(after):
            found.extend(row for row in rows if row.origin == origin and (not before or row.id < before))
            after = rows[-1].id
        return list(reversed(found))

    def change_of(self, origin: Name, version: int) -> Change | None:
        """The outbox row of the transaction that made this version of a zone, or None where it was trimmed."""
        after = 0
        while rows := self.changes(after):
            for row in rows:
                if (row.origin, row.version) == (origin, version):
                    return row
            after = rows[-1].id
        return None

    def file_of(self, origin: Name) -> tuple[str, float] | None:  # noqa: ARG002 - for subclasses
        """The path of the file a zone is read from and when that was changed (POSIX seconds), or None: from none."""
        return None

    def listen(self, name: str) -> Bell | None:  # noqa: ARG002 - for subclasses
        """Something to wait on that rings when a change is committed; `name` is the listener's own.

        A hint that saves waiting, never a message: whoever listens asks last_change() every second regardless. None
        where there is no such thing. Close it before the source.
        """
        return None

    @abstractmethod
    def last_change(self) -> int:
        """The id of the newest outbox row, 0 where there is none: what a poll asks."""

    @abstractmethod
    def each_key(self) -> Iterator[bytes]:
        """The keys (`keys.name_key`) of all origins, in any order. Made as they are taken: for very many zones there
        are few at a time. A zone that is made or deleted meanwhile may be among them or not.
        """

    def zone_keys(self) -> KeyTable:
        """The same, to be asked later: what is remembered of a source in case it fails."""
        return KeyTable(self.each_key())

    @abstractmethod
    def held(self, keys: Collection[bytes]) -> set[bytes]:
        """Which of these are keys of origins here."""

    @abstractmethod
    def close(self) -> None: ...
