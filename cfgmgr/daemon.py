"""The configuration manager: keeps the truth, hands it to every daemon, changes it everywhere or nowhere.

bob.yaml --seed--> store <--commit-- candidates <--edits-- cmdctl
                     |
             get, prepare, commit, abort --> every daemon
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Coroutine
from typing import Any

from cfgmgr import api, edits, guidance
from cfgmgr.answers import (
    checked_reason,
    problems_of,
    refusals,
    rfc3339,
    shown_candidate,
    shown_changes,
    shown_revision,
    shown_summary,
)
from cfgmgr.arguments import read_arguments
from cfgmgr.commit import CommitProtocol
from cfgmgr.committer import Outcome
from cfgmgr.current import Rules
from cfgmgr.errors import StoreError, StoreUncertain, StoreUnreachable
from cfgmgr.handing import page_of
from cfgmgr.listing import Listing
from cfgmgr.manager import Edit, Manager
from cfgmgr.narrowing import narrowed, narrowed_root, place_seen
from cfgmgr.own_part import CfgmgrPart
from cfgmgr.seed import changed_secrets, read_seed
from cfgmgr.showing import candidate_of, show
from cfgmgr.start import DamageReporter, open_current
from cfgmgr.store import Store
from cfgmgr.stores import open_store
from cfgmgr.tally import SLIPS, Tally
from daemonkit.api import Configuration, GetConfiguration, RevisionCommitted
from daemonkit.document import DocumentError
from daemonkit.log import note_revision
from daemonkit.module import Context, Module, command
from msgq.envelope import MAX_TEXT
from msgq.errors import Refused
from msgq.session import IncomingCall

FIRST_WAIT, LONGEST_WAIT = 0.25, 5.0  # seconds between attempts to reach the server of the store
COMMIT = "configuration_commit"  # the family of durations: from the beginning of a commit to its end
VERIFY_BATCH = 50  # revisions read in one job of the worker thread


class CfgmgrDaemon(Module):
    """Keeps the configuration and commits changes to it on all modules concerned or on none."""

    name = "cfgmgr"
    uses_configuration = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._ready: asyncio.Future[Manager] = asyncio.get_running_loop().create_future()
        self._reporter = DamageReporter(context.log)
        self._listing = Listing()
        self._tally = Tally(context.counters)
        self._commits: set[asyncio.Task[Any]] = set()
        context.durations.declare(COMMIT, [""])

    @property
    def own_revision(self) -> int:
        """The current one."""
        return self._ready.result().current.revision if self._ready.done() else 0

    async def on_start(self) -> None:
        """Open the store, seed it if it is empty, and answer."""
        context = self.context
        self._arguments = read_arguments(context.arguments)
        rules = await context.work(Rules.of, self._arguments, context.directories.substitute)
        store = await self._open_store()
        current = await context.work(open_current, store, rules, self._arguments.seed, context.log, self._reporter)
        own = CfgmgrPart(context)
        await own.start(page_of(current, self.name))
        manager = Manager(
            store,
            rules,
            current,
            protocol=CommitProtocol(context.session, context.log, own),
            work=context.work,
            members=self._members,
            log=context.log,
        )
        await manager.restore_candidates()
        self._reporter.tell(store)
        assert store.head is not None
        self._tally.in_effect(store.head)
        self._ready.set_result(manager)
        await context.session.publish(RevisionCommitted.topic, RevisionCommitted(current.revision))
        context.spawn(self._verify(manager), "verify")

    async def on_stop(self) -> None:
        """Let a commit in hand come to its end, then let the store go."""
        await asyncio.gather(*self._commits, return_exceptions=True)
        if self._ready.done():
            await self.context.work(self._ready.result().store.close)

    async def _open_store(self) -> Store:
        """Open the store; a server that does not answer is waited for, while all else goes on as it was."""
        context, wait = self.context, FIRST_WAIT
        for attempt in itertools.count(1):
            try:
                return await context.work(
                    open_store, self._arguments.store, context.directories.state, context.directories.substitute
                )
            except StoreUnreachable as error:
                context.log.warning("CFGMGR_STORE_WAITING", reason=error, seconds=wait)
                context.progress = f"waiting for the configuration store, attempt {attempt}"
            await asyncio.sleep(wait)
            wait = min(2 * wait, LONGEST_WAIT)
        raise AssertionError("the attempts do not end")

    # What members ask.

    @command(GetConfiguration)
    async def get(self, _call: IncomingCall, request: GetConfiguration) -> Configuration:
        """Hand a module its configuration."""
        manager = await self._manager()
        # Nothing is awaited here: an answer that a commit could overtake would take the module back.
        return manager.committer.configuration(request)

    # What operators ask.

    @command(api.Show)
    async def show(self, _call: IncomingCall, request: api.Show) -> api.Shown:
        """Values below a path."""
        manager = await self._manager()
        with refusals():
            return await self.context.work(show, manager, request)

    @command(api.Complete)
    async def complete(self, _call: IncomingCall, request: api.Complete) -> api.Paths:
        """How a path can go on."""
        manager = await self._manager()
        limit = max(1, min(request.limit, api.MAX_KNOWN))

        def paths() -> api.Paths:
            tree, catalogue = candidate_of(manager, request.author, request.zones)
            root = narrowed_root(catalogue, request.zones)
            return api.Paths(*guidance.paths(request.path, root, tree, limit))

        return await self.context.work(paths)

    @command(api.Describe)
    async def describe(self, _call: IncomingCall, request: api.Describe) -> api.Described:
        """What an option takes."""
        manager = await self._manager()

        def described() -> api.Described:
            tree, catalogue = candidate_of(manager, request.author, request.zones)
            place_seen(request.path, catalogue, tree, request.zones, deepest=True)
            return guidance.describe(request.path, catalogue.root, tree, prefix=request.prefix)

        with refusals():
            return await self.context.work(described)

    @command(api.Entries)
    async def entries(self, _call: IncomingCall, request: api.Entries) -> api.EntryPage:
        """A page of a long map."""
        manager = await self._manager()
        limit = max(1, min(request.limit, api.MAX_SHOWN_ROWS))
        with refusals():
            return await self.context.work(self._listing.page, manager, request, limit)

    @command(api.Export)
    async def export(self, _call: IncomingCall, _request: api.Export) -> api.Exported:
        """The configuration as a file."""
        from cfgmgr.export import export  # ruamel.yaml is for this alone

        manager = await self._manager()
        current, source = manager.current, self._arguments.seed
        # It takes long for a long file, and the store has no part in it: not in the worker thread.
        done = await asyncio.to_thread(export, current, manager.rules, source)
        if len(done.text.encode()) > api.MAX_EXPORT:
            raise Refused("refused", f"the configuration is larger than the {api.MAX_EXPORT} octets an answer takes")
        return api.Exported(current.revision, done.text, "" if done.left else str(source or ""), done.left)

    @command(api.Set)
    async def set_value(self, _call: IncomingCall, request: api.Set) -> api.Candidate:
        """Give an option another value."""
        return await self._edit(request, api.Edit("set", request.path, request.value))

    @command(api.Unset)
    async def unset(self, _call: IncomingCall, request: api.Unset) -> api.Candidate:
        """Give an option its default back."""
        return await self._edit(request, api.Edit("unset", request.path))

    @command(api.Add)
    async def add(self, _call: IncomingCall, request: api.Add) -> api.Candidate:
        """Append to a list, or make an entry."""
        return await self._edit(request, api.Edit("add", request.path, request.value, request.key))

    @command(api.Remove)
    async def remove(self, _call: IncomingCall, request: api.Remove) -> api.Candidate:
        """Take out of a list, or an entry away."""
        return await self._edit(request, api.Edit("remove", request.path, request.value, request.key))

    @command(api.Diff)
    async def diff(self, _call: IncomingCall, request: api.Diff) -> api.Candidate:
        """What a candidate changes."""
        manager = await self._manager()
        return shown_candidate(manager.candidate(request.author), manager.current)

    @command(api.ListCandidates)
    async def candidates(self, _call: IncomingCall, _request: api.ListCandidates) -> api.CandidateList:
        """Who has uncommitted changes."""
        manager = await self._manager()
        return api.CandidateList(await manager.all_candidates(), manager.current.revision)

    @command(api.Discard)
    async def discard(self, _call: IncomingCall, request: api.Discard) -> api.Candidate:
        """Forget a candidate."""
        manager = await self._manager()
        with refusals():
            return shown_candidate(await manager.discard(request.author), manager.current)

    @command(api.Rebase)
    async def rebase(self, _call: IncomingCall, request: api.Rebase) -> api.Candidate:
        """Bring a candidate onto the newest revision."""
        manager = await self._manager()
        with refusals():
            return shown_candidate(await manager.rebase(request.author), manager.current)

    @command(api.Check)
    async def check(self, _call: IncomingCall, request: api.Check) -> api.Checked:
        """What a commit would meet."""
        manager = await self._manager()
        with refusals():
            return await manager.check(request.author, request.role, request.zones)

    @command(api.Rehearse)
    async def rehearse(self, _call: IncomingCall, request: api.Rehearse) -> api.Checked:
        """What edits would change and meet."""
        if len(request.edits) > api.MAX_REHEARSED:
            raise Refused("usage", f"at most {api.MAX_REHEARSED} edits are tried together, not {len(request.edits)}")
        manager = await self._manager()
        with refusals(invalid="usage"):
            tried = [_narrowed(edit, request.zones) for edit in request.edits]
            return await manager.rehearse(request.author, tried, request.role, request.zones, check=request.check)

    @command(api.Commit)
    async def commit(self, _call: IncomingCall, request: api.Commit) -> api.Committed:
        """Put a candidate into effect."""
        manager = await self._manager()
        commit = manager.commit(request.author, checked_reason(request.reason), request.role, request.zones)
        outcome = await self._to_its_end(commit, request.author)
        told = shown_changes(outcome.revision.changes, manager.current.catalogue)
        return api.Committed(
            revision=outcome.revision.number,
            changes=told.changes,
            left_out=told.left_out,
            warnings=outcome.warnings,
            modules=outcome.answers,
            late=outcome.late,
        )

    @command(api.Reload)
    async def reload(self, _call: IncomingCall, request: api.Reload) -> api.Reloaded:
        """Read bob.yaml again."""
        manager = await self._manager()
        path = self._arguments.seed
        if path is None:
            raise Refused("not-found", "the suite was started without a configuration file")
        try:
            seed = await self.context.work(read_seed, path, manager.rules)
        except DocumentError as error:
            self.context.log.error("CFGMGR_RELOAD_FAILED", source=path, reason=error)
            raise Refused("refused", str(error)[:MAX_TEXT]) from error
        errors = seed.lines(seed.validated.findings.errors)
        if errors and request.apply:
            for line in errors:
                self.context.log.error("CFGMGR_RELOAD_FAILED", source=path, reason=line)
            raise Refused("refused", f"{len(errors)} errors; {errors[0]}"[:MAX_TEXT])
        with refusals():
            proposal = None if errors else await manager.preview(seed.validated)
        changes = [] if proposal is None else list(proposal.changes)
        secrets = [] if proposal is None else changed_secrets(manager.current.effective, proposal.after.effective)
        self._tally.reloaded()
        self.context.log.info("CFGMGR_RELOADED", source=path, changes=len(changes), secrets=len(secrets))
        shown, problems = shown_changes(changes, manager.current.catalogue), seed.problems()
        if not request.apply or not (changes or secrets):
            return api.Reloaded(str(path), shown.changes, problems, secrets=secrets, left_out=shown.left_out)
        reason = checked_reason(request.reason) or f"{path} was read again"
        replaced = manager.replace(seed.validated, request.author, reason, request.role)
        outcome = await self._to_its_end(replaced, request.author)
        number, answers, late = outcome.revision.number, outcome.answers, outcome.late
        return api.Reloaded(str(path), shown.changes, problems, number, answers, late, secrets, shown.left_out)

    @command(api.Rollback)
    async def rollback(self, _call: IncomingCall, request: api.Rollback) -> api.RolledBack:
        """Put the values of an older revision into effect."""
        manager = await self._manager()
        with refusals():
            proposal = await manager.way_back(request.revision)
        shown = shown_changes(proposal.changes, manager.current.catalogue)
        if not request.apply:
            warnings = problems_of(proposal.after.stored.findings)
            return api.RolledBack(request.revision, shown.changes, warnings, left_out=shown.left_out)
        reason = checked_reason(request.reason) or f"back to revision {request.revision}"
        back = manager.roll_back(request.revision, request.author, reason, request.role)
        outcome = await self._to_its_end(back, request.author)
        self._tally.rolled_back()
        shown = shown_changes(outcome.revision.changes, manager.current.catalogue)
        number, answers, late = outcome.revision.number, outcome.answers, outcome.late
        warnings, left_out = outcome.warnings, shown.left_out
        return api.RolledBack(request.revision, shown.changes, warnings, number, answers, late, left_out)

    @command(api.History)
    async def history(self, _call: IncomingCall, request: api.History) -> api.Revisions:
        """The revisions, newest first."""
        manager = await self._manager()
        limit = max(1, min(request.limit, api.MAX_HISTORY))

        def page() -> list[api.Revision]:
            if not request.changes_too:
                return [
                    shown_summary(one) for one in itertools.islice(manager.store.summaries(request.before), limit + 1)
                ]
            catalogue, found = manager.current.catalogue, manager.store.revisions(request.before)
            return [shown_revision(one, catalogue) for one in itertools.islice(found, limit + 1)]

        with refusals():
            found = await self.context.work(page)
        self._reporter.tell(manager.store)
        return api.Revisions(found[:limit], more=len(found) > limit)

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """How cfgmgr is."""
        manager = await self._manager()
        head = manager.store.head
        assert head is not None
        seed = self._arguments.seed
        return api.StatusReply(
            revision=manager.current.revision,
            time=rfc3339(head),
            author=head.author,
            store=manager.store.name,
            source=str(seed) if seed else "",
            committing=manager.protocol.revision,
            candidates=manager.candidates.authors,
            overlay=manager.rules.overlay_shown(),
            damage=[api.Damage(damage.kept, damage.reason) for damage in manager.store.damage],
            warnings=problems_of(manager.current.running.findings),
        )

    # How.

    async def _manager(self) -> Manager:
        """The manager; commands that come before it is there wait for it, each until its own deadline."""
        return await asyncio.shield(self._ready)

    def _members(self) -> list[tuple[str, str]]:
        return [(entry.member, entry.module) for entry in self.context.session.members()]

    async def _edit(self, request: api.Set | api.Unset | api.Add | api.Remove, edit: api.Edit) -> api.Candidate:
        author = request.author
        if not 0 < len(author) <= api.MAX_AUTHOR or not author.isprintable():
            raise Refused("usage", f"an author is 1 to {api.MAX_AUTHOR} printable characters")
        manager = await self._manager()
        with refusals(invalid="usage"):
            candidate = await manager.edit(author, _narrowed(edit, request.zones))
        self._tally.edited()
        return shown_candidate(candidate, manager.current)

    async def _to_its_end(self, commit: Coroutine[Any, Any, Outcome], author: str) -> Outcome:
        """Carry a commit out, whoever asked for it waiting or not."""
        task = asyncio.create_task(self._committed(commit, author))
        self._commits.add(task)
        task.add_done_callback(self._commits.discard)
        return await asyncio.shield(task)

    async def _committed(self, commit: Coroutine[Any, Any, Outcome], author: str) -> Outcome:
        log = self.context.log
        try:
            with refusals(), self.context.durations.taking(COMMIT, ""):
                outcome = await commit
        except Refused as error:
            self._tally.failed(error.__cause__)
            if isinstance(error.__cause__, StoreUncertain):
                self.context.fail(error.__cause__)
            if isinstance(error.__cause__, SLIPS):
                log.info("CFGMGR_COMMIT_DECLINED", author=author, reason=error.text)
            else:
                log.warning("CFGMGR_COMMIT_REFUSED", author=author, reason=error.text)
            raise
        revision = outcome.revision
        reason = revision.reason or "no reason given"
        count = len(revision.changes)
        note_revision(revision.number)
        self._tally.committed(outcome)
        log.info("CFGMGR_COMMITTED", revision=revision.number, author=author, changes=count, reason=reason)
        await self.context.session.publish(RevisionCommitted.topic, RevisionCommitted(revision.number))
        self.context.spawn(self._maintain(), "maintain")
        return outcome

    async def _maintain(self) -> None:
        manager = await self._manager()
        try:
            await self.context.work(manager.store.maintain)
        except StoreError as error:  # what is committed is safe all the same
            self.context.log.warning("CFGMGR_STORE_UNTIDY", reason=error)

    async def _verify(self, manager: Manager) -> None:
        """Read all revisions once: damage to old ones shall be known while a copy may still exist elsewhere."""
        before = 0

        def batch() -> int:
            read = [revision.number for revision in itertools.islice(manager.store.summaries(before), VERIFY_BATCH)]
            return read[-1] if read else 0

        while True:
            before = await self.context.work(batch)
            self._reporter.tell(manager.store)
            if not before:
                return


def _narrowed(edit: api.Edit, zones: api.Zones) -> Edit:
    """What an edit does; raises NotPermitted then where it is not within these zones."""
    key = edit.value if edit.key is None else edit.key
    match edit.order:
        case "set":
            return narrowed(lambda t, c, at: edits.set_value(t, c, at, edit.value), edit.path, None, zones)
        case "unset":
            return narrowed(edits.unset, edit.path, None, zones)
        case "add":
            return narrowed(lambda t, c, at: edits.add(t, c, at, edit.value, edit.key), edit.path, key, zones)
        case "remove":
            return narrowed(lambda t, c, at: edits.remove(t, c, at, edit.value, edit.key), edit.path, key, zones)
