"""A route that says what it is: who may use it, what it takes and gives. OpenAPI and the tests of access read it.

    Operation("GET", "/v1/zones/{origin}", self.show, Role.READ, query=(SOURCE,), answer=ZoneEntry, zone="origin")

Who may is checked before the route runs. A zone in the path is what tokens narrowed to zones are checked against.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl.bodies import segment
from cmdctl.recording import KEEPING, READING, Keeping, Kept
from cmdctl.roles import Caller, Role

Endpoint = Callable[[Request], Awaitable[Response]]
JSON = "application/json"
ROUTE = "route"  # in the state of a request: the name of the operation that serves it
# A name as people write it, Unicode and escapes among it: JSON Schema can say no more than that it is one.
DOMAIN_NAME: Mapping[str, Any] = {"type": "string", "minLength": 1, "format": "domain-name"}
NOTHING: Mapping[str, Mapping[str, Any]] = {}
_NAMES = str.maketrans({"/": "_", "{": None, "}": None, "-": "_", ".": "_"})


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query; `schema` is JSON Schema."""

    name: str
    text: str
    schema: Mapping[str, Any]
    required: bool = False


class Operation(Route):
    """One method of one path. The first line of the endpoint's docstring is its summary."""

    def __init__(
        self,
        method: str,
        path: str,
        endpoint: Endpoint,
        role: Role,
        *,
        query: Sequence[Query] = (),
        variables: Mapping[str, Mapping[str, Any]] = NOTHING,
        body: Any = None,
        answer: Any,
        media_type: str = JSON,
        status: int = 200,
        zone: str | None = None,
        any_token: bool = False,
        kept: Kept = "before",
    ) -> None:
        """`answer` is the shape of what it gives, `zone` the path parameter with the zone.

        `variables`: JSON Schema of variable parts of the path that are not just any text.

        `any_token`: also for tokens that are for some zones only. `kept`: how its changes come into the audit log.
        """
        self.method = method
        self.role = role
        self.query = tuple(query)
        self.variables = {**({zone: DOMAIN_NAME} if zone is not None else {}), **variables}
        self.body = body
        self.answer = answer
        self.media_type = media_type
        self.status = status
        self.summary = (inspect.getdoc(endpoint) or "").partition("\n")[0]
        self.endpoint_name = f"{method.lower()}_{path.strip('/').translate(_NAMES)}"
        self._zone = zone
        self._any_token = any_token
        self.kept = kept
        self._serve = endpoint
        super().__init__(path, self._checked, methods=[method], name=f"{method} {path}")

    @property
    def narrowed(self) -> bool:
        """Whether tokens narrowed to zones may use it, for their zones."""
        return self._any_token or self._zone is not None

    async def _checked(self, request: Request) -> Response:
        """Who may not is told so; else the endpoint's answer."""
        setattr(request.state, ROUTE, self.name)
        caller = caller_of(request)
        if not (self._any_token and caller.role >= self.role):
            caller.require(self.role, _zone_named(request, self._zone))
        if self.method not in READING and self.kept != "by-route":
            await keeping_of(request).begin(needed=self.kept == "before")
        return await self._serve(request)


def caller_of(request: Request) -> Caller:
    """On whose behalf a request is made."""
    caller: Caller = request.state.caller
    return caller


def keeping_of(request: Request) -> Keeping:
    """How what a request changes comes into the audit log."""
    keeping: Keeping = getattr(request.state, KEEPING)
    return keeping


def _zone_named(request: Request, parameter: str | None) -> str | None:
    return None if parameter is None else segment(request, parameter).lower().removesuffix(".") or "."
