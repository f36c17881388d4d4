"""Blocks that grow where they are."""

from __future__ import annotations

import pytest

from datasrc.growth import AT_ONCE, grow, larger, shrink, zeros


@pytest.mark.parametrize("octets", [0, 1, 5, AT_ONCE - 1, AT_ONCE, AT_ONCE + 1, 2 * AT_ONCE + 3])
def test_a_block_grows_by_zeros_and_keeps_what_it_has(octets):
    block = bytearray(b"what is there")
    grow(block, octets)
    assert len(block) == max(octets, 13)
    assert block[:13] == b"what is there"
    assert block.count(0) == len(block) - 13
    assert len(zeros(octets)) == octets


@pytest.mark.parametrize("octets", [10, AT_ONCE + 10])
def test_a_block_shrinks_to_what_is_in_use(octets):
    block = bytearray(b"x") * octets
    assert shrink(block, octets - 5) == bytearray(b"x") * (octets - 5)


def test_a_block_that_somebody_looks_at_does_not_grow():
    block = bytearray(8)
    with memoryview(block), pytest.raises(BufferError):
        grow(block, 16)


def test_each_step_is_larger_than_the_last():
    assert all(larger(octets) > octets for octets in (64, AT_ONCE - 1, AT_ONCE, 1 << 40))
