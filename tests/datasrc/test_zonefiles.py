"""Directories of zone files: which there are, and which zone each is named after."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from datasrc import zonefiles
from datasrc.filezones import FileZone, ZoneFile
from datasrc.keptzones import Kept
from datasrc.keys import key_labels, name_key, wire_of
from datasrc.zonefiles import Names, key_of, listed, origin_of, zone_files

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
    zone = FileZone(key_of(file, path), 1, ZoneFile(path, (0, 0, 0, 0, 0), 0.0), Kept(0), lambda *_: None)
    assert zone.origin.labels == origin_of(Path(path)).labels


PLAIN = ["a.zone", "b", "x.a.zone", "zone", "a-b.c_d.zone", "1.0.zone"]


def test_very_many_names_are_told_apart_and_compared(monkeypatch):
    monkeypatch.setattr(zonefiles, "PART", 5)
    names = Names()
    names.take(PLAIN[:2])
    names.take([])
    names.take(PLAIN[2:])
    assert [name for _, name in names.items()] == PLAIN
    assert list(names.items()) == [(key_of(name, name), name) for name in PLAIN]
    assert [names.file_of(key) for key in names.keys()] == PLAIN  # noqa: SIM118 - it is no dictionary
    assert [names.has(name) for name in ["a.zone", "a", "b", "b.zone", "c", "ä", "a.ZONE"]] == [
        True,
        False,
        True,
    ] + 4 * [False]
    assert names.file_of(b"") is names.file_of(b"x.a\x00") is names.file_of(b"c\x00") is None
    other = Names()
    other.take(["b.zone", "new", *PLAIN[2:]])
    assert [name for _, name in names.beyond(other)] == ["a.zone", "b"]
    assert list(other.beyond(names)) == [(b"b\x00", "b.zone"), (b"new\x00", "new")]
    assert list(names.beyond(names)) == []
    left = names.without({b"a\x00", b"a\x00x\x00"})
    assert [name for _, name in left.items()] == ["b", "zone", "a-b.c_d.zone", "1.0.zone"]
    assert names.without(set()) is names


ODD = ["A.Zone", "x\\.y", "ä.zone", "Q.zone"]


def test_names_that_are_not_plain_are_known_as_they_are():
    """One of them had all files looked at, and an object made of each."""
    names = Names("/zones")
    names.take(["b", *ODD[:2], "c.zone"])
    names.take([*ODD[2:], "d"])
    assert dict(names.items()) == {key_of(name, name): name for name in ["b", "c.zone", "d", *ODD]}
    assert sorted(map(str, filter(None, map(names.file_of, names.keys())))) == sorted(["b", "c.zone", "d", *ODD])
    assert [names.has(name) for name in (*ODD, "a.zone", "q.zone", "B")] == [True] * 4 + [False] * 3
    assert len(names) == len(names.key_table()) == 7
    other = names.without({key_of(name, name) for name in ("A.Zone", "d")})
    assert sorted(name for _, name in names.beyond(other)) == ["A.Zone", "d"]
    assert list(other.beyond(names)) == []
    assert (names.faults, names.strays) == ({}, [])


@pytest.mark.parametrize("together", [True, False])
@pytest.mark.parametrize("pair", [("b", "b.zone"), ("B.zone", "b.zone"), ("B", "B.zone")])
def test_a_zone_with_two_files_has_none_and_that_is_told(pair: tuple[str, str], together: bool):
    names = Names("/zones")
    for part in [["a", *pair, "c"]] if together else [["a", pair[1]], [pair[0]], ["c"]]:
        names.take(part)
    fault = f"/zones/{pair[1]}: there is {pair[0]} beside it, and one zone cannot have both"
    assert names.faults == {b"b\x00": fault}
    assert names.file_of(b"b\x00") is None
    assert names.has_zone(b"b\x00")
    assert not any(map(names.has, pair))
    assert sorted(names.keys()) == [b"a\x00", b"b\x00", b"c\x00"]
    alone = Names()
    alone.take(["a", pair[0], "c"])
    assert list(alone.beyond(names)) == [(b"b\x00", pair[0])]
    assert list(names.beyond(alone)) == []
    assert names.without({b"a\x00"}).faults == names.faults
    assert names.without({b"b\x00"}).faults == {}


@pytest.mark.parametrize("name", ["a..b", "x" * 64, ".".join(["x" * 63] * 4), "\\256"])
def test_files_whose_names_are_no_zones_are_told(name):
    names = Names("/zones")
    names.take(["b", name])
    assert len(names) == 1
    (stray,) = names.strays
    assert stray.startswith(f"/zones/{name}: the name of the file is not that of a zone: ")


def test_no_name_costs_an_object():
    def blocks(count: int) -> int:
        before = sys.getallocatedblocks()
        names = Names()
        for start in range(0, count, 100):
            names.take([f"z{number}.zone" for number in range(start, start + 100)])
        assert len(names) == count
        return sys.getallocatedblocks() - before

    blocks(100)
    assert abs(blocks(4000) - blocks(2000)) < 100
