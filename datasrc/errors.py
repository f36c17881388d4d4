"""What can go wrong with zone data.

    DataSourceError
    +-- UnknownBackend      no backend for that URL
    +-- ReadOnly            the data source cannot be written
    +-- StorageError        the store itself; other data sources go on
    |   +-- Missing         there is no such database or directory
    |   +-- Locked          another process held the lock for longer than the busy time-out
    |   +-- Damaged         the database (or a row of it) is not what was written
    |   +-- SchemaTooOld    must be migrated first
    |   +-- SchemaTooNew    written by a later release
    |   +-- OutcomeUnknown  the connection was lost while a change was being committed
    |   +-- Contended       other transactions were in the way, again and again
    |   +-- Unavailable     the name may be in a data source that fails now
    +-- ZoneError           one zone; the others go on
        +-- NoSuchZone
        +-- NotInZone       the name is not at or below the origin
        +-- ZoneUnusable    the zone is EMPTY or BROKEN
        +-- BadRecord       a record no zone may hold
        +-- Conflict        somebody else changed the zone since this transaction began
        +-- HistoryLost     the journal no longer reaches back that far

Every text names the database, the zone where there is one, and the reason.
"""

from __future__ import annotations

from dns.name import Name


class DataSourceError(Exception):
    """A data source could not do what was asked. `database` is what the operator calls it, without passwords."""

    def __init__(self, reason: str, *, database: str = "", zone: Name | str | None = None) -> None:
        self.reason = reason
        self.database = database
        self.zone = None if zone is None else str(zone)
        place = [database] if database else []
        if self.zone is not None:
            place.append(f"zone {self.zone}")
        super().__init__(": ".join([", ".join(place), reason] if place else [reason]))


class UnknownBackend(DataSourceError):
    """No backend is known for this URL."""


class ReadOnly(DataSourceError):
    """The data source cannot be written."""


class StorageError(DataSourceError):
    """The store as a whole failed."""


class Missing(StorageError):
    """There is no such database or directory."""


class Locked(StorageError):
    """Another process held the database's lock for longer than the busy time-out."""


class Damaged(StorageError):
    """The database is not one, or holds something that was never written there."""


class SchemaTooOld(StorageError):
    """The database must be migrated before this release can use it. `empty`: it has no tables at all yet.

    `version` of its schema, where it has one.
    """

    empty = False
    version = ""


class SchemaTooNew(StorageError):
    """The database was written by a later release."""


class OutcomeUnknown(StorageError):
    """Whether a change was committed could not be found out: the zone has the new version, or the old one, whole."""


class Contended(StorageError):
    """Another transaction was in the way of this one; the whole of it may be tried again."""


class Unavailable(StorageError):
    """The zone to answer from may be in a data source that fails now."""


class ZoneError(DataSourceError):
    """One zone could not be used; others can."""


class NoSuchZone(ZoneError):
    """The data source has no zone of this origin."""


class NotInZone(ZoneError):
    """The name is neither the origin nor below it."""


class ZoneUnusable(ZoneError):
    """The zone is EMPTY or BROKEN and cannot be answered from."""


class BadRecord(ZoneError):
    """A record that no zone may hold."""


class Conflict(ZoneError):
    """The zone's version moved on since the transaction began; nothing was written."""


class HistoryLost(ZoneError):
    """The journal was trimmed past the difference that was to be read."""
