"""The directory of images and its lock: one process has it, as long as it is the one that was locked."""

from __future__ import annotations

import errno
import stat
from pathlib import Path

import pytest

from image import manifest
from memmgr.errors import Occupied
from memmgr.place import Place


def test_it_is_made_for_nobody_else_and_kept_until_it_is_let_go(tmp_path: Path) -> None:
    path = tmp_path / "state" / "images"
    place = Place(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o700
    assert (place.is_held, place.in_place, manifest.is_kept(path)) == (True, True, True)
    with pytest.raises(Occupied, match="another process keeps these images"):
        Place(path)
    place.let_go()
    place.let_go()
    assert (place.is_held, manifest.is_kept(path)) == (False, False)
    Place(path).let_go()


def test_one_that_was_replaced_is_not_written_to(tmp_path: Path) -> None:
    place = Place(tmp_path / "images")
    place.require()
    place.path.rename(tmp_path / "away")
    Place(place.path).let_go()
    assert not place.in_place
    with pytest.raises(OSError, match="not the directory") as raised:
        place.require()
    assert raised.value.errno == errno.ESTALE
    place.let_go()
    assert place.in_place  # nothing is said of it any more
