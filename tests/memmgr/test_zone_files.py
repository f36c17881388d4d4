"""The images of a directory of zone files: made from their text, and kept where a file is bad."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from datasrc import masterfiles
from datasrc.zonetext_zone import read_zone
from tests.memmgr.house import House, soa


class FileHouse(House):
    """A keeper of images over a directory of zone files."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.zones = directory / "zones"
        self.zones.mkdir()
        self.configured = {"files": {"type": "master-files", "directory": str(self.zones)}}

    def write(self, text: str, origin: str = "example") -> Path:
        path = self.zones / f"{origin}.zone"
        path.write_text(f"$TTL 300\n{text}\n")
        return path

    def reload(self) -> FileHouse:
        """As `bobctl zone reload` has it."""
        self.sources.refresh()
        self.settle()
        return self

    def problems(self) -> list[str]:
        return list(self.sources.status()[0].problems)


@pytest.fixture
def house(tmp_path, monkeypatch):
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)  # the tests say when files are looked at
    house = FileHouse(tmp_path)
    yield house
    if house.keeper is not None:
        house.stop()
    house.source.close()


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The files that are read."""
    found: list[str] = []

    def spy(stream, file, *arguments, **options):
        found.append(Path(file).name)
        return read_zone(stream, file, *arguments, **options)

    monkeypatch.setattr("datasrc.filezones.read_zone", spy)
    return found


def test_files_are_read_once_and_answered_from_one_image(house, reads):
    for number in range(50):
        house.write(soa(1, f"www A 192.0.2.{number}"), f"zone{number}")
    house.start()
    assert len(house.built) == 1
    assert sorted(reads) == sorted(f"zone{number}.zone" for number in range(50))
    assert house.text("www.zone7") == "192.0.2.7"
    assert house.text("nowhere.zone7") == "NXDOMAIN"


def test_a_changed_file_is_changed_in_place(house):
    house.write(soa(1, *(f"www{number} A 192.0.2.{number % 250}" for number in range(600))))
    house.start()
    house.write(soa(2, *(f"www{number} A 192.0.2.{number % 250}" for number in range(1, 600)), "new A 192.0.2.251"))
    house.built.clear()
    house.reload()
    assert house.built == []
    assert house.text("new.example") == "192.0.2.251"
    assert house.text("www0.example") == "NXDOMAIN"
    assert house.text("www1.example") == "192.0.2.1"
    assert house.keeper.changes == 1


def test_a_file_of_which_all_changed_is_built_anew(house):
    house.write(soa(1, *(f"www{number} A 192.0.2.1" for number in range(5000))))
    house.start()
    house.write(soa(2, *(f"www{number} A 192.0.2.2" for number in range(5000))))
    house.built.clear()
    house.reload()
    assert house.built == [["example."]]
    assert house.text("www4999.example") == "192.0.2.2"


def test_a_bad_file_keeps_its_last_good_version_and_others_go_on(house):
    house.write(soa(1, "www A 192.0.2.80"))
    house.write(soa(1, "www A 192.0.2.81"), "other")
    house.start()
    path = house.write(soa(2, "www A 192.0.2.300"))
    house.write(soa(2, "www A 192.0.2.82"), "other")
    house.reload()
    assert house.text("www.example") == "192.0.2.80"
    assert house.text("www.other") == "192.0.2.82"
    (problem,) = house.problems()
    assert problem.startswith(f"{path}:5: error: ")
    house.write(soa(3, "www A 192.0.2.83"))
    house.reload()
    assert house.text("www.example") == "192.0.2.83"
    assert house.problems() == []


def test_a_file_that_was_never_good_is_left_and_hides_nothing(house):
    house.write("nonsense", "bad")
    house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    assert house.text("www.bad") == "left"
    assert house.text("www.example") == "192.0.2.80"
    house.write(soa(1, "www A 192.0.2.81"), "bad")
    house.reload()
    assert house.text("www.bad") == "192.0.2.81"


def test_files_come_and_go(house):
    house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    path = house.write(soa(1, "www A 192.0.2.81"), "new")
    house.reload()
    assert house.text("www.new") == "192.0.2.81"
    path.unlink()
    house.reload()
    assert house.text("www.new") == "left"
    assert house.text("www.example") == "192.0.2.80"
    house.write(soa(1, "www A 192.0.2.82"), "new")
    house.reload()
    assert house.text("www.new") == "192.0.2.82"


def test_a_file_that_was_only_touched_is_no_change(house):
    path = house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    os.utime(path, (5, 5))
    house.built.clear()
    house.reload()
    assert (house.built, house.keeper.changes) == ([], 0)


def test_a_restart_with_more_zone_files_than_the_margin_has_room_for_answers_all(house, monkeypatch):
    monkeypatch.setattr("memmgr.store.HEAP_LEAST", 1024)  # about a dozen records
    for number in range(60):
        house.write(soa(1, f"www A 192.0.2.{number}"), f"z{number}.test")
    for _ in range(3):  # a process does not know versions of its predecessor's: all are left until they are built
        house.start()
        assert [house.text(f"www.z{number}.test.") for number in range(60)] == [f"192.0.2.{n}" for n in range(60)]
        assert len(house.keeper.store.manifest.slots) <= 2  # the image and the margin
        house.stop()
