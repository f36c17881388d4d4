"""What a run came to: how many entries of each level, and the outcome of each case."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from health.engine.levels import Level
from health.engine.results import Entry


@dataclass
class Summary:
    """Counts entries as they come."""

    levels: Counter[Level] = field(default_factory=Counter)
    worst_of_case: dict[str, Level] = field(default_factory=dict)

    def add(self, entry: Entry) -> None:
        """Take an entry in."""
        self.levels[entry.level] += 1
        if entry.module != "System":
            self.worst_of_case[entry.case] = max(entry.level, self.worst_of_case.get(entry.case, entry.level))

    @property
    def worst(self) -> Level:
        """The highest level of any entry; DEBUG3 where there is none."""
        return max(self.levels, default=Level.DEBUG3)
