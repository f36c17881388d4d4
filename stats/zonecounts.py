"""What was counted in zones, by their names as people write them. Everything blocks."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.name

from daemonkit.zone_page import ZonePages, order


@dataclass(frozen=True, slots=True)
class ZoneCounts:
    """Some of the zones that are counted, in canonical order, with their counters."""

    zones: Mapping[str, Mapping[str, int]]
    more: bool = False  # there are zones beyond these
    problems: Mapping[str, str] = field(default_factory=dict)  # files that cannot be read, and why


class ZoneCounters:
    """All processes' counters of zones."""

    def __init__(self, directory: Path) -> None:
        self._pages = ZonePages(directory)

    def page(self, after: str | None, limit: int) -> ZoneCounts:
        """At most so many zones, behind one; raises ValueError where that is no name."""
        problems = self._pages.look()
        origins = self._pages.origins
        first = 0 if after is None else bisect_right(origins, order(_wire(after)), key=order)
        return self._told(origins[first : first + limit], len(origins) > first + limit, problems)

    def of(self, zone: str) -> ZoneCounts:
        """One zone, if it is counted; raises ValueError where that is no name."""
        problems = self._pages.look()
        return self._told([_wire(zone)], False, problems)

    def _told(self, origins: Sequence[bytes], more: bool, problems: Mapping[str, str]) -> ZoneCounts:
        counts = self._pages.counts(origins)
        return ZoneCounts({_text(origin): counts[origin] for origin in origins if origin in counts}, more, problems)


def _wire(text: str) -> bytes:
    try:
        name = dns.name.from_text(text).canonicalize()
    except (dns.exception.DNSException, ValueError) as error:
        raise ValueError(f"{text!r} is no domain name: {error}") from error
    return b"".join(bytes((len(label),)) + label for label in name.labels)


def _text(origin: bytes) -> str:
    text: str = dns.name.from_wire(origin, 0)[0].to_text(omit_final_dot=True)
    return text
