"""The modules and their commands.

GET  /v1/version
GET  /v1/modules                      all modules and who of them is running
GET  /v1/modules/{module}             all of one module's spec
POST /v1/call/{module}/{command}      {"arguments": {...}, "instance": "1", "timeout": 10}
"""

from __future__ import annotations

import importlib.metadata
from typing import Annotated, Any, TypedDict

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bob import api as bob
from cmdctl.answers import answer
from cmdctl.bodies import body, segment
from cmdctl.catalog import describe
from cmdctl.errors import RequestError
from cmdctl.limits import CALL_SECONDS, MAX_CALL_SECONDS
from cmdctl.roles import Role
from cmdctl.routing import Operation, caller_of, keeping_of
from cmdctl.services import Services, author_of, only_reads
from daemonkit.findings import did_you_mean
from daemonkit.option_addresses import normal_name
from daemonkit.spec import Spec

# Modules whose commands take the author of a change: that is who the kernel says it is, through routes of their own.
OWN_ROUTES = {"cfgmgr": "config"}


class CallBody(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Body of POST /v1/call."""

    arguments: dict[str, Any] = {}
    instance: Annotated[str, Meta(pattern=r"^[A-Za-z0-9_-]{1,16}\Z")] | None = None
    timeout: Annotated[float, Meta(gt=0, le=MAX_CALL_SECONDS)] = CALL_SECONDS


class Release(TypedDict):
    """Of the running suite."""

    version: str


class ModuleEntry(TypedDict):
    """One module in short, and who of it runs."""

    module: str
    title: str
    commands: list[str]
    topics: list[str]
    members: list[str]


class UnreadableSpec(TypedDict):
    """A component whose spec cannot be used."""

    component: str
    reason: str


class ModuleList(TypedDict):
    """Every module that does something, by name."""

    modules: list[ModuleEntry]
    unreadable: list[UnreadableSpec]


class CommandShown(TypedDict):
    """A command of a module, as its spec tells it."""

    text: str
    role: str
    changes: bool
    arguments: dict[str, str]
    zone: str


class StatisticShown(TypedDict):
    """A counter or gauge."""

    type: str
    text: str


class MessageShown(TypedDict):
    """A log message."""

    severity: str
    text: str
    explain: str


class ModuleShown(TypedDict):
    """All of a module's spec, and who of it runs."""

    module: str
    title: str
    text: str
    commands: dict[str, CommandShown]
    configuration: list[str]
    reads: list[str]
    topics: dict[str, str]
    statistics: dict[str, StatisticShown]
    messages: dict[str, MessageShown]
    members: list[str]


class ModuleRoutes:
    """Specs and plain commands."""

    def __init__(self, services: Services) -> None:
        self._services = services

    def routes(self) -> list[Route]:
        """The routes of this group."""
        return [
            Operation("GET", "/v1/version", self.version, Role.READ, answer=Release, any_token=True),
            Operation("GET", "/v1/modules", self.list_modules, Role.READ, answer=ModuleList, any_token=True),
            Operation("GET", "/v1/modules/{module}", self.show_module, Role.READ, answer=ModuleShown, any_token=True),
            Operation(
                "POST",
                "/v1/call/{module}/{command}",
                self.call,
                Role.READ,
                body=CallBody,
                answer=Any,
                any_token=True,
                kept="by-route",
            ),
        ]

    async def version(self, _request: Request) -> Response:
        """The release of the running suite."""
        return answer({"version": importlib.metadata.version("bobdns")})

    async def list_modules(self, request: Request) -> Response:
        """Every module; to a token for some zones those that it can command."""
        catalog = self._services.catalog
        entries = [{**entry, "members": self._members(entry["module"])} for entry in catalog.summary()]
        unreadable = [{"component": name, "reason": reason} for name, reason in catalog.unreadable.items()]
        if caller_of(request).zones is not None:
            entries = [{**entry, "commands": self._of_zones(entry["module"])} for entry in entries]
            entries, unreadable = [entry for entry in entries if entry["commands"]], []
        return answer({"modules": entries, "unreadable": unreadable})

    async def show_module(self, request: Request) -> Response:
        """One module; to a token for some zones one that it can command, with these commands."""
        name = segment(request, "module")
        if caller_of(request).zones is None:
            return answer({**describe(self._spec(name)), "members": self._members(name)})
        theirs = self._of_zones(name)
        if not theirs:
            caller_of(request).require(Role.READ)  # which they do not pass, whether there is such a module or not
        found = describe(self._spec(name))
        commands = {command: found["commands"][command] for command in theirs}
        return answer({**found, "commands": commands, "members": self._members(name)})

    async def call(self, request: Request) -> Response:
        """Relay a command that the module's spec knows."""
        module, command = segment(request, "module"), segment(request, "command")
        if command not in self._of_zones(module):
            caller_of(request).require(Role.READ)  # which tokens narrowed to zones do not pass
        spec = self._spec(module)
        if command not in spec.commands:
            raise RequestError(
                "not-found", f"{module} has no command {command!r}{did_you_mean(command, spec.commands)}"
            )
        wanted = await body(request, CallBody)
        zone = wanted.arguments.get(spec.commands[command].zone)
        named = normal_name(zone) if isinstance(zone, str) else None
        caller_of(request).require(Role.of(spec.commands[command].role), named)
        changes = spec.commands[command].changes
        if spec.module in OWN_ROUTES and wanted.arguments.get("author", author_of(request)) != author_of(request):
            caller_of(request).require(Role.ADMIN)  # as to look at somebody else's candidate by its own route
        if not changes:
            only_reads(request)
        if changes and spec.module in OWN_ROUTES:
            raise RequestError(
                "refused", f"changes of {module} go through /v1/{OWN_ROUTES[spec.module]}, under your name"
            )
        if changes:
            await keeping_of(request).begin(needed=module != bob.Status.module)  # what runs can always be stopped
        recipient = module if wanted.instance is None else f"{module}/{wanted.instance}"
        result = await self._services.session.call_raw(
            recipient, command, wanted.arguments, timeout=wanted.timeout, changes=changes
        )
        return answer(result)

    def _of_zones(self, module: str) -> list[str]:
        """Commands of a module that are about one zone."""
        spec = self._services.catalog.specs.get(module)
        return [] if spec is None else sorted(name for name, command in spec.commands.items() if command.zone)

    def _members(self, module: str) -> list[str]:
        return [entry.member for entry in self._services.session.members(module)]

    def _spec(self, module: str) -> Spec:
        specs = self._services.catalog.specs
        if module not in specs:
            raise RequestError("not-found", f"there is no module {module!r}{did_you_mean(module, specs)}")
        return specs[module]
