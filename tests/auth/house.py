"""An auth daemon with its surroundings: a bus within the loop, and databases in a real directory."""

from __future__ import annotations

import socket
from contextlib import asynccontextmanager

import datasrc
from auth.daemon import AuthDaemon
from daemonkit.configuration import Config
from daemonkit.control import SocketPlace
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.membership import Membership
from daemonkit.module import Context, ListeningSocket
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from tests.auth.sockets import bound
from tests.auth.test_udp import client, receive
from tests.auth.world import load
from tests.kit import dnspacket as packet
from tests.kit.bus import FakeBus
from tests.kit.dnsreply import Reply

ZONE = "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n"


class Daemon:
    """One auth with its surroundings."""

    def __init__(self, module: AuthDaemon, bus, caller, directory) -> None:
        self.module = module
        self.bus = bus
        self.context = module.context
        self.caller = caller
        self.directory = directory
        self.sockets: list[socket.socket] = []

    @property
    def url(self) -> str:
        return f"sqlite:///{self.directory}/zones.sqlite"

    def load(self, **zones: str) -> None:
        """Put zones into the database."""
        source = datasrc.open(self.url, create=True)
        load(source, {f"{name}.": text for name, text in zones.items()})
        source.close()

    def values(self, own=None, zones=None, templates=None, sources=None, keys=None, worker=False):
        """An effective configuration; `worker`: there is to be one."""

        def substitute(text: str) -> str:
            return text.replace("{state_dir}", str(self.directory))

        of_zones = Spec.load("zones").effective(
            {
                "zones": zones or {},
                "templates": templates or {"default": {}},
                **({"data_sources": sources} if sources else {}),
                "keys": keys or {},
            },
            substitute,
        )
        components = {} if worker else {"authworker": {"enabled": False}}
        return {**Spec.load("auth").effective({"auth": own or {}}, substitute), **of_zones, "components": components}

    async def prepare(self, revision: int = 1, **what):
        values = self.values(**what)
        return await self.module.prepare(Config(revision, values, values["auth"]))

    async def configure(self, **what) -> None:
        (await self.prepare(**what)).apply()

    async def listen(self, *kinds: socket.SocketKind) -> socket.socket:
        """Sockets as bob hands them over; the first of them."""
        socks = [bound(kind) for kind in kinds or (socket.SOCK_DGRAM,)]
        names = {socket.SOCK_DGRAM: "udp", socket.SOCK_STREAM: "tcp"}
        places = [SocketPlace(names[sock.type], *sock.getsockname()) for sock in socks]
        await self.module.on_sockets([ListeningSocket(*pair) for pair in zip(places, socks, strict=True)])
        return socks[0]

    async def ask(self, sock: socket.socket, name: str, rdtype="A", **how) -> Reply:
        with client(*sock.getsockname()) as asker:
            asker.send(packet.query(name, rdtype, additional=[packet.opt()], **how))
            return await receive(asker)

    async def call(self, request):
        return await self.caller.call(request)


@asynccontextmanager
async def running(directory, **zones):
    """A daemon that has joined the bus; the database has these zones, and does not exist if there are none."""
    bus = FakeBus()
    spec = Spec.load("auth")
    context = Context(
        component="auth",
        instance="0",
        directories=Directories(directory, directory),
        arguments=(),
        spec=spec,
        log=own_log("auth", spec.messages),
        counters=Counters(spec.statistics),
        session=bus.session("auth/0"),
    )
    module = AuthDaemon(context)
    await Membership(module, context).join()
    daemon = Daemon(module, bus, await bus.member("cmdctl/0"), directory)
    if zones:
        daemon.load(**zones)
    try:
        yield daemon
    finally:
        await module.on_stop()
        await context.close()
        await bus.close()
