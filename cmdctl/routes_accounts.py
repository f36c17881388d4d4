"""Users, tokens and the audit log.

GET    /v1/whoami               on whose behalf this request is made
GET    /v1/users                all users
PUT    /v1/users/{name}         {"role": ..., "password": ...}: add one; without a password only tokens let them in
PATCH  /v1/users/{name}         the same: change one
DELETE /v1/users/{name}         remove one, with all tokens
POST   /v1/password             {"current": ..., "password": ...}: change one's own
GET    /v1/tokens               who may administer: all; others: their own
POST   /v1/tokens               {"user", "role", "zones", "label", "lifetime"}: the answer has the token, this once
DELETE /v1/tokens/{id}          revoke one
GET    /v1/audit?before=&limit=&author=&kind=   changes and refusals, newest first
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, get_args

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl.accounts import USER_NAME, Accounts, Token, User, author_name, narrowed_author
from cmdctl.answers import ACCOUNTS_UNREADABLE, answer
from cmdctl.api import AuditEntry, AuditPage, NewToken, TokenEntry, TokenList, UserEntry, UserList, Whoami
from cmdctl.audit import Entry, Kind
from cmdctl.authentication import Throttle
from cmdctl.bodies import body, number, page_limit, segment
from cmdctl.errors import RequestError
from cmdctl.limits import MAX_LABEL, MAX_PASSWORD, MAX_TOKEN_ZONES, MIN_PASSWORD
from cmdctl.parameters import LIMIT
from cmdctl.roles import Role
from cmdctl.routes_zones import parse_origin
from cmdctl.routing import DOMAIN_NAME, Operation, Query, caller_of, keeping_of
from cmdctl.services import Services
from daemonkit.api import Nothing

R = TypeVar("R")
RoleWord = Literal["read", "operate", "configure", "admin"]
NAMED = {"name": {"type": "string", "pattern": f"^{USER_NAME.pattern}$"}}
ZoneName = Annotated[str, Meta(extra_json_schema=dict(DOMAIN_NAME))]
Password = Annotated[str, Meta(max_length=MAX_PASSWORD)]
NewPassword = Annotated[Password, Meta(extra_json_schema={"minLength": MIN_PASSWORD})]  # `Accounts` says it better
MAX_LIFETIME = 10 * 366 * 86400.0  # s
BEFORE = Query("before", "Only what comes before this id.", {"type": "integer", "minimum": 0})
KIND = Query("kind", "Only changes, or only refusals.", {"type": "string", "enum": list(get_args(Kind))})
AUTHOR = Query("author", "Only what this author did.", {"type": "string"})


class UserBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A user to add."""

    role: RoleWord
    password: NewPassword | None = None


