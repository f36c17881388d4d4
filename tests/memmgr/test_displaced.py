"""The directory of images is deleted, or another takes its place, while memmgr keeps it: the next one builds all."""

from __future__ import annotations

import asyncio
import errno
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

import datasrc
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from image import manifest
from memmgr import api
from memmgr.daemon import MemmgrDaemon
from memmgr.errors import Displaced
from memmgr.opening import DIRECTORY
from tests.datasrc.zonemaking import load
from tests.kit.bus import FakeBus
from tests.memmgr.house import House, soa
from tests.memmgr.test_full_disk import configuration

DEADLINE = 60.0  # s


def delete(place: Path) -> None:
    shutil.rmtree(place)


def replace(place: Path) -> None:
    """With another that somebody keeps, or will."""
    place.rename(place.with_name("before"))
    place.mkdir()
    (place / manifest.LOCK).write_bytes(b"")
    (place / "7.image").write_bytes(b"another's")


def put_away_the_lock(place: Path) -> None:
    (place / manifest.LOCK).unlink()


@pytest.mark.asyncio
@pytest.mark.parametrize("displace", [delete, replace, put_away_the_lock])
async def test_memmgr_ends_where_its_directory_is_not_there_any_more_and_the_next_one_begins_anew(tmp_path, displace):
    """It was ready for ever, and whatever was built was seen by nobody behind the next start."""
    source = datasrc.open(f"sqlite:///{tmp_path}/zones.sqlite", create=True)
    load(source, soa(1, "www A 192.0.2.80"), "example.")
    source.close()
    bus = FakeBus()
    place = tmp_path / DIRECTORY
    try:
        await keep_until_ready(bus, tmp_path, displace)
        if displace is replace:
            assert sorted(path.name for path in place.iterdir()) == ["7.image", manifest.LOCK]
        await keep_until_ready(bus, tmp_path, None)
    finally:
        await bus.close()
    assert len(manifest.read(place / manifest.NAME).slots) == 2  # that of the zone and the margin


async def keep_until_ready(bus: FakeBus, directory: Path, displace: Callable[[Path], None] | None) -> None:
    """One process, which has its directory taken away when it is ready, and ends of itself then."""
    spec = Spec.load("memmgr")
    log, counters, session = own_log("memmgr", spec.messages), Counters(spec.statistics), bus.session("memmgr/0")
    context = Context("memmgr", "0", Directories(directory, directory), (), spec, log, counters, session)
    module = MemmgrDaemon(context)
    await Membership(module, context).join()
    caller = await bus.member("cmdctl/0")

    async def is_ready() -> bool:
        return (await caller.call(api.Status())).state == "ready"

    try:
        (await module.prepare(configuration(directory, {}))).apply()
        await module.on_start()
        await until(is_ready)
        if displace is not None:
            displace(directory / DIRECTORY)
            async with asyncio.timeout(DEADLINE):
                await context.stop.wait()
            assert isinstance(context.failure, Displaced)
            assert str(directory / DIRECTORY) in str(context.failure)
    finally:
        await module.on_stop()
        await context.close()
        await caller.close()
        await session.close()


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(DEADLINE):
        while not await condition():
            await asyncio.sleep(0.01)


def test_nothing_is_written_into_or_removed_from_the_directory_of_another(house: House):
    keeper = house.start().keeper
    assert keeper is not None
    store = keeper.store
    number, path = store.listed.reserve()
    replace(house.place)
    (house.place / path.name).write_bytes(b"another's")
    before = sorted(house.place.iterdir())
    for call in (lambda: store.listed.remember(()), lambda: store.notes.remember_files({}), lambda: store.strike(set()),
                 lambda: store.discard(number), store._grow):  # fmt: skip
        store.shortage.forget()
        with pytest.raises(OSError, match="not the directory") as raised:
            call()
        assert raised.value.errno == errno.ESTALE
    store._sweep()
    house.stop()
    assert sorted(house.place.iterdir()) == before
