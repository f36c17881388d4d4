"""The configuration at work: what is in effect, who is about to change it, and how a change comes about.

    edits --> candidate --check--> findings and modules' answers
                  |----commit----> validate > prepare > store (the commit point) > apply

Blocking work (validation, the disk) goes through `work`, one job at a time, so that the store has one user.
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol, TypeVar

from cfgmgr.answers import problems_of, shown_changes
from cfgmgr.api import Checked, ModuleAnswer, Problem
from cfgmgr.candidates import Candidate, Candidates, restored
from cfgmgr.catalogue import Catalogue
from cfgmgr.commit import GOOD, CommitProtocol
from cfgmgr.current import Current, Difference, Rules
from cfgmgr.edits import Edited
from cfgmgr.errors import Invalid, Stale, StoreError, StoreUnusable, Unchanged
from cfgmgr.handing import page_of, prepare_of
from cfgmgr.store import Revision, Store
from cfgmgr.tree import Change, Tree, differences, differences_within, scopes_of
from cfgmgr.validation import Validated
from daemonkit.api import Configuration, GetConfiguration, Prepare
from daemonkit.findings import Path, format_path
from daemonkit.log import MessageLog
from msgq.errors import Refused

MAX_CANDIDATES = 100

T = TypeVar("T")
Edit = Callable[[Tree, Catalogue], Edited]
EVERYWHERE: frozenset[Path] = frozenset({()})


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
    changes: tuple[Change, ...]  # of what is stored
    difference: Difference  # of what modules get


@dataclass(frozen=True, slots=True)
class Outcome:
    """A revision that came about."""

    revision: Revision
    answers: list[ModuleAnswer]
    late: list[ModuleAnswer]
    warnings: list[Problem]


class Manager:
    """Owns the store, the candidates and the commit protocol."""

    def __init__(
        self,
        store: Store,
        rules: Rules,
        current: Current,
        *,
        protocol: CommitProtocol,
        work: Work,
        members: Members,
        log: MessageLog,
    ) -> None:
        self.store = store
        self.rules = rules
        self.current = current
        self.candidates = Candidates()
        self.protocol = protocol
        self._work = work
        self._members = members
        self._log = log
        self._lock = asyncio.Lock()  # edits and commits one after the other
        self._in_hand: Current | None = None  # what members are being prepared for
        self._since = current.revision  # what came after it is known
        self._concerned: dict[str, int] = {}  # module: the last revision in which anything of it was different

    async def restore_candidates(self) -> None:
        """Take up the candidates that a former cfgmgr kept."""
        head = self.store.head
        assert head is not None
        for draft in await self._work(self.store.drafts):
            newer = await self._work(self._newer, draft.base)
            candidate = restored(draft, head, self.store.state, newer)
            if candidate is None:
                await self._work(self.store.forget, draft.author)
            else:
                self.candidates.put(candidate)

    def configuration(self, request: GetConfiguration) -> Configuration:
        """What a module is handed. Raises Refused."""
        current = self.current
        if request.revision:
            known = [one for one in (current, self._in_hand) if one is not None and one.revision == request.revision]
            if not known:
                raise Refused("conflict", f"revision {request.revision} is not the current one any more")
            current = known[0]
        if request.name not in current.catalogue.specs:
            raise Refused("not-found", f"there is no module {request.name!r}, or its spec cannot be read")
        last = self._concerned.get(request.name, self._since)
        if not request.revision and last <= request.have <= current.revision and request.have:
            return Configuration(current.revision, {}, unchanged=True)
        return page_of(current, request.name, request.start)

    # Candidates.

    def candidate(self, author: str) -> Candidate:
        """The author's candidate, or a new one without changes."""
        state = self.current.state
        return self.candidates.of(author) or Candidate(author, self.current.revision, state, state, frozenset())

    async def edit(self, author: str, edit: Edit) -> Candidate:
        """Make one more edit to the author's candidate, and keep it."""
        async with self._lock:
            before = self.candidate(author)
            if len(self.candidates.authors) >= MAX_CANDIDATES and self.candidates.of(author) is None:
                raise StoreUnusable(f"there are {MAX_CANDIDATES} candidates already: some must be discarded")

            def done() -> Candidate:
                return before.edited(lambda tree: edit(tree, self.rules.catalogue(tree)))

            return await self._keep(await self._work(done))

    async def discard(self, author: str) -> Candidate:
        """Forget a candidate; raises NoCandidate."""
        async with self._lock:
            candidate = self.candidates.require(author)
            await self._forget(author)
            return candidate

    async def rebase(self, author: str) -> Candidate:
        """Bring a candidate onto the newest revision; raises NoCandidate, Stale."""
        async with self._lock:
            candidate = self.candidates.require(author)
            current = self.current
            return await self._keep(candidate.rebased(current.revision, current.state, current.catalogue.root))

    # Checks and commits.

    async def check(self, author: str) -> Checked:
        """What a commit of the candidate would meet."""
        async with self._lock:
            candidate = self.candidate(author)
            stored = await self._validated(candidate)
            problems = problems_of(stored.findings) + self._hidden(candidate.changes, stored)
            changes = shown_changes(candidate.changes, stored.catalogue)
            try:
                await self._require_fresh(candidate)
            except Stale as error:
                problems.insert(0, Problem("", str(error), "error"))
            if any(problem.severity == "error" for problem in problems):
                return Checked(good=False, changes=changes, problems=problems, modules=[])
            modules = await self._ask(await self._propose(stored, self._scopes(candidate.scopes)))
            good = all(answer.state in GOOD for answer in modules)
            return Checked(good=good, changes=changes, problems=problems, modules=modules)

    async def _require_fresh(self, candidate: Candidate) -> None:
        fresh = candidate.base == self.current.revision
        candidate.require_fresh(self.current.revision, [] if fresh else await self._work(self._newer, candidate.base))

    async def _validated(self, candidate: Candidate) -> Validated:
        """The candidate's values after their check; of one that is stale nothing is known yet."""
        if candidate.base != self.current.revision:
            return await self._work(self.rules.validate, candidate.tree)
        scopes = self._scopes(candidate.scopes)
        return await self._work(self.rules.revalidate, self.current.stored, candidate.tree, scopes)

    def _scopes(self, scopes: frozenset[Path]) -> frozenset[Path]:
        """Where a change of what is stored may make a difference to what is in effect."""
        return scopes if self.current.state is self.current.stored.values else EVERYWHERE

    async def _ask(self, proposal: Proposal) -> list[ModuleAnswer]:
        if not proposal.changes:
            return []
        number = self.store.next_number
        try:
            return await self.protocol.ask(number, self._begin(proposal, number))
        finally:
            self._in_hand = None

    async def commit(self, author: str, reason: str) -> Outcome:
        """Put the author's candidate into effect; raises NoCandidate, Stale, Invalid, Unchanged, Uncommitted, ..."""
        async with self._lock:
            candidate = self.candidates.require(author)
            await self._require_fresh(candidate)
            scopes = self._scopes(candidate.scopes)
            stored = await self._validated(candidate)
            outcome = await self._carry_out(await self._propose(stored.usable(), scopes), author, reason)
            try:
                await self._forget(author)
            except (
                StoreError
            ) as error:  # it is committed all the same; the next start tells the candidate from a new one
                self._log.warning("CFGMGR_CANDIDATE_LEFT", author=author, reason=error)
            return outcome

    async def replace(self, stored: Validated, author: str, reason: str) -> Outcome:
        """Put a whole configuration into effect; raises Invalid, Unchanged, Uncommitted, StoreError."""
        async with self._lock:
            return await self._carry_out(await self._propose(stored.usable(), EVERYWHERE), author, reason)

    def changes_of(self, stored: Validated) -> list[Change]:
        """What a configuration changes."""
        return list(differences(self.current.state, stored.values))

    async def _propose(self, stored: Validated, scopes: frozenset[Path]) -> Proposal:
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
        return Proposal(after, changes, difference)

    async def _carry_out(self, proposal: Proposal, author: str, reason: str) -> Outcome:
        if not proposal.changes:
            raise Unchanged("nothing is different from the current revision")
        number = self.store.next_number
        revision = Revision(number, datetime.now(UTC), author, reason, proposal.changes)
        after, stored = dataclasses.replace(proposal.after, revision=number), proposal.after.stored

        async def store() -> None:
            await self._work(self.store.append, revision, stored.values)
            self.current = after
            self._concerned |= dict.fromkeys(proposal.difference.modules, number)

        try:
            answers, late = await self.protocol.carry_out(number, self._begin(proposal, number), store)
        finally:
            self._in_hand = None
        warnings = problems_of(stored.findings) + self._hidden(proposal.changes, stored)
        return Outcome(revision, answers, late, warnings)

    def _hidden(self, changes: Iterable[Change], stored: Validated) -> list[Problem]:
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

    # The store.

    async def _keep(self, candidate: Candidate) -> Candidate:
        await self._work(self.store.keep, candidate.draft)
        self.candidates.put(candidate)
        return candidate

    async def _forget(self, author: str) -> None:
        self.candidates.drop(author)
        await self._work(self.store.forget, author)

    def _newer(self, base: int) -> list[Revision]:
        """The revisions after a number, newest first."""
        found = []
        for revision in self.store.revisions():
            if revision.number <= base:
                break
            found.append(revision)
        return found
