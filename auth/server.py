"""DNS service on a set of sockets: `Server` for the daemon, `start_server` for whoever has a data source and sockets.

One thread computes answers; the event loop moves octets and keeps time, and so is never held up by a data source.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from auth.acceptor import TcpListener
from auth.cookie_secrets import CookieSecrets
from auth.engine import Engine, Serving, ZoneData
from auth.places import place_of
from auth.settings import Settings
from auth.tally import Tally
from auth.tcp import TcpService
from auth.udp import UdpListener
from auth.zones import ZoneTable
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.spec import Spec


class Server:
    """Answers on whatever sockets it is given."""

    def __init__(self, serving: Serving, counters: Counters, log: MessageLog) -> None:
        self.engine = Engine(serving, Tally(counters), log)
        self._counters = counters
        self._executor = ThreadPoolExecutor(1, "answers")
        self._tcp = TcpService(self.engine, self._executor, counters, log)
        self._udp_listeners: list[UdpListener] = []
        self._tcp_listeners: list[TcpListener] = []

    @property
    def connections(self) -> int:
        """TCP connections now."""
        return len(self._tcp.table)

    async def serve(self, sockets: Sequence[socket.socket]) -> None:
        """Serve exactly these sockets: the new ones first, then the old ones are closed. Takes them over."""
        old_udp, old_tcp = self._udp_listeners, self._tcp_listeners
        datagram = [sock for sock in sockets if sock.type == socket.SOCK_DGRAM]
        stream = [sock for sock in sockets if sock.type == socket.SOCK_STREAM]
        self._udp_listeners = [UdpListener(sock, self.engine, self._executor, self._counters) for sock in datagram]
        self._tcp_listeners = [TcpListener(sock, self._tcp) for sock in stream]
        for udp in self._udp_listeners:
            udp.start()
        for tcp in self._tcp_listeners:
            tcp.start()
        for tcp in old_tcp:
            tcp.close()
        places = {place_of(sock) for sock in stream}
        for connection in self._tcp.table:
            if connection.place not in places:
                connection.finish()
        await asyncio.gather(*(udp.close() for udp in old_udp))

    async def finish_in_hand(self) -> None:
        """Return when everything is answered that was in hand at the call."""
        await asyncio.get_running_loop().run_in_executor(self._executor, _nothing)

    async def close(self) -> None:
        """Stop serving."""
        await self.serve([])
        for connection in self._tcp.table:
            connection.evict()
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
