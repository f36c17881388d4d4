"""What every backend provides: DataSource, Snapshot, Finder, Updater.

    DataSource --snapshot()--> Snapshot --find_zone(qname)--> Finder --find(name, type)--> Lookup
               --updater(origin)--> Updater (one transaction: add, replace, delete ..., commit)

Public verbs are implemented once, here; a backend supplies the underscore primitives at the bottom of each class. All
calls block; callers on an event loop go through a worker thread. Nothing here is thread-safe: one thread, one object
(a DataSource may be shared between threads, what it hands out may not).
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Self

from dns.name import Name

from datasrc.records import Change, Difference, Lookup, Provenance, RRset, ZoneInfo


class Finder(ABC):
    """One zone within one snapshot."""

    info: ZoneInfo

    def find(self, name: Name, rdtype: int, *, below_cuts: bool = False) -> Lookup:
        """Look `name` up as RFC 1034 section 4.3.2 and RFC 4592 have it, within this zone.

        `below_cuts` ignores delegations (for glue). `rdtype` ANY gives every set of the node in `rrsets`. A DS query at a
        cut is answered from this, the parent, side. Raises NotInZone for a name outside.
        """
        raise NotImplementedError  # the shared algorithm is written over the primitives below

    @abstractmethod
    def rrset(self, name: Name, rdtype: int, covers: int = 0) -> RRset | None:
        """The set stored at exactly this name and type: no cut, wildcard or CNAME semantics."""

    @abstractmethod
    def rrsets(self) -> Iterator[RRset]:
        """Every set of the zone in canonical order (RFC 4034 section 6.1), the SOA first."""

    # Primitives a backend supplies.


class Snapshot(ABC):
    """A consistent, read-only view of a data source; closed as soon as the answer is composed."""

    @abstractmethod
    def find_zone(self, name: Name) -> Finder | None:
        """The zone whose origin is the longest match of `name` (RFC 1034 section 4.3.2 step 2)."""

    @abstractmethod
    def zone(self, origin: Name) -> Finder | None:
        """The zone of exactly this origin."""


class Updater(ABC):
    """One transaction on one zone; a context manager that rolls back unless commit() was called.

    Changes are collected first; the write transaction of the database opens in commit() and is short.
    """

    def __enter__(self) -> Self:
        return self

    @abstractmethod
    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None: ...

    @abstractmethod
    def add(self, rrset: RRset) -> None:
        """Merge these records into the set of their name and type."""

    @abstractmethod
    def delete(self, name: Name, rdtype: int, covers: int = 0, rdatas: tuple[bytes, ...] | None = None) -> None:
        """Delete these records, or the whole set; deleting what is not there is not an error."""

    @abstractmethod
    def commit(self, provenance: Provenance) -> Change | None:
        """Write everything at once. None: the data was the same already. Raises Conflict when the version moved on."""


class DataSource(ABC):
    """A store of zones. datasrc.open(url) makes one."""

    name: str
    writable: bool

    @abstractmethod
    def snapshot(self) -> AbstractContextManager[Snapshot]: ...

    @abstractmethod
    def zones(self, after: Name | None = None, limit: int | None = None) -> list[ZoneInfo]:
        """Zones in canonical order of origin; `after` and `limit` page through them."""

    @abstractmethod
    def updater(self, origin: Name, *, create: bool = False, replace: bool = False) -> Updater:
        """Begin a transaction. `create` makes a missing zone; `replace` starts from an empty one and records the difference."""

    @abstractmethod
    def delete_zone(self, origin: Name, provenance: Provenance) -> Change: ...

    @abstractmethod
    def journal(self, origin: Name, from_serial: int, to_serial: int) -> Iterator[Difference] | None:
        """The unbroken chain of differences between two serials, or None where history does not reach."""

    @abstractmethod
    def changes(self, after_id: int = 0, limit: int = 1000) -> list[Change]:
        """Outbox rows after `after_id`, in commit order."""

    @abstractmethod
    def close(self) -> None: ...
