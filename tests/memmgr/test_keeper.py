"""The images of the zones of a database, as auth answers from them, through changes and restarts."""

from __future__ import annotations

import contextlib
import errno

import msgspec
import pytest

import datasrc
from datasrc.database.store import DatabaseSource
from datasrc.errors import StorageError
from datasrc.keys import key_text, name_key
from datasrc.records import Provenance
from image import layout
from image.zonerecord import origin_wire
from memmgr.api import MAX_FAILURES, ZoneFailure
from memmgr.compaction import Compaction
from memmgr.margin import Margin
from memmgr.zonefacts import build_status, failures
from tests.datasrc.zonemaking import name
from tests.memmgr.house import House, soa

PROVENANCE = Provenance("tester", "test")


@pytest.fixture
def house(tmp_path):
    with House(tmp_path) as house:
        yield house


def test_all_zones_are_answered_from_one_image(house):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.load(soa(1, "www A 192.0.2.81"), "example.net.")
    house.start()
    assert house.built == [["example.", "example.net."]]
    assert house.text("www.example.") == "192.0.2.80"
    assert house.text("www.example.net.") == "192.0.2.81"
    assert house.text("nowhere.example.net.") == "NXDOMAIN"
    assert house.text("www.example.org.") == "left"


def test_a_restart_builds_nothing(house):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.stop()
    house.start()
    assert house.built == []
    assert house.text("www.example.") == "192.0.2.80"


def test_what_changed_meanwhile_is_changed_in_place_at_the_start_and_nothing_is_built(house):
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.load(soa(1, "www A 192.0.2.81"), "example.net.")
    house.start()
    house.stop()
    house.load(soa(2, "www A 192.0.2.82"), "example.net.")
    house.start()
    assert house.built == []
    assert house.text("www.example.net.") == "192.0.2.82"
    assert house.text("www.example.") == "192.0.2.80"


def test_another_database_in_its_place_is_noticed(house):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.close()
    for path in house.directory.glob("zones.sqlite*"):
        path.unlink()
    house.source = datasrc.open(house.url, create=True)
    house.load(soa(1, "www A 192.0.2.99"))
    house.start()
    assert house.text("www.example.") == "192.0.2.99"


