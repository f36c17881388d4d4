"""uvicorn within a daemon, on the daemon's own loop: who imports this serves HTTP.

uvicorn's serve() would add signal handlers and a loop that wakes ten times a second; `begin` is its other half. What a
connection may cost is up to the protocol class: uvicorn bounds neither their number nor their time.
"""

from __future__ import annotations

import socket
from collections.abc import Callable

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import Server

GRACE_SECONDS = 1  # for requests in hand when the daemon ends


def http_config(app: ASGIApp, protocol: Callable[..., H11Protocol], *, keep_alive: int, max_head: int) -> Config:
    """HTTP/1.1 alone, and nothing told that nobody asked for. Seconds between requests; octets of a request head."""
    return Config(
        app,
        http=protocol,  # type: ignore[arg-type]  # whatever makes one will do
        ws="none",
        lifespan="off",
        interface="asgi3",
        log_config=None,
        log_level="error",  # its warnings are of what strangers send, who are told
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=GRACE_SECONDS,
        h11_max_incomplete_event_size=max_head,
    )


async def begin(server: Server, listener: socket.socket) -> None:
    """Accept connections from now on."""
    config = server.config
    config.load()
    server.lifespan = config.lifespan_class(config)
    await server.startup(sockets=[listener])
