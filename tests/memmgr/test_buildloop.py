"""The tasks that have images built and zone files read: what fails there costs one image, or one file."""

from __future__ import annotations

import asyncio

import pytest

from datasrc import filezones
from datasrc.zonetext_zone import read_zone
from memmgr import buildloop
from memmgr.buildloop import BuildLoop
from tests.memmgr.house import process, soa, until
from tests.memmgr.test_zone_files import FileHouse

pytestmark = pytest.mark.asyncio

PATIENCE = 60.0  # s


def no_memory(*_arguments, **_options):
    raise MemoryError


async def test_a_build_for_which_there_is_not_enough_memory_costs_its_image_alone(house, monkeypatch, caplog):
    """It ended memmgr, and so did the next try."""
    keeper, work = house.begin(), asyncio.Event()
    async with process(house.directory) as context:
        loop = BuildLoop(context, keeper, work, lambda _silent: None, lambda: None, lambda: PATIENCE)
        with monkeypatch.context() as patched:
            patched.setattr(buildloop, "build_here", no_memory)
            context.spawn(loop.build(), "build")
            await until(lambda: keeper.announced or context.stop.is_set())
            assert context.failure is None
            assert keeper.failures == {b"example\0": "there is not enough memory"}
            assert "could not be built: there is not enough memory" in caplog.text
            assert house.text("www.example.") == "left"
        await context.work(keeper.retry)
        work.set()
        await until(lambda: house.text("www.example.") == "192.0.2.80")
        assert not keeper.failures


async def test_a_large_file_for_which_there_is_not_enough_memory_is_told_and_others_are_read(tmp_path, monkeypatch):
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)

    def read(stream, file, *arguments, **options):
        if "huge" in str(file):
            raise MemoryError
        return read_zone(stream, file, *arguments, **options)

    monkeypatch.setattr(filezones, "read_zone", read)
    house = FileHouse(tmp_path)
    for zone in ("huge", "large"):
        house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), zone)
    keeper, work = house.begin(), asyncio.Event()
    async with process(house.directory) as context:
        loop = BuildLoop(context, keeper, work, lambda _silent: None, lambda: None, lambda: PATIENCE)
        context.spawn(loop.build(), "build")
        context.spawn(loop.read(), "read")
        await until(lambda: context.stop.is_set() or house.text("h1.large.") == "192.0.2.1")
        await until(lambda: context.stop.is_set() or house.problems())
        assert context.failure is None
        assert house.problems() == [f"{house.zones}/huge.zone: there is not enough memory to read it"]
        assert house.text("h1.huge.") == "left"
    house.close()
