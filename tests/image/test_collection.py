"""What a reader has mapped of what is announced."""

from __future__ import annotations

import errno
import os

import pytest

from datasrc.records import Provenance
from image import manifest
from image.collection import GRACE, RETRY
from image.layout import NEAR_NAMES
from image.zonerecord import origin_wire
from tests.datasrc.zonemaking import name
from tests.memmgr.house import House, soa


@pytest.fixture
def house(tmp_path):
    house = House(tmp_path)
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.look()
    yield house
    if house.keeper is not None:
        house.stop()
    house.source.close()


@pytest.fixture
def now(house):
    """The clock of the reader."""
    now = [0.0]
    house.collection._clock = lambda: now[0]
    house.collection._kept = 0.0
    return now


def wait(house, now, seconds):
    """Look each second, as auth does."""
    for _ in range(seconds):
        now[0] += 1
        house.look()


def failing(code):
    def fail(*_arguments, **_options):
        raise OSError(code, os.strerror(code))

    return fail


def test_nothing_is_prepared_twice(house):
    assert not house.collection.changed()
    assert house.collection.prepare() is None


def test_another_epoch_shows_at_once_and_old_files_are_unmapped(house):
    house.load(soa(2, "www A 192.0.2.81"), "big.")
    house.keeper.rebuild_all()
    house.settle()
    assert house.collection.changed()
    before = set(house.collection.installed.slots)
    house.look()
    after = set(house.collection.installed.slots)
    assert before - after
    assert house.text("www.example.") == "192.0.2.80"
    assert set(house.keeper.store.images) == after


def test_what_nobody_keeps_is_given_up_after_a_while_and_taken_up_again(house):
    now = [0.0]
    house.collection._clock = lambda: now[0]
    house.collection._kept = 0.0
    assert house.collection.prepare() is None
    house.stop()
    now[0] = GRACE - 1
    house.look()
    assert house.text("www.example.") == "192.0.2.80"
    now[0] = 2 * GRACE
    assert house.text("www.example.") == "left"
    house.start()
    assert house.text("www.example.") == "192.0.2.80"


def test_records_are_found_as_they_are_answered(house):
    found = house.collection.find(origin_wire(name("example.", ".")))
    assert (found.serial, found.version, found.records) == (1, 1, 4)
    assert house.collection.find(origin_wire(name("example.net.", "."))) is None
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    assert house.collection.find(origin_wire(name("example.", "."))).serial == 2
    house.source.delete_zone(name("example.", "."), Provenance("tester", "test"))
    house.settle()
    assert house.collection.find(origin_wire(name("example.", "."))) is None


def test_a_file_damaged_after_it_was_listed_is_told_and_left(house):
    told = []
    house.collection._problem = lambda path, reason: told.append((path.suffix, reason))
    house.load(soa(1, "www A 192.0.2.81"), "second.")
    house.keeper.rebuild_all()
    task = house.keeper.take()
    house.build(task)
    house.keeper.built(task)
    octets = bytearray(task.path.read_bytes())
    octets[4104] ^= 1
    task.path.write_bytes(octets)
    assert house.text("www.example.") == "left"
    assert [suffix for suffix, _ in told] == [".image"]


def test_who_looks_on_learns_that_images_have_become_large(house):
    assert not house.responder.is_far
    house.load(soa(1, *(f"n{number} A 192.0.2.1" for number in range(NEAR_NAMES))), "big.")
    house.settle().look()
    assert house.responder.is_far


@pytest.fixture
def small_directory(monkeypatch):
    monkeypatch.setattr("memmgr.store.DIRECTORY_SPARE", 8)
    monkeypatch.setattr("image.directory.MIN_CAPACITY", 16)


def grow(house):
    """Have more zones than the directory has room for, and a change after them."""
    for number in range(40):
        house.load(soa(1), f"z{number}.")
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()


def test_a_directory_whose_successor_could_not_be_announced_is_given_up(small_directory, house, now, monkeypatch):
    """Its zones were answered as they were, for as long as the run directory was full."""
    real, before = manifest.write, house.keeper.store.directory

    def write(path, listed, *, durable):
        if path == house.announcement:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, listed, durable=durable)

    with monkeypatch.context() as patched:
        patched.setattr(manifest, "write", write)
        with pytest.raises(OSError, match="No space"):
            grow(house)
        assert house.keeper.store.directory is not before
        wait(house, now, int(GRACE))
        assert house.text("www.example.") == "192.0.2.80"
        wait(house, now, 3)
        assert house.text("www.example.") == "left"
    house.settle()
    assert house.text("www.example.") == "192.0.2.82"


def test_a_directory_that_was_made_anew_and_not_announced_is_given_up(house, now):
    house.stop()
    for path in house.place.glob("*.directory"):
        path.unlink()
    house.begin()
    wait(house, now, int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"
    wait(house, now, 3)
    assert house.text("www.example.") == "left"
    wait(house, now, 3)
    house.settle()
    assert house.text("www.example.") == "192.0.2.80"


def test_a_directory_of_another_making_with_the_same_name_is_another_one(house, now):
    """The list of files is lost: their numbers begin anew."""
    before = house.collection.installed.directory.path
    house.stop()
    (house.place / manifest.NAME).unlink()
    house.begin()
    assert house.keeper.store.directory.path == before
    wait(house, now, int(GRACE) + 3)
    assert house.text("www.example.") == "left"
    house.settle()
    assert house.text("www.example.") == "192.0.2.80"


def test_images_are_answered_from_while_their_keeper_starts_whatever_that_takes(house, now):
    house.stop()
    house.begin()
    wait(house, now, 3 * int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"


def test_who_looks_again_after_a_long_time_goes_on_in_the_directory_that_has_grown(small_directory, house, now):
    before = house.keeper.store.directory
    grow(house)
    assert house.keeper.store.directory is not before
    now[0] += 10 * GRACE
    assert house.text("www.example.") == "192.0.2.82"


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
def test_images_whose_keeper_cannot_be_asked_for_are_answered_from(house, now, monkeypatch, code):
    """All of them were dropped where a process had too many files for ten seconds."""
    monkeypatch.setattr(manifest, "is_kept", failing(code))
    wait(house, now, 2 * int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"


@pytest.mark.parametrize("code", [errno.ENOENT, errno.ENOTDIR, errno.EACCES])
def test_images_without_a_lock_are_kept_by_nobody(house, now, monkeypatch, code):
    monkeypatch.setattr(manifest, "is_kept", failing(code))
    wait(house, now, int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"
    wait(house, now, 1)
    assert house.text("www.example.") == "left"


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO])
def test_an_image_that_could_not_be_mapped_for_a_moment_is_mapped_later(house, now, monkeypatch, code):
    """Its zones were left for as long as the list stayed as it was."""
    told = []
    house.collection._problem = lambda path, reason: told.append((path.suffix, reason))
    house.load(soa(2, "www A 192.0.2.81"))
    house.keeper.rebuild_all()
    house.settle()
    with monkeypatch.context() as patched:
        patched.setattr("image.collection.DeltaFile", failing(code))
        assert house.text("www.example.") == "left"
        now[0] += RETRY
        assert house.collection.prepare() is None  # else streams would get another responder each time
    assert house.text("www.example.") == "left"
    now[0] += RETRY
    assert house.text("www.example.") == "192.0.2.81"
    assert told == [(".image", f"[Errno {code}] {os.strerror(code)}")]
    assert house.collection.prepare() is None
