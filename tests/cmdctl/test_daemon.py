"""The daemon as a whole: configuration in, door open, door closed."""

from __future__ import annotations

import asyncio
import contextlib
import stat
import tempfile
from pathlib import Path

import pytest

from cmdctl.api import Client
from cmdctl.bus import Statistics
from cmdctl.daemon import CmdctlDaemon
from cmdctl.errors import ErrorAnswer, NotRunning
from daemonkit.configuration import Config
from daemonkit.counters import Counters
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from tests.cmdctl.http import Log
from tests.kit.bus import FakeBus


class Daemon:
    """One cmdctl on a fake bus."""

    def __init__(self, module: CmdctlDaemon, bus: FakeBus, log: Log) -> None:
        self.module = module
        self.bus = bus
        self.log = log

    @property
    def path(self) -> Path:
        return self.module.context.directories.control_socket

    def values(self, **sources):
        return {
            "cmdctl": {"rest": "off", "certificate": None, "key": None, "host_names": [], "group_role": "admin"},
            "components": {},
            "data_sources": {name: {"type": "database", "url": url} for name, url in sources.items()},
        }

    async def configure(self, revision: int, **sources) -> None:
        values = self.values(**sources)
        (await self.module.prepare(Config(revision, values, values["cmdctl"]))).apply()

    async def get(self, *segments):
        return await asyncio.to_thread(Client(self.path, timeout=30).get, *segments)


@contextlib.asynccontextmanager
async def running():
    bus, log = FakeBus(), Log()
    with (
        tempfile.TemporaryDirectory(prefix="cmdctl-", dir="/tmp") as directory,
        tempfile.TemporaryDirectory(prefix="state-", dir="/tmp") as state,
    ):
        context = Context(
            component="cmdctl",
            instance="0",
            directories=Directories(Path(state), Path(directory)),
            arguments=(),
            spec=Spec.load("cmdctl"),
            log=log,
            counters=Counters(Spec.load("cmdctl").statistics),
            session=bus.session("cmdctl/0"),
        )
        module = CmdctlDaemon(context)
        await Membership(module, context).join()
        try:
            yield Daemon(module, bus, log)
        finally:
            await module.on_stop()
            await context.close()
            await bus.close()
        assert context.failure is None


@pytest.mark.asyncio
async def test_the_door_is_open_after_the_start_and_gone_after_the_stop():
    async with running() as daemon:
        await daemon.configure(1)
        with pytest.raises(NotRunning):
            await daemon.get("version")
        await daemon.module.on_start()
        assert (await daemon.get("version"))["version"]
        assert "CMDCTL_OPEN" in daemon.log.ids()
        assert stat.S_IMODE(daemon.path.stat().st_mode) in (0o600, 0o660)
        path = daemon.path
    assert not path.exists()


@pytest.mark.asyncio
async def test_stopping_before_the_start_is_no_error():
    async with running() as daemon:
        await daemon.configure(1)


@pytest.mark.asyncio
async def test_data_sources_follow_the_configuration_once_it_is_applied(tmp_path):
    from tests.cmdctl.house import House

    shelf = House(tmp_path)
    shelf.load("example.org")
    async with running() as daemon:
        await daemon.configure(1)
        await daemon.module.on_start()
        assert (await daemon.get("zones"))["zones"] == []
        values = daemon.values(main=shelf.url)
        prepared = await daemon.module.prepare(Config(2, values, values["cmdctl"]))
        assert (await daemon.get("zones"))["zones"] == []
        prepared.apply()
        assert [zone["origin"] for zone in (await daemon.get("zones"))["zones"]] == ["example.org"]
        await daemon.configure(3)
        with pytest.raises(ErrorAnswer):
            await daemon.get("zones", "example.org")


@pytest.mark.asyncio
async def test_a_damaged_data_source_refuses_no_configuration(tmp_path):
    (tmp_path / "bad").write_bytes(b"no database" * 1000)
    async with running() as daemon:
        await daemon.configure(1, bad=f"sqlite:///{tmp_path}/bad")
        await daemon.module.on_start()
        assert len((await daemon.get("zones"))["problems"]) == 1


@pytest.mark.asyncio
async def test_it_tells_its_counters_on_the_bus():
    async with running() as daemon:
        await daemon.configure(1)
        await daemon.module.on_start()
        await daemon.get("version")
        other = await daemon.bus.member("stats/0")
        assert {n: c for n, c in (await other.call(Statistics())).counters.items() if c} == {"requests": 1}


@pytest.mark.asyncio
async def test_a_run_directory_that_is_gone_ends_the_start():
    async with running() as daemon:
        await daemon.configure(1)
        daemon.path.parent.rmdir()
        with pytest.raises(FileNotFoundError):
            await daemon.module.on_start()
        daemon.path.parent.mkdir()


@pytest.mark.asyncio
async def test_a_store_that_cannot_be_opened_is_told_in_the_status_and_tried_again():
    async with running() as daemon:
        store = daemon.module.context.directories.state / "cmdctl.sqlite"
        store.mkdir()
        values = {**daemon.values(), "cmdctl": {**daemon.values()["cmdctl"], "rest": "127.0.0.1@1"}}
        (await daemon.module.prepare(Config(1, values, values["cmdctl"]))).apply()
        await daemon.module.on_start()
        rest = (await daemon.get("status"))["rest"]
        assert (rest["endpoint"], rest["state"]) == ("127.0.0.1@1", "failing")
        assert str(store) in rest["reason"]
        with pytest.raises(ErrorAnswer, match="users and tokens cannot be read now"):
            await daemon.get("users")
        store.rmdir()
        await daemon.configure(2)
        assert (await daemon.get("users"))["users"] == []
        assert (await daemon.get("status"))["rest"]["state"] == "off"
