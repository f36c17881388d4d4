"""A command that was carried out is never carried out again by repeating it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from msgq import remembered
from msgq.remembered import Done, Remembered

A, B = "a" * 16, "b" * 16


def test_what_was_kept_is_found_for_its_caller_only():
    table = Remembered()
    table.keep(f"{A}-1", Done(b"1"))
    assert table.find(f"{A}-1") == Done(b"1")
    assert table.find(f"{A}-2") is None
    assert table.find(f"{B}-1") is None


def test_what_had_to_be_dropped_is_refused(monkeypatch):
    monkeypatch.setattr(remembered, "OUTCOMES_OF_ONE", 3)
    table = Remembered()
    for number in range(1, 6):
        table.keep(f"{A}-{number}", Done(b"x"))
    for number in (1, 2):
        found = table.find(f"{A}-{number}")
        assert found is not None
        assert found.code == "conflict"
    assert table.find(f"{A}-3") == Done(b"x")
    assert table.find(f"{A}-6") is None


def test_a_result_too_long_to_keep_is_known_to_exist():
    table = Remembered()
    table.keep(f"{A}-1", Done(b"x" * (remembered.OUTCOME_BYTES + 1)))
    found = table.find(f"{A}-1")
    assert found is not None
    assert (found.code, found.payload) == ("conflict", b"")
    assert table.size == 0


def test_the_caller_unheard_of_for_longest_is_forgotten(monkeypatch):
    monkeypatch.setattr(remembered, "CALLERS", 2)
    table = Remembered()
    tokens = [f"{number:016x}" for number in range(3)]
    for token in tokens[:2]:
        table.keep(f"{token}-1", Done(b"x"))
    table.find(f"{tokens[0]}-1")
    table.keep(f"{tokens[2]}-1", Done(b"x"))
    assert table.find(f"{tokens[1]}-1") is None
    assert table.find(f"{tokens[0]}-1") == Done(b"x")
    assert table.size == 2


@settings(deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, 3), st.integers(1, 40), st.integers(0, 40)),
        max_size=80,
        unique_by=lambda call: call[:2],
    )
)
def test_whatever_comes_nothing_known_is_done_twice_and_the_bounds_hold(calls):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(remembered, "OUTCOMES_OF_ONE", 5)
        patch.setattr(remembered, "ALL_BYTES", 200)
        patch.setattr(remembered, "OUTCOME_BYTES", 30)
        table = Remembered()
        carried_out = set()
        for caller, number, size in calls:
            call_id = f"{caller:016x}-{number}"
            if table.find(call_id) is None:
                assert call_id not in carried_out
                carried_out.add(call_id)
                table.keep(call_id, Done(b"x" * size))
            assert table.size <= 200
            assert table.find(call_id) is not None
        for call_id in carried_out:
            assert table.find(call_id) is not None
