"""The serials of zones, read from the data sources in their order, and a bounded number of them. Everything blocks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from stats.prometheus import Zones

MAX_ZONES = 1000  # a series each, in every scrape: more are for who asks zone by zone


class ZoneSerials:
    """The data sources of one configuration; each is opened when it is first read."""

    def __init__(self, configured: Mapping[str, Mapping[str, Any]]) -> None:
        self._configured = configured
        self._open: dict[str, Any] = {}

    def read(self) -> Zones:
        """The serials now. Of two sources that hold a zone the first one's counts, as in answers."""
        from datasrc.errors import DataSourceError  # large, and metrics may be off

        serials: dict[str, int] = {}
        readable: dict[str, bool] = {}
        more = False
        for name in self._configured:
            try:
                found = self._source(name).zones(limit=MAX_ZONES + 1)
            except DataSourceError:  # told by auth, in its log and status
                readable[name] = False
                continue
            readable[name] = True
            for info in found:
                origin = info.origin.to_text(omit_final_dot=True)
                if origin in serials or info.serial is None:
                    continue
                if len(serials) == MAX_ZONES:
                    more = True
                    break
                serials[origin] = info.serial
        return Zones(serials, more, readable)

    def close(self) -> None:
        """Close what is open."""
        for source in self._open.values():
            source.close()
        self._open.clear()

    def _source(self, name: str) -> Any:
        if name not in self._open:
            import datasrc
            from datasrc.sources import source_url

            self._open[name] = datasrc.open(source_url(self._configured[name]), name=name, read_only=True)
        return self._open[name]
