"""Who is about to change the configuration, and how: candidates, checks, commits, rollbacks, one after the other.

edits --> candidate --check--> findings and modules' answers
              |----commit----> validate > committer
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from cfgmgr import api, narrowing
from cfgmgr.answers import ShownChanges, problems_of, shown_changes, untold
from cfgmgr.api import Checked, Problem
from cfgmgr.candidates import Candidate, Candidates, restored, undoing
from cfgmgr.catalogue import Catalogue
from cfgmgr.commit import GOOD, CommitProtocol
from cfgmgr.committer import EVERYWHERE, Committer, Members, Outcome, Proposal, Work
from cfgmgr.current import Current, Rules
from cfgmgr.edits import Edited
from cfgmgr.errors import Invalid, NoWayBack, PathError, Stale, StoreError
from cfgmgr.narrowing import Zones, answers_within, outside, require_zones
from cfgmgr.permission import protected, require_role
from cfgmgr.store import Revision, Store
from cfgmgr.tree import Change, Tree, apply, differences_within, look_up, scopes_of
from cfgmgr.validation import Validated
from daemonkit.findings import Path, format_path
from daemonkit.log import MessageLog
from daemonkit.options import ADMIN

Edit = Callable[[Tree, Catalogue], Edited]


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
        self.candidates = Candidates()
        self.protocol = protocol
        self.committer = Committer(store, rules, current, protocol=protocol, work=work, members=members)
        self._work = work
        self._log = log
        self._lock = asyncio.Lock()  # edits and commits one after the other

    @property
    def current(self) -> Current:
        """What is in effect."""
        return self.committer.current

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

    async def all_candidates(self) -> list[api.OneCandidate]:
        """Who has one, and how much is in it."""
        current, there = self.current, list(self.candidates)

        def told() -> list[api.OneCandidate]:
            counts = ((one, shown_changes(one.changes, current.catalogue).count) for one in there)
            return [api.OneCandidate(one.author, one.base, count) for one, count in counts]

        return await self._work(told)

    def candidate(self, author: str) -> Candidate:
        """The author's candidate, or a new one without changes; one that changes nothing is on no revision's side."""
        found, current = self.candidates.of(author), self.current
        if found is not None and (found.base == current.revision or found.changes):
            return found
        return Candidate(author, current.revision, current.state, current.state, frozenset())

    async def edit(self, author: str, edit: Edit) -> Candidate:
        """Make one more edit to the author's candidate, and keep it."""
        async with self._lock:
            before = self.candidate(author)
            if self.candidates.of(author) is None:
                for other in self.candidates.room_for(author):
                    await self._forget(other)

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

    async def check(self, author: str, role: str = ADMIN, zones: Zones = None) -> Checked:
        """What a commit of the candidate would meet. Where the role is not enough nothing is looked at or asked."""
        async with self._lock:
            return await self._checked(self.candidate(author), role, zones)

    async def rehearse(
        self, author: str, edits: Sequence[Edit], role: str = ADMIN, zones: Zones = None, *, check: bool
    ) -> Checked:
        """What edits of what is in effect would change, and meet where they were committed. Nothing is kept of them."""
        async with self._lock:
            current = self.current
            before = Candidate(author, current.revision, current.state, current.state, frozenset())

            def done() -> Candidate:
                made = before
                for edit in edits:
                    made = made.edited(lambda tree, edit=edit: edit(tree, self.rules.catalogue(tree)))  # type: ignore[misc]
                return made

            candidate = await self._work(done)
            if check:
                return await self._checked(candidate, role, zones)
            told = shown_changes(candidate.changes, current.catalogue)
            return Checked(True, told.changes, [], [], told.left_out)

    async def _checked(self, candidate: Candidate, role: str, zones: Zones) -> Checked:
        problems = self._not_permitted(candidate, role, zones)
        if problems:
            told = shown_changes(candidate.changes, self.current.catalogue)
            return _bad(told, problems)
        stored = await self._validated(candidate)
        problems = problems_of(stored.findings, zones) + await self.committer.warnings(candidate.changes, stored)
        told = shown_changes(candidate.changes, stored.catalogue)
        try:
            await self._require_fresh(candidate, zones)
        except Stale as error:
            problems.insert(0, Problem("", str(error), "error"))
        if any(problem.severity == "error" for problem in problems):
            return _bad(told, problems)
        scopes = self.committer.scopes_of_change(candidate.scopes)
        proposal, modules = await self.committer.ask(await self.committer.propose(stored, scopes))
        theirs = [change for change in self._made(proposal.changes) if not outside([change], zones)]
        told = shown_changes(theirs if zones is not None else proposal.changes, stored.catalogue)
        good = all(answer.state in GOOD for answer in modules)
        shown = answers_within(modules, zones, stored.catalogue, proposal.after.complete)
        return Checked(good, told.changes, problems, shown, told.left_out)

    def _made(self, changes: Iterable[Change]) -> list[Change]:
        """Those that somebody made: not what the next revision writes in another form, whoever makes it."""
        current = self.current
        if current.state is current.stored.values:
            return list(changes)
        form = {change.path: change for change in differences_within(current.state, current.stored.values, EVERYWHERE)}
        return [change for change in changes if form.get(change.path) != change]

    def _not_permitted(self, candidate: Candidate, role: str, zones: Zones) -> list[Problem]:
        """What of it the author may not change, as `commit` asks."""
        lacking = protected(candidate.changes, self.current.catalogue.root) if role != ADMIN else ()
        beyond = outside(candidate.changes, zones)
        return [Problem(format_path(path), narrowing.reason(zones or ()), "error") for path in beyond] + [
            Problem(format_path(path), f"takes the role {ADMIN}", "error") for path in lacking
        ]

    async def _require_fresh(self, candidate: Candidate, zones: Zones = None) -> None:
        fresh = candidate.base == self.current.revision
        if zones is not None and not fresh:  # what others do is not theirs to know
            raise Stale(
                f"your changes were begun on revision {candidate.base}, and {self.current.revision} is the newest: "
                "rebase or revert them"
            )
        candidate.require_fresh(self.current.revision, [] if fresh else await self._work(self._newer, candidate.base))

    async def _validated(self, candidate: Candidate) -> Validated:
        """The candidate's values after their check; of one that is stale nothing is known yet."""
        if candidate.base != self.current.revision:
            return await self._work(self.rules.validate, candidate.tree)
        scopes = self.committer.scopes_of_change(candidate.scopes)
        return await self._work(self.rules.revalidate, self.current.stored, candidate.tree, scopes)

    async def commit(self, author: str, reason: str, role: str = ADMIN, zones: Zones = None) -> Outcome:
        """Put the author's candidate into effect; raises NoCandidate, Stale, NotPermitted, Invalid, Unchanged, ..."""
        async with self._lock:
            self.candidates.require(author)
            candidate = self.candidate(author)  # one that changes nothing is on no old revision
            await self._require_fresh(candidate, zones)
            require_zones(candidate.changes, zones)
            require_role(role, author, candidate.changes, self.current.catalogue.root)
            scopes = self.committer.scopes_of_change(candidate.scopes)
            stored = await self._validated(candidate)
            try:
                proposal = await self.committer.propose(stored.usable(), scopes)
            except Invalid as error:
                raise error if zones is None else Invalid(untold(error.findings)) from None
            require_zones(self._made(proposal.changes), zones)
            outcome = await self._carry_out(proposal, author, reason, role)
            try:
                await self._forget(author)
            except StoreError as error:  # committed all the same; the next start tells the candidate from a new one
                self._log.warning("CFGMGR_CANDIDATE_LEFT", author=author, reason=error)
            if zones is None:
                return outcome
            made = self.current.stored
            answers = answers_within(outcome.answers, zones, made.catalogue, self.current.complete)
            theirs = tuple(change for change in outcome.revision.changes if not outside([change], zones))
            warnings = problems_of(made.findings, zones) + await self.committer.warnings(theirs, made)
            return replace(
                outcome, revision=replace(outcome.revision, changes=theirs), answers=answers, warnings=warnings
            )

    async def preview(self, stored: Validated) -> Proposal:
        """What a whole configuration would change; raises Invalid."""
        async with self._lock:
            return await self.committer.propose(stored.usable(), EVERYWHERE)

    async def replace(self, stored: Validated, author: str, reason: str, role: str = ADMIN) -> Outcome:
        """Put a whole configuration into effect; raises NotPermitted, Invalid, Unchanged, Uncommitted, StoreError."""
        async with self._lock:
            proposal = await self.committer.propose(stored.usable(), EVERYWHERE)
            return await self._carry_out(proposal, author, reason, role)

    async def way_back(self, number: int) -> Proposal:
        """What a rollback to a revision would change; raises PathError, NoWayBack, Invalid."""
        async with self._lock:
            return await self._way_back(number)

    async def roll_back(self, number: int, author: str, reason: str, role: str = ADMIN) -> Outcome:
        """Put the values of an older revision into effect, as a new one; raises as `way_back` and `commit` do."""
        async with self._lock:
            return await self._carry_out(await self._way_back(number), author, reason, role)

    async def _carry_out(self, proposal: Proposal, author: str, reason: str, role: str) -> Outcome:
        """The one way to a revision: what it changes is permitted, and nothing else can come in between."""
        require_role(role, author, self._made(proposal.changes), self.current.catalogue.root)
        return await self.committer.carry_out(proposal, author, reason)

    async def _way_back(self, number: int) -> Proposal:
        tree, scopes = await self._work(self._values_of, number)
        scopes = self.committer.scopes_of_change(scopes)
        stored = await self._work(self.rules.revalidate, self.current.stored, tree, scopes)
        return await self.committer.propose(stored.usable(), scopes)

    def _values_of(self, number: int) -> tuple[Tree, frozenset[Path]]:
        """The stored values of an older revision, and where they may differ from today's."""
        tree, scopes = self.current.state, frozenset[Path]()
        for revision in self.store.revisions():
            if revision.number <= number:
                break
            missing = [change for change in revision.changes if look_up(tree, change.path) != change.new]
            if missing:
                raise NoWayBack(f"there is no way back behind revision {revision.number}: one before it is damaged")
            tree = apply(tree, undoing(revision.changes))
            scopes |= scopes_of(revision.changes)
        else:
            raise PathError(f"there is no revision {number}", possible=True)
        if revision.number != number:
            raise PathError(f"there is no revision {number}", possible=True)
        return tree, scopes

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


def _bad(told: ShownChanges, problems: list[Problem]) -> Checked:
    """Nobody was asked."""
    return Checked(good=False, changes=told.changes, problems=problems, modules=[], left_out=told.left_out)
