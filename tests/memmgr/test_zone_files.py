"""The images of a directory of zone files: made from their text, and kept where a file is bad."""

from __future__ import annotations

import errno
import hashlib
import os
from pathlib import Path
from types import SimpleNamespace

import dns.name
import msgspec
import pytest

from datasrc import directoryzones, filezones, keptzones, masterfiles, zonedirectory, zonefiles
from datasrc.errors import Missing
from datasrc.masterfiles import MasterFilesSource
from datasrc.records import ZoneState
from datasrc.sources import open_sources
from datasrc.zonetext_zone import read_zone
from memmgr import api, filetable, zonefacts
from memmgr.margin import Margin
from tests.memmgr.house import House, soa


class FileHouse(House):
    """A keeper of images over a directory of zone files."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.zones = directory / "zones"
        self.zones.mkdir()
        self.forgets = False
        self.configured = {"files": {"type": "master-files", "directory": str(self.zones)}}

    def write(self, text: str, origin: str = "example") -> Path:
        path = self.zones / f"{origin}.zone"
        path.write_text(f"$TTL 300\n{text}\n")
        return path

    def reload(self) -> FileHouse:
        """As `bobctl zone reload` has it."""
        self.sources.refresh()
        self.settle()
        return self

    def look_at_files(self) -> FileHouse:
        """As the thread does that looks for changes."""
        source = dict(self.sources.each())["files"]
        assert isinstance(source, MasterFilesSource)
        source._files.look(all_files=False)
        self.settle()
        return self

    def problems(self) -> list[str]:
        return list(self.sources.status()[0].problems)


@pytest.fixture(params=["files", "names", "forgotten"])
def house(request, tmp_path, monkeypatch):
    """With what is known of few files at the start, and of very many; then it may be forgotten which were asked for."""
    if request.param != "files":
        monkeypatch.setattr(zonefiles, "LATE_FROM", 0)
    if request.param == "forgotten":
        monkeypatch.setattr(directoryzones, "MOST_ZONES", 1)
    monkeypatch.setattr(masterfiles, "CHECK_EVERY", None)  # the tests say when files are looked at
    monkeypatch.setattr(filezones, "CERTAIN", 0.0)  # this file system counts nanoseconds
    with FileHouse(tmp_path) as house:
        house.forgets = request.param == "forgotten"  # and reads files once more
        yield house


@pytest.fixture
def reads(monkeypatch) -> list[str]:
    """The files that are read."""
    found: list[str] = []

    def spy(stream, file, *arguments, **options):
        found.append(Path(file).name)
        return read_zone(stream, file, *arguments, **options)

    monkeypatch.setattr("datasrc.filezones.read_zone", spy)
    return found


def test_files_are_read_once_and_answered_from_one_image(house, reads):
    for number in range(50):
        house.write(soa(1, f"www A 192.0.2.{number}"), f"zone{number}")
    house.start()
    assert len(house.built) == 1
    assert set(reads) == {f"zone{number}.zone" for number in range(50)}
    assert len(reads) == 50 or house.forgets
    assert house.text("www.zone7") == "192.0.2.7"
    assert house.text("nowhere.zone7") == "NXDOMAIN"


def test_a_changed_file_is_changed_in_place(house):
    house.write(soa(1, *(f"www{number} A 192.0.2.{number % 250}" for number in range(600))))
    house.start()
    house.write(soa(2, *(f"www{number} A 192.0.2.{number % 250}" for number in range(1, 600)), "new A 192.0.2.251"))
    house.built.clear()
    house.reload()
    assert house.built == []
    assert house.text("new.example") == "192.0.2.251"
    assert house.text("www0.example") == "NXDOMAIN"
    assert house.text("www1.example") == "192.0.2.1"
    assert house.keeper.changes == 1


def test_a_changed_file_that_a_zone_file_includes_is_answered_from(house):
    """It was not before somebody reloaded the zone."""
    more = house.directory / "more"
    age_text(more, "www A 192.0.2.1\n")
    age(house.write(soa(1, f"$INCLUDE {more}")))
    house.start()
    assert house.text("www.example") == "192.0.2.1"
    age_text(more, "www A 192.0.2.2\n")
    assert house.look_at_files().text("www.example") == "192.0.2.2"
    more.unlink()
    assert house.look_at_files().text("www.example") == "192.0.2.2"
    assert str(more) in house.problems()[0]
    age_text(more, "www A 192.0.2.3\n")
    assert house.look_at_files().text("www.example") == "192.0.2.3"
    assert house.problems() == []


def test_a_file_of_which_all_changed_is_built_anew(house):
    house.write(soa(1, *(f"www{number} A 192.0.2.1" for number in range(5000))))
    house.start()
    house.write(soa(2, *(f"www{number} A 192.0.2.2" for number in range(5000))))
    house.built.clear()
    house.reload()
    assert house.built == [["example."]]
    assert house.text("www4999.example") == "192.0.2.2"


def test_a_bad_file_keeps_its_last_good_version_and_others_go_on(house):
    house.write(soa(1, "www A 192.0.2.80"))
    house.write(soa(1, "www A 192.0.2.81"), "other")
    house.start()
    path = house.write(soa(2, "www A 192.0.2.300"))
    house.write(soa(2, "www A 192.0.2.82"), "other")
    house.reload()
    assert house.text("www.example") == "192.0.2.80"
    assert house.text("www.other") == "192.0.2.82"
    (problem,) = house.problems()
    assert problem.startswith(f"{path}:5: error: ")
    house.write(soa(3, "www A 192.0.2.83"))
    house.reload()
    assert house.text("www.example") == "192.0.2.83"
    assert house.problems() == []


def test_a_file_that_was_never_good_is_left_and_hides_nothing(house):
    house.write("nonsense", "bad")
    house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    assert house.text("www.bad") == "left"
    assert house.text("www.example") == "192.0.2.80"
    house.write(soa(1, "www A 192.0.2.81"), "bad")
    house.reload()
    assert house.text("www.bad") == "192.0.2.81"


def test_files_come_and_go(house):
    house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    path = house.write(soa(1, "www A 192.0.2.81"), "new")
    house.reload()
    assert house.text("www.new") == "192.0.2.81"
    path.unlink()
    house.reload()
    assert house.text("www.new") == "left"
    assert house.text("www.example") == "192.0.2.80"
    house.write(soa(1, "www A 192.0.2.82"), "new")
    house.reload()
    assert house.text("www.new") == "192.0.2.82"


def test_a_directory_that_is_empty_for_one_look_is_answered_as_before(house):
    """As that of a file system that is mounted anew: all its zones were gone, and built again."""
    for number in range(3):
        house.write(soa(1, f"www A 192.0.2.{number}"), f"z{number}.test")
    house.start()
    away = house.zones.rename(house.directory / "away")
    house.zones.mkdir()
    house.reload()
    assert [house.text(f"www.z{number}.test.") for number in range(3)] == [f"192.0.2.{n}" for n in range(3)]
    house.zones.rmdir()
    away.rename(house.zones)
    house.built.clear()
    house.reload()
    assert house.built == []
    assert [house.text(f"www.z{number}.test.") for number in range(3)] == [f"192.0.2.{n}" for n in range(3)]


def test_a_large_file_is_left_until_another_thread_has_read_it(house, reads, monkeypatch):
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), "large")
    house.write(soa(1, "www A 192.0.2.1"), "small")
    house.start()
    assert house.answer("www.small.").answer
    assert house.answer("h1.large.") is None
    house.keeper.rebuild(dns.name.from_text("large."))
    house.settle()
    assert (set(reads), house.keeper.unread) == ({"small.zone"}, True)
    ((_, source),) = house.keeper.following.files.sources()
    source.read_large()
    house.settle()
    assert (reads.count("large.zone"), house.keeper.unread) == (1, False)
    assert house.answer("h1.large.").answer
    house.write(soa(1, *(f"h{number} A 192.0.2.2" for number in range(100))), "later")
    house.reload()
    assert house.answer("h1.later.") is None
    source.read_large()
    assert house.settle().answer("h1.later.").answer
    assert [reads[-1], reads.count("large.zone")] == ["later.zone", 1]


def test_a_large_file_that_was_read_is_built_whatever_failed_when_it_was_taken_up(house, monkeypatch):
    """Just before the announcement: nothing told of it a second time, and the zone was left until its file changed."""
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), "large")
    house.write(soa(1, "www A 192.0.2.1"), "small")
    monkeypatch.setattr("memmgr.sweeping.AT_ONCE", 1)
    keeper = house.begin()
    task = keeper.take()
    house.build(task)
    keeper.built(task)
    assert keeper.take() is None
    assert (keeper.unread, keeper.unfinished) == (True, True)  # it was looked at, and others will be
    ((_, source),) = keeper.following.files.sources()
    source.read_large()

    def full(*_arguments):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Margin, "put", full)
        with pytest.raises(OSError, match="No space"):
            keeper.take()
    house.settle()
    assert house.answer("h1.large.").answer
    assert not keeper.unread


def test_a_file_larger_than_what_is_kept_is_read_once_whatever_is_read_before_it_is_built(house, reads, monkeypatch):
    """Each file that was read after it had it make room, and it was read again for its image."""
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    monkeypatch.setattr(masterfiles, "KEPT_OCTETS", 2000)
    for large in ("large", "second", "third"):
        house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), large)
    house.write(soa(1, "www A 192.0.2.1"), "a.small")
    house.write(soa(1, "www A 192.0.2.1"), "z.small")
    house.start()
    ((_, source),) = house.keeper.following.files.sources()
    for _ in range(3):
        assert source.read_large() == 1  # the others wait until this one is built: there is no room for two
        assert source.read_large() == 0
        house.write(soa(len(reads), "www A 192.0.2.2"), "a.small")
        house.write(soa(len(reads), "www A 192.0.2.2"), "z.small")
        house.reload()
    assert house.keeper.unread is False
    for large in ("large", "second", "third"):
        assert reads.count(f"{large}.zone") == 1
        assert house.answer(f"h1.{large}.").answer


def test_a_large_file_that_was_read_and_is_not_built_keeps_no_other_from_being_read(house, monkeypatch):
    """As one whose zone another data source has, before it."""
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    monkeypatch.setattr(masterfiles, "KEPT_OCTETS", 2000)
    for large in ("large", "second"):
        house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), large)
    house.start()
    ((_, source),) = house.keeper.following.files.sources()
    assert [source.read_large(), source.read_large()] == [1, 0]
    monkeypatch.setattr(keptzones, "NOT_ASKED_FOR", 0.0)
    assert source.read_large() == 1


def test_a_file_that_was_only_touched_is_no_change(house):
    path = house.write(soa(1, "www A 192.0.2.80"))
    house.start()
    os.utime(path, (5, 5))
    house.built.clear()
    house.reload()
    assert (house.built, house.keeper.changes) == ([], 0)


def test_a_restart_with_more_zone_files_than_the_margin_has_room_for_answers_all(house, monkeypatch):
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 1024)  # about a dozen records
    for number in range(60):
        house.write(soa(1, f"www A 192.0.2.{number}"), f"z{number}.test")
    for _ in range(3):  # a process does not know versions of its predecessor's: all are left until they are built
        house.start()
        assert [house.text(f"www.z{number}.test.") for number in range(60)] == [f"192.0.2.{n}" for n in range(60)]
        assert len(house.keeper.store.manifest.slots) <= 2  # the image and the margin
        house.stop()


def test_other_threads_look_sources_up_while_they_are_configured_anew(house, monkeypatch):
    """They came by a table of sources that was half made, which ended memmgr."""
    house.write(soa(1, "www A 192.0.2.1"))
    house.start()
    following, numbers = house.keeper.following, iter((7, 8))
    looked: list[bool] = []

    def lot() -> int:
        looked.append(following.files.is_unread(dns.name.from_text("example.")))
        assert [name for name, _ in following.files.sources()] == ["files"]
        return next(numbers)

    monkeypatch.setattr("memmgr.following._lot", lot)
    before = house.sources
    for name in ("first", "second"):
        (house.directory / name).mkdir()
        house.configured = {
            name: {"type": "master-files", "directory": str(house.directory / name)},
            **house.configured,
        }
    house.sources = open_sources(house.configured, before=before)
    house.keeper.configure(house.sources, [])
    before.close()
    assert looked == [False, False]
    assert house.settle().text("www.example.") == "192.0.2.1"


class TestRestart:
    """The next process reads and builds what changed, and nothing else."""

    def test_nothing_is_read_or_built_of_files_that_are_as_they_were(self, house, reads):
        start_with(house, 40)
        reads.clear()
        house.start()
        assert (reads, house.built) == ([], [])
        assert [house.text(f"www.z{number}.test.") for number in range(40)] == [f"192.0.2.{n}" for n in range(40)]
        assert house.keeper.announced

    def test_what_changed_meanwhile_is_noticed_and_the_rest_left_alone(self, house, reads):
        start_with(house, 10)
        age(house.write(soa(2, "www A 192.0.2.201"), "z1.test"))
        (house.zones / "z2.test.zone").unlink()
        age(house.write(soa(1, "www A 192.0.2.202"), "new.test"))
        reads.clear()
        house.start()
        assert set(reads) == {"z1.test.zone", "new.test.zone"}
        assert house.text("www.z1.test.") == "192.0.2.201"
        assert house.text("www.z2.test.") == "left"
        assert house.text("www.new.test.") == "192.0.2.202"
        assert house.text("www.z3.test.") == "192.0.2.3"

    def test_a_file_that_became_bad_meanwhile_keeps_its_last_good_version(self, house, reads):
        start_with(house, 3)
        path = age(house.write(soa(2, "www A 192.0.2.300"), "z1.test"))
        for _ in range(2):  # that one does not forget it, either
            house.start()
            assert house.built == []
            assert [house.text(f"www.z{number}.test.") for number in range(3)] == [f"192.0.2.{n}" for n in range(3)]
            (problem,) = house.problems()
            assert problem.startswith(f"{path}:5: error: ")
            house.stop()
        age(house.write(soa(3, "www A 192.0.2.203"), "z1.test"))
        house.start()
        assert house.text("www.z1.test.") == "192.0.2.203"
        assert house.problems() == []

    def test_a_file_of_the_same_size_and_time_that_was_written_again_is_another(self, house):
        path = age(house.write(soa(1, "www A 192.0.2.1"), "z.test"))
        settled(house)
        times = path.stat()
        path.write_text(path.read_text().replace("192.0.2.1", "192.0.2.2"))
        os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
        house.start()
        assert house.text("www.z.test.") == "192.0.2.2"

    def test_a_file_goes_on_from_the_version_that_was_remembered(self, house, reads):
        start_with(house, 3)
        house.start()
        house.write(soa(2, "www A 192.0.2.211"), "z1.test")
        reads.clear()
        house.reload()
        assert reads == ["z1.test.zone"]
        assert house.text("www.z1.test.") == "192.0.2.211"
        house.stop()
        house.start()
        assert house.text("www.z1.test.") == "192.0.2.211"

    @pytest.mark.parametrize("fault", ["flipped", "short", "empty", "foreign", "gone", "from later"])
    def test_a_table_that_is_not_whole_has_all_read_anew(self, house, reads, fault, monkeypatch):
        start_with(house, 5)
        path = house.place / filetable.NAME
        octets = path.read_bytes()
        text = msgspec.msgpack.encode({"until": 1, "sources": {}, "format": 0})
        damaged = {
            "flipped": octets[:-9] + bytes([octets[-9] ^ 1]) + octets[-8:],
            "short": octets[:-1],
            "empty": b"",
            "foreign": hashlib.blake2b(text, digest_size=filetable.DIGEST_OCTETS).digest() + text,
        }
        if fault == "gone":
            path.unlink()
        elif fault == "from later":
            monkeypatch.setattr(filetable, "_now", lambda: 1)
        else:
            path.write_bytes(damaged[fault])
        reads.clear()
        house.start()
        assert len(set(reads)) == 5
        assert len(reads) == 5 or house.forgets
        assert [house.text(f"www.z{number}.test.") for number in range(5)] == [f"192.0.2.{n}" for n in range(5)]
        assert [name for name, _ in house.refused] == ([] if fault == "gone" else [filetable.NAME])

    @pytest.mark.parametrize("ahead", [0, 1, filetable.SLIGHTLY_AHEAD - 1])  # ms
    def test_a_start_within_the_millisecond_of_the_end_before_it_waits_for_the_next_one(
        self, house, reads, ahead, monkeypatch
    ):
        """And where the clock was set back a little. Files were read anew: a bad one had lost its last good data."""
        start_with(house, 5)
        table = (house.place / filetable.NAME).read_bytes()[filetable.DIGEST_OCTETS :]
        until = msgspec.msgpack.decode(table, type=filetable.Table).until
        clock = [until - ahead]
        monkeypatch.setattr(filetable, "_now", lambda: clock[-1])
        waiting = SimpleNamespace(sleep=lambda seconds: clock.append(clock[-1] + round(seconds * 1000)))
        monkeypatch.setattr(filetable, "time", waiting)
        reads.clear()
        house.start()
        assert (clock[-1], reads, house.refused) == (until + 1, [], [])
        assert [house.text(f"www.z{number}.test.") for number in range(5)] == [f"192.0.2.{n}" for n in range(5)]

    def test_images_that_are_gone_are_built_of_the_files_that_are_remembered(self, house, reads):
        start_with(house, 5)
        (image,) = house.place.glob("0.image")
        image.unlink()
        reads.clear()
        house.start()
        assert len(set(reads)) == 5
        assert len(reads) == 5 or house.forgets
        assert [house.text(f"www.z{number}.test.") for number in range(5)] == [f"192.0.2.{n}" for n in range(5)]

    def test_a_file_that_includes_another_is_read_again(self, house, reads):
        (house.directory / "more").write_text("www A 192.0.2.1\n")
        age(house.write(soa(1, f"$INCLUDE {house.directory}/more"), "z.test"))
        settled(house)
        (house.directory / "more").write_text("www A 192.0.2.2\n")
        house.start().reload()
        assert house.text("www.z.test.") == "192.0.2.2"

    def test_a_file_that_includes_another_is_read_by_the_first_look_and_followed_from_then_on(self, house, reads):
        more = house.directory / "more"
        age_text(more, "www A 192.0.2.1\n")
        age(house.write(soa(1, f"$INCLUDE {more}"), "z.test"))
        settled(house)
        age_text(more, "www A 192.0.2.2\n")
        assert house.start().look_at_files().text("www.z.test.") == "192.0.2.2"
        reads.clear()
        house.look_at_files()
        assert reads == []
        age_text(more, "www A 192.0.2.3\n")
        assert house.look_at_files().text("www.z.test.") == "192.0.2.3"

    def test_a_directory_that_comes_back_goes_on_from_what_was_read_before_it_was_away(self, house, reads):
        """As that of a file system that is mounted late: it was read and built anew as a whole."""
        start_with(house, 5)
        away = house.zones.rename(house.directory / "away")
        house.start()
        away.rename(house.zones)
        path = age(house.write(soa(2, "www A 192.0.2.300"), "z1.test"))
        age(house.write(soa(2, "www A 192.0.2.202"), "z2.test"))
        reads.clear()
        house.reload()
        assert house.built == [["z2.test."]]
        assert set(reads) == {"z1.test.zone", "z2.test.zone"}
        assert [house.text(f"www.z{number}.test.") for number in range(4)] == [
            f"192.0.2.{last}" for last in (0, 1, 202, 3)
        ]
        (problem,) = house.problems()
        assert problem.startswith(f"{path}:5: error: ")

    def test_a_bad_file_whose_image_is_gone_is_left_and_others_are_built(self, house, monkeypatch):
        """One such zone kept all that were to be built with it from being answered."""
        start_with(house, 4)
        (image,) = house.place.glob("0.image")
        image.unlink()
        house.write(soa(2, "www A 192.0.2.300"), "z1.test")  # it may be half written: nobody has read it yet
        monkeypatch.setattr(zonedirectory, "SETTLED", 1e9)
        house.start()
        texts = [house.text(f"www.z{number}.test.") for number in range(4)]
        assert texts == ["192.0.2.0", "left", "192.0.2.2", "192.0.2.3"]
        assert list(house.keeper.failures) == [b"test\0z1\0"]
        house.write(soa(3, "www A 192.0.2.31"), "z1.test")
        house.reload()
        house.keeper.retry()
        assert house.settle().text("www.z1.test.") == "192.0.2.31"
        assert house.keeper.failures == {}

    def test_a_bad_file_whose_last_good_version_was_in_a_delta_is_left_when_the_machine_restarts(
        self, house, monkeypatch
    ):
        """Nobody knows what of a delta reached the disk. That zone waits for its file, and no other one does."""
        start_with(house, 4)
        house.start()
        for number in (1, 2):
            age(house.write(soa(2, f"www A 192.0.2.{100 + number}"), f"z{number}.test"))
        house.reload()
        assert house.built == []
        age(house.write(soa(3, "www A 192.0.2.300"), "z1.test"))
        age(house.write(soa(3, "www A 192.0.2.300"), "z3.test"))
        assert house.reload().text("www.z1.test.") == "192.0.2.101"
        house.stop()
        monkeypatch.setattr("image.manifest.boot_id", lambda: "f" * 36)
        house.start()
        texts = [house.text(f"www.z{number}.test.") for number in range(4)]
        assert texts == ["192.0.2.0", "left", "192.0.2.102", "192.0.2.3"]
        source = MasterFilesSource(house.zones, check_every=None)  # of who is left to answer
        with source.snapshot() as snapshot:
            finder = snapshot.zone(dns.name.from_text("z1.test."))
            assert finder is not None
            assert finder.info.state is ZoneState.BROKEN
        source.close()
        age(house.write(soa(4, "www A 192.0.2.4"), "z1.test"))
        house.reload()
        house.keeper.retry()
        assert house.settle().text("www.z1.test.") == "192.0.2.4"

    @pytest.mark.parametrize("from_the_start", [False, True])
    def test_a_directory_that_is_away_when_others_are_noted_keeps_its_images(self, house, reads, from_the_start):
        """What was told of it was left out of the table, and the next process built all its zones anew."""
        more = house.directory / "more"
        more.mkdir()
        house.configured["more"] = {"type": "master-files", "directory": str(more)}
        age(house.write(soa(1, "www A 192.0.2.99"), "other").rename(more / "other.zone"))
        start_with(house, 5)
        away = house.directory / "away"
        if from_the_start:
            house.zones.rename(away)
            house.start()
        else:
            house.start()
            house.zones.rename(away)
            house.sources.failed("files", Missing("there is no such directory", database="files"))
        (more / "new.zone").write_text(f"$TTL 300\n{soa(1, 'www A 192.0.2.98')}\n")
        dict(house.sources.each())["more"].refresh()
        house.settle()
        assert house.text("www.new.") == "192.0.2.98"
        house.stop()
        away.rename(house.zones)
        age(house.write(soa(2, "www A 192.0.2.300"), "z1.test"))
        reads.clear()
        house.start()
        assert house.built == []
        assert set(reads) <= {"z1.test.zone", "new.zone"}
        assert [house.text(f"www.z{number}.test.") for number in range(5)] == [f"192.0.2.{n}" for n in range(5)]

    @pytest.mark.parametrize("killed", [False, True])
    def test_a_bad_file_that_was_just_written_when_it_was_good_keeps_its_last_good_version(
        self, house, monkeypatch, killed
    ):
        """Nobody can be sure that a file is as it was when that was read soon after it was written."""
        monkeypatch.setattr(filezones, "CERTAIN", 1e9)
        house.write(soa(1, "www A 192.0.2.1"), "z.test")
        house.start()
        house.write(soa(2, "www A 192.0.2.2"), "z.test")
        house.reload()
        path = house.write(soa(3, "www A 192.0.2.300"), "z.test")
        house.reload()
        for _ in range(2):
            (house.kill if killed else house.stop)()
            house.start().reload()
            assert house.text("www.z.test.") == "192.0.2.2"
            (problem,) = house.problems()
            assert problem.startswith(f"{path}:5: error: ")
        house.write(soa(4, "www A 192.0.2.4"), "z.test")
        house.reload()
        assert house.text("www.z.test.") == "192.0.2.4"

    def test_a_file_whose_included_file_is_bad_keeps_its_last_good_version(self, house):
        more = house.directory / "more"
        more.write_text("www A 192.0.2.1\n")
        age(house.write(soa(1, f"$INCLUDE {more}"), "z.test"))
        settled(house)
        more.write_text("www A 192.0.2.300\n")
        for _ in range(2):
            house.start().reload()
            assert house.text("www.z.test.") == "192.0.2.1"
            assert str(more) in house.problems()[0]
            house.stop()
        more.write_text("www A 192.0.2.2\n")
        house.start().reload()
        assert house.text("www.z.test.") == "192.0.2.2"


def age(path: Path) -> Path:
    """Have a file look as if it had been there for long."""
    os.utime(path, (1_000_000_000, 1_000_000_000))
    return path


def age_text(path: Path, text: str) -> None:
    """Put another file in the place of one, and have it look so."""
    new = path.with_name(f"{path.name}.new")
    new.write_text(text)
    age(new).rename(path)


def settled(house: FileHouse) -> None:
    """Have images, of files that nobody doubts, and stop."""
    house.start()
    house.stop()


def start_with(house: FileHouse, zones: int) -> None:
    """The same with so many zones of one address each."""
    for number in range(zones):
        age(house.write(soa(1, f"www A 192.0.2.{number}"), f"z{number}.test"))
    settled(house)


def test_a_file_that_has_become_large_before_it_was_read_is_read_as_a_large_one(house, monkeypatch):
    """It was found while it was being copied."""
    monkeypatch.setattr(filezones, "QUICKLY_READ", 1000)
    house.write(soa(1, "www A 192.0.2.1"), "small")
    house.start()
    ((_, source),) = house.keeper.following.files.sources()
    house.write(soa(1), "large")
    source.refresh()
    house.write(soa(1, *(f"h{number} A 192.0.2.1" for number in range(100))), "large")
    source.refresh()
    house.settle()
    assert house.answer("h1.large.") is None
    assert (source.read_large(), source.read_large()) == (1, 0)
    assert house.settle().answer("h1.large.").answer


def test_what_is_served_of_zones_with_bad_files_is_told_beside_what_is_wrong_with_them(house):
    """In pages, in canonical order, and without reading anything: for `bobctl zone list`."""
    for origin in ("example", "other", "sub.example"):
        house.write(soa(1, "www A 192.0.2.80"), origin)
    house.start()
    bad = {origin: house.write(soa(2, "www A 192.0.2.300"), origin) for origin in ("other", "example", "never")}
    house.reload()
    asked = api.ZoneProblems("files", limit=2)
    first = zonefacts.zone_problems(house.keeper, asked, None)
    rest = zonefacts.zone_problems(house.keeper, asked, dns.name.from_text(first.zones[-1].origin))
    found = [*first.zones, *rest.zones]
    assert (first.more, rest.more) == (True, False)
    assert [(one.origin, one.serial) for one in found] == [("example", 1), ("never", None), ("other", 1)]
    assert all(one.problem.startswith(f"{bad[one.origin]}:5: error: ") for one in found)
    for more, origins in (
        ({"served": True}, ["example", "other"]),
        ({"served": False}, ["never"]),
        ({"served": True, "limit": 1}, ["example"]),
        ({"beginning": "e"}, ["example"]),
        ({"beginning": "o", "served": False}, []),
    ):
        part = zonefacts.zone_problems(house.keeper, api.ZoneProblems("files", **more), None)
        assert ([one.origin for one in part.zones], part.more) == (origins, more.get("limit") == 1)
    names = ["example", "never", "sub.example", "nothing"]
    images = zonefacts.zone_images(house.keeper, [dns.name.from_text(name) for name in names], names)
    assert [(one.state, one.serial, one.records, one.source) for one in images] == [
        ("image", 1, 4, "files"),
        ("plain", None, None, ""),
        ("image", 1, 4, "files"),
        ("absent", None, None, ""),
    ]
    assert [bool(one.problem) for one in images] == [True, True, False, False]
