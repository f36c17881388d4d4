"""Who stays on an older configuration than the committed one. No clock: the times come in.

Heart-beats carry the revision. A process that tells none (0) has no configuration and is not judged, nor is one that is
ahead of us: then it is we who are late. Each instance is found once for a revision: one that comes back on the old
revision would not be helped by another restart.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from bob.component import Instance
from bob.states import State

# A member that heard neither commit nor abort asks cfgmgr 8 s after it prepared; only then a restart helps it.
LAG_LIMIT = 10.0  # seconds after the commit


@dataclass(slots=True)
class Laggards:
    """Judges by the revision that we are on ourselves."""

    revision: int = 0
    since: float = 0.0

    def committed(self, revision: int, now: float) -> None:
        """We are on this revision from now on."""
        if revision != self.revision:
            self.revision, self.since = revision, now

    def due(self, instance: Instance) -> float | None:
        """When the instance will have been behind for too long."""
        run = instance.run
        if run is None or instance.state is not State.RUNNING or instance.late_for == self.revision:
            return None
        return max(self.since, run.started) + LAG_LIMIT if 0 < run.revision < self.revision else None

    def find(self, instances: Iterable[Instance], now: float) -> list[Instance]:
        """Those that are late as of now; their processes are marked to be replaced."""
        found = [instance for instance in instances if (due := self.due(instance)) is not None and due <= now]
        for instance in found:
            assert instance.run is not None
            instance.run.late, instance.late_for = True, self.revision
        return found
