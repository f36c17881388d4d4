"""What a reader has mapped of what is announced."""

from __future__ import annotations

import errno
import io
import os
import resource
from contextlib import contextmanager
from itertools import pairwise

import pytest

from datasrc.records import Provenance
from image import manifest
from image.collection import GRACE, RETRY, Collection
from image.layout import NEAR_NAMES
from image.zonerecord import origin_wire
from memmgr.aligning import SMALL_ZONE
from tests.datasrc.zonemaking import name
from tests.memmgr.house import RUN, House, soa

MANY = [f"h{number} A 192.0.2.9" for number in range(SMALL_ZONE)]  # what is not written to a delta as a whole


@pytest.fixture
def house(tmp_path):
    with House(tmp_path) as house:
        house.load(soa(1, "www A 192.0.2.80"))
        house.start()
        house.look()
        yield house


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


def test_images_whose_keeper_is_there_are_answered_from_without_a_descriptor(house, now):
    """All of them were dropped where a process had too many files for ten seconds."""
    wait(house, now, 1)
    with no_descriptors():
        wait(house, now, 3 * int(GRACE))
        assert house.text("www.example.") == "192.0.2.80"


def test_without_a_descriptor_it_is_seen_that_the_keeper_is_gone(house, now):
    """They were answered from for as long as that lasted."""
    wait(house, now, 1)
    house.stop()
    with no_descriptors():
        wait(house, now, int(GRACE))
        assert house.text("www.example.") == "192.0.2.80"
        wait(house, now, 1)
        assert house.text("www.example.") == "left"
    house.start()
    assert house.text("www.example.") == "192.0.2.80"


@pytest.mark.parametrize("code", [errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EIO, errno.EACCES])
def test_images_whose_keeper_could_never_be_asked_for_are_given_up_until_it_can(house, now, monkeypatch, code):
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "_opened", failing(code))
        wait(house, now, int(GRACE))
        assert house.text("www.example.") == "192.0.2.80"
        wait(house, now, 1)
        assert house.text("www.example.") == "left"
    assert house.text("www.example.") == "192.0.2.80"


@pytest.mark.parametrize("replaced", [False, True])
def test_images_without_a_lock_are_kept_by_nobody(house, now, replaced):
    wait(house, now, 1)
    house.stop()
    (house.place / manifest.LOCK).unlink()
    if replaced:
        (house.place / manifest.LOCK).write_bytes(b"")
    wait(house, now, int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"
    wait(house, now, 1)
    assert house.text("www.example.") == "left"


def test_a_keeper_with_another_lock_is_seen(house, now):
    wait(house, now, 1)
    house.stop()
    (house.place / manifest.LOCK).unlink()
    house.begin()
    wait(house, now, 3 * int(GRACE))
    assert house.text("www.example.") == "192.0.2.80"


@contextmanager
def no_descriptors():
    """Every file that is opened is one too many (setrlimit(2))."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def move(house, serial):
    """Have a change that its zone is built anew for."""
    house.load(soa(serial, f"www A 192.0.2.{serial}", *MANY))
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("memmgr.changing.Changing.change", lambda *_arguments: None)
        house.settle(compacting=False)


def test_who_cannot_read_what_is_announced_answers_nothing_old_for_long(house, now):
    """A zone that moved was answered as before that for as long as there was no descriptor."""
    wait(house, now, 1)
    move(house, 91)
    with no_descriptors():
        wait(house, now, int(GRACE))
        assert house.ask("www.example.").answer[0][0].address == "192.0.2.80"
        wait(house, now, 1)
        assert house.ask("www.example.") is None
        wait(house, now, 2 * int(GRACE))
        assert house.ask("www.example.") is None
    assert house.text("www.example.") == "192.0.2.91"
    wait(house, now, 2 * int(GRACE))
    assert house.text("www.example.") == "192.0.2.91"


def test_who_could_not_read_what_was_announced_for_a_moment_has_as_long_the_next_time(house, now):
    for serial in (91, 92):
        move(house, serial)
        with no_descriptors():
            wait(house, now, int(GRACE) - 1)
            assert house.collection.installed.directory is not None
        assert house.text("www.example.") == f"192.0.2.{serial}"


def test_what_was_withdrawn_need_not_be_read(house, now):
    """Its keeper begins, and has taken back what was answered of zones that had moved."""
    wait(house, now, 1)
    move(house, 91)
    with no_descriptors():
        wait(house, now, 1)
    house.stop()
    house.begin()
    wait(house, now, 3 * int(GRACE))
    assert house.ask("www.example.") is None
    assert house.collection.installed.directory is not None


def grow_again(house, serial):
    """A directory in place of one that is full."""
    move(house, serial)
    house.keeper.store._grow()


def begin_anew(house, serial):
    """A reader that has nothing yet."""
    move(house, serial)
    before = house.collection
    house.collection = Collection(house.announcement, RUN, arena=before.arena, clock=before._clock)
    house.responder = None


@pytest.mark.parametrize(("news", "least"), [(move, 3), (grow_again, 4), (begin_anew, 6)])
def test_whichever_file_cannot_be_opened_nothing_old_is_answered_behind_what_is_new(house, now, news, least):
    """For want of descriptors: one look has some, the next has all of them."""
    wait(house, now, 1)
    answers = [f"192.0.2.{serial}" for serial in range(80, 100)]
    for failing_one, (before, after) in enumerate(pairwise(answers), 1):
        news(house, int(after.rpartition(".")[2]))
        with pytest.MonkeyPatch.context() as patched:
            counted = Opens(patched, failing_one)
            house.look()
        reply = house.ask("www.example.")
        assert reply is None or reply.answer[0][0].address in (before, after)
        now[0] += RETRY
        assert house.text("www.example.") == after
        if counted.count < failing_one:  # that one found all it wanted
            break
    assert least < failing_one < len(answers) - 1


class Opens:
    """Opens of files, of which one finds no descriptor."""

    def __init__(self, patched: pytest.MonkeyPatch, failing_one: int) -> None:
        self.count = 0
        for module in (io, os):
            patched.setattr(module, "open", self._counted(module.open, failing_one))

    def _counted(self, really, failing_one):
        def opened(*arguments, **options):
            self.count += 1
            if self.count == failing_one:
                raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
            return really(*arguments, **options)

        return opened


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
