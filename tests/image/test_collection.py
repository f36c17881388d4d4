"""What a reader has mapped of what is announced."""

from __future__ import annotations

import pytest

from datasrc.records import Provenance
from image.collection import GRACE
from image.layout import NEAR_NAMES
from image.zonerecord import origin_wire
from tests.datasrc.zonemaking import name
from tests.memmgr.house import House, soa


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.look()
    yield house
    if house.keeper is not None:
        house.stop()
    house.source.close()


def test_nothing_is_prepared_twice(house):
    assert not house.collection.changed()
    assert house.collection.prepare() is None


def test_another_epoch_shows_at_once_and_old_files_are_unmapped(house):
    house.load(soa(2, "www A 192.0.2.81"), "big.")
    house.keeper.rebuild_all()
    house.settle()
    assert house.collection.changed()
    before = set(house.collection.installed.slots)
    house.look()
    after = set(house.collection.installed.slots)
    assert before - after
    assert house.text("www.example.") == "192.0.2.80"
    assert set(house.keeper.store.images) == after


def test_what_nobody_keeps_is_given_up_after_a_while_and_taken_up_again(house):
    now = [0.0]
    house.collection._clock = lambda: now[0]
    house.collection._kept = 0.0
    assert house.collection.prepare() is None
    house.stop()
    now[0] = GRACE - 1
    house.look()
    assert house.text("www.example.") == "192.0.2.80"
    now[0] = 2 * GRACE
    assert house.text("www.example.") == "left"
    house.start()
    assert house.text("www.example.") == "192.0.2.80"


def test_records_are_found_as_they_are_answered(house):
    found = house.collection.find(origin_wire(name("example.", ".")))
    assert (found.serial, found.version, found.records) == (1, 1, 4)
    assert house.collection.find(origin_wire(name("example.net.", "."))) is None
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    assert house.collection.find(origin_wire(name("example.", "."))).serial == 2
    house.source.delete_zone(name("example.", "."), Provenance("tester", "test"))
    house.settle()
    assert house.collection.find(origin_wire(name("example.", "."))) is None


def test_a_file_damaged_after_it_was_listed_is_told_and_left(house):
    told = []
    house.collection._problem = lambda path, reason: told.append((path.suffix, reason))
    house.load(soa(1, "www A 192.0.2.81"), "second.")
    house.keeper.rebuild_all()
    task = house.keeper.take()
    batch, number, path = task
    from memmgr.building import build_here

    source = house.keeper.following.source(batch.source)
    build_here(
        source, house.keeper.following.number_of(batch.source), batch.origins, path, house.keeper.store.manifest.seed
    )
    house.keeper.built(batch, number)
    octets = bytearray(path.read_bytes())
    octets[4104] ^= 1
    path.write_bytes(octets)
    assert house.text("www.example.") == "left"
    assert [suffix for suffix, _ in told] == [".image"]


def test_who_looks_on_learns_that_images_have_become_large(house):
    assert not house.responder.is_far
    house.load(soa(1, *(f"n{number} A 192.0.2.1" for number in range(NEAR_NAMES))), "big.")
    house.settle().look()
    assert house.responder.is_far
