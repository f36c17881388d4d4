"""What is fuzzed is all there."""

from __future__ import annotations

import pytest

from image.directory import ENTRY
from tests.fuzz.world import Images
from tests.kit import dnspacket as packet
from tests.kit.dnsreply import Reply

A = 1


@pytest.fixture
def images(tmp_path):
    images = Images(tmp_path)
    yield images
    images.close()


def test_what_the_zone_was_before_it_moved_is_among_what_is_edited(images):
    """Nothing but that makes an answer of it, and no checksum covers it."""
    query = packet.query("www.b.example.", A)
    queries, replies = memoryview(bytearray(query)), memoryview(bytearray(1024))
    images.responder.serve(queries, replies)
    size = images.responder.answer(0, len(query), 0)
    assert Reply.read(bytes(replies[:size])).answer
    left = []
    for number, (file, start, octets) in enumerate(sections := list(images.editable())):
        if octets == ENTRY:
            right = file[start : start + octets]
            file[start : start + octets] = bytes(octets)
            if images.responder.answer(0, len(query), 0) == 0:
                left.append(number)
            file[start : start + octets] = right
    assert left == [len(sections) - 2]
    assert images.responder.answer(0, len(query), 0) == size
    for file, _, _ in sections:
        file.close()
