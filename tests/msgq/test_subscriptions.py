"""Events in order, gaps noticed, one handler never in the way of another."""

from __future__ import annotations

import asyncio

import pytest

from msgq import envelope, subscriptions
from msgq.errors import ProtocolError
from msgq.incoming import Gap
from msgq.subscriptions import Subscriptions
from tests.msgq.contract import Ear, until


def event(sequence, topic="news", source="a" * 16):
    return envelope.Event(topic=topic, publisher="p/0", source=source, sequence=sequence)


@pytest.fixture
def ear():
    return Ear()


@pytest.mark.asyncio
async def test_the_first_event_heard_is_no_gap_whatever_its_number():
    ear, heard = Ear(), Subscriptions()
    heard.add("news", ear.hear, ear.miss)
    heard.hear(event(17), b"1")
    heard.hear(event(18), b"2")
    await until(lambda: len(ear.events) == 2)
    assert ear.gaps == []


@pytest.mark.asyncio
async def test_a_missing_number_is_a_gap_before_the_event_after_it():
    ear, heard = Ear(), Subscriptions()
    heard.add("news", ear.hear, ear.miss)
    for sequence in (1, 2, 6):
        heard.hear(event(sequence), b"1")
    await until(lambda: len(ear.events) == 3)
    assert ear.gaps == [Gap("news", "p/0", 3)]


@pytest.mark.asyncio
async def test_each_publisher_and_topic_counts_for_itself():
    ear, heard = Ear(), Subscriptions()
    for topic in ("news", "weather"):
        heard.add(topic, ear.hear, ear.miss)
    heard.hear(event(1), b"1")
    heard.hear(event(5, source="b" * 16), b"1")
    heard.hear(event(9, topic="weather"), b"1")
    heard.hear(event(2), b"1")
    heard.hear(event(6, source="b" * 16), b"1")
    heard.hear(event(10, topic="weather"), b"1")
    await until(lambda: len(ear.events) == 6)
    assert ear.gaps == []


@pytest.mark.asyncio
async def test_a_loss_without_number_is_a_gap():
    ear, heard = Ear(), Subscriptions()
    heard.add("news", ear.hear, ear.miss)
    heard.lose("news")
    heard.lose("weather")
    await until(lambda: ear.gaps)
    assert ear.gaps == [Gap("news", "", 0)]


@pytest.mark.asyncio
async def test_a_slow_handler_does_not_hold_up_another():
    slow, quick, heard = Ear(), Ear(), Subscriptions()
    slow.gate.clear()
    for topic, ear in (("news", slow), ("news", quick), ("weather", quick)):
        heard.add(topic, ear.hear, None)
    heard.hear(event(1), b"1")
    heard.hear(event(1, topic="weather"), b"1")
    await until(lambda: len(quick.events) == 2)
    assert slow.events == []
    await heard.close()


@pytest.mark.asyncio
async def test_waiting_events_are_bounded_in_bytes(monkeypatch):
    monkeypatch.setattr(subscriptions, "QUEUE_BYTES", 1000)
    ear, heard = Ear(), Subscriptions()
    ear.gate.clear()
    heard.add("news", ear.hear, ear.miss)
    for sequence in range(1, 101):
        heard.hear(event(sequence), b"x" * 100)
    ear.gate.set()
    await until(lambda: ear.gaps)
    assert len(ear.events) == 10
    assert ear.gaps == [Gap("news", "", 90)]
    heard.hear(event(101), b"1")
    await until(lambda: len(ear.events) == 11)


@pytest.mark.asyncio
async def test_a_gap_nobody_asked_about_is_no_error():
    ear, heard = Ear(), Subscriptions()
    heard.add("news", ear.hear, None)
    heard.hear(event(1), b"1")
    heard.hear(event(5), b"1")
    await until(lambda: len(ear.events) == 2)


@pytest.mark.asyncio
async def test_sources_are_bounded(monkeypatch):
    monkeypatch.setattr(subscriptions, "SOURCES", 3)
    heard = Subscriptions()
    for number in range(10):
        heard.hear(event(1, source=f"{number:016x}"), b"1")
    assert len(heard._last) == 3


def test_topics_are_bounded(ear):
    heard = Subscriptions()
    for number in range(envelope.MAX_TOPICS):
        assert heard.add(f"t{number}", ear.hear, None)
    with pytest.raises(ProtocolError, match="64 topics"):
        heard.add("more", ear.hear, None)
    assert not heard.add("t0", ear.hear, None)


@pytest.mark.asyncio
async def test_closing_stops_a_handler_in_the_middle():
    cancelled = asyncio.Event()

    async def hear(_event):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    heard = Subscriptions()
    heard.add("news", hear, None)
    heard.hear(event(1), b"1")
    await asyncio.sleep(0)
    await heard.close()
    assert cancelled.is_set()


@pytest.mark.asyncio
async def test_a_handler_may_close_the_session_it_hears_through():
    closed = asyncio.Event()

    async def hear(_event):
        await heard.close()
        closed.set()

    heard = Subscriptions()
    heard.add("news", hear, None)
    heard.hear(event(1), b"1")
    await asyncio.wait_for(closed.wait(), 60)
