"""The memmgr daemon: compiles zones into images, which auth maps.

data sources --changes--> Keeper --batches--> building (a process) --files--> Store --directory--> auth
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import dns.exception
import dns.name
import msgspec
from dns.name import Name

from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.garbage import collect_a_little_at_a_time, look_at_all_again
from daemonkit.module import Context, Module, command
from datasrc.errors import DataSourceError, StorageError, UnknownBackend
from datasrc.silence import LISTEN_EVERY, SILENT_AFTER, Asking, Unanswered
from datasrc.sources import Failure, Sources, open_sources, source_url
from image import arena
from memmgr import api
from memmgr.background import Background
from memmgr.bells import Bells
from memmgr.buildloop import BuildLoop
from memmgr.errors import Displaced, SourceSilent
from memmgr.keeper import Keeper
from memmgr.listed import listed_keys
from memmgr.opening import DIRECTORY, Obstacle, open_store
from memmgr.problems import Problems
from memmgr.resting import Resting
from memmgr.status import status_of
from memmgr.store import Store
from memmgr.upgrading import upgrade_own
from memmgr.zonefacts import build_status, failures, zone_images, zone_problems
from msgq.errors import Refused
from msgq.session import IncomingCall

LOOK_EVERY = 1.0  # s between looks at the data sources, whether a bell rang or not
SILENCE_TOLD = 5.0  # s for which a data source has not answered before that is shown
STATUS_PATIENCE = 2.0  # s that who asks for the status waits for the worker: cmdctl waits for five

# Threads beside the worker, for what may take long: it goes on with other zones.
OPENING = "opening"  # data sources of another configuration
LOOKING = "looking"  # at all data sources, by command, and closing those that are not used any more


class MemmgrDaemon(Module):
    """Keeps the images of zones."""

    name = "memmgr"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._keeper: Keeper | None = None
        self._sources: Sources | None = None
        self._listed: frozenset[bytes] = frozenset()
        self._problems = Problems(context.log)
        self._rung = asyncio.Event()
        self._bells = Bells(self._rung.set)
        self._work = asyncio.Event()  # something may wait to be built
        self._changes = 0  # that were counted
        self._compactions = 0  # that were counted
        self._no_room = 0  # times that were counted
        self._obstacle = Obstacle(context)
        self._resting = Resting(context.directories.run, context.log)
        self._patience = SILENT_AFTER  # s that a data source may say nothing
        self._silence: Unanswered | None = None  # what the worker, or who builds, has been waiting for a while
        self._seen: api.StatusReply | None = None  # how the images were when that could be asked,
        self._seen_at = 0.0  # on the monotonic clock

    # Configuration.

    async def prepare(self, config: Config) -> Prepared:
        """Open the data sources, if they are others than before."""
        before = self._sources
        configured = config.values["data_sources"]
        listed = listed_keys(config, self._listed)
        if before is not None and list(before.configured.items()) == list(configured.items()):
            sources = before
        else:
            sources = await self.context.work_apart(OPENING, _open, configured, before)
        patience = config.values["memmgr"]["source_timeout"]

        def apply() -> None:
            self._sources, self._listed, self._patience = sources, listed, patience
            if self._keeper is not None:
                self.context.spawn(self._configure(None if sources is before else before), "configure")

        def discard() -> None:
            if sources is not before:
                self.context.spawn(self.context.work(sources.close), "close")

        return Prepared(apply=apply, discard=discard)

    async def _configure(self, retired: Sources | None) -> None:
        assert self._keeper is not None
        assert self._sources is not None
        try:
            await self.context.work(self._keeper.configure, self._sources, self._listed)
        except (OSError, DataSourceError) as error:  # what is left of it is done by the next look, and before a build
            self._cannot_publish(error)
        if retired is not None:
            self._bells.take_down()
            await self.context.work_apart(LOOKING, retired.close)
            look_at_all_again()
        self._work.set()

    # Life.

    async def on_start(self) -> None:
        """Begin. auth answers without images until they are in line with the data sources."""
        self.context.spawn(self._run(), "keep")
        self.context.spawn(collect_a_little_at_a_time(), "collect garbage")

    def _upgrade(self) -> None:
        """In the worker thread."""
        assert self._sources is not None
        if upgrade_own(self._sources.configured, self.context.directories.state, self.context.log):
            self._sources.refresh()

    async def _run(self) -> None:
        store = await open_store(self.context, self._refused, self._obstacle.met)
        self._obstacle.gone()
        if store.arena.octets < arena.OCTETS:
            self.context.log.warning("MEMMGR_LITTLE_ROOM", octets=store.arena.octets)
        await self.context.work(self._upgrade)
        self._keeper = Keeper(store, self.context.log, self._resting)
        self.context.spawn(self._watch(self._keeper.following.asking), "watch")
        await self._configure(None)
        builds = BuildLoop(
            self.context, self._keeper, self._work, self._leave_alone, self._tell, lambda: self._patience
        )
        self.context.spawn(builds.build(), "build")
        self.context.spawn(builds.read(), "read")
        background = Background(self.context, self._keeper, lambda: self._patience, self._leave_alone)
        self.context.spawn(background.run(), "compact")
        while True:
            await self._look()
            await self._require_place(store)
            background.look()
            try:
                async with asyncio.timeout(LOOK_EVERY):
                    await self._rung.wait()
            except TimeoutError:
                pass
            self._rung.clear()

    async def _require_place(self, store: Store) -> None:
        """End where the directory of images is gone or another: the next process begins with what is there then."""
        try:
            in_place = await self.context.work(lambda: store.in_place)
        except OSError as error:  # that cannot be told now
            self._cannot_publish(error)
            return
        if not in_place:
            raise Displaced(f"{store.place} was removed or replaced by another directory")

    def _cannot_publish(self, error: Exception) -> None:
        self.context.counters.add("failures")
        self.context.log.error("MEMMGR_CANNOT_PUBLISH", reason=error)

    def _refused(self, path: Path, reason: str) -> None:
        """In the worker thread."""
        self.context.counters.add("images.refused")
        self.context.log.warning("MEMMGR_IMAGE_REFUSED", file=path, reason=reason)

    async def _look(self) -> None:
        assert self._keeper is not None
        try:
            busy = await self.context.work(self._follow)
        except OSError as error:
            self._cannot_publish(error)
            busy = True
        self._tell()
        if busy:
            self._work.set()

    def _follow(self) -> bool:
        """In the worker thread; whether there is something to build."""
        assert self._keeper is not None
        assert self._sources is not None
        self._listen()
        self._keeper.follow()
        self._problems.look(self._sources)
        if time.monotonic() - self._seen_at >= LOOK_EVERY:
            self._seen, self._seen_at = self._status(), time.monotonic()
        return self._keeper.busy

    def _listen(self) -> None:
        """Hang up a bell at each source that has none."""
        assert self._keeper is not None
        assert self._sources is not None
        for name, source in self._sources.each():
            if name in self._bells or isinstance(source, Failure):
                continue
            try:
                with self._keeper.following.asking.of(name):
                    bell = source.listen(self.context.member.replace("/", "."))
            except (OSError, DataSourceError):  # no descriptor left, say: the look every second does
                continue
            if bell is not None:
                self._bells.hang_up(name, bell)

    async def on_stop(self) -> None:
        """Leave everything as it is: the next start goes on from there."""
        self._bells.close()
        if self._silence is not None:  # the worker waits, and would not come to it: it is left as by who is killed
            return
        if self._keeper is not None:
            await self.context.work(self._keeper.close)
        if self._sources is not None:
            await self.context.work(self._sources.close)

    # Data sources that do not answer.

    async def _watch(self, asking: Asking) -> None:
        """End where a data source that is asked says nothing any more: no thread can be told to stop waiting."""
        while True:
            await asyncio.sleep(LISTEN_EVERY)
            longest = max(asking.unanswered(), key=lambda one: one.seconds, default=None)
            self._silence = longest if longest is not None and longest.seconds >= SILENCE_TOLD else None
            if longest is not None and longest.seconds >= self._patience:
                self._silence = longest
                silent = SourceSilent(longest.source, longest.seconds)
                self._leave_alone(silent)
                self.context.fail(silent)
                return

    def _leave_alone(self, silent: SourceSilent) -> None:
        """Ask a data source that does not answer nothing for a while, here and in the next process."""
        assert self._keeper is not None
        self.context.counters.add("silences")
        source = silent.source
        try:
            rest = self._resting.add(source, source_url(self._keeper.following.entry(source)), silent.seconds)
        except DataSourceError:  # it is configured no more
            return
        self.context.log.error(
            "MEMMGR_SOURCE_SILENT", source=source, seconds=f"{silent.seconds:.0f}", rest=f"{rest.seconds:.0f}"
        )

    def _waiting_for(self) -> list[api.SourceProblems]:
        """The data sources that do not answer, or are left alone since they did not, for the status."""
        configured = {} if self._sources is None else self._sources.configured
        found = self._resting.told((name, source_url(entry)) for name, entry in configured.items())
        if self._silence is not None:
            found.append((self._silence.source, f"it has not answered for {self._silence.seconds:.0f} s"))
        return [api.SourceProblems(source, 1, (reason,)) for source, reason in found]

    def _refuse_while_waiting(self) -> None:
        """What only the worker can tell must be asked again later."""
        if self._silence is not None:
            raise Refused("unavailable", f"memmgr waits for the data source {self._silence.source}")

    def _tell(self) -> None:
        """Set the gauges."""
        assert self._keeper is not None
        store = self._keeper.store
        self.context.counters.set("zones", sum(store.zones.values()))
        self.context.counters.set("slots", len(store.manifest.slots))
        self.context.counters.set("bytes", store.octets())
        self.context.counters.set("waiting", self._keeper.waiting)
        self.context.counters.add("changes", self._keeper.changes - self._changes)
        self.context.counters.add("compactions", self._keeper.compactions - self._compactions)
        self.context.counters.add("failures", self._keeper.no_room - self._no_room)
        self._changes, self._compactions = self._keeper.changes, self._keeper.compactions
        self._no_room = self._keeper.no_room

    # Commands.

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """How the images are; as they were last, and how long ago, where the worker waits or has much to do."""
        reply = None if self._silence is not None else await self._status_now()
        if reply is None:
            if self._seen is None:
                raise Refused("unavailable", "memmgr has not looked at its data sources yet")
            reply = msgspec.structs.replace(self._seen, age=time.monotonic() - self._seen_at)
        return msgspec.structs.replace(reply, sources=(*self._waiting_for(), *reply.sources))

    async def _status_now(self) -> api.StatusReply | None:
        """None where that takes too long."""
        try:
            async with asyncio.timeout(STATUS_PATIENCE):
                return await self.context.work(self._status)
        except TimeoutError:
            return None

    def _status(self) -> api.StatusReply:
        place = self.context.directories.state / DIRECTORY
        return status_of(self._keeper, place, self._problems.told(), self._obstacle.reason)

    @command(api.ZoneStatus)
    async def zone_status(self, _call: IncomingCall, request: api.ZoneStatus) -> api.ZoneStatusReply:
        """What the images have of some zones."""
        if len(request.origins) > api.MAX_ORIGINS:
            raise Refused("usage", f"origins: at most {api.MAX_ORIGINS} zones can be asked for at once")
        self._refuse_while_waiting()
        origins = [_origin(text) for text in request.origins]
        return api.ZoneStatusReply(await self.context.work(zone_images, self._keeper, origins, request.origins))

    @command(api.BuildStatus)
    async def build_status(self, _call: IncomingCall, request: api.BuildStatus) -> api.BuildStatusReply:
        """Whether the image of one zone is built."""
        return await self.context.work(build_status, self._asked(), _origin(request.origin))

    @command(api.Failures)
    async def failures(self, _call: IncomingCall, request: api.Failures) -> api.FailuresReply:
        """Zones that cannot be built."""
        _check_limit(request.limit)
        after = None if request.after is None else _origin(request.after)
        return await self.context.work(failures, self._asked(), after, request.limit)

    def _asked(self) -> Keeper:
        """Who can tell now; raises Refused where that is to be asked again later."""
        if self._keeper is None:
            raise Refused("unavailable", "memmgr is still starting")
        self._refuse_while_waiting()
        return self._keeper

    @command(api.ZoneProblems)
    async def zone_problems(self, _call: IncomingCall, request: api.ZoneProblems) -> api.ZoneProblemsReply:
        """Zones whose files cannot be used."""
        _check_limit(request.limit)
        keeper = self._asked()
        after = None if request.after is None else _origin(request.after)
        try:
            return await self.context.work(zone_problems, keeper, request, after)
        except StorageError as error:
            raise Refused("not-found", str(error)) from error

    @command(api.Reload)
    async def reload(self, _call: IncomingCall, request: api.Reload) -> api.ReloadReply:
        """Look at all data sources now, or at one of them."""
        keeper, sources = self._keeper, self._sources
        if keeper is None or sources is None:
            raise Refused("unavailable", "memmgr is still starting")
        if request.source is not None and request.source not in sources.configured:
            raise Refused("not-found", f"there is no data source {request.source!r}")
        if request.source is None:
            self._resting.clear()
        else:  # who may reload a zone there has no say over the others: one that is silent would hold up the worker
            self._resting.end(request.source, source_url(sources.configured[request.source]))
        await self.context.work_apart(LOOKING, sources.refresh, request.source)
        await self._look()
        return api.ReloadReply(keeper.waiting, self._problems.told())

    @command(api.Rebuild)
    async def rebuild(self, _call: IncomingCall, request: api.Rebuild) -> api.RebuildReply:
        """Build a zone anew, or all."""
        keeper = self._keeper
        if keeper is None:
            raise Refused("unavailable", "memmgr is still starting")
        if request.origin is None:
            await self.context.work(keeper.rebuild_all)
        elif not await self.context.work(keeper.rebuild, _origin(request.origin)):
            raise Refused("not-found", f"{request.origin}: no data source has it")
        self._work.set()
        return api.RebuildReply(keeper.waiting)


def _open(configured: Mapping[str, Any], before: Sources | None) -> Sources:
    try:
        return open_sources(configured, before=before, apart=True)
    except UnknownBackend as error:  # no waiting mends that
        raise Rejected("data_sources", str(error)) from error


def _check_limit(limit: int) -> None:
    """Raise Refused where more is wanted than comes at once."""
    if not 0 < limit <= api.MAX_ORIGINS:
        raise Refused("usage", f"limit: from 1 to {api.MAX_ORIGINS} zones can be asked for at once")


def _origin(text: str) -> Name:
    try:
        return dns.name.from_text(text)
    except dns.exception.DNSException as error:
        raise Refused("usage", f"{text!r} is not a zone: {error}") from error
