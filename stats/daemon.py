"""The stats daemon: gathers what all instances counted and serves it.

pages in the run directory, bob's status, /proc -> view.py -> bus (cmdctl, bobctl), HTTP (Prometheus)
"""

from __future__ import annotations

import contextlib
import itertools
import time
from collections.abc import Collection, Iterable, Mapping
from typing import TYPE_CHECKING

from starlette.types import Receive, Scope, Send

from bob import api as bob
from daemonkit import spec as specs
from daemonkit.configuration import Config, Prepared
from daemonkit.durations import BOUNDS, Histogram
from daemonkit.lane import Lane
from daemonkit.module import Context, Module, command
from daemonkit.spec import Spec
from msgq.errors import BusError, Refused
from msgq.session import IncomingCall
from stats import api
from stats.listener import Listener
from stats.view import Place, View, look, total, total_durations
from stats.zoneserials import MAX_ZONES, ZoneSerials

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from stats.prometheus import Zones
    from stats.zonecounts import ZoneCounters, ZoneCounts

METRICS = "/metrics"
BIND_PATHS = ("/xml", "/json")
MAX_PAGE = 1000  # zones told of at once
SOURCES_SECONDS = 2.0  # what data sources have to tell serials: Prometheus waits for 10 s by default
BOB_SECONDS = 1.0  # what bob has to tell how the suite is; without it the counters are shown all the same


class StatsDaemon(Module):
    """Gathers and serves counters."""

    name = "stats"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._listener = Listener(context, self._serve)
        self._lane = Lane("sources", 1, SOURCES_SECONDS, context.log)
        self._zones = ZoneSerials({}, self._lane.asks)
        self._counters_of_zones: ZoneCounters | None = None
        self._specs: Mapping[str, Spec] = {}

    async def prepare(self, config: Config) -> Prepared:
        """Bind a new address, if there is one."""
        if not self._specs:
            self._specs = await self.context.work(_counting_specs)
        address = self._listener.prepare(config.own["metrics"])
        zones = ZoneSerials(config.values["data_sources"], self._lane.asks)

        def apply() -> None:
            self._listener.apply(address)
            old, self._zones = self._zones, zones
            self.context.spawn(self._closed(old), "close")

        return Prepared(apply=apply, discard=lambda: None if address is None else address.discard())

    async def on_start(self) -> None:
        """Go on trying where the address could not be had."""
        self.context.spawn(self._listener.run(), "retry")

    async def on_stop(self) -> None:
        """Close the listener."""
        await self._listener.stop()
        await self._closed(self._zones)
        self._lane.close()

    async def _closed(self, zones: ZoneSerials) -> None:
        with contextlib.suppress(Refused):  # what does not answer is not waited for, and ends with this process
            await self._lane.run(zones.close)

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """How the listener is."""
        return self._listener.status

    @command(api.Show)
    async def show(self, _call: IncomingCall, request: api.Show) -> api.ShowReply:
        """What was counted, of all or of some."""
        view = await self._look()
        places = [place for place in view.places if request.component in (None, place.component)]
        if request.component is not None and not places:
            raise Refused("not-found", f"there is no component {request.component!r}")
        chosen = [place for place in places if request.instance in (None, place.instance)]
        if request.instance is not None and not chosen:
            raise Refused("not-found", f"there is no instance {request.instance!r}")
        return api.ShowReply(view.time, _modules(chosen, self._specs), dict(view.problems))

    @command(api.Zones)
    async def zones(self, _call: IncomingCall, request: api.Zones) -> api.ZonesReply:
        """What was counted in zones."""
        if not 0 < request.limit <= MAX_PAGE:
            raise Refused("usage", f"limit must be 1 to {MAX_PAGE}, not {request.limit}")
        try:
            found = await self.context.work(self._counted_in_zones, request)
        except ValueError as error:
            raise Refused("usage", str(error)) from error
        if request.zone is not None and not found.zones:
            raise Refused("not-found", f"{request.zone} is not counted: set zones.{request.zone}.statistics")
        zones = {zone: dict(counters) for zone, counters in found.zones.items()}
        return api.ZonesReply(time.time(), zones, found.more, dict(found.problems))

    def _counted_in_zones(self, request: api.Zones) -> ZoneCounts:
        """In the worker thread."""
        counters = self._zone_counters()
        return counters.page(request.after, request.limit) if request.zone is None else counters.of(request.zone)

    def _zone_counters(self) -> ZoneCounters:
        if self._counters_of_zones is None:
            from stats.zonecounts import ZoneCounters  # dnspython: zones may not be counted

            self._counters_of_zones = ZoneCounters(self.context.directories.counters)
        return self._counters_of_zones

    async def _look(self) -> View:
        try:
            suite = await self.context.session.call(bob.Status(), timeout=BOB_SECONDS)
        except BusError as error:
            self.context.log.debug("STATS_WITHOUT_BOB", reason=error)
            suite = None
        return await self.context.work(look, self.context.directories.counters, suite)

    async def _zones_now(self, counted: Iterable[str]) -> Zones:
        """The serials, or those of the last time: a data source that does not answer keeps no counters from anybody."""
        zones = self._zones
        try:
            return await self._lane.run(zones.read, counted)
        except Refused:
            return zones.without(self._lane.silent())

    async def _serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        """The application behind the listener."""
        from starlette.requests import Request  # large, and metrics may be off

        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        import importlib.metadata

        from starlette.responses import PlainTextResponse, Response

        from stats.bind import document
        from stats.prometheus import CONTENT_TYPE_LATEST, exposition

        if request.method not in ("GET", "HEAD"):
            return PlainTextResponse("only GET\n", 405, {"Allow": "GET, HEAD"})
        path = "/" + request.url.path.lstrip("/")  # some clients write a slash too many
        if path != METRICS and not path.startswith(BIND_PATHS):
            return PlainTextResponse("metrics are at /metrics, BIND's statistics at /xml/v3 and /json/v1\n", 404)
        view = await self._look()
        counted = await self.context.work(lambda: self._zone_counters().page(None, MAX_ZONES))
        zones = await self._zones_now(counted.zones)
        version = importlib.metadata.version("bobdns")
        if path == METRICS:
            self.context.counters.add("scrapes")
            text = await self.context.work(exposition, view, zones, counted, self._specs, version)
            return Response(text, headers={"Content-Type": CONTENT_TYPE_LATEST})
        found = document(path, view, zones, counted, version)
        if found is None:
            return PlainTextResponse("there is no such part of BIND's statistics here\n", 404)
        self.context.counters.add("scrapes")
        return Response(found[0], media_type=found[1])


