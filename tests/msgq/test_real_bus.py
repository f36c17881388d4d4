"""The real broker, as a process, keeps the contract."""

from __future__ import annotations

import pytest_asyncio

from tests.msgq.contract import Contract
from tests.msgq.living import RealBus


class TestRealBus(Contract):
    @pytest_asyncio.fixture
    async def bus(self, tmp_path):
        bus = RealBus(tmp_path)
        await bus.start_broker()
        yield bus
        await bus.close()
