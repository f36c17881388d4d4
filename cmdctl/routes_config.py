"""Configuration. Every author has one candidate; who the author is, the kernel says, or their credentials.

A token that is narrowed to zones sees and changes the rows of those only, in a candidate of its own; cfgmgr sees to it.
What is marked with * is not for such a token.

GET  /v1/config?path=&form=complete|stored|candidate
GET  /v1/config/complete?path=&limit= how a path can go on
GET  /v1/config/describe?path=&prefix= what an option takes
GET  /v1/config/candidate             what the candidate changes
GET  /v1/config/candidates            everybody's, in short; for who may administer  *
GET  /v1/config/candidates/{author}   what somebody's candidate changes; for who may administer  *
DELETE /v1/config/candidates/{author} forget it; for who may administer  *
GET  /v1/config/entries?path=&after=&limit=&form=complete|stored
GET  /v1/config/export                the configuration as a bob.yaml  *
POST /v1/config/set                   {"path": ..., "value": ...}
POST /v1/config/unset                 {"path": ...}
POST /v1/config/add                   {"path": ..., "value": ..., "key": ...}
POST /v1/config/remove                {"path": ..., "value": ..., "key": ...}
POST /v1/config/discard               forget the candidate
POST /v1/config/rebase                bring it onto the newest revision
POST /v1/config/check                 what a commit would meet
POST /v1/config/rehearse              {"edits": [...], "check": false} -> what they would change and meet; none is kept
POST /v1/config/commit                {"reason": ...}
POST /v1/config/reload                {"apply": false, "reason": ...}  *
POST /v1/config/rollback              {"revision": ..., "apply": true, "reason": ...}  *
GET  /v1/config/behind?revision=      what still runs with an older revision
GET  /v1/config/history?before=&limit=&changes=true  *
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import MethodType
from typing import Annotated, Any, Literal, get_args

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bob import api as bob
from cfgmgr import api
from cmdctl.accounts import narrowed_author
from cmdctl.answers import answer
from cmdctl.bodies import body, flag, number, page_limit, segment
from cmdctl.candidates import Candidates
from cmdctl.errors import RequestError
from cmdctl.limits import COMMIT_SECONDS, MAX_REASON, STATUS_SECONDS
from cmdctl.parameters import LIMIT
from cmdctl.recording import Kept
from cmdctl.roles import Role
from cmdctl.routing import Operation, Query, caller_of, keeping_of
from cmdctl.services import Services, author_of, note_changed, only_reads
from daemonkit.findings import did_you_mean

RUNNING = "running"  # the state of a process, as bob tells it
EXPORT_SECONDS = 60.0  # a long file with comments takes its time

ConfigPath = Annotated[str, Meta(max_length=4096)]
# JSON has no integers: 3.0 is one to JSON Schema, and so to whoever goes by the document.
RevisionNumber = Annotated[float, Meta(ge=1, lt=2**53, multiple_of=1)]
Reason = Annotated[str, Meta(max_length=MAX_REASON)]

PATH = Query("path", "Where in the configuration; empty is all of it.", {"type": "string"})
FORM = Query(
    "form", "Complete, as stored, or as the candidate has it.", {"type": "string", "enum": list(get_args(api.Form))}
)
ENTRIES_FORM = Query("form", "Complete, or as stored.", {"type": "string", "enum": ["complete", "stored"]})
AFTER = Query("after", "Only entries behind this key.", {"type": "string"})
PREFIX = Query("prefix", "Only names that begin so.", {"type": "string"})
BEFORE = Query("before", "Only revisions before this one.", {"type": "integer", "minimum": 0})
REVISION = Query("revision", "The revision that they should have.", {"type": "integer", "minimum": 1}, required=True)
CHANGES = Query("changes", "Whether to tell the changes, too.", {"type": "boolean"})


class Laggard(msgspec.Struct, frozen=True):
    """A process and the revision it has."""

    instance: str
    revision: int


class Behind(msgspec.Struct, frozen=True):
    """What has an older one than this; those without configuration do not count."""

    revision: int
    behind: list[Laggard]


class PathBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option."""

    path: ConfigPath


class ValueBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An option and its new value."""

    path: ConfigPath
    value: Any


class EntryBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An entry of a list (a value) or of a map (a key, and a value if it is added)."""

    path: ConfigPath
    value: Any = None
    key: str | None = None


class RehearsedEdit(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An edit as the route of its order takes it."""

    order: Literal["set", "unset", "add", "remove"]
    path: ConfigPath
    value: Any = None
    key: str | None = None


class RehearseBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Edits, in their order; `check`: whether they are to be checked as for a commit."""

    edits: Annotated[list[RehearsedEdit], Meta(max_length=api.MAX_REHEARSED)]
    check: bool = False


class CommitBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Why."""

    reason: Reason = ""


class ReloadBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whether to put it into effect, and why."""

    apply: bool = False
    reason: Reason = ""


class RollbackBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which revision to go back to, whether to do it, and why."""

    revision: RevisionNumber
    apply: bool = True
    reason: Reason = ""


class ConfigRoutes:
    """Relays to cfgmgr, under the author's name."""

    def __init__(self, services: Services) -> None:
        self._candidates: Candidates = services.candidates
        self._session = services.session

    def routes(self) -> list[Route]:
        """The routes of this group."""
        return [entry.operation(self) for entry in _TABLE]

    async def show(self, request: Request) -> Response:
        """Values below a path."""
        form = request.query_params.get("form", "complete")
        if form not in get_args(api.Form):
            raise RequestError("usage", f"form must be one of {', '.join(get_args(api.Form))}, not {form[:20]!r}")
        path = request.query_params.get("path", "")
        return answer(await self._session.call(api.Show(path, form, _author(request), _zones(request))))  # type: ignore[arg-type]

    async def complete(self, request: Request) -> Response:
        """How a path can go on."""
        path = request.query_params.get("path", "")
        limit = min(page_limit(request), api.MAX_KNOWN)
        return answer(await self._session.call(api.Complete(_author(request), path, limit, _zones(request))))

    async def describe(self, request: Request) -> Response:
        """What an option takes."""
        path, prefix = request.query_params.get("path", ""), request.query_params.get("prefix", "")
        return answer(await self._session.call(api.Describe(_author(request), path, prefix, _zones(request))))

    async def entries(self, request: Request) -> Response:
        """A page of a long map."""
        form = request.query_params.get("form", "complete")
        if form not in ("complete", "stored"):
            raise RequestError("usage", f"form must be complete or stored, not {form[:20]!r}")
        path, after = request.query_params.get("path", ""), request.query_params.get("after", "")
        page = api.Entries(path, after, page_limit(request), form, _zones(request))  # type: ignore[arg-type]
        return answer(await self._session.call(page))

    async def export(self, _request: Request) -> Response:
        """The configuration as a file."""
        return answer(await self._session.call(api.Export(), timeout=EXPORT_SECONDS))

    async def diff(self, request: Request) -> Response:
        """What the candidate changes."""
        return await self._do(request, api.Diff(_author(request)))

    async def set(self, request: Request) -> Response:
        """Give an option another value."""
        wanted = await body(request, ValueBody)
        note_changed(request, [wanted.path])
        return await self._do(request, api.Set(_author(request), wanted.path, wanted.value, _zones(request)))

    async def unset(self, request: Request) -> Response:
        """Give an option its default back."""
        wanted = await body(request, PathBody)
        note_changed(request, [wanted.path])
        return await self._do(request, api.Unset(_author(request), wanted.path, _zones(request)))

    async def add(self, request: Request) -> Response:
        """Add an entry."""
        wanted = await body(request, EntryBody)
        note_changed(request, [_place(wanted)])
        edit = api.Add(_author(request), wanted.path, wanted.value, wanted.key, _zones(request))
        return await self._do(request, edit)

    async def remove(self, request: Request) -> Response:
        """Take an entry away."""
        wanted = await body(request, EntryBody)
        note_changed(request, [_place(wanted)])
        edit = api.Remove(_author(request), wanted.path, wanted.value, wanted.key, _zones(request))
        return await self._do(request, edit)

    async def discard(self, request: Request) -> Response:
        """Forget the candidate."""
        return await self._do(request, api.Discard(_author(request)))

    async def candidates(self, _request: Request) -> Response:
        """Who has uncommitted changes."""
        return answer(await self._candidates.all())

    async def diff_of(self, request: Request) -> Response:
        """What somebody's candidate changes."""
        author = segment(request, "author")
        known = [one.author for one in (await self._candidates.all()).candidates]
        if author not in known:
            hint = did_you_mean(author, known)
            raise RequestError("not-found", f"{author[: api.MAX_AUTHOR]} has no uncommitted changes{hint}")
        return answer(await self._session.call(api.Diff(author)))

    async def discard_of(self, request: Request) -> Response:
        """Forget somebody's candidate."""
        author = segment(request, "author")
        note_changed(request, [f"the candidate of {author[: api.MAX_AUTHOR]}"])
        return answer(await self._candidates.discard(author))

    async def rebase(self, request: Request) -> Response:
        """Bring the candidate onto the newest revision."""
        return await self._do(request, api.Rebase(_author(request)))

    async def check(self, request: Request) -> Response:
        """What a commit would meet."""
        only_reads(request)
        return await self._do(request, api.Check(_author(request), _role_of(request), _zones(request)))

    async def rehearse(self, request: Request) -> Response:
        """What edits would change and meet."""
        only_reads(request)
        wanted = await body(request, RehearseBody)
        edits = [api.Edit(one.order, one.path, one.value, one.key) for one in wanted.edits]
        question = api.Rehearse(_author(request), edits, wanted.check, _role_of(request), _zones(request))
        return answer(await self._session.call(question, timeout=COMMIT_SECONDS))

    async def commit(self, request: Request) -> Response:
        """Put the candidate into effect."""
        wanted = await body(request, CommitBody)
        order = api.Commit(_author(request), wanted.reason, _role_of(request), _zones(request))
        return _made(request, await self._candidates.commit(order))

    async def reload(self, request: Request) -> Response:
        """Read bob.yaml again."""
        wanted = await body(request, ReloadBody)
        author = author_of(request)
        order = api.Reload(author, wanted.reason, wanted.apply, _role_of(request))
        return _made(request, await self._candidates.do(author, order))

    async def rollback(self, request: Request) -> Response:
        """Put the values of an older revision into effect."""
        wanted = await body(request, RollbackBody)
        if wanted.apply:
            await keeping_of(request).begin(needed=True)
        else:
            only_reads(request)
        author = author_of(request)
        order = api.Rollback(author, int(wanted.revision), wanted.reason, wanted.apply, _role_of(request))
        return _made(request, await self._candidates.do(author, order))

    async def behind(self, request: Request) -> Response:
        """What still runs with an older configuration than this revision."""
        revision = number(request, REVISION.name, 0)
        if not revision:
            raise RequestError("usage", "revision must be the number of a revision")
        suite = await self._session.call(bob.Status(), timeout=STATUS_SECONDS)
        return answer(
            Behind(
                revision=revision,
                behind=[
                    Laggard(instance=f"{one.component}/{one.instance}", revision=one.revision)
                    for one in suite.components
                    if one.state == RUNNING and 0 < one.revision < revision
                ],
            )
        )

    async def history(self, request: Request) -> Response:
        """The revisions, newest first."""
        before = number(request, "before", 0)
        return answer(await self._session.call(api.History(before, page_limit(request), flag(request, "changes"))))

    async def _do(self, request: Request, message: Any) -> Response:
        return answer(await self._candidates.do(_author(request), message))


def _author(request: Request) -> str:
    """Whose candidate it is: a token that is narrowed to zones has one of its own, apart from its user's."""
    caller = caller_of(request)
    return author_of(request) if caller.zones is None else narrowed_author(caller.user, caller.token)


def _zones(request: Request) -> api.Zones:
    zones = caller_of(request).zones
    return None if zones is None else tuple(sorted(zones))


def _place(entry: EntryBody) -> str:
    return entry.path if entry.key is None else f"{entry.path}[{entry.key}]"


def _made(request: Request, outcome: api.Committed | api.Reloaded | api.RolledBack) -> Response:
    """The answer; where a revision came of it the audit log has its number."""
    if outcome.revision:
        note_changed(request, [change.path for change in outcome.changes], outcome.revision, outcome.left_out)
    return answer(outcome)


def _role_of(request: Request) -> api.Role:
    """What cfgmgr has to know of who asks: some options take the role admin."""
    return "admin" if caller_of(request).role >= Role.ADMIN else "configure"


@dataclass(frozen=True, slots=True)
class _Entry:
    """One row of the table below: a method and a path behind /v1/config, and what serves them."""

    method: Literal["GET", "POST", "DELETE"]
    path: str
    endpoint: Callable[[ConfigRoutes, Request], Awaitable[Response]]
    answer: type[msgspec.Struct]
    query: tuple[Query, ...] = ()
    body: type[msgspec.Struct] | None = None
    role: Role | None = None  # what it takes; otherwise `read` to look, and `configure` to change
    kept: Kept = "before"
    any_token: bool = True  # also those that are for some zones only: cfgmgr sees to what they see and change

    def operation(self, routes: ConfigRoutes) -> Operation:
        """The route."""
        role = self.role or (Role.READ if self.method == "GET" else Role.CONFIGURE)
        endpoint = MethodType(self.endpoint, routes)
        return Operation(
            self.method,
            f"/v1/config{self.path}",
            endpoint,
            role,
            query=self.query,
            body=self.body,
            answer=self.answer,
            any_token=self.any_token,
            kept=self.kept,
        )


_TABLE = (
    _Entry("GET", "", ConfigRoutes.show, api.Shown, (PATH, FORM)),
    _Entry("GET", "/complete", ConfigRoutes.complete, api.Paths, (PATH, LIMIT)),
    _Entry("GET", "/describe", ConfigRoutes.describe, api.Described, (PATH, PREFIX)),
    _Entry("GET", "/candidate", ConfigRoutes.diff, api.Candidate),
    _Entry("GET", "/candidates", ConfigRoutes.candidates, api.CandidateList, role=Role.ADMIN, any_token=False),
    _Entry("GET", "/candidates/{author}", ConfigRoutes.diff_of, api.Candidate, role=Role.ADMIN, any_token=False),
    _Entry("DELETE", "/candidates/{author}", ConfigRoutes.discard_of, api.Candidate, role=Role.ADMIN, any_token=False),
    _Entry("GET", "/entries", ConfigRoutes.entries, api.EntryPage, (PATH, AFTER, LIMIT, ENTRIES_FORM)),
    _Entry("GET", "/export", ConfigRoutes.export, api.Exported, any_token=False),
    _Entry("POST", "/set", ConfigRoutes.set, api.Candidate, body=ValueBody),
    _Entry("POST", "/unset", ConfigRoutes.unset, api.Candidate, body=PathBody),
    _Entry("POST", "/add", ConfigRoutes.add, api.Candidate, body=EntryBody),
    _Entry("POST", "/remove", ConfigRoutes.remove, api.Candidate, body=EntryBody),
    _Entry("POST", "/discard", ConfigRoutes.discard, api.Candidate),
    _Entry("POST", "/rebase", ConfigRoutes.rebase, api.Candidate),
    _Entry("POST", "/check", ConfigRoutes.check, api.Checked, kept="by-route"),  # it changes nothing
    _Entry("POST", "/rehearse", ConfigRoutes.rehearse, api.Checked, body=RehearseBody, kept="by-route"),
    _Entry("POST", "/commit", ConfigRoutes.commit, api.Committed, body=CommitBody),
    _Entry("POST", "/reload", ConfigRoutes.reload, api.Reloaded, body=ReloadBody, any_token=False),
    _Entry(
        "POST", "/rollback", ConfigRoutes.rollback, api.RolledBack, body=RollbackBody, any_token=False, kept="by-route"
    ),
    _Entry("GET", "/behind", ConfigRoutes.behind, Behind, (REVISION,)),
    _Entry("GET", "/history", ConfigRoutes.history, api.Revisions, (BEFORE, LIMIT, CHANGES), any_token=False),
)
