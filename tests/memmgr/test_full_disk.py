"""No room at each call that takes some: what is answered stays right or is left to auth, and goes on when there is."""

from __future__ import annotations

import asyncio
import errno
import os
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from contextlib import suppress
from pathlib import Path

import dns.name
import pytest

import datasrc
from daemonkit.configuration import Config
from daemonkit.counters import Counters
from daemonkit.log import own_log
from daemonkit.membership import Membership
from daemonkit.module import Context
from daemonkit.paths import Directories
from daemonkit.spec import Spec
from datasrc.keys import name_key
from image import builder, layout, manifest
from image.delta import DeltaFull
from image.errors import ImageError
from image.zonerecord import origin_wire
from memmgr import api
from memmgr.daemon import MemmgrDaemon
from memmgr.margin import Margin
from tests.datasrc.zonemaking import TESTER, load, name
from tests.kit.bus import FakeBus
from tests.memmgr.house import House, listed_files, soa

BIG = [f"n{number} TXT text" for number in range(600)]  # more than goes into a delta as a whole
MOST = 200  # calls, more than there are


class Disk:
    """Is full at one call of those that need room."""

    def __init__(self, full_at: int) -> None:
        self.calls = 0
        self.full_at = full_at

    def take(self) -> None:
        self.calls += 1
        if self.calls == self.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    with House(tmp_path) as house:
        yield house


def watch(patched: pytest.MonkeyPatch, disk: Disk) -> None:
    for module, function in [(os, "posix_fallocate"), (os, "fsync"), (tempfile, "mkstemp"), (Path, "replace")]:
        real = getattr(module, function)

        def counted(*arguments, _real=real, **options):
            disk.take()
            return _real(*arguments, **options)

        patched.setattr(module, function, counted)


def keep(house: House) -> None:
    """As the daemon does it: an error of the system is noted, and it goes on."""
    keeper = house.keeper
    assert keeper is not None
    try:
        keeper.configure(house.sources, [name_key(dns.name.from_text(text)) for text in house.listed])
    except OSError:
        pass
    try:
        keeper.follow()
    except OSError:
        return
    while True:
        try:
            task = keeper.take()
            if task is None:
                return
        except OSError:
            return
        try:
            house.build(task)
            keeper.built(task)
        except OSError as error:
            keeper.failed(task, str(error))
            return


def test_a_disk_that_is_full_at_any_call_costs_nothing(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.load(soa(1, "www A 192.0.2.81"), "second.")
    house.start()
    serial = 1
    for full_at in range(1, MOST):
        serial += 1
        disk = Disk(full_at)
        for zone in [f"n{serial}.", f"more{serial}."]:
            house.load(soa(serial, "www A 192.0.2.83", *BIG), zone)
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "example.")
        house.listed = (f"listed{serial}.example.",)
        with monkeypatch.context() as patched:
            watch(patched, disk)
            keep(house)
        noted, kept = manifest.read(house.place / manifest.NAME), house.keeper.store.manifest
        assert (noted.directory, noted.slots) == (kept.directory, kept.slots), full_at
        assert house.text("www.example.") in (f"192.0.2.{serial}", f"192.0.2.{serial - 1}", "left", "192.0.2.80")
        assert house.text("www.second.") in ("192.0.2.81", "left")
        assert house.text(f"www.n{serial}.") in ("192.0.2.83", "left")
        house.keeper.retry()
        house.settle()
        assert house.text("www.example.") == f"192.0.2.{serial}", full_at
        assert house.text("www.second.") == "192.0.2.81"
        assert house.text(f"www.n{serial}.") == "192.0.2.83", full_at
        assert house.text(f"www.listed{serial}.example.") == "left", full_at
        assert not house.keeper.failures
        assert house.keeper.doubt == ""
        found = {path.name for path in house.place.iterdir()}
        assert found == listed_files(house.keeper.store), full_at
        if disk.calls < full_at:
            break
    assert 5 < full_at < MOST - 1


