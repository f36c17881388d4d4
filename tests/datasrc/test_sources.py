"""Several data sources as one: order, longest match, failures."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import dns.name
import pytest

import datasrc
from datasrc.errors import Damaged, Locked, Missing, StorageError, Unavailable, UnknownBackend
from datasrc.member import LOOK_EVERY, RETRY_FIRST, RETRY_MOST
from datasrc.memory import MemorySource
from datasrc.source import DataSource, Finder, Snapshot
from datasrc.sources import Sources, open_sources
from tests.datasrc.zonemaking import SMALL, TESTER, load
from tests.kit.suite import wait_until


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Fragile(MemorySource):
    """A source that fails when told so."""

    def __init__(self) -> None:
        super().__init__()
        self.error: StorageError | None = None
        self.opened = 0
        self.asked = 0

    def open(self) -> DataSource:
        self.opened += 1
        self._check()
        return self

    def last_change(self) -> int:
        self._check()
        return super().last_change()

    def snapshot(self):
        self._check()
        return super().snapshot()

    def _check(self) -> None:
        self.asked += 1
        if self.error is not None:
            raise self.error


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def first() -> Fragile:
    return Fragile()


@pytest.fixture
def second() -> Fragile:
    return Fragile()


@pytest.fixture
def sources(first: Fragile, second: Fragile, clock: Clock) -> Callable[[], Sources]:
    return lambda: Sources({"first": first.open, "second": second.open}, clock=clock)


def found(sources: Sources, owner: str) -> tuple[str, int] | None:
    """Origin and serial (which tells the sources apart) of the zone for a name."""
    with sources.snapshot() as snapshot:
        return described(snapshot.find_zone(dns.name.from_text(owner)))


def exact(sources: Sources, origin: str) -> tuple[str, int] | None:
    with sources.snapshot() as snapshot:
        return described(snapshot.zone(dns.name.from_text(origin)))


def described(finder: Finder | None) -> tuple[str, int] | None:
    return None if finder is None else (finder.info.origin.to_text(), finder.info.serial or 0)


def put(source: DataSource, origin: str, serial: int) -> None:
    load(source, SMALL.replace(" 1 3600", f" {serial} 3600"), origin)


def test_the_longest_match_wins_then_the_first_source(first: Fragile, second: Fragile, sources) -> None:
    put(first, "example.", 1)
    put(first, "both.example.", 1)
    put(second, "both.example.", 2)
    put(second, "sub.example.", 2)
    put(second, "com.", 2)
    one = sources()
    assert found(one, "x.example.") == ("example.", 1)
    assert found(one, "x.both.example.") == ("both.example.", 1)
    assert found(one, "x.sub.example.") == ("sub.example.", 2)
    assert found(one, "com.") == ("com.", 2)
    assert found(one, "org.") is None
    assert exact(one, "both.example.") == ("both.example.", 1)
    assert exact(one, "x.sub.example.") is None
    one.close()


def test_a_failing_source_takes_no_other_down(first: Fragile, second: Fragile, sources, clock: Clock) -> None:
    put(first, "example.", 1)
    put(second, "other.", 2)
    one = sources()
    assert found(one, "example.") == ("example.", 1)
    first.error = Locked("busy", database="first")
    assert found(one, "other.") == ("other.", 2)
    with pytest.raises(Unavailable, match="first: its data source fails: busy"):
        found(one, "x.example.")
    with pytest.raises(Unavailable):
        exact(one, "example.")
    assert exact(one, "other.") == ("other.", 2)
    first.error = None
    clock.now += RETRY_MOST
    assert found(one, "x.example.") == ("example.", 1)


def test_no_other_zone_answers_for_one_that_fails(first: Fragile, second: Fragile, sources) -> None:
    put(first, "sub.example.", 1)
    put(first, "example.", 1)
    put(second, "example.", 2)
    put(second, "deep.sub.example.", 2)
    one = sources()
    assert found(one, "sub.example.") == ("sub.example.", 1)
    first.error = Damaged("broken", database="first")
    with pytest.raises(Unavailable):  # a longer match was there
        found(one, "x.sub.example.")
    with pytest.raises(Unavailable):  # an equal one in an earlier source
        found(one, "x.example.")
    assert found(one, "deep.sub.example.") == ("deep.sub.example.", 2)
    assert found(one, "org.") is None


def test_an_equal_match_in_a_later_failing_source_does_not_matter(first: Fragile, second: Fragile, sources) -> None:
    put(first, "example.", 1)
    put(second, "example.", 2)
    one = sources()
    second.error = Locked("busy")
    assert found(one, "x.example.") == ("example.", 1)


def test_what_a_source_holds_that_was_never_read_is_not_known(first: Fragile, second: Fragile, sources) -> None:
    put(second, "example.", 2)
    first.error = Locked("busy", database="first")
    one = sources()
    assert found(one, "x.example.") == ("example.", 2)
    with pytest.raises(Unavailable, match="first: its data source fails: busy"):
        found(one, "x.org.")
    assert [(each.name, each.failure, each.zones) for each in one.status()] == [
        ("first", "first: busy", None),
        ("second", "", 1),
    ]


def test_a_database_that_is_not_made_yet_holds_no_zones(tmp_path: Path) -> None:
    one = open_sources({"main": {"type": "database", "url": f"sqlite:///{tmp_path}/zones.sqlite"}})
    assert found(one, "example.") is None
    assert one.status()[0].failure.endswith("zones.sqlite: there is no such file")
    one.close()


def test_zones_made_and_deleted_later_are_remembered(first: Fragile, second: Fragile, sources, clock: Clock) -> None:
    put(first, "old.", 1)
    one = sources()
    put(first, "new.", 1)
    first.delete_zone(dns.name.from_text("old."), TESTER)
    clock.now += LOOK_EVERY
    assert found(one, "new.") == ("new.", 1)
    first.error = Locked("busy")
    with pytest.raises(Unavailable):
        found(one, "new.")
    assert found(one, "old.") is None


@pytest.mark.parametrize(("only", "looked"), [(None, ["first", "second"]), ("second", ["second"]), ("nosuch", [])])
def test_one_source_is_made_to_look_and_no_other(
    first: Fragile, second: Fragile, sources, monkeypatch: pytest.MonkeyPatch, only: str | None, looked: list[str]
) -> None:
    one = sources()
    put(first, "a.", 1)
    put(second, "b.", 1)
    assert found(one, "b.") == ("b.", 1)
    told: list[str] = []
    monkeypatch.setattr(first, "refresh", lambda: told.append("first"))
    monkeypatch.setattr(second, "refresh", lambda: told.append("second"))
    one.refresh(only)
    assert told == looked


def test_a_source_that_lost_its_history_is_read_anew(
    first: Fragile, sources, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = sources()
    monkeypatch.setattr("datasrc.journal.OUTBOX_ROWS", 2)
    for origin in ("a.", "b.", "c.", "d."):
        put(first, origin, 1)
    clock.now += LOOK_EVERY
    assert found(one, "a.") == ("a.", 1)
    assert one.status()[0].zones == 4


def test_a_failing_source_is_tried_ever_more_rarely(first: Fragile, sources, clock: Clock) -> None:
    first.error = Locked("busy")
    one = sources()
    tries = []
    for _ in range(4000):
        before = first.asked
        with pytest.raises(Unavailable):
            found(one, "example.")
        if first.asked != before:
            tries.append(clock.now)
        clock.now += 0.01
    gaps = [round(after - before, 2) for before, after in itertools.pairwise(tries)]
    assert gaps[0] == pytest.approx(2 * RETRY_FIRST, abs=0.02)
    assert gaps == sorted(gaps)
    assert gaps[-1] == pytest.approx(RETRY_MOST, abs=0.02)
    first.error = None
    put(first, "example.", 1)
    clock.now += RETRY_MOST
    assert found(one, "example.") == ("example.", 1)


def test_damage_of_one_zone_is_no_failure_of_its_source(
    first: Fragile, sources, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(first, "good.", 1)
    put(first, "bad.", 1)
    one = sources()
    with one.snapshot() as snapshot:
        assert snapshot.find_zone(dns.name.from_text("good.")) is not None
    real = type(first).snapshot

    class Damaging:
        def __init__(self, inner: AbstractContextManager[Snapshot]) -> None:
            self.inner = inner

        def __enter__(self):
            self.snapshot = self.inner.__enter__()
            return self

        def __exit__(self, *exception: object) -> None:
            self.inner.__exit__(None, None, None)

        def find_zone(self, name: dns.name.Name):
            if name.to_text().endswith("bad."):
                raise Damaged("a page is damaged", database="first")
            return self.snapshot.find_zone(name)

    monkeypatch.setattr(Fragile, "snapshot", lambda self: Damaging(real(self)))
    with pytest.raises(Unavailable, match="a page is damaged"):
        found(one, "x.bad.")
    assert found(one, "good.") == ("good.", 1)
    assert one.status()[0].failure == ""


def test_a_source_nobody_can_open_is_refused_at_once(first: Fragile) -> None:
    def unknown() -> DataSource:
        return datasrc.open("nothing:at all")

    with pytest.raises(UnknownBackend):
        Sources({"first": first.open, "odd": unknown})


def test_a_source_that_fails_while_it_is_opened_is_opened_later(first: Fragile, sources, clock: Clock) -> None:
    first.error = Missing("there is no such file")
    one = sources()
    assert found(one, "example.") is None
    put(first, "example.", 1)
    first.error = None
    clock.now += RETRY_FIRST
    assert found(one, "example.") == ("example.", 1)


def test_each_answer_is_made_from_one_state(first: Fragile, sources, clock: Clock) -> None:
    put(first, "example.", 1)
    one = sources()
    with one.snapshot() as snapshot:
        assert described(snapshot.find_zone(dns.name.from_text("example."))) == ("example.", 1)
        put(first, "example.", 2)
        put(first, "sub.example.", 2)
        assert described(snapshot.find_zone(dns.name.from_text("x.sub.example."))) == ("example.", 1)
    assert found(one, "x.sub.example.") == ("sub.example.", 2)


def test_the_status_is_that_of_now_and_not_of_the_last_look(tmp_path: Path) -> None:
    path = tmp_path / "zones.sqlite"
    with contextlib.closing(datasrc.open(f"sqlite:///{path}", create=True)) as made:
        put(made, "example.", 1)
    good = path.read_bytes()
    clock = Clock()  # it stands still: no look is due

    def opener() -> DataSource:
        return datasrc.open(f"sqlite:///{path}", name="main", read_only=True)

    with contextlib.closing(Sources({"main": opener}, clock=clock)) as one:
        assert one.status()[0].failure == ""
        path.write_bytes(b"garbage " * 4096)
        assert "is damaged" in one.status()[0].failure or "not an SQLite" in one.status()[0].failure
        with pytest.raises(Unavailable):
            found(one, "example.")
        (tmp_path / "copy").write_bytes(good)
        (tmp_path / "copy").rename(path)
        assert one.status()[0].failure == ""
        assert found(one, "example.") == ("example.", 1)


def test_asking_for_the_status_does_not_put_off_the_next_try(first: Fragile, sources, clock: Clock) -> None:
    put(first, "example.", 1)
    one = sources()
    first.error = Locked("held")
    for _ in range(10):
        assert one.status()[0].failure
    first.error = None
    clock.now += RETRY_FIRST
    assert found(one, "example.") == ("example.", 1)


def test_a_source_that_is_configured_as_before_is_shared_and_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    closed: list[str] = []

    class Noting(MemorySource):
        def close(self) -> None:
            closed.append(self.name)
            super().close()

    def open_one(url: str, *, name: str, read_only: bool) -> DataSource:
        opened.append(url)
        source = Noting()
        source.name = url
        put(source, "example.", len(opened))
        return source

    monkeypatch.setattr(datasrc, "open", open_one)
    entry = {"type": "database", "url": "memory:a"}
    old = open_sources({"kept": entry, "changed": {"type": "database", "url": "memory:b"}})
    new = open_sources({"changed": {"type": "database", "url": "memory:c"}, "kept": entry}, before=old)
    assert opened == ["memory:a", "memory:b", "memory:c"]
    refused = open_sources({"kept": entry}, before=new)
    refused.close()
    assert closed == []
    old.close()
    old.close()
    assert closed == ["memory:b"]
    assert found(new, "example.") == ("example.", 3)
    new.close()
    assert sorted(closed) == ["memory:a", "memory:b", "memory:c"]


def test_who_follows_a_database_by_himself_does_not_have_a_thread_do_it_again(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/zones.sqlite"
    with contextlib.closing(datasrc.open(url, create=True)) as source:
        load(source, SMALL)
        with contextlib.closing(open_sources({"main": {"type": "database", "url": url}}, apart=True)) as sources:
            wait_until(lambda: sources.status()[0].zones == 1, 60, "the thread has had its first look")
            assert list(tmp_path.glob("doorbell/*")) == []
            load(source, SMALL, "example.net.")
            wait_until(lambda: sources.status()[0].zones == 2, 60, "it looks when it is told to")


def test_the_source_a_zone_is_answered_from_is_named(first: Fragile, second: Fragile, sources) -> None:
    load(first, SMALL, "one.")
    load(second, SMALL, "one.")
    load(second, SMALL, "two.")
    opened = sources()
    held = {name: opened.holder_of(dns.name.from_text(name)) for name in ("one.", "two.", "none.")}
    assert {name: holder and holder[0] for name, holder in held.items()} == {
        "one.": "first",
        "two.": "second",
        "none.": None,
    }
    assert held["two."] == ("second", second)
    opened.close()
