"""Images that are damaged, cut short or not ours are refused, and say why."""

from __future__ import annotations

from pathlib import Path

import dns.name
import pytest

import datasrc
from image import builder, layout
from image.arena import Arena
from image.builder import build
from image.errors import ImageError
from image.file import ImageFile
from image.layout import HEADER_OCTETS, VERSION
from tests.datasrc.zonemaking import SMALL, TESTER, load, rrsets

ORIGIN = dns.name.from_text("example.")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    source = datasrc.open("memory:", create=True)
    with source.updater(ORIGIN, create=True) as updater:
        for each in rrsets(SMALL):
            updater.add(each)
        updater.commit(TESTER)
    with source.snapshot() as snapshot:
        finder = snapshot.zone(ORIGIN)
        assert finder is not None
        build([finder], tmp_path / "zones.img", seed=1)
    return tmp_path / "zones.img"


def refusal(path: Path, octets: bytes) -> str:
    other = path.with_name("other.img")
    other.write_bytes(octets)
    with pytest.raises(ImageError) as refused:
        ImageFile(Arena(1 << 30), other)
    return refused.value.reason


def test_a_whole_image_is_taken_and_alone_in_its_directory(path):
    assert ImageFile(Arena(1 << 30), path).seed == 1
    assert list(path.parent.iterdir()) == [path]


def test_an_image_cut_short_anywhere_is_refused(path):
    octets = path.read_bytes()
    for end in [0, 1, HEADER_OCTETS - 1, HEADER_OCTETS, *range(HEADER_OCTETS + 1, len(octets), 61), len(octets) - 1]:
        assert refusal(path, octets[:end])


def test_an_octet_changed_in_the_header_or_a_section_is_refused(path):
    octets = path.read_bytes()
    image = ImageFile(Arena(1 << 30), path)
    used = {*range(64)}
    for offset, length in image.sections:
        used |= set(range(offset, offset + length))
    for place in sorted(used):
        damaged = bytearray(octets)
        damaged[place] ^= 0x10
        assert refusal(path, bytes(damaged))


def test_the_reason_is_told(path):
    octets = path.read_bytes()
    assert refusal(path, b"x" * 5000) == "it is not a zone image"
    assert refusal(path, octets[:8] + b"\x63" + octets[9:]) == f"its layout is version 99, not {VERSION}"
    assert refusal(path, octets + b"\0") == f"it has {len(octets) + 1} octets, not {len(octets)}"
    assert "checksum" in refusal(path, octets[:HEADER_OCTETS] + b"\x01" + octets[HEADER_OCTETS + 1 :])


def test_an_image_that_is_not_what_was_written_is_told_by_who_made_it(path, monkeypatch):
    """Who publishes it does not read it again."""

    def lose(descriptor, pieces):
        at = 1 + 2 * layout.FRAGMENTS  # behind the header; a filling follows each section
        write(descriptor, [*pieces[:at], bytes(len(pieces[at])), *pieces[at + 1 :]])

    write = builder._write_at_once
    before = path.read_bytes()
    monkeypatch.setattr(builder, "_write_at_once", lose)
    source = datasrc.open("memory:", create=True)
    load(source, SMALL, "example.")
    with source.snapshot() as snapshot, pytest.raises(ImageError, match="section 3 is damaged"):
        builder.build(snapshot.each([ORIGIN]), path, seed=1)
    assert list(path.parent.iterdir()) == [path]
    assert path.read_bytes() == before


def test_of_an_image_checked_by_its_maker_the_header_is_looked_at(path):
    octets = bytearray(path.read_bytes())
    image = ImageFile(Arena(1 << 30), path)
    offset, _ = image.sections[0]
    octets[offset] ^= 1
    path.write_bytes(octets)
    assert ImageFile(Arena(1 << 30), path, 1, checked=True).sections == image.sections
    octets[0] ^= 1
    path.write_bytes(octets)
    with pytest.raises(ImageError, match="not a zone image"):
        ImageFile(Arena(1 << 30), path, 1, checked=True)
