"""There can be only so many images: big zones share them in time, and what finds no room is left and told."""

from __future__ import annotations

import pytest

from image import layout
from memmgr import builds, keeper, plan
from tests.datasrc.zonemaking import TESTER, name
from tests.memmgr.house import House, soa

ZONES = 12


@pytest.fixture
def few(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """Room for few images, and every zone is big."""
    monkeypatch.setattr(plan, "BIG_RECORDS", 4)
    monkeypatch.setattr(builds, "LAST_SLOTS", 2)
    for number in range(ZONES):
        house.load(soa(1, f"www A 192.0.2.{number}"), f"zone{number}.")
    return house


def texts(house: House) -> list[str]:
    return [house.text(f"www.zone{number}.") for number in range(ZONES)]


def test_more_big_zones_than_there_can_be_images_share_them(few, monkeypatch):
    """It never ended: a free number was looked for among those in use."""
    monkeypatch.setattr(layout, "MAX_SLOTS", 10)
    monkeypatch.setattr(keeper, "SCARCE", 2)
    few.start()
    assert texts(few) == [f"192.0.2.{number}" for number in range(ZONES)]
    assert any(len(built) > 1 for built in few.built)
    assert [len(built) for built in few.built][:4] == [1] * 4
    assert not few.keeper.failures


def test_big_zones_that_share_hold_up_no_announcement(few, monkeypatch):
    """Nothing was answered from images before they were built, for a batch of several was taken for one of small."""
    monkeypatch.setattr(layout, "MAX_SLOTS", 40)
    monkeypatch.setattr(keeper, "SCARCE", 0.5)  # it always is
    few.begin()
    few.keeper.follow()
    while (task := few.keeper.take()) is None:
        assert few.keeper.unfinished
    assert len(task.batch.origins) > 1
    assert few.keeper.announced
    few.keeper.failed(task, "it was not built")


def test_where_no_image_can_be_made_the_zone_is_left_and_told_until_there_is_room(few, monkeypatch):
    monkeypatch.setattr(layout, "MAX_SLOTS", 6)
    monkeypatch.setattr(plan, "PACK_BIG_RECORDS", 4)
    few.start()
    assert few.keeper.announced
    left = [number for number, text in enumerate(texts(few)) if text == "left"]
    assert len(left) == ZONES + 1 - 3  # of the four that are not kept back the margin has one
    assert texts(few) == ["left" if number in left else f"192.0.2.{number}" for number in range(ZONES)]
    failed = few.keeper.failures
    assert set(failed) == {b"zone%d\0" % number for number in left}
    assert "no room for another image" in next(iter(failed.values()))
    for number in set(range(ZONES)) - set(left):
        few.source.delete_zone(name(f"zone{number}.", "."), TESTER)
    few.settle()
    monkeypatch.setattr(layout, "MAX_SLOTS", 20)
    few.keeper.retry()
    few.settle()
    assert [few.text(f"www.zone{number}.") for number in left] == [f"192.0.2.{number}" for number in left]
    assert not few.keeper.failures
