"""The processes of the suite. What runs is asked of bob; what shall run is configuration below `components`.

GET    /v1/components                 every process
GET    /v1/components/{name}          one component (`auth`) or instance (`auth%2F1`)
POST   /v1/components/{name}/{order}  start, stop or restart
PUT    /v1/components/{name}          {"values": {...}, "reason": ...}: add it; committed at once
PATCH  /v1/components/{name}          the same: change it; a value of null goes back to its default
DELETE /v1/components/{name}?reason=  remove it
"""

from __future__ import annotations

import re
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bob import api as bob
from cfgmgr import api as cfgmgr
from cmdctl.answers import answer
from cmdctl.bodies import body, segment
from cmdctl.candidates import Edit
from cmdctl.errors import RequestError
from cmdctl.limits import CALL_SECONDS, MAX_REASON, STATUS_SECONDS
from cmdctl.parameters import REASON
from cmdctl.roles import Role
from cmdctl.routes_config import Reason
from cmdctl.routing import Operation
from cmdctl.services import Services, author_of, note_changed
from daemonkit.api import Nothing
from daemonkit.findings import format_path
from msgq.errors import Refused

ORDERS: dict[str, type[bob.Start | bob.Stop | bob.Restart]] = {
    "start": bob.Start,
    "stop": bob.Stop,
    "restart": bob.Restart,
}
COMPONENTS = "components"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,62}")
NAMED = {"name": {"type": "string", "pattern": f"^{_NAME.pattern}$"}}


class ComponentBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of a component, and why they change."""

    values: dict[str, Any] = {}
    reason: Reason = ""


class ComponentChange(ComponentBody, frozen=True, forbid_unknown_fields=True):
    """Options of a component that change (null: back to their default), and why."""

    values: Annotated[dict[str, Any], Meta(extra_json_schema={"minProperties": 1})]


class Processes(TypedDict):
    """Every process, and the components that are configured not to run."""

    components: list[bob.InstanceStatus]
    disabled: list[str]


class ComponentShown(TypedDict):
    """The processes of one component, and what is configured for it."""

    component: str
    instances: list[bob.InstanceStatus]
    configuration: dict[str, Any]


class ComponentRoutes:
    """Relays to bob and cfgmgr."""

    def __init__(self, services: Services) -> None:
        self._session = services.session
        self._candidates = services.candidates

    def routes(self) -> list[Route]:
        """The routes of this group."""
        return [
            Operation("GET", "/v1/components", self.list_components, Role.READ, answer=Processes),
            Operation("GET", "/v1/components/{name}", self.show, Role.READ, answer=ComponentShown),
            Operation(
                "PUT",
                "/v1/components/{name}",
                self.add,
                Role.ADMIN,
                variables=NAMED,
                body=ComponentBody,
                answer=cfgmgr.Committed,
            ),
            Operation(
                "PATCH",
                "/v1/components/{name}",
                self.change,
                Role.ADMIN,
                variables=NAMED,
                body=ComponentChange,
                answer=cfgmgr.Committed,
            ),
            Operation(
                "DELETE",
                "/v1/components/{name}",
                self.remove,
                Role.ADMIN,
                variables=NAMED,
                query=(REASON,),
                answer=cfgmgr.Committed,
            ),
            Operation(
                "POST", "/v1/components/{name}/{order}", self.order, Role.OPERATE, answer=Nothing, kept="if-possible"
            ),
        ]

    async def list_components(self, _request: Request) -> Response:
        """Every process."""
        status = await self._session.call(bob.Status(), timeout=STATUS_SECONDS)
        return answer({"components": status.components, "disabled": status.disabled})

    async def show(self, request: Request) -> Response:
        """The processes of one component, and what is configured for it."""
        name = segment(request, "name")
        component, _, instance = name.partition("/")
        status = await self._session.call(bob.Status(), timeout=STATUS_SECONDS)
        found = [one for one in status.components if one.component == component and instance in ("", one.instance)]
        configured = await self._configured(component)
        if not found and (configured is None or instance):
            raise RequestError("not-found", f"there is no component {name!r}")
        return answer({"component": component, "instances": found, "configuration": configured or {}})

    async def order(self, request: Request) -> Response:
        """Start, stop or restart."""
        name, order = segment(request, "name"), segment(request, "order")
        if order not in ORDERS:
            raise RequestError("not-found", f"there is no order {order!r}; there are {', '.join(ORDERS)}")
        return answer(await self._session.call(ORDERS[order](name), timeout=CALL_SECONDS))

    async def add(self, request: Request) -> Response:
        """Add a component that is not there."""
        name = _component(request)
        wanted = await body(request, ComponentBody)
        if await self._configured(name) is not None:
            raise RequestError("conflict", f"the component {name} is configured already; change it")
        edit = cfgmgr.Set(author_of(request), _path(name), wanted.values)
        return await self._at_once(request, [edit], wanted.reason or f"add component {name}")

    async def change(self, request: Request) -> Response:
        """Change options of a component."""
        name = _component(request)
        wanted = await body(request, ComponentChange)
        if not wanted.values:
            raise RequestError("usage", "there is nothing to change")
        edits = [_edit(author_of(request), _path(name, key), value) for key, value in wanted.values.items()]
        return await self._at_once(request, edits, wanted.reason or f"change component {name}")

    async def remove(self, request: Request) -> Response:
        """Remove a component."""
        name = _component(request)
        if await self._configured(name) is None:
            raise RequestError("not-found", f"the component {name} is not configured")
        reason = request.query_params.get("reason", "")[:MAX_REASON] or f"remove component {name}"
        return await self._at_once(request, [cfgmgr.Unset(author_of(request), _path(name))], reason)

    async def _at_once(self, request: Request, edits: list[Edit], reason: str) -> Response:
        made = await self._candidates.at_once(author_of(request), edits, reason)
        note_changed(request, [change.path for change in made.changes], made.revision, made.left_out)
        return answer(made)

    async def _configured(self, component: str) -> Any:
        """What the configuration says of a component; None: nothing."""
        try:
            return (await self._session.call(cfgmgr.Show(_path(component), "stored"))).value
        except Refused as error:
            if error.code == "not-found":
                return None
            raise


def _component(request: Request) -> str:
    name = segment(request, "name")
    if not _NAME.fullmatch(name):
        raise RequestError("usage", f"{name[:80]!r} is no name of a component")
    return name


def _path(*keys: str) -> str:
    return format_path((COMPONENTS, *keys))


def _edit(author: str, path: str, value: Any) -> Edit:
    return cfgmgr.Unset(author, path) if value is None else cfgmgr.Set(author, path, value)
