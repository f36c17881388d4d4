"""How the suite is, as far as its parts answer.

GET /v1/status    what bob, cfgmgr and the auth instances say; a part that does not answer is in `problems`, and what
                  authworker, memmgr, and auth instances that opened them, find wrong with data sources in
                  `data_sources`
"""

from __future__ import annotations

import asyncio
from typing import Any, TypedDict

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from auth import api as auth
from authworker import api as authworker
from bob import api as bob
from cfgmgr import api as cfgmgr
from cmdctl.answers import answer
from cmdctl.api import ImagesState, ListenerState, RestState, SourceFault
from cmdctl.limits import STATUS_SECONDS
from cmdctl.roles import Role
from cmdctl.routing import Operation
from cmdctl.services import Services
from cmdctl.serving import instances
from memmgr import api as memmgr
from msgq.errors import BusError
from stats import api as stats

MEMMGR = "memmgr"  # which reads all zones, where auth asks for few of them


class SuiteState(TypedDict):
    """What bob says of the whole: its status, without the components."""

    version: str
    pid: int
    user: str
    state: str
    started: float
    state_dir: str
    run_dir: str
    revision: int
    listen: list[str]
    disabled: list[str]
    answering: bool


class SilentPart(TypedDict):
    """Who did not answer, and why."""

    part: str
    reason: str


class StatusShown(TypedDict):
    """Everything; null is of who did not answer."""

    suite: SuiteState | None
    components: list[bob.InstanceStatus]
    configuration: cfgmgr.StatusReply | None
    data_sources: list[SourceFault]
    rest: RestState
    metrics: ListenerState
    images: ImagesState
    problems: list[SilentPart]


class StatusRoutes:
    """The view of the whole."""

    def __init__(self, services: Services) -> None:
        self._session = services.session
        self._services = services

    def routes(self) -> list[Route]:
        """The routes of this group."""
        return [Operation("GET", "/v1/status", self.status, Role.READ, answer=StatusShown)]

    async def status(self, _request: Request) -> Response:
        """Everything at once."""
        problems: list[dict[str, str]] = []
        suite, configuration, faults, metrics, (images, more) = await asyncio.gather(
            self._ask(bob.Status(), problems),
            self._ask(cfgmgr.Status(), problems),
            self._sources(problems),
            self._metrics(),
            self._images(),
        )
        components = [] if suite is None else suite.pop("components")
        return answer(
            {
                "suite": suite,
                "components": components,
                "configuration": configuration,
                "data_sources": [*faults, *more],
                "rest": self._services.rest(),
                "metrics": metrics,
                "images": images,
                "problems": problems,
            }
        )

    async def _metrics(self) -> ListenerState:
        """Without stats everything else is as it should be: that it does not answer is its state and no problem."""
        try:
            reply = await self._session.call(stats.Status(), timeout=STATUS_SECONDS)
        except BusError as error:
            return ListenerState(endpoint="", state="unknown", reason=str(error))
        return ListenerState(endpoint=reply.endpoint, state=reply.state, reason=reply.reason)

    async def _images(self) -> tuple[ImagesState, list[SourceFault]]:
        """Without memmgr everything is answered from the data sources: that is its state and no problem."""
        try:
            reply = await self._session.call(memmgr.Status(), timeout=STATUS_SECONDS)
        except BusError as error:
            return ImagesState(state="none", reason=str(error)), []
        state = ImagesState(
            state=reply.state,
            reason=reply.reason,
            zones=reply.zones,
            slots=len(reply.slots),
            octets=reply.octets,
            waiting=reply.waiting + reply.building,
            published=reply.published,
            failures=[f"{one.origin}: {one.reason}" for one in reply.failures],
            doubt=reply.doubt,
            age=reply.age,
        )
        faults = [
            SourceFault(
                instance=MEMMGR,
                source=one.source,
                failure="",
                new=False,
                problems=list(one.problems),
                count=one.count,
            )
            for one in reply.sources
        ]
        return state, faults

    async def _sources(self, problems: list[dict[str, str]]) -> list[SourceFault]:
        asked = [(member, auth.Status()) for member in instances(self._session)]
        workers = [entry.member for entry in self._session.members(authworker.Status.module)]
        everyone = [*asked, *((member, authworker.Status()) for member in workers)]
        replies = await asyncio.gather(*(self._ask(request, problems, member) for member, request in everyone))
        members = [member for member, _ in everyone]
        return [
            SourceFault(
                instance=member,
                source=one["name"],
                failure=one["failure"],
                new=one["new"],
                problems=list(one["problems"]),
            )
            for member, reply in zip(members, replies, strict=True)
            for one in (reply["sources"] if reply else ())
            if one["failure"] or one["problems"]
        ]

    async def _ask(
        self, request: Any, problems: list[dict[str, str]], member: str | None = None
    ) -> dict[str, Any] | None:
        try:
            reply = await self._session.call(request, to=member, timeout=STATUS_SECONDS)
        except BusError as error:
            problems.append({"part": member or request.module, "reason": str(error)})
            return None
        found: dict[str, Any] = msgspec.to_builtins(reply)
        return found
