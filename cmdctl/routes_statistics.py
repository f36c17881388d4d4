"""What the instances of the suite counted, as stats gathers it from their pages.

GET /v1/statistics                         of all modules, or ?module= only, ?instance= only, or both
GET /v1/statistics/zones?after=&limit=     of zones that have `statistics` set, a page, in canonical order
GET /v1/statistics/zones/{origin}          of one of them
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cmdctl.answers import answer
from cmdctl.bodies import page_limit, segment
from cmdctl.limits import STATUS_SECONDS
from cmdctl.parameters import AFTER, LIMIT
from cmdctl.roles import Role
from cmdctl.routes_zones import parse_origin
from cmdctl.routing import Operation, Query
from cmdctl.services import Services
from stats import api as stats

MODULE = Query("module", "Only this module.", {"type": "string"})
INSTANCE = Query("instance", "Only this instance of the module, or of every module.", {"type": "string"})


class StatisticsRoutes:
    """Counters."""

    def __init__(self, services: Services) -> None:
        self._session = services.session

    def routes(self) -> list[Route]:
        """The routes of this group."""
        query = (MODULE, INSTANCE)
        return [
            Operation("GET", "/v1/statistics", self.statistics, Role.READ, query=query, answer=stats.ShowReply),
            Operation(
                "GET", "/v1/statistics/zones", self.zones, Role.READ, query=(AFTER, LIMIT), answer=stats.ZonesReply
            ),
            Operation(
                "GET", "/v1/statistics/zones/{origin}", self.zone, Role.READ, answer=stats.ZonesReply, zone="origin"
            ),
        ]

    async def statistics(self, request: Request) -> Response:
        """What was counted, the sum of a module and each of its instances."""
        module, instance = (request.query_params.get(one.name) or None for one in (MODULE, INSTANCE))
        wanted = stats.Show(component=module, instance=instance)
        return answer(await self._session.call(wanted, timeout=STATUS_SECONDS))

    async def zones(self, request: Request) -> Response:
        """What was counted in zones, a page."""
        after = request.query_params.get(AFTER.name)
        if after is not None:
            parse_origin(after)
        wanted = stats.Zones(after=after, limit=page_limit(request))
        return answer(await self._session.call(wanted, timeout=STATUS_SECONDS))

    async def zone(self, request: Request) -> Response:
        """What was counted in one zone."""
        return answer(await self._session.call(stats.Zones(zone=segment(request, "origin")), timeout=STATUS_SECONDS))
