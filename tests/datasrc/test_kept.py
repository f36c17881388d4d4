"""Connections to SQLite that are kept from one transaction to the next."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import column, create_engine, insert, select, table

import datasrc
from datasrc.database.engine import Database
from datasrc.database.kept import KEPT, KeptConnections
from datasrc.database.prepared import Prepared
from datasrc.database.schema import counters
from datasrc.errors import StorageError

NAMES = select(counters.c.name).order_by(counters.c.name)
FIRST = [b"outbox"]
_NOWHERE = Prepared(select(column("name")).select_from(table("nowhere")))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path}/zones.sqlite"
    datasrc.open(url, create=True).close()
    made = Database(url)
    yield made
    made.close()


def names(database: Database) -> list[bytes]:
    with database.read() as connection:
        return list(connection.execute(NAMES).scalars())


def driver(database: Database) -> object:
    with database.read() as connection:
        return connection.connection.driver_connection


def test_one_transaction_after_the_other_has_the_same_connection(database: Database) -> None:
    with database.change() as connection:
        first = connection.connection.driver_connection
        connection.execute(insert(counters).values(name=b"a", last=0))
    assert names(database) == [b"a", *FIRST]
    assert driver(database) is first


def test_a_change_that_fails_leaves_nothing(database: Database) -> None:
    def fail() -> None:
        with database.change() as connection:
            connection.execute(insert(counters).values(name=b"a", last=0))
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        fail()
    assert names(database) == FIRST
    with database.change() as connection:  # the lock is nobody's
        connection.execute(insert(counters).values(name=b"b", last=0))
    assert names(database) == [b"b", *FIRST]


def test_what_a_reader_writes_is_not_kept(database: Database) -> None:
    with database.read() as connection:
        connection.execute(insert(counters).values(name=b"a", last=0))
    assert names(database) == FIRST


def test_each_reader_sees_what_was_there_when_it_first_asked(database: Database) -> None:
    with database.read() as connection:
        assert list(connection.execute(NAMES).scalars()) == FIRST
        with database.change() as other:
            other.execute(insert(counters).values(name=b"a", last=0))
        assert list(connection.execute(NAMES).scalars()) == FIRST
    assert names(database) == [b"a", *FIRST]


def test_more_readers_at_once_than_are_kept_find_connections(database: Database) -> None:
    for _ in range(2):
        with ExitStack() as stack:
            each = [stack.enter_context(database.read()) for _ in range(3 * KEPT)]
            assert len({id(one.connection.driver_connection) for one in each}) == len(each)


def test_a_file_that_was_replaced_is_read_anew_also_by_who_was_reading(database: Database, tmp_path: Path) -> None:
    assert database.path is not None
    other = tmp_path / "other.sqlite"
    datasrc.open(f"sqlite:///{other}", create=True).close()
    assert database.replaced()  # it was not looked at before
    with database.read() as connection:
        connection.execute(NAMES)
        before = driver(database)
        other.replace(database.path)
        assert database.replaced()
    with database.change() as connection:
        connection.execute(insert(counters).values(name=b"new", last=0))
    assert driver(database) is not before
    with closing(Database(f"sqlite:///{database.path}")) as anew, anew.read() as connection:
        assert list(connection.execute(NAMES).scalars()) == [b"new", *FIRST]


class Raced(list[Any]):
    """What another thread takes from as soon as somebody has looked how much there is."""

    def __len__(self) -> int:
        return 1


def test_a_connection_that_is_taken_while_all_are_closed_is_no_failure() -> None:
    kept = KeptConnections(create_engine("sqlite://"))
    kept._idle = Raced()
    kept.close()
    assert type(kept._idle) is list


def test_an_error_of_the_driver_is_told_as_ours(database: Database) -> None:
    def ask() -> None:
        with database.change() as connection:
            _NOWHERE.rows(connection, {})

    with pytest.raises(StorageError, match="no such table"):
        ask()
    assert names(database) == FIRST
