"""The door for operators: HTTP on a UNIX socket and over TLS in, commands on the bus and zone data out.

bobctl, curl -> control.sock, rest -> guard (who may?) -> routes -> session (bob, cfgmgr, auth, any module)
                                                               \\-> datasrc, in worker threads
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import datasrc
from cmdctl.accounts import Accounts
from cmdctl.api import RestState
from cmdctl.app import application
from cmdctl.audit import Audit
from cmdctl.authentication import Authentication
from cmdctl.bus import Statistics, StatisticsReply
from cmdctl.candidates import Candidates
from cmdctl.catalog import Catalog
from cmdctl.door import open_door, operators_group
from cmdctl.guard import Gatekeeping
from cmdctl.limits import ASK_SECONDS, ASKING, CHANGE_SECONDS, STORE_THREADS
from cmdctl.peer import own_policy
from cmdctl.pools import Pool, check_pool
from cmdctl.remote import RemoteDoor, RestSettings
from cmdctl.roles import Role
from cmdctl.server import DoorServer
from cmdctl.services import Services
from cmdctl.store import Store, StoreFailed
from cmdctl.zonedesk import ZoneDesk
from daemonkit.configuration import Config, Prepared
from daemonkit.lane import Lane
from daemonkit.module import Context, Module, command
from datasrc.source import DataSource
from datasrc.sources import source_url
from msgq.errors import Refused
from msgq.session import IncomingCall


class CmdctlDaemon(Module):
    """Serves REST to who may give orders."""

    name = "cmdctl"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._asking = Lane("sources", ASKING, ASK_SECONDS, context.log)
        self._changing = Lane("changes", 1, CHANGE_SECONDS, context.log, self._asking)
        self._check_pool = check_pool()
        self._store_pool = Pool("store", STORE_THREADS)
        self._services = Services(
            session=context.session,
            candidates=Candidates(context.session, context.log, self._store_pool),
            catalog=Catalog({}, {}),
            zones=self._desk({}),
            work=context.work,
            ask=self._asking.run,
            change=self._changing.run,
            checks=self._check_pool,
            store_work=self._store_pool,
            log=context.log,
            counters=context.counters,
            durations=context.durations,
            last_lines=context.directories.last_lines,
        )
        self._group = operators_group()
        self._keeping = Gatekeeping(own_policy(self._group))
        self._app = application(self._services, self._keeping)
        self._server: DoorServer | None = None
        self._store: Store | None = None
        self._rest: RemoteDoor | None = None

    async def prepare(self, config: Config) -> Prepared:
        """Read the specs that components bring, and note where zones are; a data source is opened when it is used."""
        catalog = await self.context.work(Catalog.of, config.values["components"])
        zones = self._desk(config.values["data_sources"])
        settings = RestSettings.of(config.own)
        if self._store is None:
            await self._open_store(settings)
        role = Role.of(config.own["group_role"])
        if self._rest is None:
            return Prepared(apply=lambda: self._apply(catalog, zones, role))
        rest, ready = self._rest, await self._rest.prepare(settings)

        def apply() -> None:
            self._apply(catalog, zones, role)
            rest.apply(ready)

        return Prepared(apply=apply, discard=lambda: None if ready is None else ready.discard())

    def _desk(self, sources: Mapping[str, Mapping[str, Any]]) -> ZoneDesk:
        return ZoneDesk(sources, open_source, self._asking.asks)

    async def _closed(self, zones: ZoneDesk) -> None:
        with contextlib.suppress(Refused):  # what does not answer is not waited for, and ends with this process
            await self._asking.run(zones.close)

    async def _open_store(self, settings: RestSettings) -> None:
        """Open users, tokens and the audit log; without them the UNIX socket must do."""
        try:
            self._store = await self._store_pool(Store, self.context.directories.state)
        except StoreFailed as error:
            self.context.log.error("CMDCTL_STORE_FAILED", reason=error)
            state, reason = ("failing", str(error)) if settings.address else ("off", "")
            self._services.rest = lambda: RestState(endpoint=settings.where, state=state, reason=reason)
            return
        self._services.accounts = self._services.candidates.accounts = Accounts(self._store)
        self._services.audit = Audit(self._store)
        await self._give_up_unfinished(self._services.audit)
        self._rest = RemoteDoor(self.context, Authentication(self._services.accounts, self._store_pool), self._app)
        self._services.rest = self._rest_state
        self._keeping.remote = self._rest
        self._keeping.audit = self._services.audit
        if self._server is not None:  # it could not be opened at the start
            self.context.spawn(self._rest.run(), "rest")

    async def _give_up_unfinished(self, audit: Audit) -> None:
        """Say of changes that were cut short that their outcome is not known."""
        try:
            if count := await self._store_pool(audit.give_up):
                self.context.log.warning("CMDCTL_OUTCOME_UNKNOWN", count=count)
        except StoreFailed as error:  # a full disk: they have no outcome all the same
            self.context.log.error("CMDCTL_STORE_FAILED", reason=error)

    def _rest_state(self) -> RestState:
        assert self._rest is not None
        return RestState(endpoint=self._rest.settings.where, state=self._rest.state, reason=self._rest.trouble)

    def _apply(self, catalog: Catalog, zones: ZoneDesk, role: Role) -> None:
        self._keeping.policy = replace(self._keeping.policy, group_role=role)
        old = self._services.zones
        self._services.catalog = catalog
        self._services.zones = zones
        self.context.spawn(self._closed(old), "close")

    async def on_start(self) -> None:
        """Open the door; the one on TCP opens when it can."""
        door = open_door(self.context.directories.control_socket, self._group)
        self._server = DoorServer(self._app, door, self.context.counters)
        await self._server.start()
        if self._rest is not None:
            self.context.spawn(self._rest.run(), "rest")
        self.context.log.info("CMDCTL_OPEN", path=door.path)

    async def on_stop(self) -> None:
        """Close the doors."""
        if self._rest is not None:
            await self._rest.stop()
        if self._server is not None:
            await self._server.stop()
        await self._app.recorder.tell_left_out(at_once=True)
        await self._closed(self._services.zones)
        if self._store is not None:
            await self._store_pool(self._store.close)
        self._check_pool.close()
        self._store_pool.close()

    @command(Statistics)
    async def statistics(self, _call: IncomingCall, _request: Statistics) -> StatisticsReply:
        """The counters of this process."""
        return StatisticsReply(self.context.counters.statistics())


def open_source(name: str, configured: Mapping[str, Any]) -> DataSource:
    """Open one configured data source; raises DataSourceError."""
    return datasrc.open(source_url(configured), name=name)
