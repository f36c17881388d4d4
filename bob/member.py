"""bob's side of the bus, put together. Imported late: it is large, and the first processes start meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from bob.daemon import BobContext, BobDaemon
from bob.supervisor import Supervisor
from bob.tally import COUNTED, Tally
from cfgmgr.api import Reload, Reloaded
from daemonkit.counting import count_in_page, count_log, counters_of
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.session import Session

RELOAD_TIMEOUT = 30.0  # seconds; every module prepares within 5
LEAVE_TIMEOUT = 1.0  # seconds, of the 2 s of a clean stop


class Member:
    """bob on the bus."""

    def __init__(
        self, directories: Directories, supervisor: Supervisor, cfgmgr_arguments: Sequence[str], log: MessageLog
    ) -> None:
        spec = Spec.load("bob")
        self._context = BobContext(
            component="bob",
            instance="0",
            directories=directories,
            arguments=(),
            spec=spec,
            log=log,
            counters=counters_of(spec, Spec.load("daemonkit")),
            session=Session(directories.bus_address, "bob/0"),
        )
        count_log(self._context.counters)
        self._count_on(supervisor.tally)
        self.daemon = BobDaemon(self._context, supervisor, cfgmgr_arguments)
        self._membership = Membership(self.daemon, self._context)
        count_in_page(self._context)

    def _count_on(self, tally: Tally) -> None:
        """What was counted before there was a page goes into it."""
        share = self._context.counters.share(COUNTED)
        share.slots[: len(COUNTED)] = tally.slots
        tally.count_in(share.slots)
        share.count_by(tally.count_in)

    async def join(self) -> None:
        """Come onto the bus and take the first configuration. Raises BusError, Rejected."""
        self._membership.expect_configuration()
        await self._membership.join()
        self.daemon.on_bus = True
        await self._membership.configure()

    async def reload(self) -> Reloaded:
        """Have cfgmgr read the configuration file again and commit what changed. Raises BusError."""
        return await self._context.session.call(Reload(reason="SIGHUP", apply=True), timeout=RELOAD_TIMEOUT)

    async def leave(self) -> None:
        """Leave the bus; a broker that does not listen is not waited for."""
        self.daemon.on_bus = False
        self.daemon.phase = "stopping"
        try:
            async with asyncio.timeout(LEAVE_TIMEOUT):
                await self._context.session.close()
        except TimeoutError:
            pass
        await self._context.close()
