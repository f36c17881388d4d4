"""A start that does not come to its end, as often as it likes: nothing is lost by it, and nothing old is answered."""

from __future__ import annotations

import errno
import mmap
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
