"""What cfgmgr counts: edits, and how commits end."""

from __future__ import annotations

from cfgmgr.committer import Outcome
from cfgmgr.errors import Invalid, NoCandidate, NotPermitted, PathError, Stale, Unchanged
from cfgmgr.store import Revision
from daemonkit.counters import Counters

# What an operator may well run into: no module was asked.
SLIPS = (Invalid, NoCandidate, NotPermitted, PathError, Stale, Unchanged)


class Tally:
    """Counts by the names of specs/cfgmgr.yaml."""

    def __init__(self, counters: Counters) -> None:
        self._counters = counters

    def edited(self) -> None:
        """A candidate was changed."""
        self._counters.add("edits")

    def committed(self, outcome: Outcome) -> None:
        """A revision came about."""
        self._counters.add("commits")
        self._counters.add("commits.late", len(outcome.late))
        self.in_effect(outcome.revision)

    def rolled_back(self) -> None:
        """It was one that took the values of an older one."""
        self._counters.add("rollbacks")

    def reloaded(self) -> None:
        """The configuration file was read again."""
        self._counters.add("reloads")

    def failed(self, cause: BaseException | None) -> None:
        """A commit came to nothing."""
        if isinstance(cause, Stale):
            self._counters.add("commits.conflicts")
        elif isinstance(cause, SLIPS):
            self._counters.add("commits.declined")
        else:
            self._counters.add("commits.refused")

    def in_effect(self, revision: Revision) -> None:
        """This is the current revision."""
        self._counters.set("revision", revision.number)
        self._counters.set("revision.timestamp_seconds", int(revision.time.timestamp()))
