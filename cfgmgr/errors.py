"""Errors of cfgmgr.

CfgmgrError
├── PathError             a path names nothing, or more than one thing
├── Invalid               a configuration has errors; all of them are in `findings`
├── Stale                 a candidate is older than the newest revision
├── NoCandidate           the author has none
├── NoRoom                there are as many candidates as there may be
├── Unchanged             there is nothing to commit
├── NotPermitted          the author lacks the role that a change takes
├── ArgumentError         bob gave an argument that cannot be
├── Adjusted              modules accept other values than those proposed
├── NoWayBack             the history does not reach back whole
├── Uncommitted           a revision did not come about; nothing changed anywhere
└── StoreError
    ├── StoreLocked       another cfgmgr has the store
    ├── StoreMoved        what is here is old, the configuration is elsewhere
    ├── StoreTooNew       written by a newer release
    ├── StoreUnusable     the directory or database cannot be read or written
    │   └── StoreUnreachable  the database does not answer; it may again
    └── StoreUncertain    a revision was written, but perhaps not for good
"""

from __future__ import annotations

from collections.abc import Sequence

from cfgmgr.api import ModuleAnswer
from daemonkit.errors import DaemonError
from daemonkit.findings import Finding


class CfgmgrError(DaemonError):
    """Root of what cfgmgr raises."""


class PathError(CfgmgrError):
    """A path names nothing, or more than one thing; `possible`: it could be made."""

    def __init__(self, text: str, *, possible: bool = False) -> None:
        super().__init__(text)
        self.possible = possible


class Invalid(CfgmgrError):
    """A configuration, or a value of it, has errors."""

    def __init__(self, findings: Sequence[Finding]) -> None:
        more = f" (and {len(findings) - 1} more)" if len(findings) > 1 else ""
        super().__init__(f"{findings[0]}{more}")
        self.findings = tuple(findings)


class Stale(CfgmgrError):
    """A candidate is older than the newest revision."""


class NotPermitted(CfgmgrError):
    """The author lacks the role that a change takes."""


class NoCandidate(CfgmgrError):
    """The author has no candidate."""


class NoRoom(CfgmgrError):
    """There are as many candidates as there may be."""


class Uncommitted(CfgmgrError):
    """A revision did not come about: `refused` says whether a module said no (else one died or was silent)."""

    def __init__(self, text: str, answers: Sequence[ModuleAnswer], *, refused: bool) -> None:
        super().__init__(text)
        self.answers = tuple(answers)
        self.refused = refused


class Adjusted(CfgmgrError):
    """Modules accept other values than those proposed: what their answers say."""

    def __init__(self, answers: Sequence[ModuleAnswer]) -> None:
        super().__init__("adjusted")
        self.answers = tuple(answers)


class NoWayBack(CfgmgrError):
    """The history does not reach back whole to a revision."""


class StoreError(CfgmgrError):
    """The store cannot do what it must."""


class StoreLocked(StoreError):
    """Another cfgmgr has the store."""


class StoreTooNew(StoreError):
    """The store was written by a newer release."""


class StoreMoved(StoreError):
    """What is here is old: the configuration was moved to another store."""


class StoreUnusable(StoreError):
    """The directory or database cannot be read or written."""


class StoreUnreachable(StoreUnusable):
    """The database of the store does not answer; it may again."""


class StoreUncertain(StoreError):
    """A revision was written, but perhaps not for good: only the next start can tell."""


class ArgumentError(CfgmgrError):
    """bob gave an argument that cannot be."""


class Unchanged(CfgmgrError):
    """There is nothing to commit."""
