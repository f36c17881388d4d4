"""The broker as a daemon: bob starts it before all that uses the bus, and tells it which processes have died.

members <-- ipc --> broker.py <-> exchange.py <-> routing.py        bob -- died --> on_died
"""

from __future__ import annotations

import asyncio
from typing import ClassVar, Final

from daemonkit.api import GetConfiguration
from daemonkit.control import Died
from daemonkit.membership import Membership
from daemonkit.module import Context, Module, command, subscribe
from msgq import api
from msgq.broker import Broker
from msgq.counts import Counts
from msgq.envelope import MEMBERSHIP, MembershipChange
from msgq.routing import Routing
from msgq.session import Event, IncomingCall

DROPS: Final = ("unavailable", "events_dropped", "outcomes_dropped", "notices_dropped", "unsent")
REPORT_INTERVAL: Final = 5.0  # seconds between looks at what was dropped


class MsgqDaemon(Module):
    """Carries commands and events between the processes of the suite."""

    name: ClassVar[str] = "msgq"
    uses_bus: ClassVar[bool] = False  # there is none before it; its own session is linked directly
    uses_configuration: ClassVar[bool] = False

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._broker: Broker | None = None
        self._share = context.counters.share(Counts.names)

    async def on_start(self) -> None:
        """Listen; raises AddressError."""
        self._broker = Broker(self.context.directories.bus_address, unwatched=self._unwatched)
        self._broker.start()
        self.context.log.info("MSGQ_LISTENING", path=self.context.directories.bus_socket)
        self._routing.counts.count_in(self._share.slots)
        self._share.count_by(self._routing.counts.count_in)
        self.context.session = self._broker.session(self.context.member)
        self._membership = Membership(self, self.context)
        self._membership.expect_configuration()
        await self._membership.join()
        asyncio.get_running_loop().call_soon(self._look_for_cfgmgr)  # behind our subscriptions, which take a turn
        self.context.spawn(self._report_drops(), "drops")

    def _look_for_cfgmgr(self) -> None:
        """One that was there before this process may have joined before we heard who does."""
        if any(entry.member.partition("/")[0] == GetConfiguration.module for entry in self._routing.roster()):
            self._membership.follow_soon()

    @subscribe(MEMBERSHIP)
    async def membership_changed(self, event: Event) -> None:
        """cfgmgr starts after this process, and may have had another broker before: ask it when it comes."""
        change = event.decode(MembershipChange)
        if change.change == "joined" and change.member.partition("/")[0] == GetConfiguration.module:
            self._membership.follow_soon()

    async def on_died(self, notice: Died) -> None:
        """A process of the suite has ended: whoever waits for it is told now."""
        if self._broker is not None:
            self._broker.died(notice.pid)

    async def on_stop(self) -> None:
        """Leave the bus, then close it."""
        if self._broker is not None:
            await self.context.session.close()
            self._broker.close()

    @command(api.Status)
    async def status(self, _call: IncomingCall, _request: api.Status) -> api.StatusReply:
        """Counts, and the queues that are not empty."""
        routing = self._routing
        queues = tuple(
            api.QueueStatus(peer.member, peer.queue_length, peer.queued_bytes, len(peer.tasks), tuple(peer.lost_topics))
            for peer in routing.members
            if peer.queue_length or peer.lost_topics
        )
        return api.StatusReply(len(routing.members), len(routing.flights), routing.queued_bytes, queues)

    @command(api.Members)
    async def members(self, _call: IncomingCall, _request: api.Members) -> api.MembersReply:
        """Who is on the bus."""
        return api.MembersReply(tuple(self._routing.roster()))

    @command(api.Statistics)
    async def statistics(self, _call: IncomingCall, _request: api.Statistics) -> api.StatisticsReply:
        """The counters."""
        return api.StatisticsReply(self.context.counters.statistics())

    @property
    def _routing(self) -> Routing:
        assert self._broker is not None
        return self._broker.exchange.routing

    async def _report_drops(self) -> None:
        """Say what was dropped, if anything was, and for whom messages wait."""
        before = self._dropped()
        while True:
            await asyncio.sleep(REPORT_INTERVAL)
            now = self._dropped()
            fresh = {name: count - before[name] for name, count in now.items() if count > before[name]}
            before = now
            if fresh:
                counts = ", ".join(f"{count} {name.replace('_', ' ')}" for name, count in fresh.items())
                waiting = [f"{peer.member} {peer.queue_length}" for peer in self._routing.members if peer.queue_length]
                self.context.log.warning("MSGQ_DROPPED", counts=counts, queues=", ".join(waiting) or "nothing")

    def _dropped(self) -> dict[str, int]:
        return {name: getattr(self._routing.counts, name) for name in DROPS}

    def _unwatched(self, pid: int, error: OSError) -> None:
        self.context.log.warning("MSGQ_UNWATCHED", pid=pid, reason=error)
