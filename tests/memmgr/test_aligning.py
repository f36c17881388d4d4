"""One zone of a database, as auth answers it from the images: changed, written, left, deleted and built anew."""

from __future__ import annotations

import contextlib

import pytest

from datasrc.records import Provenance
from memmgr.api import BuildStatusReply
from memmgr.zonefacts import build_status
from tests.datasrc.zonemaking import name
from tests.memmgr.house import soa

PROVENANCE = Provenance("tester", "test")


def test_a_changed_zone_is_answered_anew(house):
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    house.load(soa(2, "www A 192.0.2.82", "new A 192.0.2.83"))
    house.settle()
    assert house.text("www.example.") == "192.0.2.82"
    assert house.text("new.example.") == "192.0.2.83"


def test_a_change_is_seen_by_who_has_everything_mapped_already(house):
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    built = list(house.built)
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    reply = house.ask("www.example.")  # without a look at the announcement
    assert reply is not None
    assert reply.answer[0][0].address == "192.0.2.82"
    assert house.built == built
    assert house.keeper.changes == 1


def test_a_small_new_zone_needs_no_file(house):
    house.load(soa(1), "second.")
    house.start()
    house.source.delete_zone(name("second.", "."), PROVENANCE)  # so that the margin is there and mapped
    house.settle()
    house.look()
    house.load(soa(1, "www A 192.0.2.84"), "third.")
    files = sorted(path.name for path in house.place.iterdir())
    house.settle()
    assert sorted(path.name for path in house.place.iterdir()) == files
    reply = house.ask("www.third.")
    assert reply is not None
    assert reply.answer[0][0].address == "192.0.2.84"


def test_what_the_delta_has_no_room_for_is_built(house, monkeypatch):
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 4096)
    house.start()
    for serial in range(2, 30):
        house.load(soa(serial, f"www A 192.0.2.{serial}", f"n{serial} TXT {'x' * 200}"))
        house.settle()
        assert house.text("www.example.") == f"192.0.2.{serial}"
    assert 1 < len(house.built) < 28


def test_a_zone_is_added_below_another_and_deleted(house):
    house.start()
    assert house.text("www.sub.example.") == "NXDOMAIN"
    house.load(soa(1, "www A 192.0.2.84"), "sub.example.")
    house.settle()
    assert house.text("www.sub.example.") == "192.0.2.84"
    house.source.delete_zone(name("sub.example.", "."), PROVENANCE)
    house.settle()
    assert house.text("www.sub.example.") == "NXDOMAIN"
    house.load(soa(1, "www A 192.0.2.85"), "sub.example.")
    house.settle()
    assert house.text("www.sub.example.") == "192.0.2.85"


def test_a_zone_deleted_while_nobody_kept_the_images_is_gone(house):
    house.load(soa(1, "www A 192.0.2.84"), "sub.example.")
    house.start()
    house.stop()
    house.source.delete_zone(name("sub.example.", "."), PROVENANCE)
    house.start()
    assert house.text("www.sub.example.") == "NXDOMAIN"


def test_a_listed_zone_without_data_is_left_to_auth(house):
    house.listed = ("sub.example",)
    house.start()
    assert house.text("www.sub.example.") == "left"
    assert house.text("www.example.") == "192.0.2.80"
    house.keeper.configure(house.sources, [])
    house.settle()
    assert house.text("www.sub.example.") == "NXDOMAIN"


def test_on_a_full_disk_zones_are_left_to_auth_and_built_when_there_is_room(house, monkeypatch):
    house.start()
    house.load(soa(1, "www A 192.0.2.81", *(f"n{number} TXT x" for number in range(600))), "second.")
    keeper = house.keeper
    keeper.follow()
    task = keeper.take()
    keeper.failed(task, "No space left on device")
    assert house.text("www.second.") == "left"
    assert list(keeper.failures.values()) == ["No space left on device"]
    second, third = (name(text) for text in ("second.", "third."))
    assert build_status(keeper, second) == BuildStatusReply(False, "No space left on device")
    assert build_status(keeper, third) == BuildStatusReply(False, "")

    def full(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(keeper, "update", full)
        with pytest.raises(OSError, match="No space"):
            keeper.retry()
    assert len(keeper.failures) == 1
    keeper.retry()
    assert build_status(keeper, second).waiting
    task = keeper.take()
    assert build_status(keeper, second).waiting  # it is being built
    keeper.failed(task, "No space left on device")
    keeper.retry()
    house.settle()
    assert house.text("www.second.") == "192.0.2.81"
    assert build_status(keeper, second) == BuildStatusReply(False, "")
    assert not keeper.failures
    assert house.text("www.example.") == "192.0.2.80"


def test_a_zone_that_cannot_be_compacted_is_answered_from_what_is_there(house):
    house.start()
    house.keeper.rebuild(name("example.", "."))
    task = house.keeper.take()
    house.keeper.failed(task, "No space left on device")
    assert house.text("www.example.") == "192.0.2.80"
    assert house.keeper.failures


def test_a_change_is_not_lost_while_its_source_cannot_be_asked(house, monkeypatch):
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    with monkeypatch.context() as patched:
        patched.setattr(house.keeper.following, "held", lambda _origin: contextlib.nullcontext((None, False)))
        house.settle()
    assert house.text("www.example.") == "192.0.2.80"
    house.keeper.retry()
    assert house.text("www.example.") == "192.0.2.82"
