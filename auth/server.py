"""DNS service on a set of sockets: `Server` for the daemon, `start_server` for whoever has a data source and sockets.

Three threads: the loop answers from images (auth/loop.py); one computes all other answers, so that no data source ever
holds up the third, the event loop, which keeps time and takes orders.
"""

from __future__ import annotations

import asyncio
import functools
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from auth.acceptor import TcpListener
from auth.cookie_secrets import CookieSecrets
from auth.counted import COUNTED
from auth.engine import Engine, Serving, ZoneData
from auth.listed import Listed, list_zones
from auth.loop import Loop
from auth.loop_thread import LoopThread
from auth.places import place_of
from auth.raw import Hatch
from auth.reply_tally import ReplyTally
from auth.settings import Settings
from auth.sizes import HATCH_MESSAGES
from auth.stream import StreamAnswers
from auth.tally import Tally
from auth.tcp import TcpService
from auth.udp import UdpService
from auth.zones import ZoneTable
from daemonkit.counters import Counters, Share
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from image.responder import Responder


@dataclass(frozen=True, slots=True)
class CompiledCounts:
    """Where compiled code counts what it answers."""

    loop: Share
    stream: Share

    @classmethod
    def declare(cls, counters: Counters) -> CompiledCounts:
        """To be said before the process has its page."""
        return cls(counters.share(COUNTED), counters.share(COUNTED))


class Server:
    """Answers on whatever sockets it is given."""

    def __init__(self, serving: Serving, counters: Counters, log: MessageLog, compiled: CompiledCounts) -> None:
        self.engine = Engine(serving, Tally(counters), log)
        self._counters = counters
        self._compiled = compiled
        self._executor = ThreadPoolExecutor(1, "answers")
        stream_tally = ReplyTally()
        stream_tally.count_in(compiled.stream.slots)
        compiled.stream.count_by(stream_tally.count_in)
        self._stream = StreamAnswers(stream_tally)
        self._tcp = TcpService(self.engine, self._executor, counters, log, self._stream)
        self._tcp_listeners: list[TcpListener] = []
        self._responder: Responder | None = None
        self._listed: Listed | None = None
        self._stream_responder: Responder | None = None
        hatch = Hatch(HATCH_MESSAGES)
        loop = Loop(hatch, serving.settings.udp_batch)
        self.loop_thread = LoopThread(loop, log)
        self._udp = UdpService(self.loop_thread, hatch, self.engine, self._executor, counters)
        loop.tally.count_in(compiled.loop.slots)
        compiled.loop.count_by(lambda slots: self.loop_thread.call_now(functools.partial(loop.tally.count_in, slots)))
        self.loop_thread.start()

    def serve_by(self, serving: Serving) -> None:
        """Answer by this revision from now on: when this returns, the batch that was in hand is answered."""
        self.engine.serving = serving
        self._udp.refresh()
        self.answer_streams_from(self._stream_responder)
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
        self.answer_streams_from(self._stream_responder)
        await self.loop_thread.call(self._engaging())

    def answer_streams_from(self, responder: Responder | None) -> None:
        """The same over TCP, by a responder for the thread of the event loop."""
        self._stream_responder = responder
        usable, listed = self._usable(responder), self._listed
        if usable is not None and listed is not None:
            listed.tell(usable, self._stream.engine.zone_tally)
        serving = self.engine.serving
        self._stream.engage(usable, serving.settings, serving.cookies)

    def _usable(self, responder: Responder | None) -> Responder | None:
        """The responder, if the revision being served asks nothing of it that images do not know."""
        serving, listed = self.engine.serving, self._listed
        if responder is None or listed is None or not listed.is_of(serving.zones, responder.seed):
            return None
        settings = serving.settings
        is_usual = settings.minimal_responses and serving.zones.default.query_acl.accepts_all
        if settings.rate_limit.enabled or responder.udp_size != settings.udp_size:
            is_usual = False  # here are no limits: the plain implementation keeps them
        return responder if is_usual else None

    def _engaging(self) -> Callable[[], None]:
        """What the thread of the loop has to do for the revision being served."""
        responder, listed, loop = self._usable(self._responder), self._listed, self.loop_thread.loop
        serving = self.engine.serving

        def engage() -> None:
            loop.take_batch(serving.settings.udp_batch)
            if responder is not None and listed is not None:
                listed.tell(responder, loop.engine.zone_tally)
            loop.engage(responder, serving.settings, serving.cookies)

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
        self.answer_streams_from(None)
        await self.loop_thread.stop()
        self._compiled.loop.count_by(self.loop_thread.loop.tally.count_in)
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
    counters = Counters(spec.statistics)
    server = Server(serving, counters, MessageLog("auth", spec.messages), CompiledCounts.declare(counters))
    await server.serve(sockets)
    return server
