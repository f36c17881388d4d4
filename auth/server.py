"""DNS service on a set of sockets: `Server` for the daemon, `start_server` for whoever has a data source and sockets.

Three threads: the loop answers from images (auth/loop.py); one computes all other answers, so that no data source ever
holds up the third, the event loop, which keeps time and takes orders.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from auth.acceptor import TcpListener
from auth.cookie_secrets import CookieSecrets
from auth.counted import COUNTED
from auth.engine import Engine, Serving, ZoneData
from auth.listed import Listed, list_zones
from auth.loop import Loop
from auth.loop_thread import LoopThread
from auth.places import place_of
from auth.raw import Hatch
from auth.settings import Settings
from auth.sizes import HATCH_MESSAGES
from auth.tally import Tally
from auth.tcp import TcpService
from auth.udp import UdpService
from auth.zones import ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from image.responder import Responder


class Server:
    """Answers on whatever sockets it is given."""

    def __init__(self, serving: Serving, counters: Counters, log: MessageLog) -> None:
        self.engine = Engine(serving, Tally(counters), log)
        self._counters = counters
        self._executor = ThreadPoolExecutor(1, "answers")
        self._tcp = TcpService(self.engine, self._executor, counters, log)
        self._tcp_listeners: list[TcpListener] = []
        self._responder: Responder | None = None
        self._listed: Listed | None = None
        hatch = Hatch(HATCH_MESSAGES)
        self.loop_thread = LoopThread(Loop(hatch, serving.settings.udp_batch), log)
        self._udp = UdpService(self.loop_thread, hatch, self.engine, self._executor, counters)
        counters.gather(COUNTED, self.loop_thread.loop.counts)
        self.loop_thread.start()

    def serve_by(self, serving: Serving) -> None:
        """Answer by this revision from now on: when this returns, the batch that was in hand is answered."""
        self.engine.serving = serving
        self._udp.refresh()
        self.loop_thread.call_now(self._engaging())

    async def answer_from(self, responder: Responder | None) -> None:
        """Answer from images from now on, as far as they and the configuration allow; with None from none."""
        self._responder = responder
        await self.take_zones()

    async def take_zones(self) -> None:
        """To be called after serve_by(): until then a revision with other zones is answered without images."""
        responder = self._responder
        zones = self.engine.serving.zones
        while responder is not None and not (self._listed and self._listed.is_of(zones, responder.seed)):
            self._listed = await asyncio.to_thread(list_zones, zones, responder.seed)
            zones = self.engine.serving.zones
        await self.loop_thread.call(self._engaging())

    def _engaging(self) -> Callable[[], None]:
        """What the thread of the loop has to do for the revision being served."""
        serving, responder, loop = self.engine.serving, self._responder, self.loop_thread.loop
        settings = serving.settings
        listed = self._listed
        is_usual = settings.minimal_responses and serving.zones.default.query_acl.accepts_all
        if responder is None or responder.udp_size != settings.udp_size or settings.rate_limit.enabled:
            is_usual = False  # the loop has no limits: the plain implementation keeps them
        is_looked_through = responder is not None and listed is not None and listed.is_of(serving.zones, responder.seed)

        def engage() -> None:
            loop.take_batch(settings.udp_batch)
            if responder is not None and listed is not None:
                responder.heed(listed.table, listed.count)
            loop.engage(responder if is_usual and is_looked_through else None)

        return engage

    @property
    def answers_from_images(self) -> bool:
        """Whether the loop has images, and may answer from them."""
        return bool(self.loop_thread.loop.engaged)

    @property
    def connections(self) -> int:
        """TCP connections now."""
        return len(self._tcp.table)

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve exactly these sockets: the new ones first, then the old ones are closed. Takes them over."""
        old_tcp = self._tcp_listeners
        datagram = [sock for sock in sockets if sock.type == socket.SOCK_DGRAM]
        stream = [sock for sock in sockets if sock.type == socket.SOCK_STREAM]
        self._tcp_listeners = [TcpListener(sock, self._tcp) for sock in stream]
        for tcp in self._tcp_listeners:
            tcp.start()
        for tcp in old_tcp:
            tcp.close()
        places = {place_of(sock) for sock in stream}
        for connection in self._tcp.table:
            if connection.place not in places:
                connection.finish()
        await self._udp.serve(datagram)

    async def finish_in_hand(self) -> None:
        """Return when everything is answered that was in hand at the call."""
        await asyncio.get_running_loop().run_in_executor(self._executor, _nothing)

    async def close(self) -> None:
        """Stop serving."""
        await self.serve([])
        for connection in self._tcp.table:
            connection.evict()
        await self.loop_thread.stop()
        self._udp.close()
        self._counters.publish()
        self._executor.shutdown(wait=False, cancel_futures=True)


def _nothing() -> None:
    """Take a turn."""


async def start_server(
    sockets: Sequence[socket.socket],
    data: ZoneData,
    settings: Settings | None = None,
    zones: ZoneTable | None = None,
) -> Server:
    """Serve a data source on bound sockets (TCP ones listening), without a daemon around it."""
    spec = Spec.load("auth")
    serving = Serving(data, settings or Settings(), zones or ZoneTable(), CookieSecrets.passing())
    server = Server(serving, Counters(spec.statistics), MessageLog("auth", spec.messages))
    await server.serve(sockets)
    return server
