"""The auth daemon: answers DNS queries on the sockets bob hands over, from the zones of the data sources.

bob --sockets--> Server (UDP, TCP) --messages--> worker; where there is none: Engine --lookups--> data sources
cfgmgr --options, zones, data_sources--> Serving: settings, table of zones, data; replaced as a whole
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from typing import Any

import dns.name
import msgspec

from auth import api
from auth.candidate import WORKER, Candidate, CandidateReader, InUse
from auth.engine import Serving
from auth.explain import explain, query_of, with_images
from auth.images import Images
from auth.kernel_drops import KernelDrops
from auth.last_good import LastGood
from auth.server import CompiledCounts, Server
from auth.source_news import sources_served, tell_problems, tell_source
from auth.status import cookies_served, rate_limit_state, served_from_image, zone_name, zones_served
from auth.worker_link import NoWorker, WorkerLink, WorkerLost
from auth.zone_counters import ZoneCounters
from authworker import api as worker
from daemonkit.configuration import Config, Prepared
from daemonkit.errors import DaemonError
from daemonkit.module import Context, ListeningSocket, Module, command
from daemonkit.process import suite_run
from datasrc.latesources import LateSources
from datasrc.records import ZoneState
from datasrc.sources import Failure, source_url
from image.directory import fingerprint
from msgq.errors import BusError, NoRecipient, Refused
from msgq.session import IncomingCall

# Seconds in which the answering thread finishes not one answer although it has work: it will not come back by itself.
STALL_LIMIT = 10.0
STALL_LOOK = 1.0  # seconds between looks
WORKER_SHARE = 0.8  # of the time of who asks, so that the answer for what the worker does not say comes in time


class AnswersStalled(DaemonError):
    """The answering thread hangs in a data source. The process ends, and its successor begins afresh."""


class AuthDaemon(Module):
    """Answers DNS queries."""

    name = "auth"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._compiled_counts = CompiledCounts.declare(context.counters)
        self._zone_counters = ZoneCounters(context.directories.counters, context.log)
        self._drops = KernelDrops(context)
        self._server: Server | None = None
        self._sources: LateSources | None = None
        self._configured: Mapping[str, Any] = {}
        self._keys: Mapping[str, Any] = {}  # `keys`, as configured
        self._listening: tuple[str, ...] = ()
        self._watcher: asyncio.Task[None] | None = None
        self._images: Images | None = None
        self._last_good = LastGood(context.directories.run, suite_run(), context.log)
        self._number = int(context.instance) if context.instance.isdecimal() else 0  # a spare has a word
        self._loop = asyncio.get_running_loop()

    async def prepare(self, config: Config) -> Prepared:
        """Read the options and zones, and open the data sources where no worker does that."""
        in_use = InUse(self._server, self._sources, self._configured, self._keys)
        reader = CandidateReader(self.context, in_use, self._zone_counters, self._source_changed)
        candidate = await self.context.work(reader.read, config, bool(self.context.session.members(WORKER)))

        def discard() -> None:
            if candidate.sources is not self._sources:
                self.context.spawn(self.context.work(candidate.sources.close), "close")

        return Prepared(apply=lambda: self._apply(candidate), discard=discard)

    def _apply(self, candidate: Candidate) -> None:
        self._configured = candidate.configured
        self._tell_keys(candidate)
        self._keys = candidate.configured_keys
        self._serve(candidate.sources, candidate)
        tell_problems(self.context.log, candidate.statuses)

    def _tell_keys(self, candidate: Candidate) -> None:
        """What is new about keys; of the first configuration only what is wrong with them."""
        for name, fault in candidate.key_faults.items():
            self.context.log.error("AUTH_KEY_UNUSABLE", key=name, reason=fault.reason)
        before, after = self._keys, candidate.configured_keys
        changed = sorted(name for name in before.keys() | after.keys() if before.get(name) != after.get(name))
        if changed and self._server is not None:
            self.context.log.info("AUTH_KEYS_CHANGED", keys=", ".join(changed))
        for key in filter(None, map(candidate.keys.named, changed)):
            if key.lacks:
                self.context.log.warning("AUTH_KEY_SHORT", key=key.name.to_text(omit_final_dot=True), octets=key.lacks)

    def _serve(self, sources: LateSources, candidate: Candidate) -> None:
        """Answer from these sources from now on; the old ones are closed when nobody uses them any more."""
        old, self._sources = self._sources, sources
        told = fingerprint((name, source_url(entry)) for name, entry in candidate.configured.items())
        serving = Serving(
            sources,
            candidate.settings,
            candidate.zones,
            candidate.cookies,
            candidate.keys,
            last_good=self._last_good,
            sources=told,
        )
        self._zone_counters.apply(candidate.zones.rows)
        if self._server is None:
            link = WorkerLink(self.context.directories.run, self._number, expected=not candidate.alone)
            self._server = Server(serving, self.context.counters, self.context.log, self._compiled_counts, link)
        else:
            self._server.serve_by(serving, candidate.listed)
            if self._images is not None:
                self.context.spawn(self._images.take_settings(candidate.settings.udp_size), "images")
        if old is not None and old is not sources:
            self.context.spawn(self._retire(old), "retire")

    def _source_changed(self, name: str, failure: Failure | None) -> None:
        """In whatever thread noticed it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_source, name, failure)

    def _tell_source(self, name: str, failure: Failure | None) -> None:
        tell_source(self.context.log, name, failure)
        if failure is not None:
            self.context.counters.add("datasource.failures")

    async def _retire(self, sources: LateSources) -> None:
        await self._at_work().finish_in_hand()
        await self.context.work(sources.close)

    async def on_start(self) -> None:
        """Map the images there are, and watch over the answering thread."""
        self._images = Images(self.context, self._at_work())
        await self._images.begin()
        self._watcher = self.context.spawn(self._watch(), "watch")

    async def _watch(self) -> None:
        server = self._at_work()
        while True:
            await asyncio.sleep(STALL_LOOK)
            self._drops.count()
            for thread in server.threads:
                if (failure := thread.failure) is not None:
                    raise failure
            handled = server.engine.handled
            try:
                async with asyncio.timeout(STALL_LIMIT):
                    await server.finish_in_hand()
            except TimeoutError:
                if server.engine.handled == handled:
                    raise AnswersStalled(f"no answer was finished in {STALL_LIMIT:g} seconds") from None
            try:
                async with asyncio.timeout(STALL_LIMIT):
                    for thread in server.threads:
                        await thread.call(thread.turned)
            except TimeoutError:
                raise AnswersStalled(f"a loop finished no turn in {STALL_LIMIT:g} seconds") from None

    async def on_sockets(self, sockets: list[ListeningSocket]) -> None:
        """Serve these sockets: the new ones first, then the old ones are closed."""
        await self._at_work().distrust()  # what another process told about zones goes for this one, too
        self._drops.take([one.socket for one in sockets])
        await self._at_work().serve([one.socket for one in sockets])
        places = (one.place for one in sockets)
        self._listening = tuple(f"{place.protocol} {place.address}@{place.port}" for place in places)
        self.context.log.info("AUTH_SERVING", count=len(sockets))

    async def on_stop(self) -> None:
        """Stop serving, then let go of the data."""
        if self._watcher is not None:
            self._watcher.cancel()
        self._drops.take([])
        if self._server is not None:
            await self._server.close()
        if self._sources is not None:
            await self.context.work(self._sources.close)

    def _at_work(self) -> Server:
        """Raises Refused before the first configuration, when others may know of this process already."""
        if self._server is None:
            raise Refused("unavailable", "auth is still starting")
        return self._server

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """How this instance is doing."""
        self._at_work()
        assert self._sources is not None
        sources = await self.context.work(self._sources.status)
        serving = self._at_work().engine.serving
        return api.StatusReply(
            sockets=self._listening,
            connections=self._at_work().connections,
            sources=sources_served(sources),
            images=None if self._images is None else self._images.status(),
            cookies=cookies_served(serving.cookies, int(time.time())),
            rate_limit=rate_limit_state(serving.settings.rate_limit),
        )

    @command(api.ZoneStatus)
    async def zone_status(self, call: IncomingCall, request: api.ZoneStatus) -> api.ZoneStatusReply:
        """How zones are answered for."""
        if len(request.origins) > api.MAX_ORIGINS:
            raise Refused("usage", f"origins: at most {api.MAX_ORIGINS} zones can be asked for at once")
        return await self._zones_served(request.origins, call.deadline)

    @command(api.Reload)
    async def reload(self, call: IncomingCall, request: api.Reload) -> api.ZoneStatusReply:
        """Look at all data sources afresh."""
        self._at_work()
        assert self._sources is not None
        await self.context.work(self._sources.refresh)
        await self._have_worker_look()
        await self._at_work().distrust()
        tell_problems(self.context.log, await self.context.work(self._sources.status))
        if request.origin is None:
            return api.ZoneStatusReply(())
        reply = await self._zones_served([request.origin], call.deadline)
        (zone,) = reply.zones
        if zone.state == api.ABSENT:
            raise Refused("not-found", f"{request.origin}: {zone.reason}")
        if zone.state != ZoneState.READY.value:
            raise Refused("unavailable", f"{request.origin}: {zone.reason}")
        return reply

    async def _have_worker_look(self) -> None:
        link = WorkerLink(self.context.directories.run, self._number)
        try:
            await asyncio.to_thread(link.look)
        except NoWorker:  # who answers is this process, which has looked
            pass
        except WorkerLost as error:
            raise Refused("unavailable", f"the worker: {error}") from error
        finally:
            link.close()

    async def _zones_served(self, origins: list[str], deadline: float) -> api.ZoneStatusReply:
        """As they are answered. Data sources may have to read, and are asked of those only that no image answers."""
        images = await self._serials(origins)
        others = [origin for origin in origins if images.get(origin) is None]
        found = {zone.origin: zone for zone in await self._from_sources(others, deadline)}
        there = [dns.name.from_text(origin) for origin, zone in found.items() if zone.state != api.ABSENT]
        if self._images is not None and not await self._images.know(there):  # who hears that it is served finds it so
            await self._at_work().distrust()
        return api.ZoneStatusReply(tuple(images.get(origin) or found[origin] for origin in origins))

    async def _from_sources(self, origins: list[str], deadline: float) -> Sequence[api.ZoneServed]:
        """As the worker answers for them, or this process where there is none. Raises Refused for what is no name."""
        if not origins:
            return ()
        try:
            request = worker.ZoneStatus(origins)
            patience = max(WORKER_SHARE * (deadline - time.monotonic()), 0.0)
            reply = await self.context.session.call(request, timeout=patience)
        except NoRecipient:
            return await self.context.work(zones_served, self._at_work().engine.serving, origins, self.name)
        except BusError as error:
            if isinstance(error, Refused) and error.code == "usage":
                raise
            return [api.ZoneServed(origin, api.UNAVAILABLE, reason=f"the worker: {error}") for origin in origins]
        return reply.zones

    async def _serials(self, origins: list[str]) -> dict[str, api.ZoneServed | None]:
        """The zones that are answered from images."""
        if self._images is None:
            return {}
        serials = await self._images.serials([zone_name(origin) for origin in origins])
        return {origin: served_from_image(origin, found) for origin, found in zip(origins, serials, strict=True)}

    @command(api.Explain)
    async def explain(self, _call: IncomingCall, request: api.Explain) -> api.Explained:
        """Why a query is answered as it is."""
        serving, listening = self._at_work().engine.serving, self._listening
        assert self._sources is not None
        found = await self.context.work(explain, request, serving, self._sources, listening, self.context.spec)
        by = WORKER if self.context.session.members(WORKER) else self.name
        if self._images is None:
            return msgspec.structs.replace(found, by=by)
        return await with_images(found, self._images, *query_of(request, serving), by)

    @command(api.Statistics)
    async def statistics(self, _call: IncomingCall, _request: api.Statistics) -> api.StatisticsReply:
        """The counters of this process."""
        return api.StatisticsReply(self.context.counters.statistics())
