"""Memory keeps the contract of data sources."""

from __future__ import annotations

import pytest

from datasrc.memory import MemorySource
from datasrc.source import DataSource
from tests.datasrc.contract import LookupContract, Serve, ZonesContract
from tests.datasrc.contract_history import ChangesContract, JournalContract
from tests.datasrc.contract_writing import ConcurrencyContract, UpdaterContract
from tests.datasrc.zonemaking import load


@pytest.fixture
def source() -> DataSource:
    return MemorySource()


@pytest.fixture
def serve(source: DataSource) -> Serve:
    def serve(zones: dict[str, str]) -> DataSource:
        for origin, text in zones.items():
            load(source, text, origin)
        return source

    return serve


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
