"""A database in SQLite keeps the contract of data sources."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

import datasrc
from datasrc.source import DataSource
from tests.datasrc.contract import LookupContract, ZonesContract
from tests.datasrc.contract_history import ChangesContract, JournalContract
from tests.datasrc.contract_writing import ConcurrencyContract, UpdaterContract


@pytest.fixture
def source(tmp_path: Path) -> Iterator[DataSource]:
    source = datasrc.open(f"sqlite:///{tmp_path}/zones.sqlite", create=True)
    yield source
    source.close()


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
