"""Zones are rows: 100 000 of them are checked in bulk, and one of them alone, in the time that one takes.

What all rows refer to, and which of their options have no effect yet, is counted; a row that changes is taken out of
the count and put in again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from cfgmgr.tree import ROWS
from daemonkit.findings import Findings, Path

Reference = tuple[str, str]  # a top-level map, and a key that must be in it
Idle = tuple[str, str]  # an option without effect, and why


@dataclass(frozen=True, slots=True)
class Tally:
    """What rows refer to, how often, and what they say without effect, where first and how often."""

    references: Mapping[Reference, int] = field(default_factory=dict)
    idle: Mapping[Idle, tuple[Path, int]] = field(default_factory=dict)

    @classmethod
    def of(cls, findings: Findings) -> Tally:
        """The tally of all rows after their check."""
        return cls(Counter((found.root, found.key) for found in findings.references), dict(findings.idle))

    def moved(self, out: Findings, into: Findings) -> Tally:
        """The tally after some rows were checked again: `out` is what was found in them before, `into` now."""
        references = Counter(self.references)
        references.subtract((found.root, found.key) for found in out.references)
        references.update((found.root, found.key) for found in into.references)
        return Tally({key: count for key, count in references.items() if count}, self._idle(out, into))

    def _idle(self, out: Findings, into: Findings) -> dict[Idle, tuple[Path, int]]:
        idle = dict(self.idle)
        for key, (path, count) in out.idle.items():
            first, before = idle.pop(key)
            if before > count:  # where the next one is was not kept: the whole is named
                idle[key] = (path[:1] if first[:2] == path[:2] else first), before - count
        for key, (path, count) in into.idle.items():
            first, before = idle.get(key, (path, 0))
            idle[key] = first, before + count
        return idle


def rows_in(scopes: Iterable[Path]) -> dict[str, list[str]] | None:
    """The rows among scopes, by top-level map; None where a map of rows is concerned as a whole."""
    found: dict[str, list[str]] = {root: [] for root in ROWS}
    for part in scopes:
        if not part or (part[0] in ROWS and len(part) == 1):
            return None
        if part[0] in ROWS:
            found[str(part[0])].append(str(part[1]))
    return found
