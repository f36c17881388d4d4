"""The door on TCP: REST over HTTPS for who has credentials.

Its settings change as a whole: a new address is bound and a new certificate read before anything is given up. What
fails at the start (somebody has the port) keeps nobody from starting; it is told in the status and tried again.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from starlette.types import ASGIApp

from cmdctl.authentication import Authentication
from cmdctl.certificate import Certificate, CertificateUnusable, own_certificate
from cmdctl.limits import BACKLOG
from cmdctl.roles import Caller
from cmdctl.server import TlsServer
from daemonkit.errors import Rejected
from daemonkit.module import Context
from daemonkit.option_addresses import parse_endpoint

RETRY_SECONDS = 5.0
CERTIFICATE_SECONDS = 2.0  # between two looks at the certificate's files
LOCALHOST = "localhost"


@dataclass(frozen=True, slots=True)
class RestSettings:
    """What the configuration says of REST over TCP."""

    address: str = ""  # empty: off
    port: int = 0
    certificate: Path | None = None  # None: our own
    key: Path | None = None
    host_names: frozenset[str] = frozenset()

    @classmethod
    def of(cls, own: Mapping[str, Any]) -> Self:
        """Those of cmdctl's options. Raises Rejected for a certificate without key or a key without certificate."""
        address, port = ("", 0) if own["rest"] == "off" else parse_endpoint(own["rest"])
        certificate, key = own["certificate"], own["key"]
        if (certificate is None) != (key is None):
            raise Rejected("cmdctl.key", "cmdctl.certificate and cmdctl.key go together")
        names = frozenset(own["host_names"])
        if certificate is None:
            return cls(str(address), port, host_names=names)
        return cls(str(address), port, Path(certificate), Path(key), names)

    @property
    def where(self) -> str:
        """The endpoint as it is written."""
        return f"{self.address}@{self.port}" if self.address else "off"


@dataclass(slots=True)
class Ready:
    """What one configuration of the door needs, taken before the one in use is given up."""

    settings: RestSettings
    certificate: Certificate | None = None
    listener: socket.socket | None = None

    def discard(self) -> None:
        """Give it back."""
        if self.listener is not None:
            self.listener.close()


class RemoteDoor:
    """Opens, changes and closes it (guard.Remote)."""

    def __init__(self, context: Context, authentication: Authentication, app: ASGIApp) -> None:
        self._context = context
        self._authentication = authentication
        self._app = app
        self._ready: Ready | None = None
        self._server: TlsServer | None = None
        self._own_names = frozenset((LOCALHOST, socket.gethostname().lower()))
        self._turn = asyncio.Lock()  # one change after the other
        self.reason = ""  # why it is not open although it should be
        self._stale = ""  # why a new certificate is not used

    @property
    def settings(self) -> RestSettings:
        """What it is, or should be."""
        return RestSettings() if self._ready is None else self._ready.settings

    @property
    def state(self) -> str:
        """For the status."""
        if not self.settings.address:
            return "off"
        return "open" if self._server is not None else "failing"

    @property
    def trouble(self) -> str:
        """What is wrong, for the status: why it is not open, or not with the certificate that its files hold now."""
        return self.reason or self._stale

    def knows_host(self, host: str) -> bool:
        """Whether a request may be for this host: an address (no web page's name is one), or a name of ours."""
        try:
            ipaddress.ip_address(host)
        except ValueError:
            return host in self._own_names or host in self.settings.host_names
        return True

    async def caller(self, authorization: str | None, address: str) -> Caller:
        """On whose behalf a request is made; raises RequestError."""
        return await self._authentication.caller(authorization, address)

    async def prepare(self, settings: RestSettings) -> Ready | None:
        """Take what these settings need; None where nothing changes. Raises Rejected."""
        if self._ready is None:
            return Ready(settings)  # the first ones: whatever they lack, run() goes on trying
        if settings == self._ready.settings:
            return None
        return await self._context.work(self._take, settings)

    def apply(self, ready: Ready | None) -> None:
        """Use it."""
        if ready is not None:
            self._ready = ready
            self._context.spawn(self._change(ready), "rest")

    async def run(self) -> None:
        """Open the door as soon as that is possible, and keep its certificate fresh."""
        while True:
            await self._refresh()
            failing = bool(self.settings.address) and self._server is None
            await asyncio.sleep(RETRY_SECONDS if failing else CERTIFICATE_SECONDS)

    async def stop(self) -> None:
        """Close it."""
        async with self._turn:
            await self._close()

    async def _refresh(self) -> None:
        async with self._turn:
            ready = self._ready
            if ready is None or not ready.settings.address:
                return
            if self._server is None:
                await self._try(ready)
            elif ready.certificate is not None:
                await self._look_at(ready.certificate)

    async def _look_at(self, certificate: Certificate) -> None:
        try:
            if await self._context.work(certificate.refresh):
                certificate.take()
                self._stale = ""
                self._context.log.info("CMDCTL_CERTIFICATE_READ", path=certificate.certificate)
        except CertificateUnusable as error:
            self._stale = f"the new certificate is not used: {error}"
            self._context.log.error("CMDCTL_CERTIFICATE_UNUSABLE", reason=error)

    async def _change(self, ready: Ready) -> None:
        async with self._turn:
            if ready is not self._ready:  # changed again meanwhile: nobody is to wait at an address given up
                ready.discard()
                return
            await self._close()
            if ready.settings.address:
                await self._try(ready)

    async def _try(self, ready: Ready) -> None:
        """Open the door, or note why not."""
        try:
            taken = ready if ready.listener is not None else await self._context.work(self._take, ready.settings)
        except Rejected as error:
            if self.reason != error.reason:
                self._context.log.error("CMDCTL_REST_CLOSED", endpoint=ready.settings.where, reason=error.reason)
            self.reason = error.reason
            return
        assert taken.certificate is not None
        assert taken.listener is not None
        ready.certificate, ready.listener = taken.certificate, taken.listener
        context, log, counters = taken.certificate.context, self._context.log, self._context.counters
        self._server = TlsServer(self._app, taken.listener, context, log, counters)
        await self._server.start()
        self.reason = ""
        self._context.log.info("CMDCTL_REST_OPEN", endpoint=ready.settings.where)

    async def _close(self) -> None:
        self.reason = self._stale = ""
        if self._server is not None:
            server, self._server = self._server, None
            await server.stop()

    def _take(self, settings: RestSettings) -> Ready:
        """Read the certificate and bind the address. Blocks; raises Rejected."""
        if not settings.address:
            return Ready(settings)
        try:
            files = (settings.certificate, settings.key)
            if settings.certificate is None:
                files = own_certificate(self._context.directories.state)
            certificate = Certificate(*files)  # type: ignore[arg-type]  # both are there
        except (CertificateUnusable, OSError) as error:
            raise Rejected("cmdctl.certificate", str(error)) from error
        current = self._ready
        try:
            if self._server is not None and current is not None and current.settings.where == settings.where:
                assert current.listener is not None
                return Ready(settings, certificate, current.listener.dup())
            return Ready(settings, certificate, listener_at(settings.address, settings.port))
        except OSError as error:
            raise Rejected("cmdctl.rest", f"cannot listen at {settings.where}: {error.strerror or error}") from error


def listener_at(address: str, port: int) -> socket.socket:
    """A listening socket. Raises OSError."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    # With its protocol named asyncio turns Nagle's algorithm off: an answer in two pieces took 40 ms.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((address, port))
        listener.listen(BACKLOG)
        listener.setblocking(False)
    except BaseException:
        listener.close()
        raise
    return listener
