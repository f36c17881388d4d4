"""Accepting TCP connections within their limits, also when the process is out of descriptors."""

from __future__ import annotations

import asyncio
import errno
import socket

from auth.connections import client_key
from auth.places import place_of
from auth.tcp import Connection, TcpService

ACCEPT_BATCH = 16  # connections accepted in one go
ACCEPT_PAUSE = 0.2  # seconds, when the process is out of descriptors or memory
FAST_OPEN_QUEUE = 64  # connections that may wait with data in their first packet (RFC 9210 section 4.1)
OUT_OF_RESOURCES = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


class TcpListener:
    """One listening socket at work."""

    def __init__(self, sock: socket.socket, service: TcpService) -> None:
        self._socket = sock
        self._service = service
        self._place = place_of(sock)
        self._resume: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Accept from now on."""
        self._socket.setblocking(False)
        try:
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_FASTOPEN, FAST_OPEN_QUEUE)
        except OSError:  # switched off in this kernel: the handshake takes its round trip
            pass
        self._service.loop.add_reader(self._socket, self._acceptable)

    def close(self) -> None:
        """Accept no more."""
        if self._resume is not None:
            self._resume.cancel()
        self._service.loop.remove_reader(self._socket)
        self._socket.close()

    def _acceptable(self) -> None:
        for _ in range(ACCEPT_BATCH):
            try:
                sock, peer = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as error:
                if error.errno in OUT_OF_RESOURCES:
                    self._pause(error)
                    return
                continue  # the client gave up meanwhile
            self._take(sock, peer[:2])

    def _pause(self, error: OSError) -> None:
        """Out of descriptors: give one back, and look again a little later."""
        self._service.counters.add("tcp.accept_pauses")
        self._service.log.warning("AUTH_ACCEPT_PAUSED", reason=error.strerror)
        victim = self._service.table.most_dispensable()
        if victim is not None:
            victim.evict()
        self._service.loop.remove_reader(self._socket)
        self._resume = self._service.loop.call_later(ACCEPT_PAUSE, self._accept_again)

    def _accept_again(self) -> None:
        self._resume = None
        self._service.loop.add_reader(self._socket, self._acceptable)

    def _take(self, sock: socket.socket, peer: tuple[str, int]) -> None:
        service, settings = self._service, self._service.settings
        there_is_room, victims = service.table.make_room(
            client_key(peer[0]), service.limit, settings.connections_per_client
        )
        for victim in victims:
            service.counters.add("tcp.evicted")
            victim.evict()
        if not there_is_room:
            service.counters.add("tcp.refused")
            sock.close()
            return
        service.counters.add("tcp.accepted")
        connection = Connection(service, peer, self._place)
        service.table.add(connection)
        task = service.loop.create_task(self._connect(sock, connection))
        service.tasks.add(task)
        task.add_done_callback(service.tasks.discard)

    async def _connect(self, sock: socket.socket, connection: Connection) -> None:
        try:
            await self._service.loop.connect_accepted_socket(lambda: connection, sock)
        except OSError:  # the client was gone before it was greeted
            self._service.table.remove(connection)
            sock.close()
