"""memmgr killed at every call that changes one of its files: what is answered is right, then and afterwards.

Stores into mapped files are no calls; what a writer leaves who dies between them is in test_keeper.py.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

import pytest

import datasrc
from tests.datasrc.zonemaking import load
from tests.kit.killpoint import Killer, fast_directory
from tests.memmgr.house import House, soa

PROGRAM = [sys.executable, "-W", "error", str(Path(__file__).with_name("keep_once.py"))]
BIG = [f"n{number} TXT text" for number in range(600)]  # more than goes into a delta as a whole
OLD = ["192.0.2.80", "192.0.2.81", "left"]  # as long as the announcement of a memmgr before it stands


def prepare(directory: Path, *, built: bool) -> None:
    """Zones, their images where `built`, and what changed since."""
    source = datasrc.open(f"sqlite:///{directory}/zones.sqlite", create=True)
    load(source, soa(1, "www A 192.0.2.80"), "example.")
    load(source, soa(1, "www A 192.0.2.81"), "second.")
    if built:
        house = House(directory)
        house.start()
        house.stop()
        house.source.close()
        load(source, soa(2, "www A 192.0.2.90"), "example.")
        load(source, soa(1, "www A 192.0.2.83", *BIG), "third.")
    source.close()


def answers(house: House) -> list[str]:
    return [house.text(f"www.{zone}.") for zone in ("example", "second", "third")]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("built", [False, True], ids=["first start", "changes"])
def test_killed_at_every_call(tmp_path, built):
    killer = Killer(tmp_path / "killer")
    wanted = ["192.0.2.90", "192.0.2.81", "192.0.2.83"] if built else ["192.0.2.80", "192.0.2.81", "left"]
    with fast_directory(tmp_path) as fast:
        before = fast / "before"
        before.mkdir()
        prepare(before, built=built)
        place = fast / "place"
        shutil.copytree(before, place)
        rewrite(place, before)
        calls, ended = killer.calls(PROGRAM, place, arguments=[str(place)])
        assert ended.status == 0, ended.error
        assert len(calls) > 10
        for point in killer.points(calls):
            if point.half and not built:  # the same files are written as with changes, and that takes its time
                continue
            shutil.rmtree(place)
            shutil.copytree(before, place)
            rewrite(place, before)
            assert killer.kill(PROGRAM, place, point, arguments=[str(place)]), point
            house = House(place)
            found = answers(house)
            for one, right, old in zip(found, wanted, OLD, strict=True):
                assert one in ("left", right, old), (point, found)
            house.start()
            assert answers(house) == wanted, (point, calls[point.at - 1])
            assert house.keeper is not None
            listed = {slot.image for slot in house.keeper.store.manifest.slots}
            assert {path.name for path in house.place.glob("*.image")} == listed
            house.stop()
            house.source.close()


def rewrite(place: Path, before: Path) -> None:
    """Data sources and images are named by their place."""
    for path in (place / "images" / "manifest.json", place / "images.json"):
        if path.exists():
            path.write_text(path.read_text().replace(str(before), str(place)))
