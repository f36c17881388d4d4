"""What is in effect, and how another configuration comes into effect: on all modules concerned, or on none.

    validated --propose--> what it changes, for whom --carry out--> prepare > store (the commit point) > apply
                                   ^---- values that modules adjusted, checked again ----|

Blocking work (validation, the disk) goes through `work`, one job at a time, so that the store has one user.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from cfgmgr.absence import Absence
from cfgmgr.addressing import find
from cfgmgr.answers import problems_of
from cfgmgr.api import ModuleAnswer, Problem
from cfgmgr.commit import CommitProtocol
from cfgmgr.conditions import DATA_SOURCES
from cfgmgr.current import Current, Difference, Rules
from cfgmgr.edits import set_value
from cfgmgr.errors import Adjusted, Invalid, PathError, Unchanged, Uncommitted
from cfgmgr.handing import page_of, prepare_of
from cfgmgr.store import Revision, Store
from cfgmgr.tree import Change, differences_within, look_up, scope, scopes_of
from cfgmgr.validation import Validated
from daemonkit.api import Configuration, GetConfiguration, Prepare
from daemonkit.findings import Findings, Path, format_path
from daemonkit.options import MISSING
from msgq.errors import Refused

EVERYWHERE: frozenset[Path] = frozenset({()})
DIRECTORY = "directory"  # of a data source of zone files
MAX_ROUNDS = 4  # of adjustments by modules, after which they do not agree

T = TypeVar("T")


class Work(Protocol):
    """Runs blocking work off the event loop."""

    def __call__(self, fn: Callable[..., T], *args: Any) -> Awaitable[T]:
        """The result of fn(*args)."""


class Members(Protocol):
    """Who is running."""

    def __call__(self) -> list[tuple[str, str]]:
        """Member and module of each."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration that could become the next revision."""

    after: Current
    scopes: frozenset[Path]  # where it may differ from what is in effect
    changes: tuple[Change, ...]  # of what is stored
    difference: Difference  # of what modules get


@dataclass(frozen=True, slots=True)
class Outcome:
    """A revision that came about."""

    revision: Revision
    answers: list[ModuleAnswer]
    late: list[ModuleAnswer]
    warnings: list[Problem]


