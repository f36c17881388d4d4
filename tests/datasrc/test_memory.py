"""Memory keeps the contract of data sources."""

from __future__ import annotations

import pytest

from datasrc.memory import MemorySource
from datasrc.source import DataSource
from tests.datasrc.contract import LookupContract, ZonesContract
from tests.datasrc.contract_history import ChangesContract, JournalContract
from tests.datasrc.contract_writing import ConcurrencyContract, UpdaterContract


@pytest.fixture
def source() -> DataSource:
    return MemorySource()


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
