"""The first start with many zones: in portions, each of which outlives who is killed behind it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import dns.name
import pytest

from datasrc import filezones, masterfiles
from memmgr import keeper as keeping
from memmgr import noting, plan
from memmgr.plan import Build, Plan, Wanted
from tests.memmgr.house import House, soa

ZONES = [f"z{number}.test." for number in range(10)]


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[House]:
    """Ten zone files, which are built four at a time."""
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)
    monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # this file system counts nanoseconds
    monkeypatch.setattr(plan, "PACK_ZONES", 4)
    (tmp_path / "zones").mkdir()
    for origin in ZONES:
        (tmp_path / "zones" / f"{origin}zone").write_text(f"$TTL 300\n{soa(1, 'www A 192.0.2.80')}\n")
    with House(tmp_path) as house:
        house.configured = {"files": {"type": "master-files", "directory": str(tmp_path / "zones")}}
        yield house


def next_task(house: House) -> Build:
    assert house.keeper is not None
    while (task := house.keeper.take()) is None:
        assert house.keeper.unfinished
    return task


def build_one(house: House, task: Build | None = None) -> None:
    task = task or next_task(house)
    assert house.keeper is not None
    house.build(task)
    house.keeper.built(task)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_what_was_built_is_not_read_or_built_again_by_the_next_process(files, monkeypatch, end):
    if end == "kill":
        monkeypatch.setattr(noting, "NOTE_EVERY", 0.0)
        monkeypatch.setattr(noting, "NOTE_SHARE", 1e9)
    files.begin()
    build_one(files)
    [before] = files.built
    getattr(files, end)()
    files.start()
    assert sorted(sum(files.built, before)) == ZONES
    assert [files.text(f"www.{origin}") for origin in ZONES] == ["192.0.2.80"] * len(ZONES)


def test_others_have_their_turn_while_zones_are_gathered(files, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 3)
    keeper = files.begin()
    assert keeper.take() is None
    assert (keeper.unfinished, keeper.waiting, keeper.doubt) == (True, 3, "the images are not ready")
    assert len(next_task(files).batch.origins) == 4


def test_a_zone_that_changes_while_others_are_gathered_is_built_as_it_is_then(files, monkeypatch):
    monkeypatch.setattr(keeping, "AT_ONCE", 3)
    files.begin()
    assert files.keeper.take() is None
    (files.directory / "zones" / f"{ZONES[0]}zone").write_text(f"$TTL 300\n{soa(2, 'www A 192.0.2.81')}\n")
    (files.directory / "zones" / f"{ZONES[1]}zone").unlink()
    files.sources.refresh()
    files.settle()
    assert [files.text(f"www.{origin}") for origin in ZONES[:3]] == ["192.0.2.81", "left", "192.0.2.80"]
    assert files.keeper.doubt == ""


def test_nothing_is_answered_before_small_zones_have_images_though_together_they_are_as_many_as_a_big_one(
    tmp_path, monkeypatch
):
    """What is below a zone that has an image was answered from that one."""
    monkeypatch.setattr(plan, "PACK_ZONES", 3)
    monkeypatch.setattr(plan, "BIG_RECORDS", 10)
    house = House(tmp_path)
    origins = ["test.", *(f"{letter}.test." for letter in "abcde")]
    for origin in origins:
        house.load(soa(1, "www A 192.0.2.80"), origin)
    house.begin()
    for _ in range(2):
        task = next_task(house)
        assert task.batch.records >= plan.BIG_RECORDS
        assert house.text("www.e.test.") == "left"
        build_one(house, task)
    house.settle()
    assert {house.text(f"www.{origin}") for origin in origins} == {"192.0.2.80"}
    house.close()


def test_a_batch_is_built_when_finding_it_takes_long():
    now = 100.0
    waits = [0.1, plan.PACK_SECONDS * 0.6, plan.PACK_SECONDS * 0.6, 0.1]

    def slowly() -> Iterator[Wanted]:
        nonlocal now
        for number, seconds in enumerate(waits):
            now += seconds
            yield Wanted(dns.name.from_text(f"z{number}.test."), "files", 4)

    found = Plan(clock=lambda: now)
    found.survey(slowly())
    sizes = []
    while not found.is_empty:
        batch = found.take(1)
        assert batch is not None or found.gathering or found.is_empty
        if batch is not None:
            sizes.append(len(batch.origins))
    assert sizes == [3, 1]
