"""Messages out of a TCP stream."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.framing import FrameError, Framer, frame


def take_all(framer):
    messages = []
    while (message := framer.take()) is not None:
        messages.append(message)
    return messages


MESSAGES = st.lists(st.binary(min_size=12, max_size=300), max_size=8)


@given(MESSAGES, st.data())
def test_messages_come_out_as_they_went_in_however_cut(messages, data):
    stream = b"".join(map(frame, messages))
    framer, seen = Framer(), []
    while stream:
        cut = data.draw(st.integers(1, len(stream)))
        framer.feed(memoryview(stream)[:cut])
        stream = stream[cut:]
        seen += take_all(framer)
    assert seen == messages
    assert not framer.partial


def test_the_largest_message_passes():
    framer = Framer()
    framer.feed(frame(b"x" * 65535))
    assert framer.take() == b"x" * 65535


@pytest.mark.parametrize("length", range(12))
def test_a_length_below_a_header_is_refused_at_once(length):
    framer = Framer()
    framer.feed(length.to_bytes(2))
    with pytest.raises(FrameError):
        framer.take()


def test_good_messages_before_a_bad_frame_are_taken():
    framer = Framer()
    framer.feed(frame(b"x" * 12) + b"\0\0")
    assert framer.take() == b"x" * 12
    with pytest.raises(FrameError):
        framer.take()


@pytest.mark.parametrize("part", [b"\0", b"\0\x0c", b"\0\x0c" + b"x" * 11])
def test_part_of_a_message_is_waited_for(part):
    framer = Framer()
    framer.feed(part)
    assert framer.take() is None
    assert framer.partial
