"""DNS service on a set of sockets: `Server` for the daemon, `start_server` for whoever has a data source and sockets.

Four threads: two loops answer from images, over UDP (auth/loop.py) and over TCP (auth/tcp_loop.py); one computes all
other answers, so that no data source ever holds up the fourth, the event loop, which takes orders.
"""

from __future__ import annotations

import asyncio
import functools
import ipaddress
import socket
import time
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from auth.client import Client, Transport
from auth.cookie_secrets import CookieSecrets
from auth.counted import COUNTED, LOOP_PART
from auth.engine import Engine, Serving, ZoneData
from auth.image_engine import ImageEngine
from auth.listed import Listed, list_zones
from auth.loop import Loop
from auth.loop_thread import LoopThread
from auth.raw import Hatch
from auth.reply_tally import ReplyTally
from auth.settings import Settings
from auth.sizes import HATCH_MESSAGES
from auth.tally import Tally
from auth.tcp import TcpService, tell_pauses
from auth.tcp_loop import TcpLoop
from auth.udp import UdpService
from auth.wire import labels_of
from auth.worker_engine import WorkerEngine
from auth.worker_link import WorkerLink
from auth.zones import ZoneTable
from daemonkit.counters import Counters, Share
from daemonkit.log import MessageLog, own_log
from daemonkit.spec import Spec
from image.directory import milliseconds
from image.layout import CLOSED
from image.responder import Responder

MAX_MESSAGE = 1 << 16  # octets, and one (RFC 1035 section 4.2.2)
SLACK = 64  # octets behind what compiled code reads


@dataclass(frozen=True, slots=True)
class CompiledCounts:
    """Where compiled code counts what it answers."""

    loop: Share
    tcp: Share

    @classmethod
    def declare(cls, counters: Counters) -> CompiledCounts:
        """To be said before the process has its page."""
        return cls(counters.share(COUNTED), counters.share(COUNTED))


