"""The daemon is told to look at one data source now, or at all of them."""

from __future__ import annotations

import asyncio

import pytest

import datasrc
from daemonkit.configuration import Config
from daemonkit.counters import Counters
from daemonkit.log import MessageLog, own_log
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from datasrc.sources import source_url
from memmgr import api
from memmgr.daemon import MemmgrDaemon
from memmgr.resting import Resting
from tests.datasrc.zonemaking import load
from tests.kit.bus import FakeBus
from tests.memmgr.house import soa

DEADLINE = 60.0  # s


def sources(directory):
    return {name: {"type": "database", "url": f"sqlite:///{directory}/{name}.sqlite"} for name in ("far", "near")}


def configuration(directory):
    def substitute(text: str) -> str:
        return text.replace("{state_dir}", str(directory))

    what = {"zones": {}, "templates": {"default": {}}, "keys": {}, "data_sources": sources(directory)}
    values = Spec.load("zones").effective(what, substitute)
    values |= Spec.load("memmgr").effective({"memmgr": {}}, substitute)
    return Config(1, values, values["memmgr"])


@pytest.mark.asyncio
async def test_who_reloads_one_source_has_no_other_asked_that_is_left_alone(tmp_path):
    """All rests were forgotten: memmgr's only worker waited for the silent one, whatever zone was to be loaded."""
    for name, entry in sources(tmp_path).items():
        source = datasrc.open(entry["url"], create=True)
        load(source, soa(1), f"{name}.")
        source.close()
    urls = {name: source_url(entry) for name, entry in configuration(tmp_path).values["data_sources"].items()}
    for name, url in urls.items():
        Resting(tmp_path, MessageLog("memmgr", Spec.load("memmgr").messages)).add(name, url, 60.0)
    bus, spec = FakeBus(), Spec.load("memmgr")
    log, counters, session = own_log("memmgr", spec.messages), Counters(spec.statistics), bus.session("memmgr/0")
    module = MemmgrDaemon(Context("memmgr", "0", Directories(tmp_path, tmp_path), (), spec, log, counters, session))
    await Membership(module, module.context).join()
    caller = await bus.member("cmdctl/0")

    async def resting() -> set[str]:
        status = await caller.call(api.Status())
        return {one.source for one in status.sources if "is asked again in" in " ".join(one.problems)}

    async def has_image(origin: str) -> bool:
        return (await caller.call(api.ZoneStatus([origin]))).zones[0].state == "image"

    async def has_begun() -> bool:
        return (await caller.call(api.Status())).state == "ready"

    async def until(condition) -> None:
        async with asyncio.timeout(DEADLINE):
            while not await condition():
                await asyncio.sleep(0.01)

    try:
        (await module.prepare(configuration(tmp_path))).apply()
        await module.on_start()
        await until(has_begun)
        assert await resting() == {"far", "near"}
        await caller.call(api.Reload("near"))
        assert await resting() == {"far"}
        await until(lambda: has_image("near"))
        assert not await has_image("far")
        await caller.call(api.Reload())
        assert await resting() == set()
        await until(lambda: has_image("far"))
    finally:
        await module.on_stop()
        await module.context.close()
        await bus.close()
