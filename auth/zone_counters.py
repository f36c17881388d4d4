"""The counters of zones of this process: which zones have them, and where."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from dns.name import Name

from auth.counted import OF_ZONES, PARTS
from auth.wire import wire_of
from auth.zones import ZoneRows
from daemonkit.log import MessageLog
from daemonkit.zone_page import ZonePage


class ZoneCounters:
    """Takes a file when the first zone is to be counted, and never lets it go."""

    def __init__(self, directory: Path, log: MessageLog) -> None:
        self._directory = directory
        self._log = log
        self._page: ZonePage | None = None

    def prepare(self, origins: Collection[Name]) -> ZoneRows | None:
        """Have a row for each of these zones; None where there are none. Blocks. Raises OSError."""
        if not origins:
            return None
        if self._page is None:
            self._page, problems = ZonePage.take(self._directory, OF_ZONES, PARTS)
            for name, reason in problems.items():
                self._log.warning("AUTH_ZONE_COUNTERS_SET_ASIDE", path=self._directory / name, reason=reason)
        wires = {origin: wire_of(origin.canonicalize()) for origin in origins}
        rows = self._page.rows_of(wires.values())
        return ZoneRows({origin: rows[wire] for origin, wire in wires.items()}, self._page.slots)

    def apply(self, rows: ZoneRows | None) -> None:
        """Show these zones as counted from now on, and no others."""
        if self._page is not None:
            self._page.mark(wire_of(origin.canonicalize()) for origin in (() if rows is None else rows.of))