class Server:
    """Answers on whatever sockets it is given."""

    def __init__(
        self,
        serving: Serving,
        counters: Counters,
        log: MessageLog,
        compiled: CompiledCounts,
        worker: WorkerLink | None = None,
    ) -> None:
        """With `worker` what is left by the loops is answered there, else in this process."""
        self._worker = worker
        self.engine = (
            Engine(serving, Tally(counters), log) if worker is None else WorkerEngine(serving, counters, log, worker)
        )
        self._counters = counters
        self._compiled = compiled
        self._executor = ThreadPoolExecutor(1, "answers")
        self._closed = False
        self._responder: Responder | None = None
        self._listed: Listed | None = None
        self._stream_responder: Responder | None = None
        self._since = 0  # milliseconds: a directory that has what sources had by then is not to be trusted
        hatch = Hatch(HATCH_MESSAGES)
        self.loop_thread = LoopThread("loop", Loop(hatch, serving.settings.udp_batch), log, self._tell_limited)
        self._udp = UdpService(self.loop_thread, hatch, self.engine, self._executor, counters)
        tcp_hatch = Hatch(HATCH_MESSAGES)
        tcp = TcpLoop(tcp_hatch)
        self.tcp_thread = LoopThread("tcp", tcp, log, lambda: tell_pauses(tcp, log))
        self._tcp = TcpService(self.tcp_thread, tcp_hatch, self.engine, self._executor)
        self._tcp.refresh()
        for thread, share in ((self.loop_thread, compiled.loop), (self.tcp_thread, compiled.tcp)):
            count_in(thread, share)
            thread.start()

    def listed_for(self, zones: ZoneTable, touched: Collection[bytes] | None) -> Listed | None:
        """What the loops need of the zones of a revision, which differ from those being served in these (keys; None: in
        any); None where they answer nothing anyway. For any thread. Blocks: 0.3 s for 100 000 zones that differ.
        """
        listed, responder = self._listed, self._responder
        if listed is None or responder is None or listed.is_of(zones, responder.seed):
            return listed
        if touched is None or not listed.is_of(self.engine.serving.zones, responder.seed):
            return list_zones(zones, responder.seed)
        return listed.changed(zones, touched)

    def serve_by(self, serving: Serving, listed: Listed | None = None) -> None:
        """Answer by this revision from now on: when this returns, the batch that was in hand is answered.

        `listed` is what listed_for() gave for it: without that nothing is answered from images until take_zones().
        """
        self.engine.serving = serving
        if listed is not None:
            self._listed = listed
        self._udp.refresh()
        self.tcp_thread.call_now(self._engaging_tcp())
        self.loop_thread.call_now(self._engaging())

    async def answer_from(self, responder: Responder | None) -> None:
        """Answer from images from now on, as far as they and the configuration allow; with None from none."""
        self._responder = responder
        await self.take_zones()

    async def take_zones(self) -> None:
        """To be called after serve_by(): other zones that came without `listed` are not answered from images before."""
        responder = self._responder
        while responder is not None and not (
            self._listed and self._listed.is_of(self.engine.serving.zones, responder.seed)
        ):
            made = await asyncio.to_thread(list_zones, self.engine.serving.zones, responder.seed)
            if made.is_of(self.engine.serving.zones, responder.seed):
                self._listed = made
        await self.tcp_thread.call(self._engaging_tcp())
        await self.loop_thread.call(self._engaging())

    async def answer_streams_from(self, responder: Responder | None) -> None:
        """The same over TCP, by another responder: when this returns, nobody looks into what the last one mapped."""
        self._stream_responder = responder
        await self.tcp_thread.call(self._engaging_tcp())

    async def distrust(self) -> None:
        """Refuse no name by images before they have all that data sources have now: when this returns, it is so."""
        self._since = milliseconds()
        await self.tcp_thread.call(lambda: self._trust(self._usable(self._stream_responder)))
        await self.loop_thread.call(lambda: self._trust(self._usable(self._responder)))

    def _trust(self, responder: Responder | None) -> None:
        """In the thread of the responder."""
        sources = self.engine.serving.sources
        if responder is not None and sources is not None:
            responder.trust(sources, self._since)

    def _usable(self, responder: Responder | None) -> Responder | None:
        """The responder, if the revision being served asks nothing of it that images do not know."""
        serving, listed = self.engine.serving, self._listed
        if responder is None or listed is None or not listed.is_of(serving.zones, responder.seed):
            return None
        is_usual = listed.usual != CLOSED and responder.udp_size == serving.settings.udp_size
        return responder if is_usual else None

    def _engaging(self) -> Callable[[], None]:
        """What the thread of the loop has to do for the revision being served."""
        responder, listed, loop = self._usable(self._responder), self._listed, self.loop_thread.loop
        serving = self.engine.serving
        limits = serving.settings.rate_limit
        table = self.engine.limits.table(limits) if limits.enabled else None

        def engage() -> None:
            loop.take_batch(serving.settings.udp_batch)
            if responder is not None and listed is not None:
                listed.tell(responder, loop.engine)
                self._trust(responder)
            loop.engage(responder, serving.settings, serving.cookies, table)

        return engage

    def _engaging_tcp(self) -> Callable[[], None]:
        """The same for the thread of the loop of TCP."""
        responder, listed, loop = self._usable(self._stream_responder), self._listed, self.tcp_thread.loop
        serving = self.engine.serving

        def engage() -> None:
            self._tcp.refresh()
            if responder is not None and listed is not None:
                listed.tell(responder, loop.answers.engine)
                self._trust(responder)
            loop.answers.engage(responder, serving.settings, serving.cookies)

        return engage

    def answer_beside(self, responder: Responder, message: bytes, client: Client) -> bytes | None:
        """What the loops would answer to a message by such a responder, which nobody else uses, without limits.

        Empty where that is nothing; None where they would leave it. Nothing is counted.
        """
        listed, serving = self._listed, self.engine.serving
        if not self.answers_from_images or listed is None or self._usable(responder) is None:
            return None
        engine = ImageEngine(ReplyTally(), LOOP_PART)
        listed.tell(responder, engine)
        engine.zone_tally.rest()
        self._trust(responder)
        engine.engage(responder, serving.settings, serving.cookies, None, time.time())
        address = ipaddress.ip_address(client.address).packed
        query, reply = memoryview(bytearray(message) + bytes(SLACK)), memoryview(bytearray(MAX_MESSAGE))
        engine.serve(query, reply, memoryview(bytearray(address) + bytes(SLACK)))
        responder.stream = int(client.transport is Transport.TCP)
        engine.set_time(int(time.time()), time.monotonic_ns())
        octets = engine.respond(0, len(message), 0, 0, len(address))
        return bytes(reply[: max(0, octets)]) if octets else None

    def _tell_limited(self) -> None:
        """In the thread of the loop, which cannot make the objects of a message."""
        notice = self.loop_thread.loop.engine.take_notice()
        if notice is not None:
            settings, kind, address, name = notice
            client = str(ipaddress.ip_address(address))
            self.engine.limits.tell(client, kind, labels_of(name) if name else None, settings)

    @property
    def answers_from_images(self) -> bool:
        """Whether the loop has images, and may answer from them."""
        return bool(self.loop_thread.loop.engaged)

    @property
    def threads(self) -> tuple[LoopThread[Any], ...]:
        """Of the loops."""
        return self.loop_thread, self.tcp_thread

    @property
    def connections(self) -> int:
        """TCP connections now."""
        return self._tcp.connections

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve exactly these sockets: the new ones first, then the old ones are closed. Takes them over."""
        await self._tcp.serve([sock for sock in sockets if sock.type == socket.SOCK_STREAM])
        await self._udp.serve([sock for sock in sockets if sock.type == socket.SOCK_DGRAM])

    async def finish_in_hand(self) -> None:
        """Return when everything is answered that was in hand at the call."""
        await asyncio.get_running_loop().run_in_executor(self._executor, _nothing)

    async def close(self) -> None:
        """Stop serving; doing so twice is no error."""
        if self._closed:
            return
        self._closed = True
        await self.serve([])
        await self._tcp.close()
        for thread, share in ((self.loop_thread, self._compiled.loop), (self.tcp_thread, self._compiled.tcp)):
            await thread.stop()
            share.count_by(thread.loop.tally.count_in)
        self._udp.close()
        self._executor.shutdown(wait=False, cancel_futures=True)
        if self._worker is not None:
            self._worker.close()


def count_in(thread: LoopThread[Loop] | LoopThread[TcpLoop], share: Share) -> None:
    """Have a loop count in its slots of the counters, now and when these are moved."""
    tally = thread.loop.tally
    tally.count_in(share.slots)
    share.count_by(lambda slots: thread.call_now(functools.partial(tally.count_in, slots)))


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
    server = Server(serving, counters, own_log("auth", spec.messages), CompiledCounts.declare(counters))
    await server.serve(sockets)
    return server
