"""ZeroMQ sockets on the loop: nothing is overlooked, whatever a receiver does."""

from __future__ import annotations

import asyncio
import itertools

import pytest
import pytest_asyncio
import zmq

from msgq.link import BATCH, LoopSocket
from tests.msgq.contract import until

NUMBERS = itertools.count()


@pytest_asyncio.fixture
async def pair():
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    ours, theirs = context.socket(zmq.PAIR), context.socket(zmq.PAIR)
    for end in (ours, theirs):
        end.setsockopt(zmq.LINGER, 0)
        end.setsockopt(zmq.SNDHWM, 10_000)
        end.setsockopt(zmq.RCVHWM, 10_000)
    address = f"inproc://test_link-{next(NUMBERS)}"  # a closed socket gives its name back only after a while
    ours.bind(address)
    theirs.connect(address)
    yield ours, theirs
    ours.close()
    theirs.close()


@pytest.mark.asyncio
async def test_messages_that_were_there_before_are_delivered(pair):
    ours, theirs = pair
    for number in range(5 * BATCH):
        theirs.send(str(number).encode())
    heard = []
    socket = LoopSocket(ours, lambda end: heard.append(int(end.recv(zmq.DONTWAIT))))
    await until(lambda: heard == list(range(5 * BATCH)))
    socket.close()


@pytest.mark.asyncio
async def test_a_receiver_that_fails_does_not_stop_what_comes_after(pair):
    ours, theirs = pair
    heard, errors = [], []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: errors.append(context["exception"]))

    def receive(end):
        heard.append(int(end.recv(zmq.DONTWAIT)))
        if heard[-1] % 2:
            raise RuntimeError("odd")

    socket = LoopSocket(ours, receive)
    for number in range(10):
        theirs.send(str(number).encode())
    await until(lambda: heard == list(range(10)))
    assert len(errors) == 5
    socket.close()


@pytest.mark.asyncio
async def test_the_loop_turns_while_messages_pour_in(pair):
    ours, theirs = pair
    turns, heard = 0, 0

    def receive(end):
        nonlocal heard
        end.recv(zmq.DONTWAIT)
        heard += 1

    socket = LoopSocket(ours, receive)
    for _ in range(50 * BATCH):
        theirs.send(b"x")
    while heard < 50 * BATCH:
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 25
    socket.close()


@pytest.mark.asyncio
async def test_a_receiver_may_close_its_socket(pair):
    ours, theirs = pair
    theirs.send(b"1")
    theirs.send(b"2")
    heard = []

    def receive(end):
        heard.append(end.recv(zmq.DONTWAIT))
        socket.close()

    socket = LoopSocket(ours, receive)
    await until(lambda: heard)
    await asyncio.sleep(0.01)
    assert heard == [b"1"]
    socket.close()


@pytest.mark.asyncio
async def test_room_is_told_after_a_refused_send():
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context.instance()
    ours, theirs = context.socket(zmq.PUSH), context.socket(zmq.PULL)
    for end in (ours, theirs):
        end.setsockopt(zmq.LINGER, 0)
        end.setsockopt(zmq.SNDHWM, 2)
        end.setsockopt(zmq.RCVHWM, 2)
    ours.bind("inproc://test_room")
    theirs.connect("inproc://test_room")
    told = []

    def receive(_end):
        raise zmq.Again

    socket = LoopSocket(ours, receive, lambda: told.append("room"))
    with pytest.raises(zmq.Again):
        for _ in range(100):
            socket.send([b"x"])
    await asyncio.sleep(0.01)
    told.clear()
    with pytest.raises(zmq.Again):
        socket.send([b"x"])
    for _ in range(4):
        theirs.recv()
    await until(lambda: told)
    socket.send([b"y"])
    socket.close()
    theirs.close()
