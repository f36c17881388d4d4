"""uvicorn on the daemon's own loop: it neither installs signal handlers nor polls."""

from __future__ import annotations

from starlette.types import ASGIApp
from uvicorn.config import Config
from uvicorn.server import Server

from cmdctl.connection import DoorProtocol
from cmdctl.door import Door
from cmdctl.limits import GRACE_SECONDS, KEEP_ALIVE_SECONDS, MAX_HEAD


class DoorServer:
    """Serves one application at one door."""

    def __init__(self, app: ASGIApp, door: Door) -> None:
        self._door = door
        self._server = Server(
            Config(
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
        )

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
