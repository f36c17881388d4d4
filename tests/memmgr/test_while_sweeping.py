"""What comes while zones are looked at a few at a time, and what cannot be known for certain: nothing of it is lost."""

from __future__ import annotations

from pathlib import Path

import dns.name
import pytest

import datasrc
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from datasrc.errors import StorageError
from datasrc.keys import name_key
from datasrc.sources import open_sources
from memmgr.building import build_here
from memmgr.keeper import Keeper
from memmgr.store import Store
from tests.datasrc.zonemaking import load
from tests.memmgr.house import RUN, House, soa

LISTED = [f"l{number}.test." for number in range(30)]


def keys(names: list[str]) -> list[bytes]:
    return [name_key(dns.name.from_text(name)) for name in names]


class TwoSources(House):
    """Both configured."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        url = f"sqlite:///{directory}/second.sqlite"
        self.second = datasrc.open(url, create=True)
        self.configured["second"] = {"type": "database", "url": url}

    def close(self) -> None:
        super().close()
        self.second.close()


@pytest.fixture
def house(tmp_path, monkeypatch):
    """Where few zones are looked at in one go."""
    monkeypatch.setattr("memmgr.sweeping.AT_ONCE", 5)
    with TwoSources(tmp_path) as house:
        house.load(soa(1, "www A 192.0.2.1"))
        yield house


def begin(house: House) -> Keeper:
    """As start(), with all of LISTED configured; nothing is done yet."""
    store = Store(house.place, house.announcement, RUN, lambda path, reason: None)
    house.keeper = Keeper(store, MessageLog("memmgr", Spec.load("memmgr").messages))
    house.sources = open_sources(house.configured)
    house.keeper.configure(house.sources, keys(LISTED))
    return house.keeper


def until_it_sweeps(keeper: Keeper) -> None:
    """Build what comes before."""
    while True:
        task = keeper.take()
        if task is None:
            assert keeper.unfinished
            return
        batch = task.batch
        source, number = keeper.following.source(batch.source), keeper.following.number_of(batch.source)
        build_here(source, number, batch.origins, task.path, keeper.store.manifest.seed)
        keeper.built(task)


def test_a_commit_meanwhile_is_taken_up(house):
    keeper = begin(house)
    until_it_sweeps(keeper)
    kept = [name for name in LISTED if name not in ("l1.test.", "l29.test.")]
    keeper.configure(house.sources, keys([*kept, "new.test."]))
    house.settle()
    house.look()
    assert house.text("new.test.") == "left"
    located = {there.record.name.to_text() for there in keeper.store.located() if there.record.flags & 1}
    assert located == {*kept, "new.test."}


def test_an_update_of_a_big_zone_that_waits_is_taken_up(house, monkeypatch):
    monkeypatch.setattr("memmgr.plan.BIG_RECORDS", 10)
    many = [f"n{number} A 192.0.2.2" for number in range(600)]
    load(house.second, soa(1, "www A 192.0.2.2", *many), "big.test.")
    keeper = begin(house)
    until_it_sweeps(keeper)
    house.load(soa(7, "www A 192.0.2.7", *many), "big.test.")  # the first source has it now, too
    keeper.follow()
    house.settle()
    assert house.text("www.big.test.") == "192.0.2.7"


def test_a_zone_of_a_source_that_fails_is_not_taken_from_another(house, monkeypatch):
    monkeypatch.setattr("datasrc.member.RETRY_FIRST", 600.0)  # until the test says so, however slow the machine is
    load(house.second, soa(1, "www A 192.0.2.2"))
    house.start()
    house.sources.failed("main", StorageError("locked", database="main"))
    load(house.second, soa(2, "www A 192.0.2.3"))
    load(house.second, soa(1, "www A 192.0.2.4"), "new.test.")
    house.settle()
    assert house.text("www.example.") == "192.0.2.1"
    assert house.text("www.new.test.") == "left"  # main may have it
    house.sources.refresh()
    house.keeper.retry()
    house.settle()
    assert house.text("www.example.") == "192.0.2.1"
    assert house.text("www.new.test.") == "192.0.2.4"


def test_nothing_is_to_be_done_at_once_while_a_source_must_be_surveyed_again(house):
    keeper = begin(house)
    until_it_sweeps(keeper)
    for followed in keeper.following._followed.values():
        followed.due, followed.rests = True, float("inf")
    assert not keeper.unfinished
    assert keeper.take() is None
