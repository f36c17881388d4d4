"""A zone that moved to an image that a reader has yet to map: it is answered as it was, until it is mapped."""

from __future__ import annotations

import errno
import mmap
import time

import pytest

from datasrc.records import Provenance
from image import manifest
from image.zonerecord import origin_wire
from memmgr.aligning import SMALL_ZONE
from memmgr.announcing import Announcement
from memmgr.store import Store
from tests.datasrc.zonemaking import name
from tests.memmgr.house import House, soa

EXAMPLE = name("example.", ".")
MANY = [f"h{number} A 192.0.2.9" for number in range(SMALL_ZONE)]  # what is not written to a delta as a whole


@pytest.fixture
def house(tmp_path):
    """Two zones in one image."""
    with House(tmp_path) as house:
        house.load(soa(1, "www A 192.0.2.1", *MANY))
        house.load(soa(1, "www A 192.0.2.101"), "second.")
        house.start()
        house.look()
        yield house


def move(house):
    """Have the first zone built anew; the slot that it is in now."""
    before = house.keeper.store.find(origin_wire(EXAMPLE)).slot
    assert house.keeper.rebuild(EXAMPLE)
    house.settle(compacting=False)
    after = house.keeper.store.find(origin_wire(EXAMPLE)).slot
    assert after != before
    return after


def mapped(house, owner="www.example."):
    """The answer from what is mapped, without a look at what is announced."""
    reply = house.ask(owner)
    if reply is None:
        return "left"
    return reply.answer[0][0].address if reply.answer else "none"


def found(house):
    """The serial as those see it who look into the directory."""
    assert house.collection.knows([origin_wire(EXAMPLE)])
    record = house.collection.find(origin_wire(EXAMPLE))
    return None if record is None else record.serial


def test_who_has_not_mapped_the_new_image_answers_the_zone_as_it_was(house):
    """It was left to the worker until then: of a zone at full load most of that was lost."""
    move(house)
    house.load(soa(2, "www A 192.0.2.2", *MANY))
    house.settle(compacting=False)
    assert (mapped(house), found(house)) == ("192.0.2.1", 1)
    assert mapped(house, "www.second.") == "192.0.2.101"
    house.look()
    assert (mapped(house), found(house)) == ("192.0.2.2", 2)
    house.load(soa(3, "www A 192.0.2.3", *MANY))
    house.settle(compacting=False)
    assert (mapped(house), found(house)) == ("192.0.2.3", 3)  # in place


def test_what_was_changed_in_place_is_answered_as_changed_until_the_new_image_is_mapped(house):
    house.load(soa(2, "www A 192.0.2.2", *MANY))
    house.settle(compacting=False)
    move(house)
    assert mapped(house) == "192.0.2.2"


def test_a_zone_that_moved_twice_is_left_by_who_has_mapped_neither_image(house):
    move(house)
    move(house)
    assert mapped(house) == "left"
    house.look()
    assert mapped(house) == "192.0.2.1"


def test_a_zone_whose_new_image_is_refused_is_left_though_the_old_one_is_still_mapped(house):
    """Else it would be answered as it was for ever."""
    path = house.keeper.store.place / f"{move(house)}.image"
    octets = bytearray(path.read_bytes())
    octets[4104] ^= 1
    path.write_bytes(octets)
    assert mapped(house) == "192.0.2.1"
    house.look()
    assert (mapped(house), house.collection.find(origin_wire(EXAMPLE))) == ("left", None)
    assert mapped(house, "www.second.") == "192.0.2.101"
    move(house)
    house.look()
    assert mapped(house) == "192.0.2.1"


BELOW = name("sub.second.", ".")
WRONG = (0x00, 0x01, 0x7F, 0x80, 0xFF)


@pytest.mark.parametrize("origin", [EXAMPLE, BELOW], ids=str)
def test_a_zone_is_left_where_what_it_was_before_is_damaged(house, origin):
    """No checksum covers that: what pointed elsewhere was taken for another zone's, and this one's names for names of
    the zone above, or of none, which are refused.
    """
    house.load(soa(1, "www A 192.0.2.1", *MANY), "sub.second.")
    house.settle().look()
    assert house.keeper.rebuild(origin)
    house.settle(compacting=False)
    directory = house.keeper.store.directory
    directory.vouch(time.monotonic(), 1)
    house.responder.trust(1, 0)
    assert mapped(house, "www.third.") == "none"
    asked = f"www.{origin}"
    assert mapped(house, asked) == "192.0.2.1"
    place = directory._before(directory.find(origin_wire(origin), house.keeper.store.heaps)) - directory._base
    seen = set()
    with directory.path.open("r+b") as opened, mmap.mmap(opened.fileno(), 0) as file:
        for at in range(place, place + 8):
            right = file[at]
            for octet in WRONG:
                file[at] = octet
                try:
                    seen.add(mapped(house, asked))
                except IndexError:  # which the loop takes for left
                    seen.add("left")
                house.collection.find(origin_wire(origin))
            file[at] = right
    assert seen == {"192.0.2.1", "left"}  # the former where the octet is the same, or says nothing
    assert mapped(house, asked) == "192.0.2.1"