def test_a_margin_is_there_before_the_disk_is_full(house, monkeypatch):
    """What is deleted or listed then needs no file."""
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.load(soa(1, "www A 192.0.2.81"), "second.")
    house.start()
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        patched.setattr(tempfile, "mkstemp", full)
        house.source.delete_zone(name("second.", "."), TESTER)
        house.keeper.configure(house.sources, [name_key(name("listed.example.", "."))])
        house.settle()
    assert house.text("www.second.") == "left"
    assert house.text("www.listed.example.") == "left"
    assert house.text("www.example.") == "192.0.2.80"


def full(*_arguments, **_options):
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_zone_for_which_there_is_no_room_holds_up_no_other(house, monkeypatch):
    for number in range(3):
        house.load(soa(1, "www A 192.0.2.80"), f"zone{number}.")
    house.start()
    with monkeypatch.context() as patched:
        patched.setattr(Margin, "put", full)
        house.source.delete_zone(name("zone1.", "."), TESTER)
        house.load(soa(2, "www A 192.0.2.82"), "zone2.")
        house.settle()
        assert house.text("www.zone2.") == "192.0.2.82"
        assert house.text("www.zone1.") == "192.0.2.80"
        assert "no room" in house.keeper.doubt
        assert house.keeper.failures == {b"zone1\0": "[Errno 28] No space left on device"}
        house.keeper.retry()
        assert len(house.keeper.failures) == 1
    house.keeper.retry()
    house.settle()
    assert house.text("www.zone1.") == "left"
    assert house.keeper.doubt == ""
    assert not house.keeper.failures


def test_very_many_zones_for_which_there_is_no_room_are_one_try_and_one_line(house, monkeypatch, caplog):
    zones = [f"zone{number}." for number in range(150)]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80"), zone)
    house.start()
    store, tries = house.keeper.store, 0

    def no_file(*_arguments, prefix="", **_options):
        nonlocal tries
        tries += manifest.NAME not in prefix  # a note for the next process may be due
        raise OSError(errno.ENOSPC, "No space left on device")

    def delta_full(*_arguments):
        raise DeltaFull

    with monkeypatch.context() as patched:
        patched.setattr(tempfile, "mkstemp", no_file)
        patched.setattr(store, "put_record", delta_full)
        patched.setattr(store.shortage, "_clock", lambda: 0.0)
        for zone in zones:
            house.source.delete_zone(name(zone, "."), TESTER)
        house.settle()
        assert tries == 1
        assert stale_lines(caplog) == [1]
        house.keeper.retry()
        house.settle()
        assert tries == 2
        assert stale_lines(caplog) == [1, len(zones)]
        assert len(house.keeper.failures) == len(zones)
        assert house.text("www.zone1.") == "192.0.2.80"
    house.keeper.retry()
    house.settle()
    assert house.text("www.zone1.") == "left"
    assert not house.keeper.failures
    assert house.keeper.doubt == ""


def test_a_batch_that_cannot_be_built_nor_left_is_one_try_and_one_line(house, monkeypatch, caplog):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.start()
    zones = [f"zone{number}." for number in range(50)]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80", *BIG), zone)
    house.keeper.follow()
    store = house.keeper.store
    tasks = []
    with monkeypatch.context() as patched:
        tries = []

        def put(*_arguments) -> None:
            tries.append(1)
            full()

        patched.setattr(Margin, "put", put)
        while (task := house.keeper.take()) is not None:
            tasks.append(len(task.batch.origins))
            house.keeper.failed(task, "No space left on device")
    assert sum(tasks) == len(zones)
    assert len(tries) == len(tasks) < len(zones)
    assert stale_lines(caplog) == tasks[:1]
    assert house.keeper.failures.keys() == {name_key(dns.name.from_text(zone)) for zone in zones}
    house.keeper.retry()
    house.settle()
    assert all(store.find(origin_wire(name(zone, "."))).record.answered for zone in zones)
    assert house.keeper.doubt == ""


