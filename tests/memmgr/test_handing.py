"""A zone that is handed to the process that builds its image is the zone that was read."""

from __future__ import annotations

import os
from pathlib import Path

import dns.name
import pytest

from datasrc import masterfiles
from datasrc.errors import ZoneUnusable
from datasrc.filezones import FileZone
from datasrc.keys import name_key
from datasrc.masterfiles import MasterFilesSource
from image.builder import build
from memmgr.building import build_here
from memmgr.handing import hand_over, handed_zones
from tests.memmgr.house import soa

SEED = 7
NUMBER = 3
ORIGIN = dns.name.from_text("example.")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> MasterFilesSource:
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)
    hosts = [f"h{number % 70} A 192.0.2.{number}" for number in range(200)]
    text = soa(5, *hosts, "sub NS ns.sub", "ns.sub A 192.0.2.1", "Case MX 10 Mail", r"odd\000 TXT x", "*.w CNAME h1")
    (tmp_path / "example.zone").write_text(f"$TTL 300\n{text}\n")
    (tmp_path / "bad.zone").write_text("nothing of a zone\n")
    return MasterFilesSource(tmp_path, check_every=None)


def test_an_image_of_what_was_handed_over_is_the_same(source: MasterFilesSource, tmp_path: Path) -> None:
    here, there = tmp_path / "here.image", tmp_path / "there.image"
    build_here(source, NUMBER, [ORIGIN], here, SEED)
    handed = hand_over(source, [ORIGIN])
    assert handed is not None
    build(handed_zones(handed), there, SEED, NUMBER)
    assert there.read_bytes() == here.read_bytes()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handed.descriptor)


@pytest.mark.parametrize("origin", ["bad.", "elsewhere."])
def test_what_has_no_data_is_not_handed_over(source: MasterFilesSource, origin: str) -> None:
    assert hand_over(source, [dns.name.from_text(origin)]) is None


def test_a_zone_that_cannot_be_had_keeps_no_other_from_being_handed_over(
    source: MasterFilesSource, tmp_path: Path
) -> None:
    """As one of which only what a process before this one read is known, and whose file is bad."""
    for file in ("good", "lost"):
        (tmp_path / f"{file}.zone").write_text(f"$TTL 300\n{soa(1, 'www A 192.0.2.1')}\n")
    source.refresh()
    origins = [dns.name.from_text(text) for text in ("lost.", "good.")]
    with source.snapshot() as snapshot:
        assert all(snapshot.zone(origin) for origin in origins)
    for origin in origins:
        zone = source._zones.get(name_key(origin))
        assert isinstance(zone, FileZone)
        zone.info()
        zone.packed = None  # as where there was no room for it
    (tmp_path / "lost.zone").write_text("nothing of a zone\n")
    there = tmp_path / "there.image"
    handed = hand_over(source, origins)
    assert handed is not None
    assert [part.origin for part in handed.zones] == ["good."]
    build(handed_zones(handed), there, SEED, NUMBER)
    here = tmp_path / "here.image"
    build_here(source, NUMBER, origins, here, SEED)
    assert there.read_bytes() == here.read_bytes()
    with pytest.raises(ZoneUnusable, match=r"lost\.zone"):
        hand_over(source, origins[:1])
    with pytest.raises(ZoneUnusable, match=r"lost\.zone"):
        build_here(source, NUMBER, origins[:1], here, SEED)


def test_several_zones_are_handed_over_at_once(source: MasterFilesSource, tmp_path: Path) -> None:
    """And what has no data is left out of them, as it is where the source is asked."""
    for number in range(3):
        (tmp_path / f"more{number}.zone").write_text(f"$TTL 300\n{soa(number + 1, f'www A 192.0.2.{number}')}\n")
    source.refresh()
    origins = [dns.name.from_text(text) for text in ("more0.", "bad.", "example.", "more1.", "elsewhere.", "more2.")]
    here, there = tmp_path / "here.image", tmp_path / "there.image"
    build_here(source, NUMBER, [origins[0], *origins[2:4], origins[5]], here, SEED)
    handed = hand_over(source, origins)
    assert handed is not None
    build(handed_zones(handed), there, SEED, NUMBER)
    assert there.read_bytes() == here.read_bytes()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(handed.descriptor)
