"""One version of a zone in memory, what the table of all zones has of each, and what its history is made of."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby, islice
from typing import NamedTuple, Protocol

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc import journal
from datasrc.apex import APEX_TYPES, inspect
from datasrc.keys import APEX
from datasrc.lookup import BARRIERS
from datasrc.pending import Delta, composite_of, is_apex_soa
from datasrc.rdata import soa_serial, unpack
from datasrc.records import ZoneInfo
from datasrc.rows import Row
from datasrc.source import Finder

CHAIN_TYPES = (int(RdataType.NS), int(RdataType.NSEC), int(RdataType.NSEC3))

Nodes = Mapping[bytes, tuple[Row, ...]]


@dataclass(frozen=True, slots=True)
class Version:
    """One version of a zone: the rows of each node, sorted by type, and the keys of the nodes in order."""

    origin: Name
    number: int
    nodes: Nodes = field(default_factory=dict)
    keys: tuple[bytes, ...] = ()
    records: int = 0
    deleted: bool = False
    chains: Mapping[int, tuple[bytes, ...]] = field(
        default_factory=dict
    )  # NSEC, NSEC3: the keys that own one, in order

    def info(self) -> ZoneInfo:
        """What this zone is as of this version."""
        apex = [row for row in self.nodes.get(APEX, ()) if row.rdtype in APEX_TYPES]
        return inspect(self.origin, self.number, self.records, apex)

    def serial(self) -> int | None:
        """The serial of its SOA."""
        for row in self.nodes.get(APEX, ()):
            if is_apex_soa(row):
                return soa_serial(unpack(row.rdatas)[0])
        return None

    def rows(self) -> Iterator[Row]:
        """Every row in order of (key, type, covers)."""
        for key in self.keys:
            yield from self.nodes[key]

    def after(self, deltas: Iterable[Delta]) -> Version:
        """The next version, with these changes."""
        nodes = dict(self.nodes)
        records = self.records
        for key, changed in groupby(deltas, key=_key_of):  # in order of keys, so that each is here once
            rows = {composite_of(row): row for row in nodes.get(key, ())}
            for old, new in changed:
                records += (new.records() if new else 0) - (old.records() if old else 0)
                if new is not None:
                    rows[composite_of(new)] = new
                elif old is not None:
                    rows.pop(composite_of(old), None)
            if rows:
                nodes[key] = tuple(rows[place] for place in sorted(rows))
            else:
                nodes.pop(key, None)
        keys = tuple(sorted(nodes))
        chains = {rdtype: tuple(key for key in keys if _has(nodes[key], rdtype)) for rdtype in CHAIN_TYPES}
        return Version(self.origin, self.number + 1, nodes, keys, records, chains=chains)

    def finder(self, database: str, recorded: History) -> Finder:
        """This version, to be asked."""
        return MemoryFinder(database, self, recorded)


class Stored(Protocol):
    """What the table of a MemorySource may hold: a Version, or one whose rows are elsewhere."""

    @property
    def origin(self) -> Name:
        """In its own case."""

    @property
    def number(self) -> int:
        """Of the version."""

    @property
    def records(self) -> int:
        """How many RRs it has."""

    @property
    def deleted(self) -> bool:
        """Whether the zone was deleted."""

    def info(self) -> ZoneInfo:
        """What this zone is as of this version."""

    def serial(self) -> int | None:
        """The serial of its SOA, as far as it is known."""

    def finder(self, database: str, recorded: History) -> Finder:
        """This version, to be asked."""


class Replacement(NamedTuple):
    """A version in place of another; `deltas` is what differs, None where that is not known."""

    old: Stored | None
    new: Stored
    deltas: list[Delta] | None


@dataclass(frozen=True, slots=True)
class Recorded:
    """A difference sequence: its head and the rows it deleted and added."""

    step: journal.Step
    deleted: tuple[Row, ...]
    added: tuple[Row, ...]


History = Callable[[Name], list[Recorded]]
"""The difference sequences of a zone, the oldest first."""


class MemoryFinder(Finder):
    """One version of a zone."""

    def __init__(self, database: str, version: Version, recorded: History) -> None:
        super().__init__(version.info(), database)
        self._version = version
        self._recorded = recorded

    def neighbours(self, key: bytes) -> tuple[bytes | None, bytes | None]:
        """The last stored key before this one, and the first at or after it."""
        keys = self._version.keys
        place = bisect_left(keys, key)
        return (keys[place - 1] if place else None), (keys[place] if place < len(keys) else None)

    def _walk(self, keys: Sequence[bytes], types: frozenset[int] | None) -> Iterator[Row]:
        nodes = self._version.nodes
        for key in keys[:-1]:
            yield from (row for row in nodes.get(key, ()) if row.rdtype in BARRIERS)
        yield from (row for row in nodes.get(keys[-1], ()) if types is None or row.rdtype in types)

    def _touched(self, after: int, limit: int) -> Iterator[tuple[journal.Step, journal.SetPlace]]:
        return islice(recorded_sets(self._recorded(self._version.origin), after, self.info.version), limit)

    def _row(self, key: bytes, rdtype: int, covers: int) -> Row | None:
        rows, types = self._version.nodes.get(key, ()), (rdtype, covers)
        place = bisect_left(rows, types, key=_types_of)
        return rows[place] if place < len(rows) and _types_of(rows[place]) == types else None

    def _backwards(self, key: bytes, rdtype: int) -> Iterator[Row]:
        keys = self._version.chains.get(rdtype, ())
        for place in reversed(range(bisect_right(keys, key))):
            yield from (row for row in self._version.nodes[keys[place]] if row.rdtype == rdtype)

    def _rows(self) -> Iterator[Row]:
        return self._version.rows()


def recorded_sets(
    entries: Iterable[Recorded], after: int, upto: int
) -> Iterator[tuple[journal.Step, journal.SetPlace]]:
    """The sets that the transactions after a version, up to another, changed."""
    for one in entries:
        if after < one.step.version <= upto:
            for row in (*one.deleted, *one.added):
                yield one.step, (row.key, row.rdtype, row.covers)


def _key_of(delta: Delta) -> bytes:
    row = delta.new or delta.old
    assert row is not None
    return row.key


def _types_of(row: Row) -> tuple[int, int]:
    return row.rdtype, row.covers


def _has(rows: Iterable[Row], rdtype: int) -> bool:
    return any(row.rdtype == rdtype for row in rows)
