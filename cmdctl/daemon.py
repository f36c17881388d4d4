"""The door for operators: HTTP on a UNIX socket in, commands on the bus and zone data out.

bobctl, curl -> control.sock -> guard (who may?) -> routes -> session (bob, cfgmgr, auth, any module)
                                                         \\-> datasrc, in worker threads
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import datasrc
from cmdctl.app import application
from cmdctl.bus import Statistics, StatisticsReply
from cmdctl.candidates import Candidates
from cmdctl.catalog import Catalog
from cmdctl.door import open_door, operators_group
from cmdctl.peer import own_policy
from cmdctl.server import DoorServer
from cmdctl.services import Services
from cmdctl.zonedesk import ZoneDesk
from daemonkit.configuration import Config, Prepared
from daemonkit.module import Context, Module, command
from datasrc.source import DataSource
from datasrc.sources import source_url
from msgq.session import IncomingCall


class CmdctlDaemon(Module):
    """Serves REST to who may give orders."""

    name = "cmdctl"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._services = Services(
            session=context.session,
            candidates=Candidates(context.session),
            catalog=Catalog({}, {}),
            zones=ZoneDesk({}, open_source),
            work=context.work,
            log=context.log,
            counters=context.counters,
        )
        self._server: DoorServer | None = None

    async def prepare(self, config: Config) -> Prepared:
        """Read the specs that components bring, and note where zones are; a data source is opened when it is used."""
        catalog = await self.context.work(Catalog.of, config.values["components"])
        zones = ZoneDesk(config.values["data_sources"], open_source)
        return Prepared(apply=lambda: self._apply(catalog, zones))

    def _apply(self, catalog: Catalog, zones: ZoneDesk) -> None:
        old = self._services.zones
        self._services.catalog = catalog
        self._services.zones = zones
        self.context.spawn(self.context.work(old.close), "close")

    async def on_start(self) -> None:
        """Open the door."""
        group = operators_group()
        door = open_door(self.context.directories.control_socket, group)
        self._server = DoorServer(application(self._services, own_policy(group)), door)
        await self._server.start()
        self.context.log.info("CMDCTL_OPEN", path=door.path)

    async def on_stop(self) -> None:
        """Close the door."""
        if self._server is not None:
            await self._server.stop()
        await self.context.work(self._services.zones.close)

    @command(Statistics)
    async def statistics(self, _call: IncomingCall, _request: Statistics) -> StatisticsReply:
        """The counters of this process."""
        return StatisticsReply(self.context.counters.statistics())


def open_source(name: str, configured: Mapping[str, Any]) -> DataSource:
    """Open one configured data source; raises DataSourceError."""
    return datasrc.open(source_url(configured), name=name)
