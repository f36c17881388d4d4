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
from cfgmgr.current import Current, Handed, Rules, modules_concerned
from cfgmgr.errors import Invalid, Stale, StoreError, StoreUnusable, Unchanged
from cfgmgr.store import Revision, Store
from cfgmgr.tree import Change, Tree, differences
from cfgmgr.validation import Validated
from daemonkit.findings import format_path
from daemonkit.log import MessageLog

MAX_CANDIDATES = 100

T = TypeVar("T")
Edit = Callable[[Tree, Catalogue], Tree]


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

    stored: Validated
    after: Current
    changes: tuple[Change, ...]
    concerned: frozenset[str]  # modules


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

    # Candidates.

    def candidate(self, author: str) -> Candidate:
        """The author's candidate, or a new one without changes."""
        state = self.current.state
        return self.candidates.of(author) or Candidate(author, self.current.revision, state, state)

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
            stored = await self._work(self.rules.validate, candidate.tree)
            problems = problems_of(stored.findings) + self._hidden(candidate.changes, stored)
            changes = shown_changes(candidate.changes, stored.catalogue)
            try:
                candidate.require_fresh(self.current.revision, await self._work(self._newer, candidate.base))
            except Stale as error:
                problems.insert(0, Problem("", str(error), "error"))
            if any(problem.severity == "error" for problem in problems):
                return Checked(good=False, changes=changes, problems=problems, modules=[])
            modules = await self._ask(await self._propose(stored))
            good = all(answer.state in GOOD for answer in modules)
            return Checked(good=good, changes=changes, problems=problems, modules=modules)

    async def _ask(self, proposal: Proposal) -> list[ModuleAnswer]:
        if not proposal.changes:
            return []
        number = await self._work(lambda: self.store.next_number)
        return await self.protocol.ask(number, self._parts(proposal))

    async def commit(self, author: str, reason: str) -> Outcome:
        """Put the author's candidate into effect; raises NoCandidate, Stale, Invalid, Unchanged, Uncommitted, ..."""
        async with self._lock:
            candidate = self.candidates.require(author)
            candidate.require_fresh(self.current.revision, await self._work(self._newer, candidate.base))
            stored = (await self._work(self.rules.validate, candidate.tree)).usable()
            outcome = await self._carry_out(await self._propose(stored), author, reason)
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
            return await self._carry_out(await self._propose(stored.usable()), author, reason)

    def changes_of(self, stored: Validated) -> list[Change]:
        """What a configuration changes."""
        return list(differences(self.current.state, stored.values))

    async def _propose(self, stored: Validated) -> Proposal:
        return await self._work(self._proposal, stored)

    def _proposal(self, stored: Validated) -> Proposal:
        running = self.rules.running(stored)
        if running.findings.errors:
            raise Invalid(running.findings.errors)
        after = Current.of(self.current.revision, stored.values, running, self.rules.substitute)
        concerned = modules_concerned(self.current, after)
        changes = tuple(differences(self.current.state, stored.values))
        return Proposal(stored, after, changes, frozenset(concerned))

    async def _carry_out(self, proposal: Proposal, author: str, reason: str) -> Outcome:
        if not proposal.changes:
            raise Unchanged("nothing is different from the current revision")
        number = await self._work(lambda: self.store.next_number)
        revision = Revision(number, datetime.now(UTC), author, reason, proposal.changes)
        state = proposal.stored.values

        async def store() -> None:
            await self._work(self.store.append, revision, state)
            self.current = dataclasses.replace(proposal.after, revision=number, state=state)

        answers, late = await self.protocol.carry_out(number, self._parts(proposal), store)
        warnings = problems_of(proposal.stored.findings) + self._hidden(proposal.changes, proposal.stored)
        return Outcome(revision, answers, late, warnings)

    def _hidden(self, changes: Iterable[Change], stored: Validated) -> list[Problem]:
        reason = "has no effect in this run: the command line says otherwise"
        hidden = self.rules.overlaid(changes, stored.catalogue)
        return [Problem(format_path(path), reason, "warning") for path in hidden]

    def _parts(self, proposal: Proposal) -> dict[str, Handed]:
        """What each running member concerned is handed."""
        handed = proposal.after.handed
        return {
            member: handed[module]
            for member, module in self._members()
            if module in proposal.concerned and module in handed
        }

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
