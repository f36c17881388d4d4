"""uvicorn's HTTP on the daemon's own loop: it neither installs signal handlers nor polls."""

from __future__ import annotations

import asyncio
import functools
import socket
import ssl
from collections.abc import Callable

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server, ServerState

from cmdctl.connection import GUEST, DoorProtocol
from cmdctl.door import Door
from cmdctl.guests import Guest, Guests
from cmdctl.limits import (
    BACKLOG,
    HANDSHAKE_SECONDS,
    KEEP_ALIVE_SECONDS,
    MAX_CONNECTIONS,
    MAX_HEAD,
)
from cmdctl.peer import neighbourhood
from daemonkit.counters import Counters
from daemonkit.http_server import GRACE_SECONDS, begin, http_config
from daemonkit.log import MessageLog

ACCEPT_AGAIN_SECONDS = 1.0  # after the kernel had no descriptor for one more connection


class DoorServer:
    """Serves one application at one door."""

    def __init__(self, app: ASGIApp, door: Door, counters: Counters) -> None:
        self._door = door
        self._server = Server(_config(app, _protocol(counters)))

    async def start(self) -> None:
        """Accept connections from now on."""
        await begin(self._server, self._door.listener)

    async def stop(self) -> None:
        """Take the door away, give running requests GRACE_SECONDS, cut the rest off."""
        self._door.remove()
        await self._server.shutdown(sockets=[self._door.listener])
        self._door.close()


class TlsServer:
    """Serves one application over TLS.

    It accepts by itself: neither uvicorn nor asyncio counts connections whose handshake is not done, and each costs
    memory and a descriptor. The kernel keeps BACKLOG more waiting, and drops what comes beyond.
    """

    def __init__(
        self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext, log: MessageLog, counters: Counters
    ) -> None:
        self._protocol = _protocol(counters)
        self._config = _config(app, self._protocol)
        self._listener = listener
        self._context = context
        self._log = log
        self._counters = counters
        self._state = ServerState()
        self._guests = Guests(MAX_CONNECTIONS)
        self._accepting: asyncio.Task[None] | None = None
        self._handshakes: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept connections from now on."""
        self._config.load()
        self._listener.setblocking(False)
        self._listener.listen(BACKLOG)
        self._accepting = asyncio.create_task(self._accept(), name="rest")

    async def stop(self) -> None:
        """Accept nobody any more, give running requests GRACE_SECONDS, cut the rest off."""
        assert self._accepting is not None
        ending = [self._accepting, *self._handshakes]
        for task in ending:
            task.cancel()
        await asyncio.wait(ending)
        self._listener.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=GRACE_SECONDS)
        for connection in list(self._state.connections):
            if isinstance(connection, DoorProtocol):
                connection.cut_off()

    async def _accept(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            try:
                connection, address = await loop.sock_accept(self._listener)
            except ConnectionAbortedError:  # it is gone already
                self._counters.add("accept_failures")
                continue
            except OSError as error:  # no descriptor or no memory for it: it waits in the kernel
                self._counters.add("accept_failures")
                self._log.warning("CMDCTL_ACCEPT_FAILED", reason=error.strerror or error)
                await asyncio.sleep(ACCEPT_AGAIN_SECONDS)
                continue
            guest = self._guests.admit(neighbourhood(address[0]), connection.close)
            if guest is None:
                self._counters.add("connections_refused")
                connection.close()
                continue
            task = asyncio.create_task(self._shake_hands(connection, guest), name="handshake")
            guest.leave = functools.partial(self._make_way, task.cancel)
            self._handshakes.add(task)
            task.add_done_callback(self._handshakes.discard)

    def _make_way(self, end: Callable[[], object]) -> None:
        self._counters.add("connections_refused")
        end()

    async def _shake_hands(self, connection: socket.socket, guest: Guest) -> None:
        """Hand a connection on; one that does not come to speak TLS ends here, and there is nobody to tell."""
        try:
            _, protocol = await asyncio.get_running_loop().connect_accepted_socket(
                lambda: self._protocol(self._config, self._state, {GUEST: guest}),
                connection,
                ssl=self._context,
                ssl_handshake_timeout=HANDSHAKE_SECONDS,
                ssl_shutdown_timeout=HANDSHAKE_SECONDS,
            )
            guest.leave = functools.partial(self._make_way, protocol.cut_off)
        except OSError:  # ssl.SSLError and TimeoutError are OSErrors, too
            self._counters.add("handshake_failures")
            guest.gone()
            connection.close()
        except asyncio.CancelledError:
            guest.gone()
            connection.close()
            raise


def _protocol(counters: Counters) -> Callable[..., DoorProtocol]:
    return functools.partial(DoorProtocol, functools.partial(counters.add, "refused"))


def _config(app: ASGIApp, protocol: Callable[..., DoorProtocol]) -> Config:
    return http_config(app, protocol, keep_alive=KEEP_ALIVE_SECONDS, max_head=MAX_HEAD)
