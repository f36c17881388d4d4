"""What data sources do not have any more is not served, and what could not be done once is not forgotten."""

from __future__ import annotations

import errno
import os

import pytest

import datasrc
from datasrc.sources import open_sources
from memmgr import noting, plan
from memmgr.imagelist import ImageList
from memmgr.notes import Notes
from memmgr.store import Store
from tests.datasrc.zonemaking import load
from tests.memmgr.house import soa

FULL = OSError(errno.ENOSPC, "No space left on device")
BIG = 5  # records, for now


def test_names_are_not_refused_after_a_configuration_that_was_taken_back(house):
    """Zones of sources that are not configured for a while lose their images, and are left until they have others."""
    house.start().settle()
    house.look()
    house.responder.trust(house.keeper.following.fingerprint(), 0)
    assert house.text("www.example.") == "192.0.2.80"
    before = house.sources
    later = {"later": {"type": "database", "url": f"sqlite:///{house.directory}/later.sqlite"}}
    for configured in (later, house.configured):
        house.sources = open_sources(configured, before=before)
        before.close()
        before = house.sources
        house.keeper.configure(house.sources, [])
        assert house.text("www.example.") in ("left", "192.0.2.80")
        house.settle()
        assert house.text("www.example.") in ("left", "192.0.2.80")
    house.keeper.follow()
    assert house.text("www.example.") == "192.0.2.80"


def test_a_database_that_is_replaced_takes_the_zones_away_that_it_does_not_have(house):
    house.load(soa(1), "gone.")
    house.start().settle()
    assert house.text("ns.gone.") == "192.0.2.1"
    path = house.directory / "other.sqlite"
    other = datasrc.open(f"sqlite:///{path}", create=True)
    load(other, soa(5, "www A 192.0.2.81"), "example.")
    other.close()
    house.source.close()
    for ending in ("-wal", "-shm"):
        (house.directory / f"zones.sqlite{ending}").unlink(missing_ok=True)
    path.replace(house.directory / "zones.sqlite")
    house.sources.refresh()
    house.settle()
    house.settle()
    house.look()
    assert house.text("www.example.") == "192.0.2.81"
    assert house.text("ns.gone.") == "left"
    assert house.keeper.doubt == ""


def test_a_zone_file_that_went_meanwhile_is_not_served_on_where_another_source_hides_a_zone(house):
    zones = house.directory / "zones"
    zones.mkdir()
    for zone in ("example", "y", "gone"):
        path = zones / f"{zone}.zone"
        path.write_text(f"$TTL 300\n{soa(1)}\n")
        os.utime(path, (5, 5))
    house.configured["files"] = {"type": "master-files", "directory": str(zones)}
    house.start().settle()
    assert (house.text("ns.gone."), house.text("www.example.")) == ("192.0.2.1", "192.0.2.80")
    house.stop()
    (zones / "gone.zone").unlink()
    house.start().settle()
    house.look()
    assert (house.text("ns.gone."), house.text("ns.y.")) == ("left", "192.0.2.1")


def test_big_zones_are_built_though_the_images_could_not_be_announced_at_first(house, monkeypatch):
    monkeypatch.setattr(plan, "BIG_RECORDS", BIG)
    announce, failures = Store.announce, [FULL]

    def full_once(store: Store) -> None:
        if failures:
            raise failures.pop()
        announce(store)

    monkeypatch.setattr(Store, "announce", full_once)
    house.load(soa(2, *(f"w{number} A 192.0.2.80" for number in range(2 * BIG))))
    with pytest.raises(OSError, match="No space left"):
        house.start()
    house.settle()
    assert house.built == [["example."]]
    assert house.text("w1.example.") == "192.0.2.80"


def test_what_cannot_be_noted_for_the_next_process_costs_nothing(house, monkeypatch):
    def full(*_: object) -> None:
        raise FULL

    monkeypatch.setattr(ImageList, "remember", full)
    monkeypatch.setattr(Notes, "remember_files", full)
    house.start().settle()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.keeper.announced
    monkeypatch.setattr(noting, "NOTE_EVERY", 0.0)
    assert house.keeper.take() is None
    house.stop()
