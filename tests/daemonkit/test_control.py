"""The control channel: messages, descriptors, end-of-file."""

from __future__ import annotations

import asyncio
import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemonkit import control
from daemonkit.errors import ControlError


class End:
    """One end that records what it gets."""

    def __init__(self, end: socket.socket) -> None:
        self.packets: asyncio.Queue[tuple[bytes, list[int]]] = asyncio.Queue()
        self.ended = asyncio.Event()
        self.channel = control.ControlChannel(
            end, on_packet=lambda data, fds: self.packets.put_nowait((data, fds)), on_end=self.ended.set
        )

    async def next(self) -> tuple[bytes, list[int]]:
        return await asyncio.wait_for(self.packets.get(), 60)


@pytest.fixture
def ends():
    pair = control.control_pair()
    yield pair
    for end in pair:
        end.close()


FROM_CHILD = [control.Ready(), control.Heartbeat(7, "loading"), control.Stopping("why"), control.SocketsTaken(3)]
TO_CHILD = [
    control.Stop(),
    control.Died(12, "auth", "1"),
    control.Sockets(2, "0", (control.SocketPlace("udp", "::1", 53),), more=True),
]


@pytest.mark.parametrize("message", FROM_CHILD)
def test_what_a_child_says_is_understood(message):
    assert control.decode_from_child(control.encode(message)) == message


@pytest.mark.parametrize("message", TO_CHILD)
def test_what_bob_says_is_understood(message):
    assert control.decode_to_child(control.encode(message)) == message


@given(st.binary(max_size=200))
def test_garbage_is_a_control_error(data):
    for decode in (control.decode_from_child, control.decode_to_child):
        try:
            decode(data)
        except ControlError:
            pass


def test_a_packet_over_the_limit_is_refused_by_the_sender():
    with pytest.raises(ControlError, match="over the limit"):
        control.encode(control.Stopping("x" * control.MAX_PACKET))


@pytest.mark.asyncio
async def test_descriptors_travel_with_their_packet(ends):
    ours, theirs = End(ends[0]), End(ends[1])
    read, write = os.pipe()
    ours.channel.send(b"here", [write])
    os.close(write)
    packet, descriptors = await theirs.next()
    assert packet == b"here"
    assert not os.get_inheritable(descriptors[0])
    os.write(descriptors[0], b"through")
    assert os.read(read, 10) == b"through"
    control.close_all([read, *descriptors])
    ours.channel.close()
    theirs.channel.close()


@pytest.mark.asyncio
async def test_the_death_of_one_side_is_the_end_for_the_other(ends):
    ours, theirs = End(ends[0]), End(ends[1])
    theirs.channel.close()
    await asyncio.wait_for(ours.ended.wait(), 60)


@pytest.mark.asyncio
async def test_packets_wait_in_order_for_a_side_that_does_not_read(ends):
    ours = End(ends[0])
    sent = [str(number).encode() for number in range(control.ControlChannel.MAX_WAITING)]
    for packet in sent:
        ours.channel.send(packet)
    theirs = End(ends[1])
    assert [(await theirs.next())[0] for _ in sent] == sent
    ours.channel.close()
    theirs.channel.close()


@pytest.mark.asyncio
async def test_a_side_that_never_reads_breaks_the_channel_instead_of_filling_memory(ends):
    ours = End(ends[0])
    for _ in range(20 * control.ControlChannel.MAX_WAITING):
        ours.channel.send(b"x" * 1000)
    assert ours.ended.is_set()
    ends[1].close()


@pytest.mark.asyncio
async def test_sending_to_the_dead_is_quiet(ends):
    ours = End(ends[0])
    ends[1].close()
    ours.channel.send(b"anyone?")
    await asyncio.wait_for(ours.ended.wait(), 60)
    ours.channel.send(b"still there?")


@pytest.mark.asyncio
async def test_the_last_words_of_the_dead_are_read(ends):
    ours, theirs = End(ends[0]), ends[1]
    theirs.send(b"one")
    theirs.send(b"two")
    theirs.close()
    ours.channel.drain()
    assert [(await ours.next())[0], (await ours.next())[0]] == [b"one", b"two"]
    assert ours.ended.is_set()


@pytest.mark.asyncio
async def test_a_packet_over_the_limit_ends_the_channel(ends):
    ours, theirs = End(ends[0]), ends[1]
    theirs.send(b"x" * (control.MAX_PACKET + 1))
    await asyncio.wait_for(ours.ended.wait(), 60)
    assert ours.packets.empty()
