"""What a session promises about events when its own connection, and no other, is lost."""

from __future__ import annotations

import asyncio
import os

import pytest
import pytest_asyncio

from msgq.envelope import Frames
from msgq.errors import AddressError
from msgq.session import Session
from tests.kit.bus import FakeBus
from tests.msgq.contract import Ear, returns, settled, until


@pytest_asyncio.fixture
async def bus():
    bus = FakeBus()
    yield bus
    await bus.close()


def lose_connection(bus, session):
    assert bus.exchange is not None
    bus.exchange.died(bus._pid_of[session])


@pytest.mark.asyncio
async def test_a_publisher_that_lost_its_connection_says_that_events_may_be_lost(bus):
    ear = Ear()
    listener = await bus.member("listener/0")
    listener.subscribe("news", ear.hear, on_gap=ear.miss)
    listener.subscribe("weather", ear.hear, on_gap=ear.miss)
    await settled(listener)
    speaker = await bus.member("speaker/0")
    await speaker.publish("news", 1)
    back = returns(speaker)
    lose_connection(bus, speaker)
    await until(back)
    await until(lambda: ear.gaps)
    assert [(gap.topic, gap.lost) for gap in ear.gaps] == [("news", 0)]


@pytest.mark.asyncio
async def test_a_publisher_without_room_says_so_when_there_is_room_again(bus, monkeypatch):
    monkeypatch.setattr("msgq.session.PUBLISH_PATIENCE", 0.05)
    ear = Ear()
    listener = await bus.member("listener/0")
    listener.subscribe("news", ear.hear, on_gap=ear.miss)
    await settled(listener)
    speaker = await bus.member("speaker/0")
    bus.stop_broker()
    await asyncio.gather(*(speaker.publish("news", number) for number in range(200)))
    bus.resume_broker()
    await until(lambda: ear.gaps and ear.events)


@pytest.mark.asyncio
async def test_nothing_half_said_to_one_broker_reaches_the_next(bus):
    await bus.member("other/0")
    session = await bus.member("session/0")
    bus.stop_broker()
    news = [asyncio.create_task(session.publish("news", number)) for number in range(200)]
    await asyncio.sleep(0.01)
    back = returns(session)
    bus.kill_broker()
    await asyncio.gather(*news)
    bus.start_broker()
    await until(back)
    await settled(session)
    assert bus.exchange is not None
    assert bus.exchange.routing.counts.events == 0


@pytest.mark.asyncio
async def test_calls_that_wait_for_room_outlive_the_broker(bus):
    session = await bus.member("session/0")
    bus.stop_broker()
    calls = [asyncio.create_task(session.call_raw("nobody", "x", {}, timeout=20)) for _ in range(200)]
    await asyncio.sleep(0.01)
    bus.kill_broker()
    bus.start_broker()
    outcomes = await asyncio.gather(*calls, return_exceptions=True)
    kinds = [type(outcome).__name__ for outcome in outcomes]
    assert kinds == ["BusLost"] * 64 + ["NoRecipient"] * 136


@pytest.mark.asyncio
async def test_members_that_come_and_go_faster_than_one_reads_are_right_in_the_end(bus, monkeypatch):
    ear = Ear()
    watcher = await bus.member("watcher/0")
    watcher.subscribe("membership", ear.hear, on_gap=ear.miss)
    link = bus._link_of[bus._pid_of[watcher]]._inner
    held: list[Frames] = []
    with monkeypatch.context() as patch:
        patch.setattr(link, "hand_over", held.append)
        for number in range(200):
            session = await bus.member(f"guest/{number}")
            if number >= 10:
                await session.close()
    assert watcher.members("guest") == []
    for frames in held:
        link.hand_over(frames)
    await until(lambda: ear.gaps)
    assert [entry.instance for entry in watcher.members("guest")] == [str(number) for number in range(10)]
    assert len(ear.events) < 390


def test_a_session_can_be_made_without_a_loop():
    assert Session("ipc:///nowhere", "a/0", pid=os.getpid()).member == "a/0"
    with pytest.raises(AddressError, match="107"):
        Session("ipc:///" + "x" * 200, "a/0")
