"""The updater of backends that collect a transaction in memory and write it in one go."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType

from dns.name import Name

from datasrc.pending import Pending, WholeZone
from datasrc.records import Change, Provenance, RRset, ZoneInfo
from datasrc.source import Updater


class Transaction(Updater):
    """Collects changes until commit(). A commit that failed may be tried again; one that succeeded ends it."""

    def __init__(self, origin: Name, base: ZoneInfo | None, *, database: str, replace: bool) -> None:
        self.base = base
        self._origin = origin
        self._collected: Pending | None = Pending(origin, database=database, replace=replace)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._collected = None

    def add(self, rrset: RRset) -> None:
        """Merge these records into the set of their name and type."""
        self._pending().add(rrset)

    def load(self, zone: WholeZone) -> None:
        """Take a whole zone."""
        self._pending().load(zone)

    def delete(self, name: Name, rdtype: int, covers: int = 0, rdatas: tuple[bytes, ...] | None = None) -> None:
        """Delete these records, or the whole set."""
        self._pending().delete(name, rdtype, covers, rdatas)

    def commit(self, provenance: Provenance) -> Change | None:
        """Write everything at once."""
        change = self._write(self._pending(), provenance)
        self._collected = None
        return change

    @abstractmethod
    def _write(self, pending: Pending, provenance: Provenance) -> Change | None:
        """Write what was collected, whole or not at all."""

    def _pending(self) -> Pending:
        if self._collected is None:
            raise RuntimeError("this transaction has ended")
        return self._collected
