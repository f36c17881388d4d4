"""The recipient's side alone: what it drops, what it remembers, where its answers go."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from msgq import envelope
from msgq.answering import Answering
from msgq.envelope import Answer, Delivery, Refusal
from tests.msgq.contract import until


class Recipient:
    """An answering with a handler that waits for its gate, and a wire that keeps what is sent."""

    def __init__(self):
        self.sent: list[tuple[Any, bytes]] = []
        self.handled: list[str] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.answering = Answering(self.send)
        self.answering.handler = self.handle

    async def send(self, frames):
        self.sent.append((envelope.decode_from_member(frames[0]), frames[1]))
        return True

    async def handle(self, call):
        self.handled.append(call.id)
        await self.gate.wait()
        return len(self.handled)

    def deliver(self, number, call=1, *, seconds=5.0, changes=True, payload=b"{}"):
        now = asyncio.get_running_loop().time()
        self.answering.deliver(
            Delivery(
                number=number, id=f"{0:016x}-{call}", caller="c/0", command="x", deadline=now + seconds, changes=changes
            ),
            payload,
        )


@pytest.mark.asyncio
async def test_an_expired_command_is_dropped_without_a_word():
    recipient = Recipient()
    recipient.deliver(1, seconds=0)
    await asyncio.sleep(0.01)
    assert (recipient.handled, recipient.sent, recipient.answering.expired) == ([], [], 1)


@pytest.mark.asyncio
async def test_an_answer_that_is_too_late_is_dropped_but_remembered():
    recipient = Recipient()
    recipient.gate.clear()
    recipient.deliver(1, seconds=0.02)
    await asyncio.sleep(0.05)
    recipient.gate.set()
    await until(lambda: recipient.answering.late == 1)
    recipient.deliver(2)
    await until(lambda: recipient.sent)
    assert recipient.sent == [(Answer(number=2), b"1")]
    assert len(recipient.handled) == 1


@pytest.mark.asyncio
async def test_the_answer_goes_to_who_asked_last():
    recipient = Recipient()
    recipient.gate.clear()
    recipient.deliver(1)
    await asyncio.sleep(0)
    recipient.deliver(2)
    recipient.gate.set()
    await until(lambda: recipient.sent)
    assert recipient.sent == [(Answer(number=2), b"1")]


@pytest.mark.asyncio
async def test_answers_for_a_dead_broker_are_kept_for_the_repeat():
    recipient = Recipient()
    recipient.gate.clear()
    recipient.deliver(1)
    await asyncio.sleep(0)
    recipient.answering.link_lost()
    recipient.gate.set()
    await until(lambda: recipient.answering.running == 0)
    assert recipient.sent == []
    recipient.deliver(1)
    await until(lambda: recipient.sent)
    assert recipient.sent == [(Answer(number=1), b"1")]


@pytest.mark.asyncio
@pytest.mark.parametrize("payload", [b"[]", b"1", b"", b"{", b'"x"', b"\xff", b"[" * 1000])
async def test_arguments_that_are_no_object_are_refused_without_the_handler(payload):
    recipient = Recipient()
    recipient.deliver(1, payload=payload)
    await until(lambda: recipient.sent)
    header, _ = recipient.sent[0]
    assert isinstance(header, Refusal)
    assert header.code == "usage"
    assert recipient.handled == []


@pytest.mark.asyncio
async def test_a_handler_whose_text_cannot_be_sent_is_answered_all_the_same():
    recipient = Recipient()

    async def fail(_call):
        raise RuntimeError("\udcff" * 10_000)

    recipient.answering.handler = fail
    recipient.deliver(1)
    await until(lambda: recipient.sent)
    assert recipient.sent[0][0].code == "failed"


@pytest.mark.asyncio
async def test_closing_lets_handlers_finish_then_refuses():
    recipient = Recipient()
    recipient.gate.clear()
    recipient.deliver(1, call=1)
    await asyncio.sleep(0)
    asyncio.get_running_loop().call_later(0.05, recipient.gate.set)
    await recipient.answering.close(5.0)
    assert recipient.sent == [(Answer(number=1), b"1")]
    recipient.deliver(2, call=2)
    await until(lambda: len(recipient.sent) == 2)
    assert recipient.sent[1][0].code == "unavailable"


@pytest.mark.asyncio
async def test_closing_does_not_wait_for_ever():
    recipient = Recipient()
    recipient.gate.clear()
    recipient.deliver(1, seconds=3600)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await recipient.answering.close(0.05)
    assert recipient.sent[0][0].code == "unavailable"


@pytest.mark.asyncio
async def test_closing_gives_up_on_answers_that_cannot_be_sent():
    recipient = Recipient()

    async def stuck(_frames):
        await asyncio.Event().wait()
        return False

    answering = Answering(stuck)
    answering.handler = recipient.handle
    recipient.answering = answering
    recipient.deliver(1, seconds=3600)
    await asyncio.sleep(0)
    async with asyncio.timeout(60):
        await answering.close(0.05)