class UserChange(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What changes of a user."""

    role: RoleWord | None = None
    password: NewPassword | None = None


def _given(name: str) -> dict[str, object]:
    return {"required": [name], "properties": {name: {"type": "string"}}}


# What `change_user` looks at by itself, so that it can say it better.
SomeUserChange = Annotated[UserChange, Meta(extra_json_schema={"anyOf": [_given("role"), _given("password")]})]


class PasswordBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The password until now, and from now on."""

    current: Password
    password: NewPassword


class TokenBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A token to make. Without a user it is one's own; without a role it may what its user may, or the caller."""

    user: str | None = None
    role: RoleWord | None = None
    zones: Annotated[list[ZoneName], Meta(min_length=1, max_length=MAX_TOKEN_ZONES)] | None = None
    label: Annotated[str, Meta(max_length=MAX_LABEL)] = ""
    lifetime: Annotated[float, Meta(gt=0, le=MAX_LIFETIME)] | None = None  # s


class AccountRoutes:
    """Over the store of cmdctl, in a worker thread."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._guessing = asyncio.Lock()
        self._guesses = Throttle()  # of passwords, by who holds a token and guesses

    def routes(self) -> list[Route]:
        """The routes of this group."""
        user, token = "/v1/users/{name}", "/v1/tokens/{id}"
        page = (BEFORE, LIMIT, AUTHOR, KIND)
        changing = partial(Operation, kept="by-route")
        return [
            Operation("GET", "/v1/whoami", self.whoami, Role.READ, answer=Whoami, any_token=True),
            Operation("GET", "/v1/users", self.users, Role.ADMIN, answer=UserList),
            changing(
                "PUT",
                user,
                self.add_user,
                Role.ADMIN,
                variables=NAMED,
                body=UserBody,
                answer=UserEntry,
                status=201,
            ),
            changing("PATCH", user, self.change_user, Role.ADMIN, body=SomeUserChange, answer=Nothing),
            changing("DELETE", user, self.remove_user, Role.ADMIN, answer=Nothing),
            changing("POST", "/v1/password", self.password, Role.READ, body=PasswordBody, answer=Nothing),
            Operation("GET", "/v1/tokens", self.tokens, Role.READ, answer=TokenList),
            changing("POST", "/v1/tokens", self.add_token, Role.READ, body=TokenBody, answer=NewToken, status=201),
            changing("DELETE", token, self.remove_token, Role.READ, answer=Nothing),
            Operation("GET", "/v1/audit", self.audit, Role.ADMIN, query=page, answer=AuditPage),
        ]

    async def whoami(self, request: Request) -> Response:
        """On whose behalf this request is made."""
        caller = caller_of(request)
        zones = None if caller.zones is None else sorted(caller.zones)
        return answer(Whoami(author=caller.name, role=caller.role.word, token=caller.token, zones=zones))

    async def users(self, _request: Request) -> Response:
        """All users."""
        found = await self._services.store_work(self._accounts().users)
        return answer(UserList(users=[_user(user) for user in found]))

    async def add_user(self, request: Request) -> Response:
        """Add a user."""
        wanted = await body(request, UserBody)
        name = segment(request, "name")
        user = await self._kept(request, 201, self._accounts().add_user, name, Role.of(wanted.role), wanted.password)
        return answer(_user(user), 201)

    async def change_user(self, request: Request) -> Response:
        """Give a user another role or password."""
        wanted = await body(request, UserChange)
        if wanted.role is None and wanted.password is None:
            raise RequestError("usage", "there is nothing to change: a role, a password or both")
        role = None if wanted.role is None else Role.of(wanted.role)
        await self._kept(request, 200, self._accounts().change_user, segment(request, "name"), role, wanted.password)
        return answer({})

    async def password(self, request: Request) -> Response:
        """Give oneself another password."""
        caller = caller_of(request)
        if not caller.user:
            raise RequestError("refused", f"{caller.name} is no user of REST: name the user whose password it is")
        wanted = await body(request, PasswordBody)
        guesses = (caller.user,)
        self._guesses.check(guesses)
        async with self._guessing:
            self._guesses.check(guesses)  # again: others may have been wrong while this one waited
            if await self._services.store_work(self._accounts().by_password, caller.user, wanted.current) is None:
                self._guesses.failed(guesses)
                raise RequestError("refused", "that is not your password until now")
        await self._kept(request, 200, self._accounts().change_user, caller.user, None, wanted.password)
        return answer({})

    async def remove_user(self, request: Request) -> Response:
        """Remove a user, and with them all their tokens."""
        name = segment(request, "name")
        tokens = await self._services.store_work(self._accounts().tokens, name)
        await self._kept(request, 200, self._accounts().remove_user, name)
        for author in (author_name(name), *(narrowed_author(name, token.id) for token in tokens if token.zones)):
            await self._services.candidates.forget(author)
        return answer({})

    async def tokens(self, request: Request) -> Response:
        """The tokens: all, or one's own."""
        found = await self._services.store_work(self._accounts().tokens, self._whose(request))
        return answer(TokenList(tokens=[_token(token) for token in found]))

    async def add_token(self, request: Request) -> Response:
        """Make a token; its text is in this answer and nowhere else."""
        caller = caller_of(request)
        wanted = await body(request, TokenBody)
        if caller.token and caller.role < Role.ADMIN:
            raise RequestError("refused", "a token makes no tokens: ask with the password of its user")
        user = wanted.user or caller.user
        if not user:
            raise RequestError("usage", "name the user the token is for")
        if user != caller.user and caller.role < Role.ADMIN:
            raise RequestError("refused", f"{caller.name} may make tokens for themselves only")
        role = Role.of(wanted.role) if wanted.role is not None else await self._role_of(user, caller.role)
        if role > caller.role:
            raise RequestError("refused", f"{caller.name} may {caller.role.word}, and give no more than that")
        zones = None
        if wanted.zones is not None:
            zones = tuple(parse_origin(zone).canonicalize().to_text(omit_final_dot=True) for zone in wanted.zones)
        add = self._accounts().add_token
        token, text = await self._kept(request, 201, add, user, role, zones, wanted.label, wanted.lifetime)
        return answer(NewToken(token=text, **_token(token)), 201)

    async def remove_token(self, request: Request) -> Response:
        """Revoke a token."""
        remove, identity = self._accounts().remove_token, segment(request, "id")
        token = await self._kept(request, 200, remove, identity, self._whose(request))
        if token.zones is not None:
            await self._services.candidates.forget(narrowed_author(token.user, token.id))
        return answer({})

    async def audit(self, request: Request) -> Response:
        """Changes and refusals, newest first."""
        if self._services.audit is None:
            raise RequestError("unavailable", "the audit log cannot be read now; see the log of cmdctl")
        before, limit = number(request, "before", 0), page_limit(request)
        author = request.query_params.get("author", "")
        found = await self._services.store_work(self._services.audit.page, before, limit, author, _kind(request))
        return answer(AuditPage(entries=[_entry(entry) for entry in found]))

    async def _kept(self, request: Request, status: int, fn: Callable[..., R], *args: Any) -> R:
        """Do what changes users or tokens; its entry in the audit log is made in the same transaction."""
        keeping = keeping_of(request)
        result = await self._services.store_work(fn, *args, note=keeping.note(status))
        keeping.done = True
        return result

    def _accounts(self) -> Accounts:
        if self._services.accounts is None:
            raise RequestError("unavailable", ACCOUNTS_UNREADABLE)
        return self._services.accounts

    async def _role_of(self, user: str, most: Role) -> Role:
        users = await self._services.store_work(self._accounts().users)
        return min(next((found.role for found in users if found.name == user), most), most)

    @staticmethod
    def _whose(request: Request) -> str | None:
        """Whose tokens a caller sees and revokes; None: all."""
        caller = caller_of(request)
        if caller.role >= Role.ADMIN:
            return None
        if not caller.user:  # somebody of this machine; a user of REST by the same name may be somebody else
            raise RequestError("refused", f"{caller.name} is no user of REST and has no tokens")
        return caller.user


def _kind(request: Request) -> Kind | None:
    match request.query_params.get("kind"):
        case None:
            return None
        case "changes":
            return "changes"
        case "refusals":
            return "refusals"
        case other:
            raise RequestError("usage", f"kind must be one of {', '.join(get_args(Kind))}, not {other[:20]!r}")


def _user(user: User) -> UserEntry:
    return UserEntry(name=user.name, role=user.role.word, created=user.created, has_password=user.has_password)


def _token(token: Token) -> TokenEntry:
    return TokenEntry(
        id=token.id,
        user=token.user,
        role=token.role.word,
        zones=None if token.zones is None else list(token.zones),
        label=token.label,
        created=token.created,
        expires=token.expires,
    )


def _entry(entry: Entry) -> AuditEntry:
    return AuditEntry(
        id=entry.id,
        time=entry.time,
        request=entry.request,
        author=entry.author,
        origin=entry.origin,
        token=entry.token,
        method=entry.method,
        path=entry.path,
        status=entry.status,
        text=entry.text,
        revision=entry.changed.revision,
        changed=list(entry.changed.names),
        changes=entry.changed.count,
    )
