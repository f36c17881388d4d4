"""Calls that may never return: who waits is refused, others go on, and what does not answer is left alone."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from daemonkit import lane as lanes
from daemonkit.lane import Lane, Silent
from daemonkit.log import MessageLog
from daemonkit.spec import Spec
from msgq.errors import Refused

PATIENCE = 0.3
SERVER = "data source 'far'"


class Server:
    """Answers when it is told to."""

    def __init__(self) -> None:
        self.answers = threading.Event()
        self.asked = 0

    def ask(self, lane: Lane, what: str = SERVER) -> str:
        lane.asks(what)
        self.asked += 1
        assert self.answers.wait(60)
        return "answer"


@pytest_asyncio.fixture
async def lane() -> AsyncIterator[Lane]:
    made = Lane("sources", 2, PATIENCE, MessageLog("lane", Spec.load("daemonkit").messages))
    yield made
    made.close()


@pytest_asyncio.fixture
async def far() -> AsyncIterator[Server]:
    """One that does not answer before the end of the test."""
    server = Server()
    yield server
    server.answers.set()


def near(lane: Lane) -> str:
    lane.asks("data source 'near'")
    return "here"


def fails() -> None:
    raise OSError("no")


@pytest.mark.asyncio
async def test_results_and_errors_are_those_of_the_call(lane):
    assert await lane.run(near, lane) == "here"
    with pytest.raises(OSError, match="no"):
        await lane.run(fails)


@pytest.mark.asyncio
async def test_who_waits_too_long_is_refused_and_told_for_what_and_others_go_on(lane, far, caplog):
    refused = await asyncio.gather(lane.run(far.ask, lane), lane.run(far.ask, lane), return_exceptions=True)
    assert [str(one) for one in refused] == [f"{SERVER} did not answer within 0.3 s"] * 2
    assert lane.silent() == [SERVER]
    assert "DAEMON_CALL_LEFT" in caplog.text
    assert await lane.run(near, lane) == "here"


@pytest.mark.asyncio
async def test_what_has_not_answered_a_call_is_asked_again_after_a_while_alone(lane, far, monkeypatch):
    with pytest.raises(Refused):
        await lane.run(far.ask, lane)
    with pytest.raises(Silent, match="data source 'far' has not answered for 0 s"):
        await lane.run(far.ask, lane)
    assert far.asked == 1
    monkeypatch.setattr(lanes, "AGAIN_AFTER", 0.0)
    with pytest.raises(Refused):
        await lane.run(far.ask, lane)
    assert far.asked == 2


@pytest.mark.asyncio
async def test_once_it_has_answered_it_is_asked_as_before(lane, far):
    with pytest.raises(Refused):
        await lane.run(far.ask, lane)
    far.answers.set()
    await until(lambda: lane.silent() == [])
    assert await lane.run(far.ask, lane) == "answer"


@pytest.mark.asyncio
async def test_the_threads_that_are_left_to_themselves_are_bounded(lane, far, monkeypatch):
    monkeypatch.setattr(lanes, "MAX_LEFT", 2)
    for number in range(2):
        with pytest.raises(Refused, match="did not answer"):
            await lane.run(far.ask, lane, f"source {number}")
    with pytest.raises(Refused, match="2 calls that nobody waits for any more have not returned"):
        await lane.run(near, lane)
    far.answers.set()
    await until(lambda: lane.silent() == [])
    assert await lane.run(near, lane) == "here"


@pytest.mark.asyncio
async def test_who_goes_away_leaves_its_call(lane, far):
    gone = asyncio.create_task(lane.run(far.ask, lane))
    await until(lambda: far.asked == 1)
    gone.cancel()
    with pytest.raises(asyncio.CancelledError):
        await gone
    await until(lambda: lane.silent() == [SERVER])
    with pytest.raises(Silent):
        await lane.run(far.ask, lane)


@pytest.mark.asyncio
async def test_what_does_not_answer_one_lane_is_left_alone_by_those_beside_it(lane, far):
    log = MessageLog("lane", Spec.load("daemonkit").messages)
    patient = Lane("changes", 1, 2 * PATIENCE, log, lane)
    with pytest.raises(Refused, match=SERVER):
        await patient.run(far.ask, lane)
    with pytest.raises(Silent):
        await lane.run(far.ask, lane)
    with pytest.raises(Silent):
        await patient.run(far.ask, lane)
    assert far.asked == 1
    patient.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not condition():
            await asyncio.sleep(0.01)
