"""The arena: files at places in one range of addresses."""

from __future__ import annotations

import mmap
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from image.arena import BEHIND, HUGE, Arena
from image.raw import Memory

PAGE = mmap.PAGESIZE


@pytest.fixture
def arena():
    arena = Arena(16 * PAGE)
    yield arena
    arena.close()


def put(arena: Arena, folder: Path, octets: bytes) -> int:
    path = folder / f"file{len(list(folder.iterdir()))}"
    path.write_bytes(octets)
    descriptor = os.open(path, os.O_RDONLY)
    try:
        return arena.map(descriptor, len(octets))
    finally:
        os.close(descriptor)


def test_files_are_where_they_were_put_and_no_place_is_0(arena, tmp_path):
    first = put(arena, tmp_path, b"one")
    second = put(arena, tmp_path, b"two" * PAGE)
    third = put(arena, tmp_path, b"three")
    assert [first, second, third] == [PAGE, 2 * PAGE, 5 * PAGE]
    assert bytes(arena.view[first : first + 3]) == b"one"
    assert bytes(arena.view[second : second + 6]) == b"twotwo"
    assert bytes(arena.view[third : third + 5]) == b"three"


def test_what_is_large_begins_at_a_huge_page(tmp_path):
    arena = Arena(8 * HUGE)
    places = {size: put(arena, tmp_path, bytes([size % 251]) * size) for size in (3, HUGE, PAGE, HUGE + 1, 5)}
    for size, place in places.items():
        assert arena.view[place] == arena.view[place + size - 1] == size % 251
        assert (arena.address + place) % (HUGE if size >= HUGE else PAGE) == 0
    ends = sorted((place, place + size) for size, place in places.items())
    assert all(end <= following for (_, end), (following, _) in pairwise(ends))
    arena.unmap(places[HUGE])
    assert put(arena, tmp_path, b"x" * HUGE) == places[HUGE]
    arena.close()


def test_room_is_used_again(arena, tmp_path):
    first = put(arena, tmp_path, b"one")
    second = put(arena, tmp_path, b"two")
    arena.unmap(first)
    assert put(arena, tmp_path, b"larger" * PAGE) > second
    assert put(arena, tmp_path, b"three") == first


def test_under_a_limit_on_addresses_less_is_reserved():
    limit = 4 << 30
    program = (
        "import resource; resource.setrlimit(resource.RLIMIT_AS, (%d, resource.RLIM_INFINITY))\n"
        "from image.arena import Arena, OCTETS\n"
        "arena = Arena(); assert len(arena.view) == arena.octets\n"
        "print(arena.octets, OCTETS)"
    )
    done = subprocess.run([sys.executable, "-c", program % limit], capture_output=True, text=True, check=True)
    reserved, wanted = map(int, done.stdout.split())
    assert limit // 16 <= reserved <= limit // 2 < wanted


def test_what_finds_no_room_is_refused(arena, tmp_path):
    put(arena, tmp_path, b"x" * (14 * PAGE))
    with pytest.raises(OSError, match="no room for"):
        put(arena, tmp_path, b"x" * (2 * PAGE))
    assert put(arena, tmp_path, b"x" * PAGE) == 15 * PAGE


def test_where_no_file_is_there_are_zeros(arena, tmp_path):
    """Also where one was, and right behind the last place: what a damaged image makes somebody read is nothing."""
    first = put(arena, tmp_path, b"one" * PAGE)
    arena.unmap(first)
    assert not any(arena.view[first : first + 3 * PAGE])
    assert not any(arena.view[15 * PAGE :])
    assert Memory().observe(arena.address + 16 * PAGE + BEHIND - 8) == 0
