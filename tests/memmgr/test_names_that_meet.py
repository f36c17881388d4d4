"""Zones whose names somebody chose so that dnspython's hashes of them meet: each is compared with few others.

Where names were keys of a table each was compared with all that were there: memmgr did nothing else for minutes.
"""

from __future__ import annotations

import contextlib
import errno

import pytest

from datasrc import filezones
from datasrc.keys import name_key
from memmgr.margin import Margin
from memmgr.plan import BIG_RECORDS, Plan, Wanted
from tests.kit.meeting import Compared, names_compared, names_that_meet
from tests.memmgr.house import House, soa
from tests.memmgr.test_zone_files import FileHouse

ZONES = 120
PER_ZONE = 4  # comparisons: with each other they are ZONES / 2 for each of them, in each table
NAMES = names_that_meet(ZONES)


def few(compared: Compared) -> bool:
    """Whether the work grew with the zones, and not with their square."""
    return compared.times <= PER_ZONE * ZONES


@pytest.fixture
def settled(house: House) -> House:
    """With these zones, all of them answered."""
    for origin in NAMES:
        house.load(soa(1, "www A 192.0.2.80"), origin.to_text())
    return house.start()


@pytest.mark.parametrize("records", [1, BIG_RECORDS])
def test_what_waits_to_be_built(records):
    """V75."""
    plan = Plan(scarce=lambda: True)
    with names_compared() as compared:
        for origin in NAMES:
            plan.add(Wanted(origin, "main", records))
        assert all(map(plan.has, NAMES))
        taken = plan.take()
        assert taken is not None
        plan.put_back(taken)
        assert set(plan.found()) == set(map(name_key, NAMES))
        for origin in NAMES:
            plan.remove(origin)
    assert plan.is_empty
    assert len(taken.origins) > ZONES // 2
    assert few(compared)


def test_what_is_built_and_changes_meanwhile(settled):
    """V75."""
    keeper = settled.keeper
    keeper.rebuild_all()
    with names_compared() as compared:
        task = keeper.take()
        assert len(task.batch.origins) > ZONES
        for origin in NAMES:
            keeper.update(origin)
        settled.build(task)
        keeper.built(task)
        settled.settle()
    assert not keeper.failures
    assert few(compared)


def test_what_cannot_be_built_and_is_tried_again(settled):
    """V75."""
    keeper = settled.keeper
    keeper.rebuild_all()
    with names_compared() as compared:
        task = keeper.take()
        keeper.failed(task, "it is not to be")
        assert len(keeper.failures) > ZONES
        assert all(keeper.failures[name_key(origin)] for origin in NAMES)
        keeper.retry()
        settled.settle()
    assert not keeper.failures
    assert few(compared)


def test_what_is_not_in_the_image_that_was_built(settled, monkeypatch):
    """V75."""
    keeper = settled.keeper
    keeper.rebuild_all()
    with names_compared() as compared:
        task = keeper.take()
        settled.build(task)
        monkeypatch.setattr("memmgr.builds.origin_wire", lambda _origin: b"another")
        keeper.built(task)
    assert len(keeper.failures) > ZONES
    assert few(compared)


def test_what_there_is_no_room_for(settled, monkeypatch):
    """V75."""

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    keeper = settled.keeper
    with names_compared() as compared:
        with monkeypatch.context() as patched:
            patched.setattr(Margin, "put", full)
            patched.setattr(keeper.following, "held", lambda _origin: contextlib.nullcontext((None, True)))
            for origin in NAMES:
                keeper.update(origin)
            assert len(keeper.failures) == keeper.no_room == ZONES
            keeper.retry()
            settled.settle()
        keeper.retry()
        settled.settle()
    assert (keeper.failures, keeper.doubt) == ({}, "")
    assert few(compared)


def test_what_a_source_that_fails_may_have(settled, monkeypatch):
    """V75."""
    keeper = settled.keeper
    with names_compared() as compared:
        with monkeypatch.context() as patched:
            patched.setattr(keeper.following, "held", lambda _origin: contextlib.nullcontext((None, False)))
            for origin in NAMES:
                keeper.update(origin)
            assert keeper.doubt != ""
        keeper.retry()
        settled.settle()
    assert keeper.doubt == ""
    assert few(compared)


def test_what_has_large_files_that_are_yet_to_be_read(tmp_path, monkeypatch):
    """V75."""
    monkeypatch.setattr(filezones, "QUICKLY_READ", 0)
    with FileHouse(tmp_path) as house, names_compared() as compared:
        for origin in NAMES:
            house.write(soa(1, "www A 192.0.2.80"), origin.to_text(omit_final_dot=True))
        keeper = house.begin()
        house.settle()
        assert keeper.waiting == ZONES
        assert all(map(keeper.waits, NAMES))
        ((_, source),) = keeper.following.files.sources()
        while source.read_large():
            house.settle()
        assert keeper.waiting == 0
        assert house.text(f"www.{NAMES[-1]}") == "192.0.2.80"
    assert few(compared)
