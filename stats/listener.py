"""Where counters are served over HTTP: one plain listener, read-only, without credentials.

A new address is bound before the old one is given up. What fails at the start (somebody has the port) keeps nobody from
starting: it is logged, told in the status, and tried again.
"""

from __future__ import annotations

import asyncio
import socket
from dataclasses import dataclass
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from daemonkit.errors import Rejected
from daemonkit.module import Context
from daemonkit.option_addresses import parse_endpoint
from stats.api import StatusReply
from stats.errors import CannotListen

if TYPE_CHECKING:
    from stats.server import MetricsServer

RETRY_SECONDS = 5.0
BACKLOG = 16
OFF = "off"


@dataclass(slots=True)
class Address:
    """A configured address, and the socket bound to it if there is one."""

    endpoint: str
    listener: socket.socket | None = None

    def discard(self) -> None:
        """Give the socket back."""
        if self.listener is not None:
            self.listener.close()


class Listener:
    """Opens, changes and closes it."""

    def __init__(self, context: Context, app: ASGIApp) -> None:
        self._context = context
        self._app = app
        self._address: Address | None = None
        self._server: MetricsServer | None = None
        self._turn = asyncio.Lock()  # one change after the other
        self._reason = ""

    @property
    def status(self) -> StatusReply:
        """What it is, or should be."""
        endpoint = OFF if self._address is None else self._address.endpoint
        if endpoint == OFF:
            return StatusReply(OFF, "off")
        return StatusReply(endpoint, "failing" if self._server is None else "open", self._reason)

    def prepare(self, endpoint: str) -> Address | None:
        """Take what this address needs; None where nothing changes. Raises Rejected."""
        if self._address is None:
            return Address(endpoint)  # the first one: if it cannot be had yet, run() goes on trying
        if endpoint == self._address.endpoint:
            return None
        try:
            return Address(endpoint, None if endpoint == OFF else _bound(endpoint))
        except CannotListen as error:
            raise Rejected("stats.metrics", str(error)) from error

    def apply(self, address: Address | None) -> None:
        """Use it."""
        if address is not None:
            self._address = address
            self._context.spawn(self._change(address), "metrics")

    async def run(self) -> None:
        """Open it as soon as that is possible."""
        while True:
            await asyncio.sleep(RETRY_SECONDS)
            async with self._turn:
                if self._server is None and self._address is not None:
                    await self._open(self._address)

    async def stop(self) -> None:
        """Close it."""
        async with self._turn:
            await self._close()

    async def _change(self, address: Address) -> None:
        async with self._turn:
            if address is not self._address:  # changed again meanwhile
                address.discard()
                return
            await self._close()
            await self._open(address)

    async def _open(self, address: Address) -> None:
        """Serve there, or note why not."""
        if address.endpoint == OFF:
            return
        try:
            address.listener = address.listener or _bound(address.endpoint)
        except CannotListen as error:
            if self._reason != str(error):
                self._context.log.error("STATS_METRICS_CLOSED", endpoint=address.endpoint, reason=error)
            self._reason = str(error)
            return
        from stats.server import MetricsServer  # large, and metrics may be off

        self._server = MetricsServer(self._app, address.listener)
        await self._server.start()
        self._reason = ""
        self._context.log.info("STATS_METRICS_OPEN", endpoint=address.endpoint)

    async def _close(self) -> None:
        self._reason = ""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()


def _bound(endpoint: str) -> socket.socket:
    """A listening socket; raises CannotListen."""
    address, port = parse_endpoint(endpoint)
    family = socket.AF_INET6 if ":" in str(address) else socket.AF_INET
    # With its protocol named asyncio turns Nagle's algorithm off: an answer in two pieces took 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((str(address), port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except OSError as error:
        listener.close()
        raise CannotListen(f"cannot listen at {endpoint}: {error.strerror or error}") from error
    return listener