def stale_lines(caplog: pytest.LogCaptureFixture) -> list[int]:
    """How many zones each line tells of."""
    lines = [record.getMessage() for record in caplog.records if "before their last change" in record.getMessage()]
    return [int(line.split(" zone(s)")[0].rsplit(" ", 1)[-1]) for line in lines]


def test_a_list_that_may_not_last_is_the_list_all_the_same(house, monkeypatch):
    """A power cut may bring back the one before: what that names is kept until this one lasts."""
    house.load(soa(1, "www A 192.0.2.80", *BIG), "example.")
    store = house.start().keeper.store
    before = {path.name for path in house.place.iterdir()}
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "sync_directory", full)
        house.keeper.rebuild(name("example.", "."))
        while (task := house.keeper.take()) is not None:
            house.build(task)
            house.keeper.built(task)
        assert manifest.read(house.place / manifest.NAME).slots == store.manifest.slots
        assert before <= {path.name for path in house.place.iterdir()}
        with pytest.raises(OSError, match="No space"):
            house.keeper.follow()
    assert house.text("www.example.") == "192.0.2.80"
    house.keeper.follow()
    assert {path.name for path in house.place.iterdir()} == listed_files(store)
    house.stop()
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.built == []
    assert house.refused == []


def test_a_directory_that_cannot_be_listed_takes_no_room(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    store = house.start().keeper.store
    mapped = mappings(".directory")
    for _ in range(5):
        store.shortage.forget()
        with monkeypatch.context() as patched:
            patched.setattr(manifest, "write", full)
            with pytest.raises(OSError, match="No space"):
                store._grow()
    assert {path.name for path in house.place.iterdir()} == listed_files(store)
    assert mappings(".directory") == mapped
    assert house.text("www.example.") == "192.0.2.80"


def test_an_image_that_cannot_be_listed_is_mapped_no_more(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    store = house.start().keeper.store
    number, path = store.listed.reserve()
    builder.build([], path, store.manifest.seed)
    before = mappings(".image", ".delta")
    for call in ("memmgr.slots.checksum", "memmgr.slots.Slots._make_delta", "memmgr.store.Store._list"):
        with monkeypatch.context() as patched:
            patched.setattr(call, full)
            with pytest.raises(OSError, match="No space"):
                store.enlist(number)
        assert mappings(".image", ".delta") == before, call
    store.enlist(number)
    assert mappings(".image", ".delta") == before + 2


def mappings(*suffixes: str) -> int:
    """How many files with such names this process has mapped; others before it have left some."""
    lines = Path("/proc/self/maps").read_text(encoding="utf-8").splitlines()
    return sum(line.removesuffix(" (deleted)").endswith(suffixes) for line in lines)


def build_again(house, origin):
    """Have a zone built anew and published; the slots it was in, and is."""
    keeper, wire = house.keeper, origin_wire(name(origin, "."))
    before = keeper.store.find(wire).slot
    keeper.rebuild(name(origin, "."))
    task = keeper.take()
    house.build(task)
    keeper.built(task)
    return before, keeper.store.find(wire).slot


def test_a_zone_for_which_the_directory_has_no_room_takes_none_of_the_margin(house, monkeypatch):
    """Each try wrote it there once more, until no zone could be deleted."""
    monkeypatch.setattr("memmgr.store.DIRECTORY_SPARE", 0)
    monkeypatch.setattr("image.directory.MIN_CAPACITY", 64)
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    keeper = house.start().keeper
    directory, margin = keeper.store.directory, keeper.store.deltas[keeper._margin.slot()]
    room = directory.capacity // layout.DIRECTORY_LOAD - directory.used
    for number in range(room):
        house.load(soa(1), f"zone{number}.")
    house.settle()
    assert keeper.store.directory is directory
    used = margin.used
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        patched.setattr(tempfile, "mkstemp", full)
        house.load(soa(1, "www A 192.0.2.81"), "more.")
        keeper.configure(house.sources, [name_key(name("listed.", "."))])
        for _ in range(5):
            keeper.retry()
            house.settle()
        assert margin.used == used
        assert set(keeper.failures) == {b"more\0", b"listed\0"}
        house.source.delete_zone(name("example.", "."), TESTER)
        house.settle()
        assert house.text("www.example.") == "left"
    keeper.retry()
    house.settle()
    assert house.text("www.more.") == "192.0.2.81"
    assert not keeper.failures
    assert keeper.doubt == ""


def test_a_margin_that_is_not_what_was_written_costs_no_more_than_one_for_which_there_is_no_room(house, monkeypatch):
    """As on a disk that loses what it is given: memmgr ended, again and again."""
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    keeper = house.start().keeper

    def damaged(path):
        raise ImageError(path, "section 0 is damaged: its checksum is wrong")

    def delta_full(*_arguments):
        raise DeltaFull

    with monkeypatch.context() as patched:
        patched.setattr(builder, "check", damaged)
        patched.setattr(keeper.store, "put_record", delta_full)
        house.source.delete_zone(name("example.", "."), TESTER)
        house.settle()
        (reason,) = keeper.failures.values()
        assert reason.endswith("section 0 is damaged: its checksum is wrong")
        assert house.text("www.example.") == "192.0.2.80"
    keeper.retry()
    house.settle()
    assert house.text("www.example.") == "left"
    assert not keeper.failures


def test_an_image_that_cannot_be_given_up_is_given_up_later_and_what_was_built_is_published(house, monkeypatch, caplog):
    """Where the list finds no room once: the old image was kept until another build, which needs the room it takes."""
    house.load(soa(1, "www A 192.0.2.80", *BIG), "example.")
    keeper = house.start().keeper
    with monkeypatch.context() as patched:
        patched.setattr(keeper.store, "strike", full)
        before, after = build_again(house, "example.")
    assert before != after
    assert "cannot be brought up to date" in caplog.text
    assert not keeper.failures
    assert (house.place / f"{before}.image").exists()
    assert keeper.take() is None
    assert not (house.place / f"{before}.image").exists()
    assert house.text("www.example.") == "192.0.2.80"


def test_a_build_that_fails_gives_up_images_that_nobody_points_to(house, monkeypatch):
    """They take the room that it lacks."""
    house.load(soa(1, "www A 192.0.2.80", *BIG), "example.")
    keeper = house.start().keeper
    with monkeypatch.context() as patched:
        patched.setattr(keeper.store, "strike", full)
        before, after = build_again(house, "example.")
    keeper.rebuild(name("example.", "."))
    task = keeper.take()
    assert (house.place / f"{before}.image").exists()
    keeper.failed(task, "No space left on device")
    assert {slot.number for slot in keeper.store.manifest.slots} == {after, keeper._margin.number}
    assert not (house.place / f"{before}.image").exists()


def test_changes_are_followed_while_the_list_cannot_be_announced(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    store = house.start().keeper.store
    house.load(soa(2, "www A 192.0.2.81"), "example.")
    with monkeypatch.context() as patched:
        patched.setattr(store, "announce_again", full)
        with pytest.raises(OSError, match="No space"):
            house.keeper.follow()
    assert house.text("www.example.") == "192.0.2.81"


def test_a_start_for_which_there_is_no_room_can_be_tried_again(house, monkeypatch):
    """The lock is free again, and nothing is lost."""
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.start()
    house.stop()
    for path in house.place.glob("*.directory"):
        path.unlink()
    with monkeypatch.context() as patched:
        patched.setattr(os, "posix_fallocate", full)
        with pytest.raises(OSError, match="No space"):
            house.start()
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.built == []


def test_deltas_made_anew_by_a_start_for_which_there_is_no_room_are_others_for_who_has_those_before(house, monkeypatch):
    """auth has those mapped, without a name: what is changed in the new ones is not to be looked up there."""
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.start()
    serial = 1
    for full_at in range(1, MOST):
        serial += 1
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "example.")
        house.settle()
        assert house.text("www.example.") == f"192.0.2.{serial}"
        house.stop()
        before = stamps(house)
        for path in house.place.glob("*.delta"):
            path.unlink()
        disk = Disk(full_at)
        with monkeypatch.context() as patched, suppress(OSError):
            watch(patched, disk)
            house.begin()
        if house.keeper is not None:
            house.stop()
        house.start()
        house.look()
        assert not before & stamps(house), full_at
        serial += 1
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "example.")
        house.settle()
        assert house.text("www.example.") == f"192.0.2.{serial}", full_at
        assert house.keeper.changes, "nothing was changed in place"
        if disk.calls < full_at:
            break
    assert 5 < full_at < MOST - 1


def stamps(house: House) -> set[int]:
    """Of all deltas that are listed."""
    return {slot.delta_stamp for slot in manifest.read(house.place / manifest.NAME).slots}


@pytest.mark.asyncio
async def test_memmgr_goes_on_while_there_is_no_room(tmp_path, monkeypatch):
    """The daemon: at its start, and where a commit lists a zone. Either ended it."""
    source = datasrc.open(f"sqlite:///{tmp_path}/zones.sqlite", create=True)
    load(source, soa(1, "www A 192.0.2.80"), "example.")
    source.close()
    bus, spec = FakeBus(), Spec.load("memmgr")
    log, counters, session = own_log("memmgr", spec.messages), Counters(spec.statistics), bus.session("memmgr/0")
    context = Context("memmgr", "0", Directories(tmp_path, tmp_path), (), spec, log, counters, session)
    module = MemmgrDaemon(context)
    await Membership(module, context).join()
    caller = await bus.member("cmdctl/0")

    def failures() -> int:
        return counters.statistics()["failures"]

    async def until(condition: Callable[[], Awaitable[bool]]) -> None:
        async with asyncio.timeout(60):
            while not await condition():
                await asyncio.sleep(0.01)

    async def state(origin: str) -> str:
        return (await caller.call(api.ZoneStatus([origin]))).zones[0].state

    async def has_failed() -> bool:
        return failures() > before

    async def is_image() -> bool:
        return (await caller.call(api.Status())).state == "ready" and await state("example") == "image"

    async def is_left() -> bool:
        return await state("listed") == "plain"

    try:
        for listed, done in ((False, is_image), (True, is_left)):
            before = failures()
            with monkeypatch.context() as patched:
                patched.setattr(os, "posix_fallocate", full)
                patched.setattr(Margin, "put", full)
                (await module.prepare(configuration(tmp_path, {"listed": {}} if listed else {}))).apply()
                if not listed:
                    await module.on_start()
                await until(has_failed)
                assert not context.stop.is_set()
            await until(done)
    finally:
        await module.on_stop()
        await context.close()
        await bus.close()


def configuration(directory: Path, zones: dict[str, object]) -> Config:
    def substitute(text: str) -> str:
        return text.replace("{state_dir}", str(directory))

    listed = {"zones": zones, "templates": {"default": {}}}
    values = Spec.load("zones").effective(listed, substitute)
    values |= Spec.load("memmgr").effective({"memmgr": {}}, substitute)
    return Config(1, values, values["memmgr"])


def test_a_note_of_sources_that_could_not_be_written_is_not_taken_for_written(house, monkeypatch):
    house.load(soa(1), "example.")
    store = house.start().keeper.store
    before = store.manifest.sources
    with monkeypatch.context() as patched:
        watch(patched, Disk(1))
        with pytest.raises(OSError, match="No space left"):
            store.listed.remember(())
    assert store.manifest.sources == before
