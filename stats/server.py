"""uvicorn's HTTP on the daemon's own loop, with bounds for clients nobody knows."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server, ServerState

from daemonkit.http_server import begin, http_config

MAX_CONNECTIONS = 32
MAX_HEAD = 16 * 1024  # bytes of request line and headers
CONNECTION_SECONDS = 60.0  # a connection lasts no longer, whatever it does; a scraper makes another one
KEEP_ALIVE_SECONDS = 20  # Prometheus asks every 15 seconds by default


class BoundedProtocol(H11Protocol):
    """One connection, for a while."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._end: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn has it
        """Begin its time; one connection too many is closed."""
        super().connection_made(transport)
        self._end = self.loop.call_later(CONNECTION_SECONDS, transport.abort)
        if len(self.connections) > MAX_CONNECTIONS:
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        """It ended by itself."""
        if self._end is not None:
            self._end.cancel()
        super().connection_lost(exc)


class MetricsServer:
    """Serves one application on one listening socket."""

    def __init__(self, app: ASGIApp, listener: socket.socket) -> None:
        self._listener = listener
        config = http_config(app, BoundedProtocol, keep_alive=KEEP_ALIVE_SECONDS, max_head=MAX_HEAD)
        self._server = Server(config)

    async def start(self) -> None:
        """Accept connections from now on."""
        await begin(self._server, self._listener)

    async def stop(self) -> None:
        """Accept nobody any more, and let running requests end, for a second."""
        await self._server.shutdown(sockets=[self._listener])
        self._listener.close()