def test_deltas_of_another_boot_are_thrown_away_and_their_zones_are_right(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"))
    house.load(soa(1), "gone.")
    house.start()
    house.load(soa(2, "www A 192.0.2.82"))
    house.source.delete_zone(name("gone.", "."), PROVENANCE)
    house.settle()
    house.stop()
    monkeypatch.setattr("image.manifest.boot_id", lambda: "f" * 36)
    house.start()
    assert house.refused == []
    assert house.text("www.example.") == "192.0.2.82"
    assert house.text("ns.gone.") == "left"


def test_many_listed_zones_are_looked_at_a_few_at_a_time(house, monkeypatch):
    """So that what changes meanwhile does not wait for all of them."""
    monkeypatch.setattr("memmgr.sweeping.AT_ONCE", 3)
    names = [f"{number}.example." for number in range(8)]
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.keeper.configure(house.sources, [name_key(name(each, ".")) for each in names])
    left = []
    while house.keeper.unfinished:
        left.append([house.text(each) for each in names].count("left"))
        assert house.keeper.take() is None
    assert left == [3, 6]
    assert [house.text(each) for each in names] == ["left"] * 8


def test_at_the_start_too_many_listed_zones_are_looked_at_a_few_at_a_time(tmp_path, monkeypatch):
    monkeypatch.setattr("memmgr.sweeping.AT_ONCE", 3)
    names = tuple(f"{number}.example" for number in range(8))
    house = House(tmp_path, listed=names)
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    assert [house.text(f"{each}.") for each in names] == ["left"] * 8
    assert house.text("www.example.") == "192.0.2.80"
    house.close()


def test_nothing_is_answered_before_everything_was_compared(house):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.stop()
    house.load(soa(2, "www A 192.0.2.82"))
    from memmgr.store import Store
    from tests.memmgr.house import RUN

    store = Store(house.place, house.announcement, RUN, lambda path, reason: None)
    assert house.text("www.example.") == "left"
    store.close()


def test_what_another_run_of_the_suite_announced_is_not_answered_from(house, monkeypatch):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    monkeypatch.setattr("tests.memmgr.house.RUN", "3.4")
    assert house.text("www.example.") == "left"


def test_many_changes_make_few_files(house):
    for number in range(30):
        house.load(soa(1, "www A 192.0.2.80"), f"zone{number}.")
    house.start()
    for number in range(30):
        house.load(soa(2, f"www A 192.0.2.{number}"), f"zone{number}.")
        house.settle()
    assert len(list(house.place.glob("*.image"))) < 25
    for number in range(30):
        assert house.text(f"www.zone{number}.") == f"192.0.2.{number}"


@pytest.mark.parametrize("offset", [0, 4090, 4104, 4230])
def test_a_damaged_image_is_refused_and_built_anew(house, offset):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    house.stop()
    path = house.place / "0.image"  # that of the zone; the margin has another
    octets = bytearray(path.read_bytes())
    octets[offset] ^= 0xFF
    path.write_bytes(octets)
    house.start()
    assert [file for file, _ in house.refused] == [path.name]
    assert house.built == [["example."]]
    assert house.text("www.example.") == "192.0.2.80"


def test_zones_that_cannot_be_built_are_told_in_pages_however_many_they_are(house):
    house.start()
    names = sorted(f"z{number:03}." for number in range(MAX_FAILURES + 20))
    house.keeper.failures.update({name_key(name(text)): f"of {text}" for text in reversed(names)})
    found: list[ZoneFailure] = []
    after, more = None, True
    while more:
        page = failures(house.keeper, after, 50)
        found, more = [*found, *page.zones], page.more
        after = name(found[-1].origin)
    assert [(one.origin, one.reason) for one in found] == [(text, f"of {text}") for text in names]


def test_a_zone_that_a_survey_may_yet_find_is_waited_for(house):
    house.load(soa(1))
    house.start()
    house.settle()
    origin = name("example.")
    assert not build_status(house.keeper, origin).waiting
    house.keeper.rebuild_all()
    assert build_status(house.keeper, origin).waiting
    house.settle()
    assert not build_status(house.keeper, origin).waiting


def octets_of(house):
    return sum(path.stat().st_size for path in house.place.iterdir())


def test_a_stream_of_changes_of_many_zones_lets_nothing_grow(house, monkeypatch):
    """Deltas fill and images wear out, again and again: what is in use stays within a bound, and right."""
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 1 << 13)
    zones = [f"zone{number}." for number in range(6)]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80"), zone)
    house.start()
    most = 0
    for serial in range(2, 24):
        for number, zone in enumerate(zones):
            if (serial + number) % 3:
                house.load(soa(serial, f"www A 192.0.2.{serial}", f"n{serial} TXT {'x' * 150}"), zone)
        house.settle()
        if serial == 10:
            most = octets_of(house)
        for number, zone in enumerate(zones):
            last = serial if (serial + number) % 3 else serial - 1
            assert house.text(f"www.{zone}") == (f"192.0.2.{last}" if last > 1 else "192.0.2.80"), (serial, zone)
    assert house.keeper.compactions > 1
    assert octets_of(house) <= 1.5 * most
    assert len(house.keeper.store.manifest.slots) < 8


def test_very_many_zones_are_tried_again_a_few_at_a_time(house, monkeypatch):
    """Changes have their turn in between: all at once took the worker for as long as there are zones."""
    monkeypatch.setattr("memmgr.keeper.TRIED_AT_ONCE", 3)
    house.load(soa(1, "www A 192.0.2.80"))
    keeper = house.start().keeper
    zones = [name(f"zone{number}.", ".") for number in range(10)]
    with monkeypatch.context() as patched:
        patched.setattr(keeper.following, "held", lambda _origin: contextlib.nullcontext((None, False)))
        for origin in zones:
            keeper.update(origin)
        assert keeper.doubt != ""
    asked = []
    held = keeper.following.held

    def noted(origin):
        asked.append(origin)
        return held(origin)

    monkeypatch.setattr(keeper.following, "held", noted)
    keeper.retry()
    counts = [len(asked)]
    while keeper.unfinished:
        keeper.take()
        counts.append(len(asked))
    assert counts == [3, 6, 9, 10]
    assert sorted(asked) == zones
    assert keeper.doubt == ""


def test_a_source_that_fails_in_the_middle_of_its_survey_is_surveyed_to_the_end_when_it_works(house, monkeypatch):
    monkeypatch.setattr("datasrc.source.SURVEY_PAGE", 2)
    monkeypatch.setattr("memmgr.following.REST", 0.0)
    zones = [f"zone{number}." for number in range(6)]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80"), zone)
    with monkeypatch.context() as patched:
        pages = DatabaseSource.zones

        def fails(self, after=None, *arguments, **options):
            if after is not None and self.name == "main":
                raise StorageError("no answer from the server", database=self.name)
            return pages(self, after, *arguments, **options)

        patched.setattr(DatabaseSource, "zones", fails)
        house.start()
    assert house.built == []
    assert sorted(key_text(key).decode() for key in house.keeper.failures) == zones[:2]  # what was found is not lost
    house.sources.refresh()
    house.keeper.retry()
    house.settle()
    assert [house.text(f"www.{zone}") for zone in zones] == ["192.0.2.80"] * 6