class Committer:
    """Owns the current configuration, and replaces it."""

    def __init__(
        self, store: Store, rules: Rules, current: Current, *, protocol: CommitProtocol, work: Work, members: Members
    ) -> None:
        self.store = store
        self.rules = rules
        self.current = current
        self.protocol = protocol
        self._work = work
        self._members = members
        self._absence = Absence()
        self._in_hand: Current | None = None  # what members are being prepared for
        self._since = current.revision  # what came after it is known
        self._concerned: dict[str, int] = {}  # module: the last revision in which anything of it was different

    def configuration(self, request: GetConfiguration) -> Configuration:
        """What a module is handed. Raises Refused."""
        current = self.current
        if request.revision:
            known = [one for one in (current, self._in_hand) if one is not None and one.revision == request.revision]
            if not known:
                raise Refused("conflict", f"revision {request.revision} is not the current one any more")
            current = known[0]
        if request.start and request.edition != current.edition:
            text = f"revision {current.revision} has been laid out anew since the page before: begin again"
            raise Refused("conflict", text)
        if request.name not in current.catalogue.specs:
            raise Refused("not-found", f"there is no module {request.name!r}, or its spec cannot be read")
        last = self._concerned.get(request.name, self._since)
        if not request.revision and last <= request.have <= current.revision and request.have:
            return Configuration(current.revision, {}, unchanged=True)
        return page_of(current, request.name, request.start)

    def scopes_of_change(self, scopes: frozenset[Path]) -> frozenset[Path]:
        """Where a change of what is stored may make a difference to what is in effect."""
        return scopes if self.current.state is self.current.stored.values else EVERYWHERE

    async def propose(self, stored: Validated, scopes: frozenset[Path]) -> Proposal:
        """What a configuration changes that differs in these scopes at most; raises Invalid."""
        return await self._work(self._proposal, stored, scopes)

    def _proposal(self, stored: Validated, scopes: frozenset[Path]) -> Proposal:
        current = self.current
        changes = tuple(differences_within(current.state, stored.values, scopes))
        if () in scopes and current.state is current.stored.values:
            scopes = scopes_of(changes)
        running = self.rules.running_after(current.running, stored, scopes)
        if running.findings.errors:
            raise Invalid(running.findings.errors)
        after, difference = current.successor(stored, running, scopes, self.rules.substitute)
        return Proposal(after, scopes, changes, difference)

    async def ask(self, proposal: Proposal) -> tuple[Proposal, list[ModuleAnswer]]:
        """What the modules would say, and the proposal with what they adjust. Raises Uncommitted, Invalid."""
        number, said = self.store.next_number, dict[str, ModuleAnswer]()
        for _ in range(MAX_ROUNDS):
            if not proposal.changes and not proposal.difference.modules:
                return proposal, list(said.values())
            try:
                answers = await self.protocol.ask(number, self._begin(proposal, number))
            finally:
                self._in_hand = None
            open_ones = _unsettled(answers, proposal)
            if not open_ones:
                return proposal, _with_adjustments(answers, said)
            said |= {answer.member: answer for answer in open_ones}
            proposal = await self._adjusted(proposal, open_ones)
        raise _disagreed(said)

    async def carry_out(self, proposal: Proposal, author: str, reason: str) -> Outcome:
        """Put a proposal into effect; raises Unchanged, Uncommitted, Invalid, StoreError."""
        said: dict[str, ModuleAnswer] = {}
        for _ in range(MAX_ROUNDS):
            if not proposal.changes and not proposal.difference.modules:
                raise Unchanged("nothing is different from the current revision")
            try:
                return await self._attempt(proposal, author, reason, said)
            except Adjusted as adjusted:
                said |= {answer.member: answer for answer in adjusted.answers}
                proposal = await self._adjusted(proposal, adjusted.answers)
        raise _disagreed(said)

    async def _attempt(self, proposal: Proposal, author: str, reason: str, said: dict[str, ModuleAnswer]) -> Outcome:
        number = self.store.next_number
        revision = Revision(number, datetime.now(UTC), author, reason, proposal.changes)
        after, stored = dataclasses.replace(proposal.after, revision=number), proposal.after.stored

        async def store() -> None:
            await self._work(self.store.append, revision, stored.values)
            self.current = after
            self._concerned |= dict.fromkeys(proposal.difference.modules, number)

        def settled(answers: Sequence[ModuleAnswer]) -> None:
            if open_ones := _unsettled(answers, proposal):
                raise Adjusted(open_ones)

        try:
            answers, late = await self.protocol.carry_out(number, self._begin(proposal, number), store, settled)
        finally:
            self._in_hand = None
        warnings = problems_of(stored.findings) + await self.warnings(proposal.changes, stored)
        return Outcome(revision, _with_adjustments(answers, said), late, warnings)

    async def _adjusted(self, proposal: Proposal, answers: Sequence[ModuleAnswer]) -> Proposal:
        """The proposal with the values that modules want instead. What is in effect must be what is written down."""
        stored, scopes = proposal.after.stored, set[Path]()
        values = stored.values
        for answer in answers:
            for adjustment in answer.adjustments:
                try:
                    edited = set_value(values, stored.catalogue, adjustment.path, adjustment.value)
                except (PathError, Invalid) as error:
                    text = f"{answer.member} adjusts {adjustment.path} to what cannot be: {error}"
                    raise Uncommitted(text, answers, refused=True) from error
                values = edited.tree
                scopes.add(scope(edited.path))
        checked = await self._work(self.rules.revalidate, stored, values, scopes)
        return await self.propose(checked.usable(), proposal.scopes | scopes)

    async def warnings(self, changes: Sequence[Change], stored: Validated) -> list[Problem]:
        """What is to be told of changes, although they are right."""
        hidden, named = self._hidden(changes, stored), await self._work(self._directories, changes, stored)
        absent = await self._absence.of(list(named.values()))
        return hidden + [
            Problem(path, f"there is no directory {place}: no zone is served from it before there is", "warning")
            for path, place in named.items()
            if place in absent  # it may be made later, or be mistyped
        ]

    def _directories(self, changes: Sequence[Change], stored: Validated) -> dict[str, str]:
        """Directories of zone files, in these changes: option and place."""
        found = {}
        for name, source in (stored.values.get(DATA_SOURCES) or {}).items():
            path, directory = (DATA_SOURCES, name), source.get(DIRECTORY)
            if directory is not None and any(_concerns(change, path) for change in changes):
                found[format_path((*path, DIRECTORY))] = self.rules.substitute(directory)
        return found

    def _hidden(self, changes: Iterable[Change], stored: Validated) -> list[Problem]:
        """Warnings about changes that the command line hides in this run."""
        reason = "has no effect in this run: the command line says otherwise"
        hidden = self.rules.overlaid(changes, stored.catalogue)
        return [Problem(format_path(path), reason, "warning") for path in hidden]

    def _begin(self, proposal: Proposal, number: int) -> dict[str, Prepare]:
        """What each running member concerned is told; who is told too little may ask for the rest."""
        self._in_hand = dataclasses.replace(proposal.after, revision=number)
        catalogue, concerned = proposal.after.catalogue, proposal.difference.modules
        running = [
            (member, module) for member, module in self._members() if module in concerned & catalogue.specs.keys()
        ]
        parts = {
            module: prepare_of(number, self.current.revision, proposal.difference, catalogue.keys_of(module))
            for module in {module for _, module in running}
        }
        return {member: parts[module] for member, module in running}


def _unsettled(answers: Sequence[ModuleAnswer], proposal: Proposal) -> list[ModuleAnswer]:
    """The answers with adjustments that the proposal does not have."""
    catalogue, complete = proposal.after.catalogue, proposal.after.complete

    def has(path: str, value: Any) -> bool:
        try:
            place = find(path, catalogue.root, complete, value)
        except PathError:
            return False
        stored = place.option.check(value, place.path, Findings())
        return stored is not MISSING and bool(place.option.complete(stored) == look_up(complete, place.path))

    return [answer for answer in answers if not all(has(one.path, one.value) for one in answer.adjustments)]


def _with_adjustments(answers: Sequence[ModuleAnswer], said: dict[str, ModuleAnswer]) -> list[ModuleAnswer]:
    return [
        said.get(answer.member, answer) if answer.state in ("accepted", "adjusted") else answer for answer in answers
    ]


def _concerns(change: Change, path: Path) -> bool:
    """Whether a change is at or below a path, or above it."""
    return change.path[: len(path)] == path or path[: len(change.path)] == change.path


def _disagreed(said: dict[str, ModuleAnswer]) -> Uncommitted:
    members = ", ".join(said)
    return Uncommitted(f"{members} adjust what others adjusted, again and again", list(said.values()), refused=True)
