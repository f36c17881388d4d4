"""Each call that waits gets one outcome; what comes later is nobody's."""

from __future__ import annotations

import asyncio

import pytest

from msgq import envelope
from msgq.calls import PendingCalls
from msgq.errors import BusLost, DeadlineExceeded, NoRecipient, RecipientDied, Refused

TOKEN = "0" * 16


@pytest.mark.asyncio
async def test_ids_belong_to_the_session_and_grow():
    calls = PendingCalls(TOKEN)
    assert [calls.start(None).id for _ in range(3)] == [f"{TOKEN}-{number}" for number in (1, 2, 3)]


@pytest.mark.asyncio
async def test_a_repeat_has_a_serial_of_its_own():
    calls = PendingCalls(TOKEN)
    first, repeat = calls.start(None), calls.start(f"{TOKEN}-1")
    assert first.id == repeat.id
    calls.failed(envelope.Outcome(serial=first.serial, kind="deadline", text="late"))
    assert not repeat.outcome.done()
    calls.answered(envelope.Result(serial=repeat.serial), b"1")
    assert await repeat.outcome == b"1"
    calls.end(first)
    calls.end(repeat)
    assert len(calls) == 0


@pytest.mark.asyncio
async def test_the_first_outcome_counts():
    calls = PendingCalls(TOKEN)
    call = calls.start(None)
    calls.answered(envelope.Result(serial=call.serial), b"1")
    calls.answered(envelope.Result(serial=call.serial), b"2")
    calls.failed(envelope.Outcome(serial=call.serial, kind="deadline", text="late"))
    calls.lose("gone", unsent_too=True)
    assert await call.outcome == b"1"
    calls.end(call)
    calls.answered(envelope.Result(serial=call.serial), b"3")
    assert calls.late == 3


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("refused", Refused),
        ("no-recipient", NoRecipient),
        ("recipient-died", RecipientDied),
        ("deadline", DeadlineExceeded),
    ],
)
async def test_every_outcome_has_its_exception(kind, error):
    calls = PendingCalls(TOKEN)
    call = calls.start(None)
    calls.failed(envelope.Outcome(serial=call.serial, kind=kind, text="so", code="conflict"))
    with pytest.raises(error, match="so") as raised:
        await call.outcome
    assert raised.value.call_id == call.id


@pytest.mark.asyncio
async def test_a_lost_broker_fails_what_it_had_and_nothing_else():
    calls = PendingCalls(TOKEN)
    sent, unsent = calls.start(None), calls.start(None)
    sent.mark_sent()
    calls.lose("gone")
    with pytest.raises(BusLost) as lost:
        await sent.outcome
    assert lost.value.maybe_done
    assert not unsent.outcome.done()
    calls.lose("closed", unsent_too=True)
    with pytest.raises(BusLost) as lost:
        await unsent.outcome
    assert not lost.value.maybe_done


@pytest.mark.asyncio
async def test_an_outcome_nobody_looks_at_is_no_warning():
    calls = PendingCalls(TOKEN)
    call = calls.start(None)
    call.mark_sent()
    calls.lose("gone")
    calls.end(call)
    del call
    await asyncio.sleep(0)
