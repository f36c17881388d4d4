"""The daemon: configuration, its socket, what it does when a query hangs."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

import datasrc
from auth.client import Client, Transport
from auth.worker_link import WorkerLink
from authworker import api
from authworker import daemon as authworker_daemon
from authworker.daemon import AuthworkerDaemon
from authworker.errors import AnswerStalled
from daemonkit.configuration import Config
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from tests.auth.sockets import HeldSource, until
from tests.auth.world import load
from tests.kit import dnspacket as packet
from tests.kit.bus import FakeBus
from tests.kit.dnsreply import Reply

pytestmark = pytest.mark.asyncio
ZONE = "@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.3\n"
QUERY = packet.query("www.example.", "A")
CLIENT = Client("192.0.2.53", 5353, Transport.UDP)
REJECT = {"example": {"query_acl": [{"action": "REJECT"}]}}


class Daemon:
    """One worker with its surroundings."""

    def __init__(self, module: AuthworkerDaemon, caller, directory) -> None:
        self.module = module
        self.context = module.context
        self.caller = caller
        self.directory = directory
        self.link = WorkerLink(directory)

    async def configure(self, zones=None) -> None:
        def substitute(text: str) -> str:
            return text.replace("{state_dir}", str(self.directory))

        of_zones = Spec.load("zones").effective(
            {"zones": zones or {}, "templates": {"default": {}}, "keys": {}}, substitute
        )
        values = {**Spec.load("auth").effective({"auth": {}}, substitute), **of_zones}
        (await self.module.prepare(Config(1, values, {}))).apply()

    async def ask(self) -> str:
        answered = await asyncio.to_thread(self.link.ask, QUERY, CLIENT)
        assert answered.reply is not None
        return Reply.read(answered.reply).rcode


@asynccontextmanager
async def running(directory):
    source = datasrc.open(f"sqlite:///{directory}/zones.sqlite", create=True)
    load(source, {"example.": ZONE})
    source.close()
    bus = FakeBus()
    spec = Spec.load("authworker")
    context = Context(
        component="authworker",
        instance="0",
        directories=Directories(directory, directory),
        arguments=(),
        spec=spec,
        log=MessageLog("authworker", spec.messages),
        counters=Counters(spec.statistics),
        session=bus.session("authworker/0"),
    )
    module = AuthworkerDaemon(context)
    await Membership(module, context).join()
    daemon = Daemon(module, await bus.member("cmdctl/0"), directory)
    try:
        yield daemon
    finally:
        daemon.link.close()
        await daemon.module.on_stop()
        await context.close()
        await bus.close()


async def test_it_answers_by_each_revision(tmp_path):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        assert await daemon.ask() == "NOERROR"
        await daemon.configure(REJECT)
        assert await daemon.ask() == "REFUSED"
        await daemon.configure()
        assert await daemon.ask() == "NOERROR"
        status = await daemon.caller.call(api.Status())
        assert status == api.StatusReply(str(tmp_path / "worker.0.sock"), 1, 0, 0.0)


async def test_a_query_that_hangs_ends_the_process(tmp_path, monkeypatch):
    monkeypatch.setattr(authworker_daemon, "STALL_LIMIT", 0.1)
    monkeypatch.setattr(authworker_daemon, "STALL_LOOK", 0.01)
    async with running(tmp_path) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        held = HeldSource()
        held.hold()
        desk = daemon.module._desk
        desk.serve_by(type(desk.serving)(held))
        asking = asyncio.ensure_future(daemon.ask())
        await until(held.waiting.is_set)
        await asyncio.wait_for(daemon.context.stop.wait(), 10)
        assert isinstance(daemon.context.failure, AnswerStalled)
        held.released.set()
        assert await asking == "NOERROR"


async def test_looking_afresh_may_take_longer_than_a_query(tmp_path, monkeypatch):
    monkeypatch.setattr(authworker_daemon, "STALL_LIMIT", 1e-9)  # any query would be over it
    monkeypatch.setattr(authworker_daemon, "STALL_LOOK", 0.001)
    async with running(tmp_path) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        desk, begun, done, watched = daemon.module._desk, threading.Event(), threading.Event(), []
        in_hand = desk.in_hand

        def look():
            begun.set()
            done.wait(10)

        def noting():
            watched.append(begun.is_set())
            return in_hand()

        desk.look = look
        monkeypatch.setattr(desk, "in_hand", noting)
        looking = asyncio.ensure_future(asyncio.to_thread(daemon.link.look))
        await until(lambda: watched.count(True) >= 3 or daemon.context.stop.is_set())
        done.set()
        await looking
        assert not daemon.context.stop.is_set()