def test_a_source_that_fails_in_every_survey_is_not_all_that_is_done(house, monkeypatch):
    """As with a damaged page: the source works, but for what is on it."""
    monkeypatch.setattr("datasrc.source.SURVEY_PAGE", 2)
    monkeypatch.setattr("datasrc.member.RETRY_FIRST", 600.0)  # until the test says so, however slow the machine is
    zones = [f"zone{number}." for number in range(4)]
    for zone in zones:
        house.load(soa(1, "www A 192.0.2.80"), zone)
    pages, asked = DatabaseSource.zones, []

    def fails(self, after=None, *arguments, **options):
        asked.append(after)
        if after is not None:
            raise StorageError("the file is damaged", database=self.name)
        return pages(self, after, *arguments, **options)

    monkeypatch.setattr(DatabaseSource, "zones", fails)
    house.start()
    assert house.keeper.announced
    for serial in range(2, 7):
        house.load(soa(serial, f"www A 192.0.2.{serial}"), "zone3.")
        house.sources.refresh()
        house.settle()
        assert house.text("www.zone3.") == f"192.0.2.{serial}"  # changes are followed all the same
    assert len(asked) == 2  # the two pages of one survey
    assert "could not be read" in house.keeper.doubt  # names that are in none of the zones found are not refused


def test_a_successor_is_told_of_nothing_before_all_zones_are_known(house):
    """Else it would trust the outbox, and zones that the survey had not come to would be in no image."""
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    following = house.keeper.following
    assert following.marks()[0].whole
    following._start("main", house.source, lambda _survey: None)  # is under way
    house.load(soa(2, "www A 192.0.2.81"))
    house.settle()
    assert house.text("www.example.") == "192.0.2.81"
    assert not following.marks()[0].whole


def test_nothing_is_announced_after_an_error_of_the_system_in_a_survey_before_it_was_taken_again(house, monkeypatch):
    """A zone that is missing in the images would be answered from the one above."""
    monkeypatch.setattr("memmgr.plan.BIG_RECORDS", 3)
    monkeypatch.setattr("memmgr.following.REST", 0.0)
    for origin in ("example.", "a.example.", "b.example."):
        house.load(soa(1, "www A 192.0.2.80"), origin)
    put = Margin.put
    failures = [OSError(errno.ENOSPC, "No space left on device")]

    def full(self, record):
        if record.origin == b"\x01a\x07example\0" and failures:
            raise failures.pop()
        put(self, record)

    monkeypatch.setattr(Margin, "put", full)
    with pytest.raises(OSError, match="No space"):
        house.start()
    assert house.keeper.take() is not None  # those found before
    assert not house.keeper.announced
    house.settle()
    assert house.keeper.announced
    assert [house.text(f"www.{zone}") for zone in ("a.example.", "b.example.")] == ["192.0.2.80"] * 2


def test_a_zone_that_gets_data_during_a_compaction_is_not_left_again(house):
    house.listed = listed = ("one.test.", "two.test.", "three.test.")
    house.start()
    keeper = house.keeper
    slot = keeper.store.find(origin_wire(name("one.test.", "."))).slot
    kept: list[object] = []

    def keep(record):
        if not kept:
            for zone in listed:
                house.load(soa(1, "www A 192.0.2.80"), zone)
            house.settle()
        kept.append(record.name)

    list(Compaction(keeper.store).begin({slot}, keeper.following.names(), keep))
    assert len(kept) == 1  # the others have data by then
    assert [house.text(f"www.{zone}") for zone in listed] == ["192.0.2.80"] * 3


def test_compaction_that_cannot_be_finished_is_not_begun_again_at_once(house):
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    keeper = house.keeper
    now = [0.0]
    compaction = Compaction(keeper.store, lambda: now[0])
    slot = keeper.store.find(b"\x07example\0").slot
    keeper.store.zones[slot] = 10  # of which there are more in the manifest's record of it
    listed = keeper.store.manifest.slots
    keeper.store.listed.manifest = msgspec.structs.replace(
        keeper.store.manifest, slots=tuple(msgspec.structs.replace(one, zones=30) for one in listed)
    )
    assert slot in compaction.due(None)
    assert [one.source for one in compaction.begin({slot}, keeper.following.names(), lambda _record: None)] == ["main"]
    assert slot not in compaction.due(None)
    now[0] = 61.0
    assert slot in compaction.due(None)


