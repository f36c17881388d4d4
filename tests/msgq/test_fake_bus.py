"""The bus of unit tests keeps the contract."""

from __future__ import annotations

import asyncio

import pytest_asyncio

from msgq.incoming import CommandHandler
from msgq.session import Session
from tests.kit.bus import FakeBus
from tests.msgq.contract import Contract


class Harness:
    """The fake behind the interface of the contract."""

    def __init__(self) -> None:
        self.fake = FakeBus()

    def session(self, member: str) -> Session:
        return self.fake.session(member)

    async def member(self, member: str, handler: CommandHandler | None = None) -> Session:
        return await self.fake.member(member, handler)

    async def hung_member(self, member: str) -> FakeMember:
        async def answer(call):
            if call.command != "echo":
                await asyncio.Event().wait()
            return call.arguments

        return FakeMember(self.fake, await self.fake.member(member, answer))

    async def kill_broker(self) -> None:
        self.fake.kill_broker()

    async def start_broker(self) -> None:
        self.fake.start_broker()

    async def stop_broker(self) -> None:
        self.fake.stop_broker()

    async def resume_broker(self) -> None:
        self.fake.resume_broker()


class FakeMember:
    def __init__(self, fake: FakeBus, session: Session) -> None:
        self._fake = fake
        self._session = session

    async def kill(self) -> None:
        self._fake.kill_member(self._session)


class TestFakeBus(Contract):
    @pytest_asyncio.fixture
    async def bus(self):
        harness = Harness()
        yield harness
        await harness.fake.close()
