"""How the suite is, as far as its parts answer.

GET /v1/status    what bob and cfgmgr say; a part that does not answer is in `problems`
"""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bob import api as bob
from cfgmgr import api as cfgmgr
from cmdctl.answers import answer
from cmdctl.limits import STATUS_SECONDS
from cmdctl.services import Services
from msgq.errors import BusError


class StatusRoutes:
    """The view of the whole."""

    def __init__(self, services: Services) -> None:
        self._session = services.session

    def routes(self) -> list[Route]:
        """The routes of this group."""
        return [Route("/v1/status", self.status, methods=["GET"])]

    async def status(self, _request: Request) -> Response:
        """Everything at once."""
        problems: list[dict[str, str]] = []
        suite, configuration = await asyncio.gather(
            self._ask(bob.Status(), problems), self._ask(cfgmgr.Status(), problems)
        )
        components = [] if suite is None else suite.pop("components")
        return answer({"suite": suite, "components": components, "configuration": configuration, "problems": problems})

    async def _ask(self, request: Any, problems: list[dict[str, str]]) -> dict[str, Any] | None:
        try:
            reply = await self._session.call(request, timeout=STATUS_SECONDS)
        except BusError as error:
            problems.append({"part": request.module, "reason": str(error)})
            return None
        found: dict[str, Any] = msgspec.to_builtins(reply)
        return found
