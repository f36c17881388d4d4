"""The counters of zones of this process: which zones have them, and where."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from auth.counted import OF_ZONES, PARTS
from auth.zones import ZoneRows
from daemonkit.log import MessageLog
from daemonkit.zone_page import ZonePage
from datasrc.keys import wire_of


class ZoneCounters:
    """Takes a file when the first zone is to be counted, and never lets it go."""

    def __init__(self, directory: Path, log: MessageLog) -> None:
        self._directory = directory
        self._log = log
        self._page: ZonePage | None = None

    def prepare(self, keys: Collection[bytes]) -> ZoneRows | None:
        """Have a row for each zone of these keys; None where there are none. Blocks. Raises OSError."""
        if not keys:
            return None
        if self._page is None:
            self._page, problems = ZonePage.take(self._directory, OF_ZONES, PARTS)
            for name, reason in problems.items():
                self._log.warning("AUTH_ZONE_COUNTERS_SET_ASIDE", path=self._directory / name, reason=reason)
        wires = {key: wire_of(key) for key in keys}
        rows = self._page.rows_of(wires.values())
        return ZoneRows({key: rows[wire] for key, wire in wires.items()}, self._page.slots)

    def apply(self, rows: ZoneRows | None) -> None:
        """Show these zones as counted from now on, and no others."""
        if self._page is not None:
            self._page.mark(wire_of(key) for key in (() if rows is None else rows.of))
