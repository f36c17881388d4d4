"""The daemon: configuration, its socket, what it does when a query hangs."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

import datasrc
from auth import api as auth
from auth.client import Client, Transport
from auth.worker_link import WorkerLink
from authworker import api
from authworker import daemon as authworker_daemon
from authworker.daemon import AuthworkerDaemon
from authworker.errors import AnswerStalled
from daemonkit import log_limits
from daemonkit.configuration import Config
from daemonkit.counters import Counters
from daemonkit.errors import Rejected
from daemonkit.log import own_log
from daemonkit.log_limits import PROVOKED
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from msgq.errors import Refused
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

    async def prepare(self, zones=None, sources=None):
        def substitute(text: str) -> str:
            return text.replace("{state_dir}", str(self.directory))

        of_zones = Spec.load("zones").effective(
            {
                "zones": zones or {},
                "templates": {"default": {}},
                "keys": {},
                **({"data_sources": sources} if sources else {}),
            },
            substitute,
        )
        values = {**Spec.load("auth").effective({"auth": {}}, substitute), **of_zones}
        return await self.module.prepare(Config(1, values, {}))

    async def configure(self, **what) -> None:
        (await self.prepare(**what)).apply()

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
        log=own_log("authworker", spec.messages),
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
        await daemon.configure(zones=REJECT)
        assert await daemon.ask() == "REFUSED"
        await daemon.configure()
        assert await daemon.ask() == "NOERROR"
        status = await daemon.caller.call(api.Status())
        found = (auth.SourceServed("main", "", 1),)
        assert status == api.StatusReply(str(tmp_path / "worker.0.sock"), 1, 0, 0.0, found)


@pytest.mark.parametrize("configured", [False, True])
async def test_a_worker_that_is_still_starting_says_so_and_no_traceback(tmp_path, caplog, configured):
    async with running(tmp_path) as daemon:
        if configured:
            await daemon.configure()
        with pytest.raises(Refused, match="still starting") as refused:
            await daemon.caller.call(api.Status())
        assert refused.value.code == "unavailable"
        assert "Traceback" not in caplog.text


async def test_what_the_log_kept_back_is_told_and_costs_no_answer(tmp_path, caplog, monkeypatch):
    async with running(tmp_path) as daemon:
        await daemon.configure(zones={"www.example": {}})  # which no data source has
        await daemon.module.on_start()
        for _ in range(PROVOKED + 2):
            assert await daemon.ask() == "SERVFAIL"
        assert caplog.text.count("AUTH_ZONE_UNUSABLE") == PROVOKED
        monkeypatch.setattr(log_limits, "WINDOW", 0.0)  # it is over
        assert await daemon.ask() == "SERVFAIL"
        assert "DAEMON_MESSAGES_SUPPRESSED" in caplog.text
        assert "AUTH_INTERNAL_ERROR" not in caplog.text


async def test_a_source_that_fails_at_the_start_is_told_and_counted(tmp_path, caplog):
    async with running(tmp_path) as daemon:
        (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
        await daemon.configure(sources={"bad": {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}})
        await daemon.module.on_start()
        assert "AUTH_DATA_SOURCE_WAITING the data source bad cannot be read now" in caplog.text
        (source,) = (await daemon.caller.call(api.Status())).sources
        assert source.failure
        assert not source.new
        assert daemon.context.counters.statistics()["datasource.failures"] == 1


async def test_a_changed_data_source_that_is_damaged_is_refused_with_its_path(tmp_path):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        (tmp_path / "bad.sqlite").write_bytes(b"this is no database" * 100)
        with pytest.raises(Rejected) as caught:
            await daemon.prepare(sources={"bad": {"type": "database", "url": f"sqlite:///{tmp_path}/bad.sqlite"}})
        assert caught.value.path == "data_sources.bad"
        await daemon.prepare(sources={"new": {"type": "database", "url": f"sqlite:///{tmp_path}/new.sqlite"}})


async def test_faults_of_zone_files_are_told_when_it_looks_afresh(tmp_path, caplog):
    async with running(tmp_path) as daemon:
        directory = tmp_path / "zones"
        directory.mkdir()
        bad = directory / "example.zone"
        bad.write_text("this is no zone\n")
        await daemon.configure(sources={"files": {"type": "master-files", "directory": str(directory)}})
        await daemon.module.on_start()
        assert await daemon.ask() == "SERVFAIL"  # a file is read when its zone is asked for
        await asyncio.to_thread(daemon.link.look)
        assert f"AUTH_DATA_SOURCE_PROBLEM the data source files: {bad}:1" in caplog.text


async def test_it_tells_how_zones_are_answered_for(tmp_path):
    async with running(tmp_path) as daemon:
        await daemon.configure()
        await daemon.module.on_start()
        reply = await daemon.caller.call(api.ZoneStatus(["example", "nowhere"]))
        assert [(zone.origin, zone.state, zone.serial) for zone in reply.zones] == [
            ("example", "ready", 1),
            ("nowhere", "absent", None),
        ]
        with pytest.raises(Refused, match="at most 1000"):
            await daemon.caller.call(api.ZoneStatus(["x"] * (auth.MAX_ORIGINS + 1)))


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
        await asyncio.wait_for(daemon.context.stop.wait(), 60)
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
            done.wait(60)

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
