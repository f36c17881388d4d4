"""Compaction in the background: nothing waits for it, it has the lowest priority, and its memory is bounded."""

from __future__ import annotations

import asyncio
import errno
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest

from memmgr import background
from memmgr.background import Background
from memmgr.building import HURRIED, IDLE, Task, build_apart
from memmgr.compaction import TRY_AGAIN, TRY_MOST, Compaction
from tests.datasrc.zonemaking import TESTER
from tests.kit.suite import PYTHON
from tests.memmgr.house import House, process, soa, until

ROOT = Path(__file__).parents[2]
ZONES = [f"zone{number}." for number in range(4)]
RECORDS = 200_000
# Beside what an interpreter with our modules takes: the rows of a zone, its sections, and what they are written from.
IMAGES = 6  # as many times as large as the image at most
DEADLINE = 300.0  # seconds; ten times what is expected and more


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Zones in one image, whose delta has little room."""
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 1 << 15)
    made = House(tmp_path)
    for zone in ZONES:
        made.load(soa(1, "www A 192.0.2.1"), zone)
    return made.start()


def wear_out(house):
    """Change zones until their image is to be compacted, and nothing else is to be built; the serial they have."""
    for serial in range(2, 100):
        for zone in ZONES:
            house.load(soa(serial, f"www A 192.0.2.{serial}", f"n{serial} TXT {'x' * 100}"), zone)
        house.settle(compacting=False)
        if house.keeper.worn:
            return serial
    raise AssertionError("no delta fills")


def slots_of(house):
    return {house.keeper.store.find(b"\x05" + zone[:-1].encode() + b"\0").slot for zone in ZONES}


def test_what_changes_while_it_is_built_is_answered_at_once_and_is_in_it(house):
    serial = wear_out(house)
    task = house.keeper.take_worn()
    assert task is not None
    zone = task.batch.origins[0].to_text()
    house.build(task)  # with what there was when it was read
    house.load(soa(serial + 1, "www A 192.0.2.200", "later TXT y"), zone)
    house.settle(compacting=False)
    assert house.text(f"www.{zone}") == "192.0.2.200"
    house.keeper.compacted(task)
    assert [house.text(f"www.{zone}"), house.text(f"later.{zone}", "TXT")] == ["192.0.2.200", '"y"']
    there = house.keeper.store.find(b"\x05" + zone[:-1].encode() + b"\0")
    assert (there.slot, there.record.serial) == (task.number, serial + 1)
    for other in task.batch.origins[1:]:
        assert house.text(f"www.{other}") == f"192.0.2.{serial}"


def test_a_zone_that_must_be_built_is_built_while_it_is_being_done(house):
    wear_out(house)
    task = house.keeper.take_worn()
    assert task is not None
    house.load(soa(1, *(f"h{number} A 192.0.2.9" for number in range(600))), "large.")
    house.settle(compacting=False)
    assert house.text("h599.large.") == "192.0.2.9"
    assert house.keeper.store.zones[task.number] == 0
    house.compact(task)
    assert house.keeper.store.zones[task.number] == len(task.batch.origins)
    assert house.text("h599.large.") == "192.0.2.9"


def test_a_zone_that_is_deleted_while_it_is_built_stays_deleted(house):
    serial = wear_out(house)
    task = house.keeper.take_worn()
    assert task is not None
    house.build(task)
    first, second = (origin.to_text() for origin in task.batch.origins[:2])
    house.source.delete_zone(task.batch.origins[0], TESTER)
    house.settle(compacting=False)
    house.keeper.compacted(task)
    assert house.text(f"www.{first}") in ("left", "REFUSED")
    assert house.text(f"www.{second}") == f"192.0.2.{serial}"


def test_a_directory_that_grows_meanwhile_takes_no_file_from_it(house, monkeypatch):
    serial = wear_out(house)
    task = house.keeper.take_worn()
    assert task is not None
    house.build(task)
    assert task.path.exists()
    house.keeper.store._grow()
    assert task.path.exists()
    house.keeper.compacted(task)
    assert house.text(f"www.{ZONES[0]}") == f"192.0.2.{serial}"
    assert task.number in slots_of(house)


def test_what_there_is_no_slot_for_waits_for_one(house, monkeypatch):
    """It was lost, and its slots compacted a minute later at the soonest."""
    serial = wear_out(house)

    def none_free(*_arguments):
        raise OSError(errno.ENOSPC, "there is no room for another image")

    with monkeypatch.context() as patched:
        patched.setattr(house.keeper.store.listed, "reserve", none_free)
        with pytest.raises(OSError, match="no room"):
            house.keeper.take_worn()
    task = house.keeper.take_worn()
    assert task is not None
    assert sorted(origin.to_text() for origin in task.batch.origins) == ZONES
    house.compact(task)
    assert [house.text(f"www.{zone}") for zone in ZONES] == [f"192.0.2.{serial}"] * len(ZONES)


def test_one_that_fails_leaves_everything_answered_and_no_file(house):
    serial = wear_out(house)
    task = house.keeper.take_worn()
    assert task is not None
    house.build(task)
    house.keeper.not_compacted(task)
    assert not task.path.exists()
    assert [house.text(f"www.{zone}") for zone in ZONES] == [f"192.0.2.{serial}"] * len(ZONES)
    assert house.keeper.take_worn() is None, "not before a minute"


@pytest.mark.asyncio
async def test_one_for_which_there_is_not_enough_memory_costs_no_more(house, monkeypatch, caplog):
    """As where what was read of zone files is copied: it ended memmgr."""
    serial = wear_out(house)

    async def no_memory(*_arguments):
        raise MemoryError

    monkeypatch.setattr(background, "build_apart", no_memory)
    async with process(house.directory) as context:
        compacting = Background(context, house.keeper, lambda: DEADLINE, lambda _silent: None)
        context.spawn(compacting.run(), "compact")
        compacting.look()
        await until(lambda: context.stop.is_set() or context.counters.statistics()["builds.failed"])
        assert context.failure is None
        await context.work(lambda: None)  # what was begun is done
    assert "could not be built: there is not enough memory" in caplog.text
    assert [house.text(f"www.{zone}") for zone in ZONES] == [f"192.0.2.{serial}"] * len(ZONES)


def test_a_slot_of_which_nothing_moves_is_tried_ever_more_rarely(house):
    wear_out(house)
    now = 0.0
    compaction = Compaction(house.keeper.store, lambda: now)
    (slot,) = {slot for slot in slots_of(house) if house.keeper.store.zones[slot]}
    compaction._full.add(slot)
    rounds: list[float] = []
    while len(rounds) < 10:
        if slot in compaction.due(None):
            rounds.append(now)
            list(compaction.begin({slot}, {}, lambda _record: None))
            compaction._full.add(slot)
        now += TRY_AGAIN
    waits = [after - before for before, after in pairwise(rounds)]
    assert waits == [min(TRY_AGAIN * 2**turn, TRY_MOST) for turn in range(9)]


@pytest.fixture(scope="module")
def big(tmp_path_factory) -> Task:
    """To build the image of a zone of a database with many records."""
    directory = tmp_path_factory.mktemp("big")
    url, file = f"sqlite:///{directory}/zones.sqlite", directory / "zone"
    hosts = (f"h{number} A 10.{number >> 16}.{number >> 8 & 255}.{number & 255}" for number in range(RECORDS))
    file.write_text("$TTL 300\n" + soa(1, *hosts) + "\n")
    subprocess.run([*PYTHON, "loadzone", "--database", url, "big.", file], check=True, capture_output=True, cwd=ROOT)
    return Task("main", {"type": "database", "url": url}, 1, ["big."], str(directory / "1.image"), 7, IDLE)


def niceness_of(pid: int) -> int | None:
    """Of a process; None where it has ended."""
    try:
        return os.getpriority(os.PRIO_PROCESS, pid)
    except ProcessLookupError:
        return None


@pytest.mark.asyncio
@pytest.mark.parametrize("niceness", [HURRIED, IDLE])
async def test_the_process_has_its_priority_from_its_beginning(big, niceness, monkeypatch):
    started = []
    start = asyncio.create_subprocess_exec

    async def starting(*arguments, **more):
        started.append(await start(*arguments, **more))
        return started[-1]

    monkeypatch.setattr(asyncio, "create_subprocess_exec", starting)
    before = os.getpriority(os.PRIO_PROCESS, 0)
    building = asyncio.create_task(build_apart(msgspec.structs.replace(big, niceness=niceness)))
    seen = set()
    while not building.done():
        await asyncio.sleep(0.005)  # others have their turn, and then it is looked at again
        if started and started[0].returncode is None:
            seen.add(niceness_of(started[0].pid))
    await building
    assert seen - {None} == {max(niceness, before)}


MEASURED = """
import asyncio, resource, sys, msgspec
from memmgr.building import Task, build_apart
asyncio.run(build_apart(msgspec.json.decode(sys.stdin.buffer.read(), type=Task)))
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(task: Task) -> int:
    """Octets that the process had resident at most; the image is there afterwards."""
    done = subprocess.run(
        [sys.executable, "-c", MEASURED], cwd=ROOT, input=msgspec.json.encode(task), capture_output=True, check=True
    )
    return int(done.stdout) * 1024


def test_its_memory_is_a_multiple_of_the_image(big, tmp_path):
    empty = peak(Task(big.source, big.entry, 1, ["nothing."], str(tmp_path / "empty.image"), 7))
    took = peak(big) - empty
    image = Path(big.path).stat().st_size
    assert image > 40 * RECORDS
    assert took <= IMAGES * image, (took, image)
