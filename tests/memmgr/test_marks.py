"""How far data sources were followed, noted for the next process: what it believes of that, and what it makes of it."""

from __future__ import annotations

import errno
import os
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

import datasrc
from datasrc.database.store import DatabaseSource
from image import manifest
from image.manifest import Manifest
from memmgr import marks, noting
from memmgr.following import Found
from memmgr.imagelist import ImageList
from memmgr.marks import Known, Mark, Marks, MarksFile
from memmgr.store import Store
from tests.datasrc.zonemaking import load
from tests.memmgr.house import RUN, House, marks_files, soa

ANOTHER_BOOT = "f" * 36
MANY = [f"n{number} TXT text" for number in range(10)]  # more than is changed in place, in these tests


@pytest.fixture
def surveys(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The data sources of which all zones were looked at."""
    found: list[str] = []
    real = DatabaseSource.survey

    def survey(source: DatabaseSource, known: Callable[[bytes, int], bool]) -> Iterator[datasrc.records.ZoneInfo]:
        found.append(source.name)
        return real(source, known)

    monkeypatch.setattr(DatabaseSource, "survey", survey)
    return found


@pytest.fixture
def left(house: House, surveys: list[str]) -> House:
    """A house that stopped."""
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    house.stop()
    assert surveys == ["main"]
    surveys.clear()
    return house


def note(house: House) -> Path:
    """The file of it."""
    (name,) = marks_files(house.place)
    return house.place / name


def restart(house: House, *, killed: bool) -> None:
    if killed:
        assert house.keeper is not None
        house.keeper._noting.note()
        house.kill()
    else:
        house.stop()
    house.start()


# What is believed.


def test_nothing_is_looked_at_but_what_came_since(left, surveys):
    left.load(soa(3, "www A 192.0.2.83"))
    left.start()
    assert (surveys, left.built, left.refused) == ([], [], [])
    assert left.text("www.example.") == "192.0.2.83"


@pytest.mark.parametrize("damage", ["gone", "empty", "short", "flipped", "foreign", "of another format"])
def test_where_there_is_no_whole_note_all_zones_are_looked_at(left, surveys, damage):
    path = note(left)
    octets = path.read_bytes()
    text = msgspec.msgpack.encode({"boot": manifest.boot_id(), "lineage": 1, "marks": {}, "format": 0})
    damaged = {
        "empty": b"",
        "short": octets[:-1],
        "flipped": octets[:-3] + bytes([octets[-3] ^ 1]) + octets[-2:],
        "foreign": b"x" * len(octets),
        "of another format": marks._digest(text) + text,
    }
    if damage == "gone":
        path.unlink()
    else:
        path.write_bytes(damaged[damage])
    left.start()
    assert (surveys, left.built) == (["main"], [])
    assert [file for file, _ in left.refused] == ([] if damage == "gone" else [path.name])
    assert left.text("www.example.") == "192.0.2.82"
    left.stop()
    left.start()
    assert surveys == ["main"]


@pytest.mark.parametrize("code", [errno.EIO, errno.EMFILE, errno.EACCES])
def test_a_note_that_cannot_be_read_keeps_no_start_from_its_end(left, surveys, code, monkeypatch):
    real = Path.read_bytes

    def fail(path: Path) -> bytes:
        if path.suffix == marks.SUFFIX:
            raise OSError(code, os.strerror(code))
        return real(path)

    monkeypatch.setattr(Path, "read_bytes", fail)
    left.start()
    assert (surveys, left.built) == (["main"], [])
    assert [Path(file).suffix for file, _ in left.refused] == [marks.SUFFIX]


def test_a_note_of_another_boot_is_not_believed(left, surveys, monkeypatch):
    monkeypatch.setattr(manifest, "boot_id", lambda: ANOTHER_BOOT)
    left.start()
    assert (surveys, left.refused) == (["main"], [])
    assert left.text("www.example.") == "192.0.2.82"


@pytest.mark.parametrize("how", ["boot", "delta", "list"])
def test_what_was_lost_is_looked_for_though_who_found_that_was_killed(left, surveys, monkeypatch, how):
    """It has made the directory anew: who comes then finds it whole, and not as it was left."""
    if how == "boot":
        monkeypatch.setattr(manifest, "boot_id", lambda: ANOTHER_BOOT)
    for path in left.place.glob({"boot": "nothing", "delta": "*.delta", "list": manifest.NAME}[how]):
        path.unlink()
    store = Store(left.place, left.announcement, RUN, lambda path, reason: None)
    os.close(store._kept._lock)
    left.start()
    assert surveys == ["main"]
    assert left.text("www.example.") == "192.0.2.82"


def test_the_note_of_a_list_is_not_believed_of_the_one_before(house, surveys):
    """Which somebody put back: images of then, of which the directory does not know that zones have left them."""
    house.start()
    before = (house.place / manifest.NAME).read_bytes()
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    house.keeper.rebuild_all()
    house.settle()
    house.stop()
    (house.place / manifest.NAME).write_bytes(before)
    surveys.clear()
    house.start()
    assert surveys == ["main"]
    assert house.text("www.example.") == "192.0.2.82"


def other_house(house: House) -> None:
    """Have another database configured behind the first one, with the same zone."""
    url = f"sqlite:///{house.directory}/other.sqlite"
    other = datasrc.open(url, create=True)
    load(other, soa(1, "www A 192.0.2.99"), "example.")
    other.close()
    house.configured["other"] = {"type": "database", "url": url}


def test_sources_of_which_another_one_is_asked_first_are_looked_at(house, surveys):
    other_house(house)
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    house.stop()
    house.configured = dict(reversed(house.configured.items()))
    surveys.clear()
    house.start()
    assert sorted(surveys) == ["main", "other"]
    assert house.text("www.example.") == "192.0.2.99"


def test_a_source_that_is_added_while_nobody_keeps_the_images_has_no_other_looked_at(house, surveys):
    house.start()
    house.stop()
    other_house(house)
    surveys.clear()
    house.start()
    assert surveys == ["other"]
    assert house.text("www.example.") == "192.0.2.80"


def test_what_could_not_be_noted_anew_is_not_left_as_it_was(house, surveys, monkeypatch):
    """The sources came in another order and back again, which nobody could write down."""
    other_house(house)
    keeper = house.start().keeper
    with monkeypatch.context() as patched:
        patched.setattr(ImageList, "remember", no_room)
        patched.setattr(MarksFile, "write", no_room)
        house.configured = dict(reversed(house.configured.items()))
        house.sources.close()
        house.sources = datasrc.sources.open_sources(house.configured)
        keeper.configure(house.sources, [])
        house.settle()
        assert house.text("www.example.") == "192.0.2.99"
        house.kill()
    house.configured = dict(reversed(house.configured.items()))
    surveys.clear()
    house.start()
    assert sorted(surveys) == ["main", "other"]
    assert house.text("www.example.") == "192.0.2.80"


def no_room(*_arguments: object, **_options: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@pytest.mark.parametrize("how", ["same boot", "another boot", "lost", "in the middle of a survey"])
def test_another_database_in_place_of_the_one_that_was_followed_is_noticed(house, how, monkeypatch):
    """Whose zones have the same versions, and other data."""
    house.load(soa(2, "www A 192.0.2.82"))
    house.start()  # what is in an image outlives the boot
    if how == "in the middle of a survey":
        house.keeper.following._start("main", house.source, lambda _survey: None)
    house.stop()
    if how == "another boot":
        monkeypatch.setattr(manifest, "boot_id", lambda: ANOTHER_BOOT)
    elif how == "lost":
        for path in house.place.glob("*.directory"):
            path.unlink()
    house.source.close()
    for path in house.directory.glob("zones.sqlite*"):
        path.unlink()
    house.source = datasrc.open(house.url, create=True)
    house.load(soa(1, "www A 192.0.2.98"))
    house.load(soa(2, "www A 192.0.2.99"))
    house.start()
    assert house.text("www.example.") == "192.0.2.99"


def test_the_survey_of_a_database_that_was_replaced_meanwhile_says_nothing_of_the_other(house):
    keeper = house.start().keeper
    following = keeper.following
    surveys: list[Iterator[Found]] = []
    following._start("main", house.source, surveys.append)
    following._followed["main"].number += 1  # as where the last change that was seen is not there
    following._start("main", house.source, surveys.append)
    for survey, whole in zip(surveys, (False, True), strict=True):
        assert len(list(survey)) == 1
        assert following.marks()[0].whole is whole


def test_a_list_that_has_the_marks_itself_is_read_without_them(left, surveys):
    """As that of an earlier release (format 1): its images are kept."""
    note(left).unlink()
    path = left.place / manifest.NAME
    found = msgspec.json.decode(path.read_bytes())
    for source in found["sources"]:
        source["mark"] = {"id": 2, "origin": "example.", "version": 2, "time": 1.5}
    del found["lineage"]
    found |= {"format": 1, "checksum": 0}
    text = msgspec.json.encode(found)
    path.write_bytes(text.replace(b'"checksum":0}', b'"checksum":%d}' % zlib.crc32(text)))
    left.start()
    assert (left.refused, left.built, surveys) == ([], [], ["main"])
    assert left.text("www.example.") == "192.0.2.82"
    left.stop()
    left.start()
    assert surveys == ["main"]


def test_of_two_notes_the_later_one_counts(left, surveys):
    """Who was killed between writing the one and removing the other left both."""
    path = note(left)
    number = int(path.stem)
    (left.place / f"{number + 1}{marks.SUFFIX}").write_bytes(path.read_bytes())
    path.write_bytes(b"")
    (left.place / f"none{marks.SUFFIX}").write_bytes(b"")
    left.start()
    assert (surveys, left.refused) == ([], [])
    assert int(note(left).stem) == number + 2


# What is not in line yet.


@pytest.mark.parametrize("killed", [False, True])
def test_a_zone_that_waits_to_be_built_is_built_by_the_next_process(house, surveys, killed, monkeypatch):
    monkeypatch.setattr("memmgr.changing.MAX_SETS", 3)
    monkeypatch.setattr("memmgr.aligning.SMALL_ZONE", 3)
    house.start()
    house.load(soa(2, "www A 192.0.2.82", *MANY))
    house.keeper.follow()
    assert house.keeper.waiting == 1
    surveys.clear()
    restart(house, killed=killed)
    assert house.text("www.example.") == "192.0.2.82"
    assert surveys == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_zone_that_is_being_built_is_built_by_the_next_process(house, surveys, killed, monkeypatch):
    """The first one: it has no record yet, and would be refused."""
    house.begin()
    assert house.keeper.take() is not None
    restart(house, killed=killed)
    assert house.text("www.example.") == "192.0.2.80"
    assert surveys == ["main"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_zone_whose_build_could_not_be_published_is_built_by_the_next_process(house, surveys, killed, monkeypatch):
    keeper = house.begin()
    task = keeper.take()
    house.build(task)
    with monkeypatch.context() as patched:
        patched.setattr(keeper.store, "publish", no_room)
        with pytest.raises(OSError, match="No space"):
            keeper.built(task)
    restart(house, killed=killed)
    assert house.text("www.example.") == "192.0.2.80"
    assert surveys == ["main"]


@pytest.mark.parametrize("killed", [False, True])
def test_a_zone_that_there_was_no_room_for_is_brought_in_line_by_the_next_process(house, surveys, killed, monkeypatch):
    monkeypatch.setattr("memmgr.changing.MAX_SETS", 3)
    house.start()
    house.load(soa(2, "www A 192.0.2.82", *MANY))
    with monkeypatch.context() as patched:
        patched.setattr("memmgr.changing.Changing.change", no_room)
        house.settle()
    assert house.keeper.doubt == "there is no room for all changes"
    surveys.clear()
    restart(house, killed=killed)
    assert house.text("www.example.") == "192.0.2.82"
    assert surveys == []


@pytest.mark.parametrize("killed", [False, True])
def test_a_zone_that_could_not_be_asked_for_is_asked_for_by_the_next_process(house, surveys, monkeypatch, killed):
    """A source before the one in which it changed failed then."""
    monkeypatch.setattr("datasrc.member.RETRY_FIRST", 600.0)  # until the next process, however slow the machine is
    other_house(house)
    house.start()
    house.sources.failed("main", datasrc.errors.StorageError("locked", database="main"))
    other = datasrc.open(house.configured["other"]["url"])
    load(other, soa(1, "www A 192.0.2.97"), "new.")
    other.close()
    house.settle()
    assert house.text("www.new.") == "left"
    surveys.clear()
    restart(house, killed=killed)
    assert house.text("www.new.") == "192.0.2.97"
    assert surveys == []


def test_what_a_process_before_left_stays_unsettled_until_it_was_looked_at(house, surveys, monkeypatch):
    monkeypatch.setattr("memmgr.changing.MAX_SETS", 3)
    monkeypatch.setattr("memmgr.aligning.SMALL_ZONE", 3)
    house.start()
    house.load(soa(2, "www A 192.0.2.82", *MANY))
    house.keeper.follow()
    surveys.clear()
    for _ in range(3):
        house.stop()
        house.begin()
    house.settle()
    assert house.text("www.example.") == "192.0.2.82"
    assert surveys == []


def test_of_more_zones_than_are_noted_all_are_looked_at(house, surveys, monkeypatch):
    monkeypatch.setattr(noting, "MOST_UNSETTLED", 2)
    monkeypatch.setattr("memmgr.changing.MAX_SETS", 3)
    monkeypatch.setattr("memmgr.aligning.SMALL_ZONE", 3)
    zones = ["example.", "second.", "third."]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80"), zone)
    house.start()
    for zone in zones:
        house.load(soa(2, "www A 192.0.2.82", *MANY), zone)
    house.keeper.follow()
    assert house.keeper.waiting == len(zones)
    surveys.clear()
    restart(house, killed=False)
    assert [house.text(f"www.{zone}") for zone in zones] == ["192.0.2.82"] * len(zones)
    assert surveys == ["main"]


# What it costs.


def test_a_note_of_a_change_waits_for_no_disk_and_leaves_the_list_alone(house, monkeypatch):
    """The worker publishes nothing meanwhile."""
    keeper = house.start().keeper
    before = (house.place / manifest.NAME).stat()
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    house.load(soa(2, "www A 192.0.2.82"))
    house.settle()
    keeper._noting.note()
    assert synced == []
    assert (house.place / manifest.NAME).stat() == before
    assert MarksFile(house.place).read(keeper.store.manifest).sources == keeper.following.marks()
    assert keeper.following.marks()[0].mark.version == 2


def test_what_is_noted_already_is_not_written_again(house):
    keeper = house.start().keeper
    keeper._noting.note()
    before = note(house)
    keeper._noting.note()
    assert note(house) == before


def test_the_note_is_of_one_order_of_sources_in_one_boot(tmp_path, monkeypatch):
    """Who is killed between the note and the list has left both as they do not belong together."""
    sources = tuple(manifest.Source(number, f"s{number}", "sqlite:///x") for number in (7, 8))
    listed = Manifest(1, manifest.boot_id(), 1, "1.directory", 0, (), sources, lineage=5)
    noted = Marks(tuple(Known(number, Mark(3, "example.", 2, 1.5), whole=True) for number in (7, 8)), (b"example\0",))
    file = MarksFile(tmp_path)
    file.write(listed, noted)
    assert file.read(listed) == noted
    for another in (
        msgspec.structs.replace(listed, sources=tuple(reversed(sources))),
        msgspec.structs.replace(listed, sources=sources[:1]),
        msgspec.structs.replace(listed, lineage=6),
    ):
        found = file.read(another)
        assert found.unsettled == ()
        assert found.sources == tuple(msgspec.structs.replace(known, whole=False) for known in noted.sources)
    monkeypatch.setattr(manifest, "boot_id", lambda: ANOTHER_BOOT)
    assert [known.whole for known in file.read(listed).sources] == [False, False]
