"""The list of images: which slots are free, and whether it lasts."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from image import layout, manifest
from image.manifest import Slot
from memmgr.announcing import Announcement
from memmgr.imagelist import ImageList
from memmgr.place import Place


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    place = Place(tmp_path / "images")
    yield place
    place.let_go()


def opened(place: Place) -> ImageList:
    announcement = Announcement(place.path.parent / "images.json", place.path, "run")
    return ImageList(place, announcement, lambda path, reason: pytest.fail(f"{path}: {reason}"), given_up=False)


def slot(number: int) -> Slot:
    return Slot(number, 4096, 1, 4096, 2, 3, 1)


def test_what_is_listed_is_there_for_the_next_process(place):
    listed = opened(place)
    listed.replace(msgspec.structs.replace(listed.manifest, slots=(slot(3),)))
    listed.remember((manifest.Source(5, "main", "memory:"),))
    found = opened(place).manifest
    assert (found.slots, found.sources) == ((slot(3),), (manifest.Source(5, "main", "memory:"),))
    assert (found.seed, found.lineage) == (listed.manifest.seed, listed.manifest.lineage)


def test_slots_come_round_and_none_is_given_twice(place, monkeypatch):
    monkeypatch.setattr(layout, "MAX_SLOTS", 4)
    listed = opened(place)
    listed.replace(msgspec.structs.replace(listed.manifest, slots=(slot(1),)))
    assert [listed.reserve() for _ in range(3)] == [(number, place.path / f"{number}.image") for number in (0, 2, 3)]
    assert listed.free == 0
    with pytest.raises(OSError, match="no room for another image") as raised:
        listed.reserve()
    assert raised.value.errno == errno.ENOSPC
    listed.reserved.discard(0)
    with pytest.raises(OSError, match="no room for another image"):  # the last one is for others
        listed.reserve(last=1)
    assert listed.reserve()[0] == 0


def test_another_lineage_is_written_with_the_next_list_alone(place):
    listed = opened(place)
    listed.replace(listed.manifest)
    before = opened(place).manifest.lineage
    listed.begin_lineage()
    assert opened(place).manifest.lineage == before != listed.manifest.lineage
    listed.replace(listed.manifest)
    assert opened(place).manifest.lineage == listed.manifest.lineage


def test_one_that_may_not_last_is_made_to_until_that_is_known(place, monkeypatch):
    def not_synced(*_arguments, **_options):
        raise manifest.NotSynced(errno.EIO, "Input/output error")

    listed = opened(place)
    assert [listed.sync_again(), listed.sync_again()] == [True, False]  # of what is found nobody knows
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "write", not_synced)
        listed.replace(msgspec.structs.replace(listed.manifest, epoch=7))
    assert (listed.synced, listed.manifest.epoch) == (False, 7)
    assert [listed.sync_again(), listed.synced] == [True, True]
