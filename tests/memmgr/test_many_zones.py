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


def objects(house: House) -> int:
    """How many there are more when the house runs. Those that the collector finds are counted when it has been."""
    house.built.clear()
    gc.collect()
    before = sys.getallocatedblocks()
    house.start()
    house.built.clear()
    gc.collect()
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
