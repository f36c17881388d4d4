"""The worker of auth: answers what auth leaves, so that whatever hangs or crashes there costs no answer from images.

auth --worker.N.sock--> Desk --messages--> the plain implementation (auth/engine.py) --lookups--> data sources
cfgmgr --options of auth, zones, keys, data_sources--> Serving; replaced as a whole
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from auth import api as auth
from auth.cookie_secrets import CookieSecrets, read_secrets
from auth.engine import Serving
from auth.errors import CookieSecretError
from auth.keys import KeyRing
from auth.last_good import LastGood
from auth.options import KEYS, change_zones, read_keys, read_settings, read_zones
from auth.source_news import refuse_failing, sources_served, tell_problems, tell_source
from auth.status import zones_served
from authworker import api
from authworker.desk import Desk
from authworker.errors import AnswerStalled, HookStalled, HookUnusable
from authworker.hook import Hook, load
from authworker.watch import Watch
from daemonkit.configuration import Config, Prepared
from daemonkit.errors import Rejected
from daemonkit.log import log_handler, own_log
from daemonkit.module import Context, Module, command
from daemonkit.process import suite_run
from daemonkit.spec import Spec
from datasrc.errors import UnknownBackend
from datasrc.silence import Asking
from datasrc.sources import ZONE_PATIENCE, Failure, Sources, SourceStatus, open_sources
from msgq.errors import Refused
from msgq.session import IncomingCall

AUTH = "auth"  # whose options, messages and counters these are
STARTING = "the worker is still starting"
STALL_LIMIT = 10.0  # seconds a query may take; then it will not come back by itself
STALL_LOOK = 1.0  # seconds between looks


@dataclass(frozen=True, slots=True)
class Candidate:
    """What a revision needs, before it is applied. But for data sources auth refuses, or tells, what is wrong."""

    serving: Serving
    sources: Sources
    keys: Mapping[str, Any]  # as configured
    hook: Mapping[str, Any]  # as configured
    statuses: Sequence[SourceStatus] = ()  # of the sources, where they are others than before


class AuthworkerDaemon(Module):
    """Answers for auth."""

    name = "authworker"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._auth = Spec.load(AUTH)
        self._log = own_log(context.component, self._auth.messages)
        if (handler := log_handler()) is not None:
            handler.watch(self._log)
        self._in_use: Candidate | None = None
        self._last_good = LastGood(context.directories.run, suite_run(), self._log)
        self._desk: Desk | None = None
        self._asking = Asking()
        self._watching = Watch(self._asking, context.log, context.counters)
        self._loop = asyncio.get_running_loop()

    # Configuration.

    async def prepare(self, config: Config) -> Prepared:
        """Read the options and zones, and open the data sources, if they are others than before."""
        candidate = await self.context.work(self._read, config)

        def discard() -> None:
            if self._in_use is None or candidate.sources is not self._in_use.sources:
                self.context.spawn(self.context.work(candidate.sources.close), "close")

        return Prepared(apply=lambda: self._apply(candidate), discard=discard)

    def _read(self, config: Config) -> Candidate:
        """In the worker thread."""
        before, values = self._in_use, config.values
        if before is None or config.difference is None:
            zones = read_zones(values)
        else:
            zones, _ = change_zones(before.serving.zones, values, config.difference)
        ring = KeyRing() if before is None else before.serving.keys
        keys, _ = read_keys(values[KEYS], {} if before is None else before.keys, ring)
        settings = read_settings(values[AUTH])
        cookies = self._read_cookies(values[AUTH]["cookies"])
        wanted = values[AUTH]["hook"]
        hook = None if before is None else before.serving.hook
        if before is None or wanted != before.hook:
            try:
                hook = _load(wanted)
            except HookUnusable as error:
                if before is not None:
                    raise Rejected("auth.hook.file", str(error)) from error
                self.context.log.error("AUTHWORKER_HOOK_UNUSABLE", reason=error)
        sources, statuses = self._open(values["data_sources"])
        serving = Serving(sources, settings, zones, cookies, keys, hook, self._last_good)
        return Candidate(serving, sources, values[KEYS], wanted, statuses)

    def _open(self, configured: Mapping[str, Any]) -> tuple[Sources, Sequence[SourceStatus]]:
        """The sources, and how they are where they are others than before."""
        before = None if self._in_use is None else self._in_use.sources
        if before is not None and list(before.configured.items()) == list(configured.items()):  # their order counts
            return before, ()
        try:
            sources = open_sources(
                configured,
                before=before,
                changed=self._source_changed,
                patience=ZONE_PATIENCE,
                asking=self._asking,
            )
        except UnknownBackend as error:  # no waiting mends that
            raise Rejected("data_sources", str(error)) from error
        statuses = sources.status()
        if before is not None:
            changed = {name for name, entry in configured.items() if entry != before.configured.get(name)}
            try:
                refuse_failing(statuses, changed)
            except Rejected:
                sources.close()
                raise
        return sources, statuses

    def _read_cookies(self, options: Mapping[str, Any]) -> CookieSecrets | None:
        if not options["enabled"]:
            return None
        try:
            return read_secrets(options, self.context.directories.state)
        except CookieSecretError:  # auth says so, and goes on without, too
            return CookieSecrets.passing()

    def _apply(self, candidate: Candidate) -> None:
        old, self._in_use = self._in_use, candidate
        if self._desk is not None:
            self._desk.serve_by(candidate.serving)
        if candidate.serving.hook is not None and (old is None or old.serving.hook is not candidate.serving.hook):
            self._tell_hook(candidate.hook)
        if old is None or old.sources is not candidate.sources:
            tell_problems(self._log, candidate.statuses)
        if old is not None and old.sources is not candidate.sources:
            self.context.spawn(self._retire(old.sources), "retire")

    def _tell_hook(self, wanted: Mapping[str, Any]) -> None:
        self.context.log.info("AUTHWORKER_HOOK_LOADED", function=wanted["function"], file=wanted["file"])

    def _look(self) -> None:
        """In the thread of who asked for it: look at the data sources and the hook afresh."""
        used = self._in_use
        assert used is not None
        used.sources.refresh()
        tell_problems(self._log, used.sources.status())
        try:
            hook = _load(used.hook)
        except HookUnusable as error:
            self.context.log.error("AUTHWORKER_HOOK_UNUSABLE", reason=error)
            return
        if hook is not None:
            asyncio.run_coroutine_threadsafe(self._take_hook(used, hook), self._loop).result()

    async def _take_hook(self, used: Candidate, hook: Hook) -> None:
        """Use it from now on, unless there is another revision by now, which has one of its own."""
        if self._in_use is used:
            self._apply(replace(used, serving=replace(used.serving, hook=hook)))

    async def _retire(self, sources: Sources) -> None:
        if self._desk is not None:
            await asyncio.to_thread(self._desk.finish_in_hand)
        await self.context.work(sources.close)

    def _source_changed(self, name: str, failure: Failure | None) -> None:
        """In whatever thread noticed it."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._tell_source, name, failure)

    def _tell_source(self, name: str, failure: Failure | None) -> None:
        tell_source(self._log, name, failure)
        if failure is not None:
            self.context.counters.add("datasource.failures")

    # Life.

    async def on_start(self) -> None:
        """Listen for auth instances, and watch over what is in hand."""
        assert self._in_use is not None, "the first configuration comes before everything else"
        path = api.socket_path(self.context.directories.run, self.context.instance)
        names = {name: index for index, name in enumerate(self._auth.statistics)}
        self._desk = Desk(path, self._in_use.serving, self._log, self.context.log, self.context.counters, names)
        self._desk.look = self._look
        self._desk.answered = self._answered
        self._desk.open()
        self.context.spawn(self._watch(self._desk), "watch")

    async def _watch(self, desk: Desk) -> None:
        while True:
            hook = desk.serving.hook
            await asyncio.sleep(STALL_LOOK if not isinstance(hook, Hook) else min(STALL_LOOK, hook.limit / 2))
            if isinstance(hook, Hook) and hook.interrupt_late():
                raise HookStalled(f"the answer hook takes more than {2 * hook.limit:g} seconds")
            if self._in_use is not None:
                self._watching.look(desk, self._in_use.sources)
            longest = max(desk.in_hand(), default=0.0)
            if longest >= STALL_LIMIT:
                raise AnswerStalled(f"a query takes more than {STALL_LIMIT:g} seconds")

    def _answered(self, source: str) -> None:
        """In the thread that had been waiting for it: what it found nobody wants any more."""
        if self._in_use is not None:
            self._in_use.sources.answered(source)

    async def on_stop(self) -> None:
        """Let auth instances answer by themselves, then let go of the data."""
        if self._desk is not None:
            self._desk.close()
        if self._in_use is not None:
            await self.context.work(self._in_use.sources.close)

    # Commands.

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """How the worker is doing."""
        if self._desk is None or self._in_use is None:  # members are heard before they are ready
            raise Refused("unavailable", STARTING)
        used = self._in_use.sources
        sources = await self._watching.ask(used, used.status)
        in_hand = self._desk.in_hand()
        return api.StatusReply(
            place=str(self._desk.path),
            connections=self._desk.connections,
            in_hand=len(in_hand),
            longest=round(max(in_hand, default=0.0), 3),
            sources=sources_served(sources),
            lost=len(self._desk.lost()),
        )

    @command(api.ZoneStatus)
    async def zone_status(self, _call: IncomingCall, request: api.ZoneStatus) -> auth.ZoneStatusReply:
        """How zones are answered for from the data sources."""
        if len(request.origins) > auth.MAX_ORIGINS:
            raise Refused("usage", f"origins: at most {auth.MAX_ORIGINS} zones can be asked for at once")
        if self._in_use is None:
            raise Refused("unavailable", STARTING)
        used = self._in_use
        found = await self._watching.ask(used.sources, zones_served, used.serving, request.origins, self.name)
        return auth.ZoneStatusReply(found)


def _load(wanted: Mapping[str, Any]) -> Hook | None:
    """The hook as configured, if there is to be one. Raises HookUnusable."""
    if wanted["file"] is None:
        return None
    return load(str(wanted["file"]), wanted["function"], float(wanted["time_limit"]))
