"""The store in a database when the database fails: what was acknowledged is there, what was not is known or told."""

from __future__ import annotations

import os
import sqlite3
from datetime import UTC, datetime

import pytest
from sqlalchemy import event, update

from cfgmgr import database_schema, database_store
from cfgmgr.database_store import DatabaseStore
from cfgmgr.errors import StoreTooNew, StoreUncertain, StoreUnreachable, StoreUnusable
from cfgmgr.store import Revision
from cfgmgr.tree import Change, apply

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(database_store, "RESOLVE_PATIENCE", 1.0)


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/config/config.sqlite"


def commit(store, value):
    changes = (Change(("n",), store.state.get("n"), value),)
    store.append(Revision(store.next_number, NOW, "alice", "", changes), apply(store.state, changes))


def reopened(url):
    store = DatabaseStore(url)
    try:
        return store.head.number if store.head else 0, store.state
    finally:
        store.close()


def test_one_row_of_many_costs_one_row(url):
    """Else a change of one zone takes the time of all."""
    store = DatabaseStore(url)
    rows = {f"z{number}.example": {"notify": "off"} for number in range(1000)}
    store.append(Revision(1, NOW, "alice", "", (Change(("zones",), None, rows),)), {"zones": rows})
    statements = []

    def note(_connection, _cursor, statement, parameters, _context, _many):
        statements.append((statement.split()[0], str(parameters)))

    event.listen(store._database.engine, "before_cursor_execute", note)
    change = Change(("zones", "z7.example", "notify"), "off", "auto")
    store.append(Revision(2, NOW, "alice", "", (change,)), apply(store.state, [change]))
    assert len(statements) < 10
    assert "z8.example" not in str(statements)
    store.close()


def test_the_file_is_for_the_suite_only(url, tmp_path):
    DatabaseStore(url).close()
    assert (tmp_path / "config").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "config" / "config.sqlite").stat().st_mode & 0o007 == 0


def test_a_newer_format_is_refused(url):
    store = DatabaseStore(url)
    commit(store, 1)
    with store._database.write() as connection:
        connection.execute(update(database_schema.store).values(format=2))
    store.close()
    with pytest.raises(StoreTooNew, match="has format 2, and this release reads up to 1"):
        DatabaseStore(url)


def test_a_file_that_is_no_database_is_named(url, tmp_path):
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "config.sqlite").write_bytes(b"x" * 5000)
    with pytest.raises(StoreUnusable, match=r"config\.sqlite.*not an SQLite database"):
        DatabaseStore(url)


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "state").write_text("a file")
    with pytest.raises(StoreUnusable, match=r"state cannot be used: (Not a directory|File exists)"):
        DatabaseStore(f"sqlite:///{tmp_path}/state/config.sqlite")


def test_a_revision_is_written_only_on_top_of_the_one_that_was_read(url):
    """Should the lock be lost, two cfgmgr must not both win."""
    first = DatabaseStore(url)
    commit(first, 1)
    os.close(first._file_lock)
    first._file_lock = -1
    second = DatabaseStore(url)
    commit(second, 2)
    with pytest.raises(StoreUncertain, match=r"somebody else wrote revision 2 to sqlite.*where 1 was the newest"):
        commit(first, 3)
    first.close()
    second.close()
    assert reopened(url) == (2, {"n": 2})


@pytest.mark.parametrize("done", [True, False])
def test_a_commit_without_an_answer_is_looked_up(url, monkeypatch, done):
    store = DatabaseStore(url)
    commit(store, 1)

    lost: list[bool] = []

    @event.listens_for(store._database.engine, "commit")
    def lose(connection):
        if not lost:  # the answer of this one is lost
            lost.append(True)
            driver = connection.connection.driver_connection
            driver.execute("COMMIT" if done else "ROLLBACK")
            raise sqlite3.OperationalError("the answer was lost")

    if done:
        commit(store, 2)
    else:
        with pytest.raises(StoreUnusable, match="did not take the change"):
            commit(store, 2)
    assert store.state == {"n": 2 if done else 1}
    commit(store, 3)
    store.close()
    assert reopened(url)[1] == {"n": 3}


def test_a_commit_whose_outcome_stays_unknown_is_told(url, monkeypatch):
    store = DatabaseStore(url)
    commit(store, 1)

    @event.listens_for(store._database.engine, "commit")
    def lose(_connection):
        raise sqlite3.OperationalError("the answer was lost")

    def unreachable(_revision):
        raise StoreUnreachable("no server")

    monkeypatch.setattr(store, "_there", unreachable)
    with pytest.raises(StoreUncertain, match="no answer came to a commit, and no server"):
        commit(store, 2)
    store.close()


def test_a_server_that_stops_loses_nothing_and_comes_back(own_postgres):
    url = own_postgres.url(own_postgres.create_database())
    store = DatabaseStore(url)
    commit(store, 1)
    for immediately in (False, True):
        own_postgres.stop(immediately=immediately)
        with pytest.raises(StoreUnreachable):
            commit(store, 2)
        with pytest.raises(StoreUnreachable):
            DatabaseStore(url)
        assert store.state == {"n": 1}
        own_postgres.start()
    commit(store, 3)
    store.close()
    assert reopened(url) == (2, {"n": 3})


def test_a_server_that_dies_at_the_commit_is_asked_what_became_of_it(own_postgres):
    url = own_postgres.url(own_postgres.create_database())
    store = DatabaseStore(url)
    commit(store, 1)

    died: list[bool] = []

    @event.listens_for(store._database.engine, "commit")
    def die(_connection):
        if not died:
            died.append(True)
            own_postgres.stop(immediately=True)
            own_postgres.start()

    with pytest.raises(StoreUnusable, match="did not take the change"):
        commit(store, 2)
    commit(store, 3)
    store.close()
    assert reopened(url) == (2, {"n": 3})
