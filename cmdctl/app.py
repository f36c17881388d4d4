"""The application: the routes of all groups behind the guard, and every error as an answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from cmdctl.answers import bus_error, data_error, http_error, internal_error, request_error, store_error
from cmdctl.errors import RequestError
from cmdctl.guard import NO_ROUTE, REQUEST, Gatekeeping, Guard
from cmdctl.openapi import OpenApiRoutes
from cmdctl.routes_accounts import AccountRoutes
from cmdctl.routes_components import ComponentRoutes
from cmdctl.routes_config import ConfigRoutes
from cmdctl.routes_log import LogRoutes
from cmdctl.routes_modules import ModuleRoutes
from cmdctl.routes_statistics import StatisticsRoutes
from cmdctl.routes_status import StatusRoutes
from cmdctl.routes_zones import ZoneRoutes
from cmdctl.services import Services
from cmdctl.store import StoreFailed
from datasrc.errors import DataSourceError
from msgq.errors import BusError

_HANDLERS: Mapping[Any, Callable[[Request, Exception], Awaitable[Response]]] = {
    Exception: internal_error,
    HTTPException: http_error,
    RequestError: request_error,
    BusError: bus_error,
    DataSourceError: data_error,
    StoreFailed: store_error,
}
GROUPS = (
    *(StatusRoutes, ModuleRoutes, StatisticsRoutes, ComponentRoutes, LogRoutes),
    *(ConfigRoutes, ZoneRoutes, AccountRoutes),
)


def application(services: Services, keeping: Gatekeeping) -> Guard:
    """Everything behind both doors."""
    routes = all_routes(services)
    services.durations.declare(REQUEST, [NO_ROUTE, *(route.name for route in routes)])
    return Guard(router(routes), keeping, services.store_work, services.log, services.counters, services.durations)


def all_routes(services: Services) -> list[Route]:
    """The routes of all groups, and the one that describes them."""
    routes = [route for group in GROUPS for route in group(services).routes()]
    return [*routes, *OpenApiRoutes(routes).routes()]


def router(routes: Sequence[Route]) -> ASGIApp:
    """The routes, and what they raise as answers."""
    starlette = Starlette(routes=routes, exception_handlers=_HANDLERS)
    starlette.router.redirect_slashes = False
    return starlette
