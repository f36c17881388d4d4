"""When the keeper vouches that a zone without an entry is in no data source."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

import datasrc
from datasrc.errors import Unavailable
from datasrc.records import Provenance
from datasrc.sources import open_sources
from image import layout, manifest
from image.directory import milliseconds
from image.zonerecord import origin_wire
from tests.datasrc.zonemaking import load, name
from tests.memmgr.house import soa

HOUR = 3_600_000  # milliseconds of uptime
ELSEWHERE = "www.elsewhere.test."


def asked(house, text=ELSEWHERE, since=0):
    """The answer of who trusts what is vouched for after `since`."""
    house.look()
    if house.responder is None:
        return "left"
    house.responder.trust(house.keeper.following.fingerprint(), since)
    return house.text(text)


def test_names_of_no_zone_are_refused_once_all_is_known(house):
    house.start()
    assert asked(house) == "left"
    house.settle()
    assert asked(house) == "REFUSED"
    assert asked(house, "www.example.") == "192.0.2.80"


def test_what_a_process_before_has_vouched_for_is_taken_back(house):
    """Perhaps of another boot of the machine, so that its times are to come."""
    house.start().settle()
    sources = house.keeper.following.fingerprint()
    house.stop()
    with next(house.place.glob("*.directory")).open("r+b") as file:
        file.seek(layout.VOUCHED_PLACE)
        file.write((HOUR << layout.VOUCHED_SHIFT | sources).to_bytes(8, "little"))
        file.write(HOUR.to_bytes(8, "little"))
    house.load(soa(1), "elsewhere.test.")
    house.start()
    assert asked(house, "www.another.test.") == "left"


def test_a_zone_that_comes_is_not_refused_by_who_asks_for_what_is_known_since(house):
    house.start().settle()
    assert asked(house) == "REFUSED"
    house.load(soa(1, "www A 192.0.2.99"), "elsewhere.test.")
    since = milliseconds()
    assert asked(house, since=since) == "left"
    while milliseconds() == since:  # the clock of directories has ticks
        pass
    house.settle()
    assert asked(house, since=since) == "192.0.2.99"
    house.settle()
    assert asked(house, "www.another.test.", since=since) == "REFUSED"


def test_a_deleted_zone_is_refused(house):
    house.load(soa(1), "gone.")
    house.start().settle()
    house.source.delete_zone(name("gone.", "."), Provenance("tester", "test"))
    house.settle()
    assert asked(house, "gone.") == "REFUSED"


def test_a_source_that_cannot_be_asked_is_not_vouched_for(house, monkeypatch):
    house.start().settle()
    until = house.keeper.following.until
    source = house.keeper.following.source("main")

    def fail(_self, _after, _limit):
        raise Unavailable("it is away", database="test")

    with monkeypatch.context() as patched:
        patched.setattr(type(source), "since", fail)
        since = milliseconds()
        while milliseconds() == since:
            pass
        house.keeper.follow()
    assert house.keeper.doubt == "main cannot be asked"
    assert asked(house, since=since) == "left"
    house.sources.refresh()
    house.settle()
    assert house.keeper.following.until > until
    assert asked(house, since=since) == "REFUSED"


def test_a_source_that_is_not_there_yet_is_not_vouched_for(house, tmp_path):
    url = f"sqlite:///{tmp_path}/later.sqlite"
    house.configured["later"] = {"type": "database", "url": url}
    house.start().settle()
    assert house.keeper.doubt == "later cannot be asked"
    assert asked(house) == "left"
    source = datasrc.open(url, create=True)
    house.sources.refresh()
    house.settle()
    house.settle()
    assert asked(house) == "REFUSED"
    source.close()


def test_names_of_zones_that_are_being_built_without_entries_are_left(house, tmp_path):
    """Those of a second source, which a survey finds while the images are in use."""
    house.start().settle()
    url = f"sqlite:///{tmp_path}/more.sqlite"
    more = datasrc.open(url, create=True)
    load(more, soa(1, "www A 192.0.2.99"), "elsewhere.test.")
    house.configured = {**house.configured, "more": {"type": "database", "url": url}}
    before = house.sources
    house.sources = open_sources(house.configured, before=before)
    house.keeper.configure(house.sources, [])
    assert asked(house) == "left"
    task = house.keeper.take()
    house.keeper.follow()
    assert house.keeper.doubt == "zones are being built for the first time"
    assert asked(house) == "left"
    assert task.batch.source == "more"
    house.build(task)
    house.keeper.built(task)
    house.settle()
    house.keeper.follow()
    assert asked(house) == "192.0.2.99"
    assert asked(house, "www.another.test.") == "REFUSED"
    more.close()
    before.close()


def test_names_of_zones_that_could_not_be_built_are_left(house, tmp_path, monkeypatch):
    """Also before they have entries that say so."""
    house.start().settle()
    more = datasrc.open(f"sqlite:///{tmp_path}/more.sqlite", create=True)
    load(more, soa(1, "www A 192.0.2.99"), "elsewhere.test.")
    house.configured = {**house.configured, "more": {"type": "database", "url": f"sqlite:///{tmp_path}/more.sqlite"}}
    before = house.sources
    house.sources = open_sources(house.configured, before=before)
    house.keeper.configure(house.sources, [])
    task = house.keeper.take()
    house.keeper._sweeping.done = True
    with pytest.raises(OSError, match="No such file"):
        house.keeper.built(task)
    house.keeper.follow()
    assert asked(house) == "left"
    assert house.keeper.doubt == "zones are being built for the first time"
    house.keeper.failed(task, "as told")
    house.keeper.follow()
    assert asked(house, "www.another.test.") == "REFUSED"
    assert asked(house) == "left"
    more.close()
    before.close()


def test_a_directory_of_zone_files_is_known_as_of_the_last_look(house, tmp_path):
    (tmp_path / "zones").mkdir()
    house.configured["files"] = {"type": "master-files", "directory": str(tmp_path / "zones")}
    house.start().settle()
    files = house.keeper.following.source("files")
    looked = files.known_until()
    assert house.keeper.following.until <= looked
    files.refresh()
    assert looked < files.known_until() <= time.monotonic()


def test_behind_the_end_nothing_is_written_and_all_can_be_asked(house):
    """A look at the sources, a build or a command may come when the process stops: that was a segmentation fault."""
    for origin in ("second.", "third."):
        house.load(soa(1), origin)
    keeper = house.start().settle().keeper
    assert keeper.doubt == ""
    keeper.rebuild_all()
    batch = keeper.take().batch
    house.load(soa(2, "www A 192.0.2.81"))
    keeper.close()
    before = state(house.place)
    assert not manifest.is_kept(house.place)  # another process may write from now on
    keeper.follow()
    keeper.configure(house.sources, [])
    keeper.update(name("example.", "."))
    keeper.retry()
    keeper.close()
    assert keeper.take() is None
    assert keeper.take_worn() is None
    assert keeper.answers_for(batch)
    assert all(keeper.store.find(origin_wire(origin)) for origin in batch.origins)
    assert all(0 < delta.filling < 1 for delta in keeper.store.deltas.values())
    assert state(house.place) == before


def state(place: Path) -> dict[str, bytes]:
    """What is in the files there, mapped ones as well."""
    return {path.name: path.read_bytes() for path in place.iterdir()}
