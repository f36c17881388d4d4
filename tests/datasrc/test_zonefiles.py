"""Directories of zone files: which there are, and which zone each is named after."""

from __future__ import annotations

from pathlib import Path

import pytest

from datasrc.filezones import FileZone, Kept, ZoneFile
from datasrc.keys import key_labels, name_key, wire_of
from datasrc.zonefiles import key_of, listed, origin_of, zone_files

NAMES = [
    "example",
    "example.zone",
    "Example.COM.zone",
    "example.com.",
    "a-b.c_d.zone",
    "1/24.2.0.192.in-addr.arpa.zone".replace("/", "\\047"),
    "zone",
    "x.zone.zone",
    "*.example",
    "x" * 63 + ".zone",
    ".".join(["x" * 63] * 3 + ["y" * 61]),
    "a\\.b.zone",
    "ä.example",
    "Kelvin.example",  # it lowers to an ASCII letter
]
BAD = ["a..b", "x" * 64 + ".zone", ".".join(["x" * 63] * 3 + ["y" * 62]), "a\\999.zone"]


@pytest.mark.parametrize("name", NAMES)
def test_the_key_of_a_file_is_that_of_its_origin(name):
    origin = origin_of(Path("/zones") / name)
    key = key_of(name, f"/zones/{name}")
    assert key == name_key(origin)
    assert wire_of(key) == b"".join(bytes([len(one)]) + one for one in [*key_labels(key), b""])


@pytest.mark.parametrize("name", BAD)
def test_the_name_of_no_zone_is_told_with_its_file(name):
    with pytest.raises(ValueError, match="/zones/"):
        key_of(name, f"/zones/{name}")


def test_hidden_files_backups_and_directories_are_left_out(tmp_path):
    for name in ("b.zone", "a.zone", ".hidden", "a.zone~"):
        (tmp_path / name).write_text("")
    (tmp_path / "sub").mkdir()
    (tmp_path / "link.zone").symlink_to(tmp_path / "a.zone")
    assert [entry.name for entry in listed(tmp_path)] == ["a.zone", "b.zone", "link.zone"]


def test_a_file_that_went_away_since_it_was_listed_is_left_out(tmp_path, monkeypatch):
    for name in ("a.zone", "b.zone"):
        (tmp_path / name).write_text("")
    entries = listed(tmp_path)
    (tmp_path / "a.zone").unlink()
    monkeypatch.setattr("datasrc.zonefiles.listed", lambda _directory: entries)
    assert [path.name for path, _ in zone_files(tmp_path)] == ["b.zone"]


@pytest.mark.parametrize("file", [*NAMES, "A.ZONE", "b..zone", "\\097.zone", "\\A.zone"])
def test_a_zone_is_spelled_as_its_file_is(file: str) -> None:
    path = f"/Some/Where/{file}"
    zone = FileZone(key_of(file, path), 1, ZoneFile(path, (0, 0, 0, 0, 0), 0.0), Kept(), lambda *_: None)
    assert zone.origin.labels == origin_of(Path(path)).labels
