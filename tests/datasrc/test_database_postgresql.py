"""A PostgreSQL server keeps the contract too. Runs where the server's programs and psycopg are installed."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import delete, update

import datasrc
from datasrc.database.engine import Database
from datasrc.database.schema import counters, metadata
from datasrc.errors import StorageError
from datasrc.source import DataSource
from tests.datasrc.contract import LookupContract, ZonesContract
from tests.datasrc.contract_history import ChangesContract, JournalContract
from tests.datasrc.contract_writing import ConcurrencyContract, UpdaterContract
from tests.kit.postgres import PostgresServer


@pytest.fixture(scope="module")
def url(postgres_server: PostgresServer) -> str:
    return postgres_server.url(postgres_server.create_database())


@pytest.fixture(scope="module")
def opened(url: str) -> Iterator[DataSource]:
    source = datasrc.open(url, create=True)
    yield source
    source.close()


@pytest.fixture
def source(opened: DataSource, url: str) -> DataSource:
    database = Database(url)
    with database.write() as connection:
        for table in reversed(metadata.sorted_tables):
            if table is not counters:
                connection.execute(delete(table))
        connection.execute(update(counters).values(last=0))
    database.close()
    return opened


def test_a_server_that_is_not_there_is_told_without_the_password() -> None:
    with pytest.raises(StorageError, match="connection") as caught:
        datasrc.open("postgresql+psycopg://ann:secret@/zones?host=/nowhere")
    assert "secret" not in str(caught.value)


class TestLookup(LookupContract):
    pass


class TestZones(ZonesContract):
    pass


class TestUpdater(UpdaterContract):
    pass


class TestConcurrency(ConcurrencyContract):
    pass


class TestJournal(JournalContract):
    pass


class TestChanges(ChangesContract):
    pass
