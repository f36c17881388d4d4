"""What every store keeps: the contract of `cfgmgr.store.Store`, on files, SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest

from cfgmgr import directory_store
from cfgmgr.database_store import DatabaseStore
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.errors import StoreLocked
from cfgmgr.store import Draft, Revision, Store
from cfgmgr.tree import Change, apply

NOW = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
HOSTILE = "'; DROP TABLE x; -- \u00fc \U0001f980 \"\\"

Opener = Callable[[], Store]


@pytest.fixture(params=["files", "files, large", "sqlite", "postgresql"])
def opener(request, tmp_path, monkeypatch) -> Opener:
    """Opens the store, the same each time."""
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
        return lambda: DatabaseStore(url)
    if request.param == "sqlite":
        return lambda: DatabaseStore(f"sqlite:///{tmp_path}/state/config/config.sqlite")
    if request.param == "files, large":  # each revision builds on the one before
        monkeypatch.setattr(directory_store, "SMALL_SNAPSHOT", 0)
    return lambda: DirectoryStore(tmp_path / "state" / "config")


@pytest.fixture
def store(opener) -> Iterator[Store]:
    opened = opener()
    yield opened
    opened.close()


def change(path, old, new):
    return Change(tuple(path.split("/")), old, new)


def commit(store, *changes, author="alice", reason="because"):
    revision = Revision(store.next_number, NOW, author, reason, changes)
    store.append(revision, apply(store.state, changes))
    return revision


def reopened(store, opener):
    store.close()
    return opener()


def test_an_empty_store_has_no_revision(store):
    assert (store.head, store.state, store.damage, store.next_number) == (None, {}, [], 1)
    assert list(store.revisions()) == []
    assert store.drafts() == []


def test_what_was_appended_is_there_at_the_next_start(store, opener):
    first = commit(
        store, change("auth", None, {"version": "1"}), change("zones", None, {"a.example": {}, "b.example": {}})
    )
    second = commit(store, change("zones/a.example/notify", None, "off"), change("auth/version", "1", "2"))
    store = reopened(store, opener)
    assert store.state == {"auth": {"version": "2"}, "zones": {"a.example": {"notify": "off"}, "b.example": {}}}
    assert (store.head, store.next_number, store.damage) == (second, 3, [])
    assert list(store.revisions()) == [second, first]
    store.close()


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ([change("zones/a.example", {"x": 1}, None)], {"zones": {"b.example": {}}, "n": 1}),
        ([change("zones", {"a.example": {"x": 1}, "b.example": {}}, None)], {"n": 1}),
        ([change("zones/c.example", None, {"y": [1, None, True, 1.5]})], None),
        ([change("n", 1, None), change("m", None, {"deep": {"list": [{}]}})], None),
        ([Change((), None, {"only": "this"})], {"only": "this"}),
        ([change("zones", {"a.example": {"x": 1}, "b.example": {}}, {"b.example": {"z": 1}})], None),
    ],
)
def test_any_change_leads_to_its_state(store, opener, changes, state):
    begin = (change("n", None, 1), change("zones", None, {"a.example": {"x": 1}, "b.example": {}}))
    commit(store, *begin)
    commit(store, *changes)
    expected = apply(apply({}, begin), changes) if state is None else state
    assert store.state == expected
    store = reopened(store, opener)
    assert store.state == expected
    store.close()


def test_history_has_author_time_reason_and_changes_newest_first(store):
    made = [commit(store, change("n", number or None, number + 1), author=f"a{number}") for number in range(5)]
    assert list(store.revisions()) == made[::-1]
    assert list(store.revisions(before=3)) == made[1::-1]
    assert list(store.revisions(before=1)) == []
    for before in (0, 3, 1):
        short = [(r.number, r.time, r.author, r.reason, len(r.changes)) for r in store.revisions(before)]
        assert [(s.number, s.time, s.author, s.reason, s.count) for s in store.summaries(before)] == short
    assert made[2] == Revision(3, NOW, "a2", "because", (change("n", 2, 3),))


def test_long_histories_are_read_in_pages(store, monkeypatch):
    monkeypatch.setattr("cfgmgr.database_store.PAGE", 3)
    for number in range(8):
        commit(store, change("n", number or None, number + 1))
    assert [revision.number for revision in store.revisions()] == list(range(8, 0, -1))


def test_any_text_is_kept_as_it_is(store, opener):
    commit(store, change(f"zones/{HOSTILE}", None, {HOSTILE: HOSTILE}), author=HOSTILE[:64], reason=HOSTILE)
    store.keep(Draft(HOSTILE[:64], 1, (change("n", HOSTILE, None),)))
    store = reopened(store, opener)
    assert store.state == {"zones": {HOSTILE: {HOSTILE: HOSTILE}}}
    assert store.head is not None
    assert (store.head.author, store.head.reason) == (HOSTILE[:64], HOSTILE)
    assert store.drafts() == [Draft(HOSTILE[:64], 1, (change("n", HOSTILE, None),))]
    store.close()


def test_candidates_are_kept_by_author(store, opener):
    drafts = [Draft(name, 1, (change("n", None, name),)) for name in ("alice", "Alice", "a/../b", "\u00fc", "a b")]
    for draft in drafts:
        store.keep(draft)
    store.keep(Draft("alice", 2, ()))
    store.forget("Alice")
    store.forget("nobody")
    store = reopened(store, opener)
    found = sorted(store.drafts(), key=lambda draft: draft.author)
    assert found == sorted([Draft("alice", 2, ()), *drafts[2:]], key=lambda draft: draft.author)
    store.close()


def test_a_second_cfgmgr_is_refused(store, opener, monkeypatch):
    monkeypatch.setattr("cfgmgr.database_store.LOCK_PATIENCE", 0.3)
    with pytest.raises(StoreLocked, match="in use by another cfgmgr"):
        opener()
    store.close()
    opener().close()


def test_a_state_can_be_written_as_a_whole(store, opener):
    commit(store, change("n", None, 1), change("zones", None, {"a.example": {}}))
    state = {"n": 2, "zones": {"b.example": {}}}
    store.append(Revision(2, NOW, "bob", "", (change("n", 1, 2),)), state, whole=True)
    store = reopened(store, opener)
    assert store.state == state
    store.close()


def test_maintenance_changes_nothing_that_can_be_seen(store, opener):
    for number in range(30):
        commit(store, change("n", number or None, number + 1))
        store.maintain()
    before = (store.head, store.state, list(store.revisions()), store.next_number)
    store = reopened(store, opener)
    assert (store.head, store.state, list(store.revisions()), store.next_number) == before
    store.close()
