"""The serials of zones, read from the data sources, and a bounded number of them. Everything blocks."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from itertools import chain, zip_longest
from typing import TYPE_CHECKING, Any

from daemonkit.lane import Silent
from stats.prometheus import Zones

if TYPE_CHECKING:
    from dns.name import Name

    from datasrc.records import ZoneInfo

MAX_ZONES = 1000  # a series each, in every scrape: more are for who asks zone by zone


class ZoneSerials:
    """The data sources of one configuration; each is opened when it is first read."""

    def __init__(
        self, configured: Mapping[str, Mapping[str, Any]], asks: Callable[[str], None] = lambda _what: None
    ) -> None:
        """`asks` is told what is going to be asked, and raises Silent where that does not answer (`Lane.asks`)."""
        self._configured = configured
        self._asks = asks
        self._open: dict[str, Any] = {}
        self._last = Zones()

    def read(self, counted: Iterable[str] = ()) -> Zones:
        """The serials now: those of zones that are counted, then in turn one of each source, until there are MAX_ZONES.

        Of two sources that hold a zone the first one's counts, as in answers. Names are in small letters.
        """
        from datasrc.errors import DataSourceError  # large, and metrics may be off

        failing = (DataSourceError, Silent)
        wanted = _by_key(counted)
        first: list[ZoneInfo] = []
        others: list[list[ZoneInfo]] = []
        readable: dict[str, bool] = {}
        more = False
        for name in self._configured:
            try:
                found = self._found(name, wanted)
            except failing:  # told by the worker, in its log and status
                readable[name] = False
                continue
            more = more or len(found) > MAX_ZONES
            for earlier in [earlier for earlier, usable in readable.items() if usable]:
                try:
                    hidden = self._source(earlier).held(found.keys())
                except failing:
                    readable[earlier] = False
                    continue
                found = {key: info for key, info in found.items() if key not in hidden}
            readable[name] = True
            first += [info for key, info in found.items() if key in wanted]
            others.append([info for key, info in found.items() if key not in wanted])
        in_turn = filter(None, chain.from_iterable(zip_longest(*others)))
        known = [(info.origin, info.serial) for info in chain(first, in_turn) if info.serial is not None]
        serials = {origin.canonicalize().to_text(omit_final_dot=True): serial for origin, serial in known[:MAX_ZONES]}
        self._last = Zones(serials, more or len(known) > MAX_ZONES, readable)
        return self._last

    def without(self, silent: Collection[str]) -> Zones:
        """What was read last, when it cannot be read now, for some do not answer."""
        up = {name: self._last.sources.get(name, False) and _text(name) not in silent for name in self._configured}
        return replace(self._last, sources=up)

    def _found(self, source: str, wanted: Mapping[bytes, Name]) -> dict[bytes, ZoneInfo]:
        """The first zones of a source, one more than are told of, and those that are wanted. Raises DataSourceError."""
        from datasrc.keys import name_key

        opened = self._source(source)
        found: dict[bytes, ZoneInfo] = {name_key(info.origin): info for info in opened.zones(limit=MAX_ZONES + 1)}
        behind: Collection[bytes] = opened.held(wanted.keys() - found.keys()) if len(found) > MAX_ZONES else ()
        if behind:
            with opened.snapshot() as snapshot:
                finders = [(key, snapshot.zone(wanted[key])) for key in sorted(behind)]
            found |= {key: finder.info for key, finder in finders if finder is not None}
        return found

    def close(self) -> None:
        """Close what is open."""
        for source in self._open.values():
            source.close()
        self._open.clear()

    def _source(self, name: str) -> Any:
        self._asks(_text(name))
        if name not in self._open:
            import datasrc
            from datasrc.sources import source_url

            opened = datasrc.open(source_url(self._configured[name]), name=name, read_only=True)
            if self._open.setdefault(name, opened) is not opened:  # a call that nobody waited for any more came back
                opened.close()
        return self._open[name]


def _text(name: str) -> str:
    return f"data source {name!r}"


def _by_key(names: Iterable[str]) -> dict[bytes, Name]:
    import dns.name

    from datasrc.keys import name_key

    return {name_key(name): name for name in map(dns.name.from_text, names)}