def _counting_specs() -> dict[str, Spec]:
    """Every module that counts, and what all have in common."""
    found = {name: Spec.load(name) for name in [*specs.modules(), "daemonkit"]}
    return {name: spec for name, spec in found.items() if spec.statistics}


def _modules(places: list[Place], known: Mapping[str, Spec]) -> dict[str, api.ModuleStatistics]:
    found = {}
    for component in dict.fromkeys(place.component for place in places):
        statistics = known[component].statistics.values() if component in known else ()
        gauges = {one.name for one in statistics if one.is_gauge}
        of_it = [place for place in places if place.component == component]
        durations = {
            family: {label: _duration(one) for label, one in told.items()}
            for family, told in total_durations(of_it).items()
        }
        instances = {place.instance: _instance(place, gauges) for place in of_it}
        found[component] = api.ModuleStatistics(total(of_it, gauges), instances, durations)
    return found


def _duration(histogram: Histogram) -> api.Duration:
    below = itertools.accumulate(histogram.counts)
    return api.Duration(histogram.count, histogram.seconds, dict(zip(map(str, BOUNDS), below, strict=False)))


def _instance(place: Place, gauges: Collection[str]) -> api.InstanceStatistics:
    used = place.usage
    return api.InstanceStatistics(
        state=place.state,
        pid=place.pid,
        restarts=place.restarts,
        cpu_seconds=None if used is None else used.cpu_seconds,
        memory_bytes=None if used is None else used.memory_bytes,
        counters={name: value for name, value in place.counters.items() if place.lives or name not in gauges},
    )
