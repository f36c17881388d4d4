"""Tables of keys: as a set and a dictionary are, without an object for any key."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from datasrc import growth, keytable
from datasrc.keytable import KeyTable

KEYS = [b"", b"\x00", *(b"z%d\x00" % number for number in range(6))]
ROOM = 48  # keys that a new table has room for
OPERATIONS = st.lists(st.tuples(st.sampled_from(["add", "discard"]), st.sampled_from(KEYS)), max_size=60)


@given(OPERATIONS)
def test_it_has_what_a_set_has(operations):
    table, model = KeyTable(), set[bytes]()
    for verb, key in operations:
        getattr(table, verb)(key)
        getattr(model, verb)(key)
        assert len(table) == len(model)
        assert [one in table for one in KEYS] == [one in model for one in KEYS]


@given(st.lists(st.tuples(st.binary(max_size=3), st.integers(0, (1 << 63) - 1)), max_size=300), st.data())
def test_it_has_the_numbers_that_a_dictionary_has(items, data):
    table, model = KeyTable(numbered=True), dict[bytes, int]()
    for key, number in items:
        table.put(key, number)
        model[key] = number
    for key in data.draw(st.lists(st.sampled_from(sorted(model)))) if model else ():
        table.discard(key)
        model.pop(key, None)
    assert len(table) == len(model)
    assert {key: table.number(key) for key, _ in items} == {key: model.get(key, -1) for key, _ in items}


@given(st.sets(st.binary(max_size=2), max_size=200), st.sets(st.binary(max_size=2), max_size=200))
def test_two_are_compared_and_put_together_as_sets_are(one, other):
    table, second = KeyTable(one), KeyTable(other)
    assert table.in_any([second]) == second.in_any([KeyTable(), table]) == len(one & other)
    assert table.in_any([KeyTable(), second, table]) == len(one)
    assert table.in_any([]) == 0
    table.add_all(second)
    assert len(table) == len(one | other)
    assert all(key in table for key in one | other)
    assert len(second) == len(other)


def test_what_stood_in_the_way_of_others_can_go_everywhere():
    keys = [b"%d" % number for number in range(1000)]
    for step in (2, 3, 7):
        table = KeyTable(keys)
        for key in keys[::step]:
            table.discard(key)
        left = set(keys) - set(keys[::step])
        assert [key in table for key in keys] == [key in left for key in keys]
        table.update(keys)
        assert len(table) == len(keys)


def test_the_keys_of_another_table_are_put_where_there_is_room_for_all(monkeypatch):
    other = KeyTable(b"%d" % number for number in range(2000))  # its keys come in the order of their hashes
    table, zeros, made = KeyTable([b"one"]), growth.zeros, list[int]()

    def counted(octets: int) -> bytearray:
        made.append(octets)
        return zeros(octets)

    with monkeypatch.context() as patched:
        patched.setattr(keytable, "zeros", counted)
        table.add_all(other)
    assert len([octets for octets in made if octets > 8]) == 1  # else they crowd at its beginning: the square of them
    assert len(table) == 2001


@pytest.mark.parametrize("blocks", [0, 1])
def test_without_memory_to_grow_a_table_stays_as_it_is(monkeypatch, blocks):
    table = KeyTable(numbered=True)
    there = {b"%d" % number: number for number in range(ROOM)}
    for key, number in there.items():
        table.put(key, number)
    zeros, made = growth.zeros, list[int]()

    def scarce(octets: int) -> bytearray:
        if len(made) == blocks:
            raise MemoryError
        made.append(octets)
        return zeros(octets)

    with monkeypatch.context() as patched:
        patched.setattr(keytable, "zeros", scarce)
        for _ in range(2):
            made.clear()
            with pytest.raises(MemoryError):
                table.put(b"one more", 1)
    assert len(table) == len(there)
    assert {key: table.number(key) for key in there} == there
    assert b"one more" not in table
    table.put(b"one more", 1)
    assert {key: table.number(key) for key in there} == there
    assert table.number(b"one more") == 1


def test_no_key_costs_an_object():
    def blocks(count: int) -> int:
        before = sys.getallocatedblocks()
        table = KeyTable(b"%d\x00" % number for number in range(count))
        assert len(table) == count
        return sys.getallocatedblocks() - before

    blocks(100)
    assert abs(blocks(20_000) - blocks(10_000)) < 100
