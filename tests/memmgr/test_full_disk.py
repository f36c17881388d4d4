"""No room at each call that takes some: what is answered stays right or is left to auth, and goes on when there is."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from memmgr.building import build_here
from tests.memmgr.house import House, soa

BIG = [f"n{number} TXT text" for number in range(600)]  # more than goes into a delta as a whole
MOST = 200  # calls, more than there are


class Disk:
    """Is full at one call of those that need room."""

    def __init__(self, full_at: int) -> None:
        self.calls = 0
        self.full_at = full_at

    def take(self) -> None:
        self.calls += 1
        if self.calls == self.full_at:
            raise OSError(errno.ENOSPC, "No space left on device")


@pytest.fixture
def house(tmp_path) -> Iterator[House]:
    house = House(tmp_path)
    yield house
    house.stop()
    house.source.close()


def watch(patched: pytest.MonkeyPatch, disk: Disk) -> None:
    for module, function in [(os, "posix_fallocate"), (os, "fsync"), (tempfile, "mkstemp"), (Path, "replace")]:
        real = getattr(module, function)

        def counted(*arguments, _real=real, **options):
            disk.take()
            return _real(*arguments, **options)

        patched.setattr(module, function, counted)


def keep(house: House) -> None:
    """As the daemon does it: an error of the system is noted, and it goes on."""
    keeper = house.keeper
    assert keeper is not None
    try:
        keeper.follow()
    except OSError:
        return
    while True:
        try:
            task = keeper.take()
            if task is None:
                return
        except OSError:
            return
        batch, number, path = task
        try:
            source = keeper.following.source(batch.source)
            seed = keeper.store.manifest.seed
            build_here(source, keeper.following.number_of(batch.source), batch.origins, path, seed)
            keeper.built(batch, number)
        except OSError as error:
            keeper.failed(batch, number, str(error))
            return


def test_a_disk_that_is_full_at_any_call_costs_nothing(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.load(soa(1, "www A 192.0.2.81"), "second.")
    house.start()
    serial = 1
    for full_at in range(1, MOST):
        serial += 1
        disk = Disk(full_at)
        for zone in [f"n{serial}.", f"more{serial}."]:
            house.load(soa(serial, "www A 192.0.2.83", *BIG), zone)
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "example.")
        with monkeypatch.context() as patched:
            watch(patched, disk)
            keep(house)
        assert house.text("www.example.") in (f"192.0.2.{serial}", f"192.0.2.{serial - 1}", "left", "192.0.2.80")
        assert house.text("www.second.") in ("192.0.2.81", "left")
        assert house.text(f"www.n{serial}.") in ("192.0.2.83", "left")
        house.keeper.retry()
        house.settle()
        assert house.text("www.example.") == f"192.0.2.{serial}", full_at
        assert house.text("www.second.") == "192.0.2.81"
        assert house.text(f"www.n{serial}.") == "192.0.2.83", full_at
        assert not house.keeper.failures
        listed = {name for slot in house.keeper.store.manifest.slots for name in (slot.image, slot.delta)}
        found = {path.name for path in house.place.iterdir()}
        assert found == listed | {"lock", "manifest.json", house.keeper.store.manifest.directory}, full_at
        if disk.calls < full_at:
            break
    assert 5 < full_at < MOST - 1


def test_a_note_of_sources_that_could_not_be_written_is_not_taken_for_written(house, monkeypatch):
    house.load(soa(1), "example.")
    store = house.start().keeper.store
    before = store.manifest.sources
    with monkeypatch.context() as patched:
        watch(patched, Disk(1))
        with pytest.raises(OSError, match="No space left"):
            store.remember(())
    assert store.manifest.sources == before
