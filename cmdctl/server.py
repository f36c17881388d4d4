"""uvicorn's HTTP on the daemon's own loop: it neither installs signal handlers nor polls."""

from __future__ import annotations

import asyncio
import socket
import ssl

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server, ServerState

from cmdctl.connection import DoorProtocol
from cmdctl.door import Door
from cmdctl.limits import BACKLOG, GRACE_SECONDS, HANDSHAKE_SECONDS, KEEP_ALIVE_SECONDS, MAX_HEAD


class DoorServer:
    """Serves one application at one door."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._door = door
        self._server = Server(_config(app))

    async def start(self) -> None:
        """Accept connections from now on."""
        # serve() would add signal handlers and a loop that wakes ten times a second; these are its two other halves.
        config = self._server.config
        config.load()
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self._door.listener])

    async def stop(self) -> None:
        """Take the door away, give running requests GRACE_SECONDS, cut the rest off."""
        self._door.remove()
        await self._server.shutdown(sockets=[self._door.listener])
        self._door.close()


class TlsServer:
    """Serves one application over TLS. uvicorn's own start does not bound the time of a handshake."""

    def __init__(self, app: ASGIApp, listener: socket.socket, context: ssl.SSLContext) -> None:
        self._config = _config(app)
        self._listener = listener
        self._context = context
        self._state = ServerState()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Accept connections from now on."""
        self._config.load()
        self._server = await asyncio.get_running_loop().create_server(
            lambda: DoorProtocol(self._config, self._state, {}),
            sock=self._listener,
            ssl=self._context,
            backlog=BACKLOG,
            ssl_handshake_timeout=HANDSHAKE_SECONDS,
            ssl_shutdown_timeout=HANDSHAKE_SECONDS,
        )

    async def stop(self) -> None:
        """Accept nobody any more, give running requests GRACE_SECONDS, cut the rest off."""
        assert self._server is not None
        self._server.close()
        for connection in list(self._state.connections):
            connection.shutdown()
        if self._state.tasks:
            await asyncio.wait(self._state.tasks, timeout=GRACE_SECONDS)
        for connection in list(self._state.connections):
            if isinstance(connection, DoorProtocol):
                connection.cut_off()


def _config(app: ASGIApp) -> Config:
    return Config(
        app,
        http=DoorProtocol,
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=MAX_HEAD,
    )
