"""The directory of zones: entries, the epoch, files that are refused."""

from __future__ import annotations

import dns.name
import pytest

from image import layout
from image.arena import Arena
from image.directory import Directory, create
from image.errors import ImageError

SEED = 7


@pytest.fixture
def arena():
    arena = Arena(1 << 26)
    yield arena
    arena.close()


def wire(text: str) -> bytes:
    octets = dns.name.from_text(text).to_wire()
    assert octets is not None
    return octets


def test_what_one_writes_another_reads(arena, tmp_path):
    create(tmp_path / "directory", SEED, 0)
    writer = Directory(arena, tmp_path / "directory", writable=True)
    reader = Directory(arena, tmp_path / "directory")
    assert (reader.seed, reader.used, reader.epoch, list(reader.entries())) == (SEED, 0, 0, [])
    at = writer.find(wire("example."), {})
    writer.put(at, wire("example."), 5, layout.IN_DELTA | 3)
    assert writer.advance() == 1
    assert (reader.used, reader.epoch) == (1, 1)
    assert list(reader.entries()) == [(at, 5, layout.IN_DELTA | 3)]


def test_who_has_not_mapped_a_slot_goes_by_the_one_that_the_zone_was_in_before(arena, tmp_path):
    create(tmp_path / "directory", SEED, 0)
    directory = Directory(arena, tmp_path / "directory", writable=True)
    at = directory.find(wire("example."), {})

    def known(*slots: int) -> tuple[int, int]:
        entry = directory.known(at, dict.fromkeys(slots, (1, 1)))
        return entry >> layout.SLOT_SHIFT & layout.SLOT_MASK, entry & layout.MASK32

    directory.put(at, wire("example."), 5, 1)
    assert (known(5), known(4)) == ((5, 1), (0, 0))
    directory.put(at, wire("example."), 5, 2)
    directory.put(at, wire("example."), 6, 3)
    directory.put(at, wire("example."), 6, layout.IN_DELTA | 4)
    assert known(5, 6) == (6, layout.IN_DELTA | 4)
    assert known(5) == (5, 2)
    with directory.many():
        directory.put(at, wire("example."), 7, 5)
    assert known(5) == known(6) == (6, layout.IN_DELTA | 4)


def test_what_is_damaged_behind_a_free_entry_makes_it_no_zone(arena, tmp_path):
    """No checksum covers what entries were before."""
    create(tmp_path / "directory", SEED, 0)
    directory = Directory(arena, tmp_path / "directory", writable=True)
    at = directory.find(wire("example."), {5: (1, 1)})
    place = directory._before(at) - arena.address
    arena.view[place : place + 8] = b"\xff" * 8
    assert directory.known(at, {5: (1, 1)}) == 0
    assert directory.find(wire("example."), {5: (1, 1)}) == at


def test_names_are_found_in_any_case(arena, tmp_path):
    create(tmp_path / "directory", SEED, 1)
    directory = Directory(arena, tmp_path / "directory")
    assert directory.hash_of(wire("EXAMPLE.org.")) == directory.hash_of(wire("example.ORG."))
    assert directory.hash_of(wire("example.org.")) != directory.hash_of(wire("example.net."))
    with pytest.raises(ValueError, match="not a name"):
        directory.hash_of(b"\x03abc")


def test_a_full_directory_takes_no_more_zones_and_still_moves_those_it_has(arena, tmp_path):
    create(tmp_path / "directory", SEED, 0)
    directory = Directory(arena, tmp_path / "directory", writable=True)
    room = directory.capacity // layout.DIRECTORY_LOAD
    places = {}
    for number in range(room):
        origin = wire(f"zone{number}.")
        at = directory.find(origin, {})
        while directory.entry(at):  # no records are there to tell two of the same tag apart
            at = (at + 1) % directory.capacity
        directory.put(at, origin, 1, number)
        places[number] = at
    free = next(at for at in range(directory.capacity) if not directory.entry(at))
    with pytest.raises(ValueError, match=f"room for {room} zones"):
        directory.put(free, wire("more."), 1, 1)
    directory.put(places[0], wire("zone0."), 2, 9)
    assert (places[0], 2, 9) in list(directory.entries())
    assert directory.used == room


def test_what_is_not_a_directory_is_refused(arena, tmp_path):
    path = tmp_path / "directory"
    create(path, SEED, 1)
    octets = path.read_bytes()
    for changed, reason in [
        (octets[:10], "less than a header"),
        (b"bobimage" + octets[8:], "not a directory of zones"),
        (octets[:8] + b"\x63" + octets[9:], f"version 99, not {layout.DIRECTORY_VERSION}"),
        (octets[:-8], "not what 512 entries take"),
    ]:
        path.write_bytes(changed)
        with pytest.raises(ImageError, match=reason):
            Directory(arena, path)
