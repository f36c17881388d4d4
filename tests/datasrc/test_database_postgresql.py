"""A PostgreSQL server keeps the contract too. Runs where the server's programs and psycopg are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, update

import datasrc
from datasrc.database.engine import Database
from datasrc.database.schema import counters, metadata
from datasrc.errors import StorageError
from datasrc.source import DataSource
from tests.datasrc.contract import LookupContract, Serve, ZonesContract
from tests.datasrc.contract_history import ChangesContract, JournalContract
from tests.datasrc.contract_writing import ConcurrencyContract, UpdaterContract
from tests.datasrc.zonemaking import load

pytest.importorskip("psycopg", reason="the extra for PostgreSQL is not installed")
NEEDED = ("initdb", "pg_ctl", "setpriv")
if not all(shutil.which(program) for program in NEEDED):
    pytest.skip("the programs of a PostgreSQL server are not installed", allow_module_level=True)

NOBODY = "65534"
DEADLINE = 120


def run(*command: str) -> None:
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        command = ("setpriv", "--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", *command)
    subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=DEADLINE, cwd="/")


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    directory = Path("/tmp") / f"datasrc-postgresql-{os.getpid()}"  # short, and open to the server's account
    directory.mkdir()
    if os.geteuid() == 0:
        os.chown(directory, int(NOBODY), int(NOBODY))
    try:
        run("initdb", "-D", f"{directory}/data", "-U", "bob", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        options = f"-c listen_addresses= -c unix_socket_directories={directory} -c fsync=off"
        run("pg_ctl", "-D", f"{directory}/data", "-w", "-l", f"{directory}/log", "-o", options, "start")
        try:
            yield f"postgresql+psycopg://bob@/postgres?host={directory}"
        finally:
            run("pg_ctl", "-D", f"{directory}/data", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(directory)


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


@pytest.fixture
def serve(source: DataSource) -> Serve:
    def serve(zones: dict[str, str]) -> DataSource:
        for origin, text in zones.items():
            load(source, text, origin)
        return source

    return serve


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
