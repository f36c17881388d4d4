"""A start that does not come to its end, as often as it likes: nothing is lost by it, and nothing old is answered."""

from __future__ import annotations

import errno
import mmap
import os
from pathlib import Path

import pytest

from image.arena import OCTETS


def addresses() -> int:
    """How many octets of addresses this process has taken."""
    return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[0]) * mmap.PAGESIZE


def read_only(*_arguments: object) -> None:
    raise OSError(errno.EROFS, "Read-only file system")


@pytest.mark.parametrize("call", ["manifest.lock", "Announcement.withdraw"])
def test_starts_that_fail_keep_no_addresses(house, monkeypatch, call):
    before = addresses()
    with monkeypatch.context() as patched:
        patched.setattr(f"memmgr.store.{call}", read_only)
        for _ in range(3):
            with pytest.raises(OSError, match="Read-only"):
                house.begin()
            assert addresses() - before < OCTETS // 2
    house.start()
    assert house.text("www.example.") == "192.0.2.80"


def test_what_a_killed_builder_left_is_removed_before_room_is_needed(house, monkeypatch):
    """It may be all the room there was."""
    house.start()
    house.stop()
    left = [house.place / name for name in (".7.image.x1y2z3", "7.image")]
    for path in [*left, *house.place.glob("*.delta"), *house.place.glob("*.directory")]:
        path.write_bytes(b"")
    really = os.posix_fallocate

    def allocate(descriptor: int, offset: int, octets: int) -> None:
        if any(path.exists() for path in left):
            raise OSError(errno.ENOSPC, "No space left on device")
        really(descriptor, offset, octets)

    monkeypatch.setattr(os, "posix_fallocate", allocate)
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.built == []


def test_nothing_is_removed_at_a_start_while_the_list_before_may_come_back(house, monkeypatch):
    house.start()
    house.stop()
    left = house.place / "7.image"
    left.write_bytes(b"")
    with monkeypatch.context() as patched:
        patched.setattr("image.manifest.sync_directory", read_only)
        with pytest.raises(OSError, match="Read-only"):  # from the first look
            house.begin()
    assert left.exists()
    house.settle()
    assert not left.exists()
    assert house.text("www.example.") == "192.0.2.80"
