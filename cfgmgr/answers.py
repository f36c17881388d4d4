"""What is inside as it goes out on the bus: shapes of answers, and errors as refusals."""

from __future__ import annotations

import contextlib
import dataclasses
import itertools
from collections.abc import Iterable, Iterator, Sequence

from cfgmgr import api
from cfgmgr.candidates import Candidate
from cfgmgr.catalogue import Catalogue
from cfgmgr.changes import rows_in, single_changes
from cfgmgr.current import Current
from cfgmgr.errors import (
    CfgmgrError,
    Invalid,
    NoCandidate,
    NoRoom,
    PathError,
    Stale,
    StoreError,
    Unchanged,
    Uncommitted,
)
from cfgmgr.narrowing import Zones, within
from cfgmgr.store import Revision, Summary
from cfgmgr.tree import Change
from daemonkit.findings import Finding, Findings, format_path, without_hint
from msgq.envelope import MAX_TEXT
from msgq.errors import RefusalCode, Refused


@contextlib.contextmanager
def refusals(*, invalid: RefusalCode = "refused") -> Iterator[None]:
    """Our errors as refusals on the bus."""
    try:
        yield
    except CfgmgrError as error:
        raise Refused(_code(error, invalid), str(error)[:MAX_TEXT]) from error


def _code(error: CfgmgrError, invalid: RefusalCode) -> RefusalCode:
    match error:
        case PathError():
            return "not-found" if error.possible else "usage"
        case Invalid():
            return invalid
        case Stale():
            return "conflict"
        case NoCandidate():
            return "not-found"
        case NoRoom():
            return "unavailable"
        case Unchanged():
            return "usage"
        case Uncommitted():
            return "refused" if error.refused else "failed"
        case StoreError():
            return "failed"
        case _:
            return "refused"


def checked_reason(text: str) -> str:
    """A reason that fits into the history."""
    if len(text) > api.MAX_REASON:
        raise Refused("usage", f"a reason has at most {api.MAX_REASON} characters")
    return text


def shown_candidate(candidate: Candidate, current: Current) -> api.Candidate:
    """A candidate for the bus, beside the newest revision."""
    told = shown_changes(candidate.changes, current.catalogue)
    return api.Candidate(candidate.author, candidate.base, current.revision, told.changes, told.left_out)


def shown_revision(revision: Revision, catalogue: Catalogue) -> api.Revision:
    """A revision for the bus, with its changes."""
    told = shown_changes(revision.changes, catalogue)
    time, count = rfc3339(revision), len(revision.changes)
    return api.Revision(
        revision.number, time, revision.author, revision.reason, count, told.changes, left_out=told.left_out
    )


def shown_summary(summary: Summary) -> api.Revision:
    """A revision for the bus, without them."""
    return api.Revision(summary.number, rfc3339(summary), summary.author, summary.reason, summary.count)


def rfc3339(revision: Revision | Summary) -> str:
    """When it was committed."""
    return revision.time.strftime("%Y-%m-%dT%H:%M:%SZ")


def problems_of(findings: Findings, zones: Zones = None) -> list[api.Problem]:
    """Findings for the bus; who is for some zones only is told what stops them, and of what is in their zones."""
    told = (finding for finding in findings.warnings if zones is None or within(finding.path, zones))
    return [
        api.Problem(format_path(finding.path), _reason(finding, zones), finding.severity.value)
        for finding in (*findings.errors, *told)
    ]


def untold(findings: Sequence[Finding]) -> list[Finding]:
    """Findings without what tells of names that are there."""
    return [dataclasses.replace(finding, reason=without_hint(finding.reason)) for finding in findings]


def _reason(finding: Finding, zones: Zones) -> str:
    return finding.reason if zones is None else without_hint(finding.reason)


@dataclasses.dataclass(frozen=True, slots=True)
class ShownChanges:
    """Changes for the bus, and how many more there are."""

    changes: list[api.Change]
    left_out: int

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.changes) + self.left_out


def shown_changes(changes: Iterable[Change], catalogue: Catalogue) -> ShownChanges:
    """Changes for the bus, down to the single options and entries that differ, by path.

    Of very many, as where 100 000 zones are listed at once, the first alone: nobody reads them, and to write all of
    them down for an answer would stop everything else for seconds.
    """
    shown: list[api.Change] = []
    left_out = 0
    for change in changes:
        room = api.MAX_SHOWN_CHANGES - len(shown)
        if not room:
            left_out += rows_in(change, catalogue.root) or 1
            continue
        singles = single_changes([change], catalogue.root, with_defaults=True)
        here = [api.Change(format_path(one.path), one.old, one.new) for one in itertools.islice(singles, room)]
        shown += here
        rows = rows_in(change, catalogue.root) if len(here) == room else 0
        left_out += rows - len(here) if rows else sum(1 for _ in singles)
    return ShownChanges(sorted(shown, key=lambda change: change.path), left_out)
