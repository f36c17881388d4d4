"""memmgr killed at every call that changes one of its files: what is answered is right, then and afterwards.

Stores into mapped files are no calls; what a writer leaves who dies between them is in test_keeper.py.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import dns.name
import msgspec
import pytest

import datasrc
from datasrc import filezones, masterfiles
from image import manifest
from image.zonerecord import origin_wire
from memmgr import filetable, marks
from tests.datasrc.zonemaking import load
from tests.kit.killpoint import Forked, Killer, fast_directory
from tests.memmgr.house import House, listed_files, soa

LATE = ["datasrc.database", "sqlalchemy.dialects.sqlite.pysqlite"]
BIG = [f"n{number} TXT text" for number in range(600)]  # more than goes into a delta as a whole
OLD = ["192.0.2.80", "192.0.2.81", "left"]  # as long as the announcement of a memmgr before it stands


def prepare(directory: Path, *, built: bool) -> None:
    """Zones, their images where `built`, and what changed since."""
    source = datasrc.open(f"sqlite:///{directory}/zones.sqlite", create=True)
    load(source, soa(1, "www A 192.0.2.80"), "example.")
    load(source, soa(1, "www A 192.0.2.81", *(BIG if built else [])), "second.")
    if built:
        house = House(directory)
        house.start()
        house.close()
        load(source, soa(2, "www A 192.0.2.90"), "example.")
        load(source, soa(2, "www A 192.0.2.91", *(f"{line}s" for line in BIG)), "second.")
        load(source, soa(1, "www A 192.0.2.83", *BIG), "third.")
    source.close()


def answers(house: House) -> list[str]:
    return [house.text(f"www.{zone}.") for zone in ("example", "second", "third")]


@pytest.fixture(scope="module")
def killer(tmp_path_factory: pytest.TempPathFactory) -> Killer:
    return Killer(tmp_path_factory.mktemp("killer"))


@pytest.fixture(scope="module")
def program(killer: Killer) -> Iterator[Forked]:
    with Forked(killer, "tests.memmgr.keep_once:main", LATE) as program:
        yield program


@pytest.mark.timeout(600)
@pytest.mark.parametrize("built", [False, True], ids=["first start", "changes"])
def test_killed_at_every_call(killer, program, tmp_path, built):
    wanted = ["192.0.2.90", "192.0.2.91", "192.0.2.83"] if built else ["192.0.2.80", "192.0.2.81", "left"]
    with fast_directory(tmp_path) as fast:
        before = fast / "before"
        before.mkdir()
        prepare(before, built=built)
        place = fast / "place"
        shutil.copytree(before, place)
        rewrite(place, before)
        calls, ended = killer.calls(program, place, arguments=[str(place)])
        assert ended.status == 0, ended.error
        assert len(calls) > 10
        assert sum(call.kind == "rename" and marks.SUFFIX in str(call) for call in calls) > (3 if built else 1)
        for point in killer.points(calls):
            if point.half and not built:  # the same files are written as with changes, and that takes its time
                continue
            if Path(calls[point.at - 1].path).name.startswith("zones.sqlite"):  # that SQLite opens it for reading
                continue
            shutil.rmtree(place)
            shutil.copytree(before, place)
            rewrite(place, before)
            assert killer.kill(program, place, point, arguments=[str(place)]), point
            house = House(place)
            found = answers(house)
            for one, right, old in zip(found, wanted, OLD, strict=True):
                assert one in ("left", right, old), (point, found)
            house.start()
            assert answers(house) == wanted, (point, calls[point.at - 1])
            assert house.keeper is not None
            listed = {slot.image for slot in house.keeper.store.manifest.slots}
            assert {path.name for path in house.place.glob("*.image")} == listed
            house.close()


@pytest.mark.timeout(600)
def test_killed_at_every_call_with_zone_files(killer, program, tmp_path, monkeypatch):
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)
    monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # this file system counts nanoseconds
    with fast_directory(tmp_path) as fast:
        zones, before, place = (fast / name for name in ("zones", "before", "place"))
        for directory in (zones, before):
            directory.mkdir()
        write_zone(zones, "example", 1, "www A 192.0.2.80")
        write_zone(zones, "second", 1, "www A 192.0.2.81")
        FilesHouse(before, zones).start().stop()
        write_zone(zones, "example", 2, "www A 192.0.2.90")
        write_zone(zones, "third", 1, "www A 192.0.2.83")
        wanted = ["192.0.2.90", "192.0.2.81", "192.0.2.83"]
        shutil.copytree(before, place)
        rewrite(place, before)
        calls, ended = killer.calls(program, place, arguments=[str(place), str(zones)])
        assert ended.status == 0, ended.error
        assert any(filetable.NAME in str(call) for call in calls)
        for point in killer.points(calls):
            if point.half and filetable.NAME not in str(calls[point.at - 1]):  # the others are above
                continue
            shutil.rmtree(place)
            shutil.copytree(before, place)
            rewrite(place, before)
            assert killer.kill(program, place, point, arguments=[str(place), str(zones)]), point
            house = FilesHouse(place, zones)
            for one, right, old in zip(answers(house), wanted, OLD, strict=True):
                assert one in ("left", right, old), point
            house.start()
            assert answers(house) == wanted, (point, calls[point.at - 1])
            assert house.refused == []
            assert all("second." not in built for built in house.built), point  # it did not change
            house.close()


@pytest.mark.timeout(600)
def test_killed_at_every_call_of_a_compaction(killer, program, tmp_path):
    wanted = ["192.0.2.90", "192.0.2.91", "192.0.2.93"]
    with fast_directory(tmp_path) as fast:
        before, place = fast / "before", fast / "place"
        before.mkdir()
        worn = wear_out(before)
        shutil.copytree(before, place)
        rewrite(place, before)
        calls, ended = killer.calls(program, place, arguments=[str(place)])
        assert ended.status == 0, ended.error
        assert any(call.kind == "unlink" and Path(call.path).name == f"{worn}.image" for call in calls)  # it was done
        for point in killer.points(calls):
            shutil.rmtree(place)
            shutil.copytree(before, place)
            rewrite(place, before)
            assert killer.kill(program, place, point, arguments=[str(place)]), point
            house = House(place)
            for one, right in zip(answers(house), wanted, strict=True):
                assert one in ("left", right), (point, calls[point.at - 1])
            house.start()
            assert answers(house) == wanted, (point, calls[point.at - 1])
            assert house.refused == []
            assert house.keeper is not None
            store = house.keeper.store
            assert all("example." not in built for built in house.built), point  # it is in no image that is worn
            assert worn not in store.images, point  # the next one compacts what this one did not
            assert store.zones.total() == len(wanted)
            assert {path.name for path in house.place.iterdir()} == listed_files(store), point
            house.close()


def wear_out(directory: Path) -> int:
    """Images of three zones, of which one is left where it was, and was changed there; the slot it is in."""
    house = House(directory)
    for number, zone in enumerate(("example", "second", "third")):
        house.load(soa(1, f"www A 192.0.2.8{number}"), f"{zone}.")
    keeper = house.begin()
    house.settle(compacting=False)
    house.load(soa(2, "www A 192.0.2.90"), "example.")
    house.load(soa(2, "www A 192.0.2.91"), "second.")
    house.load(soa(2, "www A 192.0.2.93"), "third.")
    house.settle(compacting=False)
    for zone in ("example.", "second."):
        keeper.rebuild(dns.name.from_text(zone))
    house.settle(compacting=False)
    assert keeper.worn
    there = keeper.store.find(origin_wire(dns.name.from_text("third.")))
    assert there is not None
    assert there.slot in {slot.number for slot in keeper.store.manifest.slots if slot.zones == 3}
    assert answers(house) == ["192.0.2.90", "192.0.2.91", "192.0.2.93"]
    house.close()
    return there.slot


class FilesHouse(House):
    """A keeper of images over zone files that are elsewhere: with copies of its directory they stay as they are."""

    def __init__(self, directory: Path, zones: Path) -> None:
        super().__init__(directory)
        self.configured = {"files": {"type": "master-files", "directory": str(zones)}}


def write_zone(zones: Path, origin: str, serial: int, *lines: str) -> None:
    path = zones / f"{origin}.zone"
    path.write_text(f"$TTL 300\n{soa(serial, *lines)}\n")
    os.utime(path, (1_000_000_000, 1_000_000_000))  # long settled


def rewrite(place: Path, before: Path) -> None:
    """Data sources and images are named by their place."""
    for path in (place / "images" / "manifest.json", place / "images.json"):
        if path.exists():
            text = path.read_text().replace(str(before), str(place))
            manifest.write(path, msgspec.json.decode(text, type=manifest.Manifest), durable=False)
