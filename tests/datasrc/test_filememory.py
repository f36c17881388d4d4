"""What was read of zone files: as a dictionary has it, packed and unpacked, and no object a file."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasrc.filememory import FileMemory, PackedFiles, Remembered, highest_version

NAMES = ["a", "a.zone", "b.zone", "\udcff", "ä.zone", "n" * 255]
NUMBERS = st.integers(0, (1 << 63) - 1)
TIMES = st.integers(-(1 << 63), (1 << 63) - 1)
SIGNATURES = st.tuples(st.integers(0, (1 << 64) - 1), NUMBERS, NUMBERS, TIMES, TIMES)
SERIALS = st.none() | st.integers(0, (1 << 32) - 1)
ONES = st.builds(Remembered, SIGNATURES, NUMBERS, SERIALS, NUMBERS, st.booleans())
OPERATIONS = st.lists(st.tuples(st.sampled_from(NAMES), st.none() | ONES), max_size=30)


@given(OPERATIONS)
def test_it_has_what_a_dictionary_has(operations):
    memory, model = FileMemory(), dict[str, Remembered]()
    for name, one in operations:
        if one is None:
            memory.discard(name)
            model.pop(name, None)
        else:
            memory.put(name, one)
            model[name] = one
        assert (memory.get(name), len(memory)) == (model.get(name), len(model))
    assert memory == model
    packed = memory.packed()
    assert FileMemory(packed) == model
    assert highest_version(packed) == max((one.version for one in model.values()), default=0)
    assert memory == model


def test_what_is_cut_off_is_no_table():
    memory = FileMemory()
    memory.put("a", Remembered((1, 2, 3, 4, 5), 6, 7, 8))
    names, rows = memory.packed()
    with pytest.raises(ValueError, match="1 files"):
        FileMemory(PackedFiles(names, rows[:-1]))


def test_no_file_costs_an_object():
    def blocks(count: int) -> int:
        before = sys.getallocatedblocks()
        memory = FileMemory()
        for number in range(count):
            memory.put(f"{number}.zone", Remembered((1, number, 3, 4, 5), 6, number, 8))
        assert len(memory) == count
        return sys.getallocatedblocks() - before

    blocks(10)
    assert abs(blocks(4000) - blocks(2000)) < 100
