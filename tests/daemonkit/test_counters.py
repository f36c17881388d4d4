"""Counters have the names of the spec, and no others."""

from __future__ import annotations

import pytest

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
