"""What memmgr keeps of very many zones: no object for any of them."""

from __future__ import annotations

import gc
import shutil
import sys

import pytest

import datasrc
from datasrc import directoryzones, filezones, masterfiles, zonefiles
from tests.datasrc.zonemaking import load
from tests.kit.zones import copy_zone
from tests.memmgr.house import House, soa

FEW, MANY = 200, 600
A_ZONE = 0.2  # objects: one for each zone would be 1; what is made once is not alike in two houses


def fill(house: House, zones: int) -> None:
    house.load(soa(1), "z0.test.")
    copy_zone(house.directory / "zones.sqlite", (f"z{number}.test" for number in range(1, zones)))


def two_sources(house: House, zones: int) -> None:
    """The second has one zone that the first has, too."""
    half = zones // 2
    fill(house, half)
    url = f"sqlite:///{house.directory}/second.sqlite"
    source = datasrc.open(url, create=True)
    load(source, soa(1), f"z{half - 1}.test.")
    copy_zone(house.directory / "second.sqlite", (f"z{number}.test" for number in range(half, zones)))
    source.close()
    house.configured["second"] = {"type": "database", "url": url}


def zone_files(house: House, zones: int) -> None:
    directory = house.directory / "zones"
    directory.mkdir()
    for number in range(zones):
        (directory / f"z{number}.test.zone").write_text(f"$TTL 300\n{soa(1)}\n")
    house.configured = {"files": {"type": "master-files", "directory": str(directory)}}


@pytest.fixture(autouse=True)
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is very many zone files to the code is here as many as the tests have."""
    monkeypatch.setattr(zonefiles, "LATE_FROM", FEW)
    monkeypatch.setattr(directoryzones, "MOST_ZONES", 4)  # of each of which there are some thirty objects
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)
    monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # files are as old as the tests


def collect() -> None:
    """Collect all there is: what is freed, of tests before this one too, may leave circles that the next time finds."""
    while gc.collect():
        pass


def objects(house: House) -> int:
    """How many there are more when the house runs. Those that the collector finds are counted when it has been."""
    house.built.clear()
    collect()
    before = sys.getallocatedblocks()
    house.start()
    house.built.clear()
    collect()
    return sys.getallocatedblocks() - before


@pytest.mark.parametrize("made", [fill, two_sources, zone_files])
def test_no_zone_costs_an_object(tmp_path, made):
    found: dict[int, list[int]] = {}
    for zones in (FEW, MANY):
        (tmp_path / f"{zones}").mkdir()
        house = House(tmp_path / f"{zones}")
        made(house, zones)
        house.start().stop()  # what is made once, statements for so many zones for instance
        shutil.rmtree(house.place)
        found[zones] = []
        for _ in ("at first", "again"):
            found[zones].append(objects(house))
            assert house.keeper is not None
            assert house.keeper.doubt == ""
            assert house.keeper.store.zones.total() == zones
            house.stop()
        house.source.close()
    for few, many in zip(found[FEW], found[MANY], strict=True):
        assert abs(many - few) < A_ZONE * (MANY - FEW)


class Left:
    """A circle; when it is freed many more come to be, as of what other tests leave."""

    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        for _ in range(1000):
            circle: list[object] = []
            circle.append(circle)


def test_what_other_tests_left_is_not_taken_for_objects_of_zones(tmp_path):
    """One collection left it, and it was freed while the first house was counted."""
    house = House(tmp_path)
    fill(house, FEW)
    house.start().stop()
    found = []
    gc.disable()  # else it may come by itself
    try:
        for left in (0, 10):
            shutil.rmtree(house.place)
            for _ in range(left):
                Left()
            found.append(objects(house))
            house.stop()
    finally:
        gc.enable()
    house.source.close()
    assert abs(found[1] - found[0]) < A_ZONE * (MANY - FEW)
