"""Which store is opened, and what becomes of what the files hold."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from cfgmgr import stores
from cfgmgr.directory_store import DirectoryStore
from cfgmgr.errors import ArgumentError, StoreMoved
from cfgmgr.store import Draft, Revision
from cfgmgr.stores import open_store
from cfgmgr.tree import Change, apply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def opened(where, state):
    return open_store(where, state, lambda text: text.replace("{state_dir}", str(state)))


def fill(store, count=3):
    for number in range(1, count + 1):
        changes = (Change(("n",), number - 1 or None, number),)
        store.append(Revision(store.next_number, NOW, "alice", f"{number}", changes), apply(store.state, changes))
    store.keep(Draft("bert", count, (Change(("m",), None, 1),)))


@pytest.fixture
def filled(tmp_path):
    with_files = opened("files", tmp_path)
    fill(with_files)
    seen = contents(with_files)
    with_files.close()
    return tmp_path, seen


def contents(store):
    return store.head, store.state, list(store.revisions()), store.drafts(), store.next_number


def test_files_are_what_there_is_where_nothing_is_said(tmp_path):
    store = opened("files", tmp_path)
    assert isinstance(store, DirectoryStore)
    assert store.name == str(tmp_path / "config")
    store.close()


def test_our_own_database_is_beside_the_files(tmp_path):
    store = opened("database", tmp_path)
    assert store.name == f"sqlite:///{tmp_path}/config/config.sqlite"
    fill(store)
    before = contents(store)
    store.close()
    store = opened("database", tmp_path)
    assert contents(store) == before
    store.close()


def test_directories_are_filled_in(tmp_path):
    store = opened("sqlite:///{state_dir}/elsewhere.sqlite", tmp_path)
    store.close()
    assert (tmp_path / "elsewhere.sqlite").exists()


def test_a_database_takes_over_what_the_files_hold(filled):
    state, before = filled
    store = opened("database", state)
    assert contents(store) == before
    store.close()
    store = opened("database", state)
    assert contents(store) == before
    store.close()


def test_files_that_were_taken_over_do_not_come_into_effect_again(filled):
    state, before = filled
    opened("database", state).close()
    with pytest.raises(StoreMoved, match=r"moved to database: start with --config-store; or remove .*moved-to"):
        opened("files", state)
    (state / "config" / "moved-to").unlink()
    store = opened("files", state)
    assert contents(store) == before
    store.close()


@pytest.mark.parametrize("at", range(1, 5))
def test_a_copy_that_broke_off_is_begun_again(filled, monkeypatch, at):
    state, before = filled
    calls = 0
    real = stores.copy

    def broken(source, target):
        def count(method):
            def call(*arguments, **options):
                nonlocal calls
                calls += 1
                if calls == at:
                    raise KeyboardInterrupt
                return method(*arguments, **options)

            return call

        monkeypatch.setattr(target, "append", count(target.append))
        monkeypatch.setattr(target, "keep", count(target.keep))
        real(source, target)

    with monkeypatch.context() as patch:
        patch.setattr(stores, "copy", broken)
        with pytest.raises(KeyboardInterrupt):
            opened("database", state)
    store = opened("files", state)  # still the truth
    assert contents(store) == before
    store.close()
    store = opened("database", state)
    assert contents(store) == before
    store.close()


def test_a_database_that_has_a_configuration_keeps_it(filled):
    state, _ = filled
    store = opened("sqlite:///{state_dir}/other.sqlite", state)
    store.append(Revision(store.next_number, NOW, "eve", "", (Change(("n",), 3, 4),)), {"n": 4})
    store.close()
    (state / "config" / "moved-to").unlink()
    store = opened("sqlite:///{state_dir}/other.sqlite", state)
    assert store.state == {"n": 4}
    store.close()


def test_a_history_with_a_gap_is_taken_over_with_the_newest_state_whole(filled):
    state, _ = filled
    (state / "config" / "revision-00000002").write_text("junk")
    store = opened("database", state)
    assert [revision.number for revision in store.revisions()] == [3, 1]
    store.close()
    store = opened("database", state)
    assert store.state == {"n": 3}
    assert store.next_number == 4
    store.close()


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("nonsense", "wants files, database or the URL of a database, not 'nonsense'"),
        ("postgresql://ann:secret@host/db", "no password in a URL"),
        ("nodatabase://host/db", "no database driver"),
    ],
)
def test_what_is_no_store_is_said_without_secrets(tmp_path, where, said):
    with pytest.raises(Exception, match=said) as caught:
        opened(where, tmp_path)
    assert "secret" not in str(caught.value)
    assert where == "nodatabase://host/db" or isinstance(caught.value, ArgumentError)
