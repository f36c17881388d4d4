"""What waits to be sent goes out in order, and nothing of one broker's to the next."""

from __future__ import annotations

import asyncio

import pytest

from msgq.outgoing import Outgoing


class Pipe:
    def __init__(self, room=1000):
        self.room, self.sent = room, []

    def send(self, frames):
        if len(self.sent) >= self.room:
            return False
        self.sent.append(frames[0])
        return True

    def close(self, linger=0.0):
        pass


def frames(name):
    return name.encode(), b""


@pytest.mark.asyncio
async def test_messages_leave_in_order_as_room_comes():
    outgoing, pipe = Outgoing(), Pipe(room=1)
    outgoing.attach(pipe)
    tasks = [asyncio.create_task(outgoing.send(frames(str(n)))) for n in range(3)]
    await asyncio.sleep(0)
    outgoing.post(frames("3"))
    assert pipe.sent == [b"0"]
    pipe.room = 1000
    outgoing.flush()
    assert pipe.sent == [b"0", b"1", b"2", b"3"]
    assert await asyncio.gather(*tasks) == [True, True, True]


@pytest.mark.asyncio
async def test_what_is_cancelled_is_not_sent():
    outgoing, pipe = Outgoing(), Pipe(room=0)
    outgoing.attach(pipe)
    task = asyncio.create_task(outgoing.send(frames("x")))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    pipe.room = 10
    outgoing.flush()
    assert pipe.sent == []


@pytest.mark.asyncio
async def test_without_a_link_only_lasting_messages_wait():
    outgoing, pipe = Outgoing(), Pipe()
    outgoing.post(frames("posted"))
    assert not await outgoing.send(frames("passing"))
    lasting = asyncio.create_task(outgoing.send(frames("lasting"), lasting=True))
    await asyncio.sleep(0)
    outgoing.attach(pipe, [frames("first")])
    assert await lasting
    assert pipe.sent == [b"first", b"lasting"]


@pytest.mark.asyncio
async def test_when_the_link_is_lost_only_lasting_messages_stay():
    outgoing, pipe = Outgoing(), Pipe(room=0)
    outgoing.attach(pipe)
    passing = asyncio.create_task(outgoing.send(frames("passing")))
    lasting = asyncio.create_task(outgoing.send(frames("lasting"), lasting=True))
    await asyncio.sleep(0)
    outgoing.post(frames("posted"))
    outgoing.detach()
    assert not await passing
    after = Pipe()
    outgoing.attach(after)
    assert await lasting
    assert after.sent == [b"lasting"]


@pytest.mark.asyncio
async def test_giving_up_ends_what_was_to_last():
    outgoing = Outgoing()
    lasting = asyncio.create_task(outgoing.send(frames("lasting"), lasting=True))
    await asyncio.sleep(0)
    outgoing.give_up_lasting()
    assert not await lasting


@pytest.mark.asyncio
async def test_sent_is_told_before_any_answer_can_come():
    outgoing, told = Outgoing(), []
    pipe = Pipe(room=0)
    outgoing.attach(pipe)
    task = asyncio.create_task(outgoing.send(frames("x"), on_sent=lambda: told.append("sent")))
    await asyncio.sleep(0)
    assert told == []
    pipe.room = 1
    outgoing.flush()
    assert told == ["sent"]
    await task
