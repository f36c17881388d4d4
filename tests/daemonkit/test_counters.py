"""Counters have the names of the spec, and no others."""

from __future__ import annotations

import pytest

from daemonkit.counter_page import CounterPage
from daemonkit.counters import Counters


def test_a_count_of_zero_is_shown():
    assert Counters(["queries"]).statistics() == {"queries": 0}


def test_counting():
    counters = Counters(["queries", "open"])
    counters.add("queries")
    counters.add("queries", 4)
    counters.set("open", 3)
    assert counters.statistics() == {"queries": 5, "open": 3}


@pytest.mark.parametrize("change", [lambda c: c.add("querys"), lambda c: c.set("querys", 1)])
def test_a_misspelt_name_is_an_error(change):
    with pytest.raises(KeyError):
        change(Counters(["queries"]))


def test_what_a_thread_counts_in_its_own_array_is_added_to_what_others_count(tmp_path):
    counters = Counters(["queries", "open", "replies"])
    array = memoryview(bytearray(16)).cast("Q")
    counters.gather(["replies", "queries"], array)
    array[0], array[1] = 2, 5
    counters.add("queries")
    assert counters.statistics() == {"queries": 6, "open": 0, "replies": 2}
    first, _ = CounterPage.open(tmp_path / "auth.spare.counters", counters.names)
    counters.count_in(first)
    array[1] = 9
    second, _ = CounterPage.open(tmp_path / "auth.0.counters", counters.names)
    counters.count_in(second)
    array[1] = 10
    counters.publish()
    assert (first.slots[0], second.slots[0]) == (10, 1)