def test_zones_of_an_image_that_is_compacted_are_answered_until_the_new_one_is_mapped(house, monkeypatch):
    monkeypatch.setattr("memmgr.compaction.FILLED", 0.0)
    house.load(soa(2, "www A 192.0.2.2", *MANY))
    house.settle()
    assert house.keeper.compactions == 1
    assert mapped(house) == "192.0.2.2"
    assert mapped(house, "www.second.") == "192.0.2.101"


def test_a_zone_that_is_gone_stays_so_for_who_has_not_mapped_the_new_margin(house):
    house.load(soa(1, "www A 192.0.2.7"), "sub.example.")
    house.settle()
    assert house.text("www.sub.example.") == "192.0.2.7"
    house.source.delete_zone(name("sub.example.", "."), Provenance("tester", "test"))
    house.settle()
    assert mapped(house, "www.sub.example.") == "none"
    house.keeper._margin.renew()
    assert mapped(house, "www.sub.example.") == "none"


def test_a_zone_that_moved_is_left_while_its_image_cannot_be_announced(house, monkeypatch):
    """Nobody knows when it can be: the run directory may be full for long."""
    real = manifest.write

    def write(path, listed, *, durable):
        if path == house.announcement:
            raise OSError(errno.ENOSPC, "No space left on device")
        real(path, listed, durable=durable)

    move(house)
    house.look()
    with monkeypatch.context() as patched:
        patched.setattr(manifest, "write", write)
        move(house)
        house.look()
        assert (mapped(house), mapped(house, "www.second.")) == ("left", "192.0.2.101")
    house.settle().look()
    assert mapped(house) == "192.0.2.1"


def move_changed(house, monkeypatch):
    """Have the first zone built anew for a change of it."""
    before = house.keeper.store.find(origin_wire(EXAMPLE)).slot
    house.load(soa(2, "www A 192.0.2.2", *MANY))
    with monkeypatch.context() as patched:
        patched.setattr("memmgr.changing.Changing.change", lambda *_arguments: None)
        house.settle(compacting=False)
    assert house.keeper.store.find(origin_wire(EXAMPLE)).slot != before


def who_looks_now(house):
    """Another reader, which has mapped what is announced; the one before, to be put back."""
    other = house.collection, house.responder
    house.collection = house.responder = None
    house.look()
    return other


@pytest.mark.parametrize("end", [House.kill, House.stop])
def test_a_zone_that_moved_just_before_its_memmgr_ended_is_left_by_who_cannot_learn_of_it(house, monkeypatch, end):
    """It was answered as before its change until the next one announced, where others had the change."""
    move_changed(house, monkeypatch)
    assert mapped(house) == "192.0.2.1"
    late = who_looks_now(house)
    assert mapped(house) == "192.0.2.2"
    end(house)
    house.begin()
    for _ in range(2):
        house.look()
        assert mapped(house) == "192.0.2.2"
        prompt = house.collection, house.responder
        house.collection, house.responder = late
        assert (mapped(house), house.collection.find(origin_wire(EXAMPLE))) == ("left", None)
        house.look()
        assert mapped(house) == "left"
        assert mapped(house, "www.second.") == "192.0.2.101"
        late = house.collection, house.responder
        house.collection, house.responder = prompt
    house.settle()
    for house.collection, house.responder in (late, prompt):
        house.look()
        assert (mapped(house), found(house)) == ("192.0.2.2", 2)
    assert house.built == []


@pytest.mark.parametrize(
    ("step", "seen"), [((Announcement, "withdraw"), "192.0.2.2"), ((Store, "_open"), "left")], ids=["before", "behind"]
)
def test_wherever_a_start_ends_nothing_old_is_answered_by_who_looks_only_then(house, monkeypatch, step, seen):
    """Who can read what was announced learns of the move; who cannot must not answer what was before it."""
    move_changed(house, monkeypatch)
    house.kill()
    with monkeypatch.context() as patched:
        patched.setattr(*step, die)
        with pytest.raises(Killed):
            house.begin()
    assert mapped(house) == "left"
    house.look()
    assert mapped(house) == seen
    house.start().look()
    assert mapped(house) == "192.0.2.2"


def test_what_was_announced_is_withdrawn_by_a_start_that_cannot_read_the_list(house, monkeypatch):
    """Who takes the lock again and again would have it taken for kept."""
    house.stop()
    with monkeypatch.context() as patched:
        patched.setattr("image.manifest.read", too_many_files)
        with pytest.raises(OSError, match="Too many"):
            house.begin()
    assert not house.announcement.exists()


def too_many_files(*_arguments):
    raise OSError(errno.EMFILE, "Too many open files")


def die(*_arguments):
    raise Killed


class Killed(Exception):
    """At a step of a start."""