# Many zones of which nothing is answered: a margin of few octets stands for many.

MANY = [f"z{number}.test." for number in range(60)]


@pytest.fixture
def small_margin(monkeypatch):
    monkeypatch.setattr("memmgr.slots.HEAP_LEAST", 1024)  # about a dozen records


def flags(house, origin):
    there = house.keeper.store.find(origin_wire(name(origin, ".")))
    return None if there is None else there.record.flags


def test_more_zones_without_data_than_the_margin_has_room_for_are_left(tmp_path, small_margin):
    house = House(tmp_path, listed=tuple(MANY))
    for _ in range(3):  # the next process finds the margin that is full
        house.start()
        assert house.keeper is not None
        assert house.keeper.announced
        assert {flags(house, origin) for origin in MANY} == {layout.ZONE_LEFT}
        slots = len(house.keeper.store.manifest.slots)
        house.stop()
    assert slots <= 4  # each twice the one before
    house.source.close()


def test_more_zones_that_cannot_be_built_than_the_margin_has_room_for_are_left(house, small_margin):
    for origin in MANY:
        house.load(soa(1, "www A 192.0.2.80"), origin)
    house.start()
    for origin in MANY:
        house.load(soa(2, *[f"n{number} A 192.0.2.81" for number in range(20)]), origin)  # no room in the delta
    house.keeper.follow()
    task = house.keeper.take()
    assert len(task.batch.origins) > 50
    house.keeper.failed(task, "the disk is full")
    assert {flags(house, origin.to_text()) for origin in task.batch.origins} == {layout.ZONE_LEFT}
    house.keeper.retry()
    house.settle()
    assert {house.text(f"n19.{origin}") for origin in MANY} == {"192.0.2.81"}


def test_more_zones_are_deleted_than_the_margin_has_room_for(house, small_margin):
    house.load(soa(1, "www A 192.0.2.80"))
    for origin in MANY:
        house.load(soa(1, "www A 192.0.2.80"), origin)
    house.start()
    for origin in MANY:
        house.source.delete_zone(name(origin, "."), PROVENANCE)
    house.settle()
    assert {flags(house, origin) for origin in MANY} == {layout.ZONE_GONE}
    assert house.text("www.example.") == "192.0.2.80"


def test_zones_that_are_gone_are_dropped_where_the_directory_must_grow(house, small_margin, monkeypatch):
    monkeypatch.setattr("memmgr.store.DIRECTORY_SPARE", 8)
    monkeypatch.setattr("image.directory.MIN_CAPACITY", 16)
    house.load(soa(1, "www A 192.0.2.80"))
    house.start()
    for number in range(40):
        house.load(soa(1, "www A 192.0.2.81"), f"z{number}.test.")
        house.settle()
        assert house.text(f"www.z{number}.test.") == "192.0.2.81"
        house.source.delete_zone(name(f"z{number}.test.", "."), PROVENANCE)
        house.settle()
        assert house.text(f"www.z{number}.test.") == "left"
    store = house.keeper.store
    assert store.directory.used < 20
    assert sum(store.zones.values()) == store.directory.used
    assert house.text("www.example.") == "192.0.2.80"
    house.stop()
    house.start()
    assert house.text("www.example.") == "192.0.2.80"
    assert house.text("www.z39.test.") == "left"


def test_all_zones_are_built_anew_one_after_the_other_and_vouched_for_meanwhile(house):
    for number in range(5):
        house.load(soa(1, f"www A 192.0.2.{number}"), f"z{number}.")
    house.start()
    house.source.delete_zone(name("z4.", "."), PROVENANCE)
    house.settle()
    house.built.clear()
    house.keeper.rebuild_all()
    assert house.keeper.plan.waiting >= 5
    assert (len(house.keeper.plan), house.keeper.busy, house.keeper.doubt) == (0, True, "")
    house.settle()
    assert sorted(origin for built in house.built for origin in built) == ["z0.", "z1.", "z2.", "z3."]
    assert (house.keeper.plan.waiting, house.keeper.doubt) == (0, "")
    assert house.answer("www.z3.").answer[0][0].address == "192.0.2.3"


def test_before_the_announcement_no_entry_says_what_was_before(house):
    """Readers cannot learn of a new slot then: what was before would be answered for as long as a start takes."""
    house.load(soa(1, "www A 192.0.2.80"), "example.")
    house.start()
    house.stop()
    store = house.begin().store
    (there,) = [one for one in store.located() if one.record.name == name("example.", ".")]
    other = max(store.heaps) + 1
    store.directory.put(there.entry, there.record.origin, other, 1, announced=store._announcement.is_told)
    assert store.directory.known(there.entry, {}) == 0
