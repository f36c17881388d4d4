"""What nobody needs is removed, and nothing else; what cannot be removed is told once."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from memmgr.leftovers import Leftovers

REFUSED: list[tuple[str, str]] = []


@pytest.fixture
def leftovers(tmp_path: Path) -> Leftovers:
    REFUSED.clear()
    for name in ("0.image", "0.delta", "7.image", ".7.image.a1b2", "77.image", "old"):
        (tmp_path / name).write_bytes(b"")
    (tmp_path / "folder").mkdir()
    return Leftovers(tmp_path, lambda path, reason: REFUSED.append((path.name, reason)))


def left(place: Path) -> set[str]:
    return {path.name for path in place.iterdir()}


def test_all_goes_but_what_is_kept_and_what_is_being_built(leftovers, tmp_path):
    leftovers.sweep({"0.image", "0.delta"}, {7})
    assert left(tmp_path) == {"0.image", "0.delta", "7.image", ".7.image.a1b2", "folder"}
    leftovers.sweep({"0.image"}, ())
    assert left(tmp_path) == {"0.image", "folder"}
    assert REFUSED == []


def test_what_cannot_be_removed_is_told_once_and_the_rest_goes(leftovers, tmp_path, monkeypatch):
    unlink = Path.unlink

    def refuse(self: Path, *, missing_ok: bool = False) -> None:
        if self.name == "old":
            raise OSError(errno.EPERM, os.strerror(errno.EPERM))
        unlink(self, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", refuse)
    for _ in range(2):
        leftovers.sweep((), ())
        leftovers.remove(tmp_path / "old")
    assert left(tmp_path) == {"old", "folder"}
    assert REFUSED == [("old", "it cannot be removed: Operation not permitted")]


def test_what_is_gone_already_is_nothing_to_tell(leftovers, tmp_path):
    leftovers.remove(tmp_path / "nothing")
    assert REFUSED == []
