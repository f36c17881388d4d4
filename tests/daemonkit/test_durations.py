"""How long things took, in the page of an instance."""

from __future__ import annotations

import pytest

from daemonkit.counter_page import CounterPage, read_page
from daemonkit.counters import Counters
from daemonkit.durations import BOUNDS, Durations, Histogram, split


def process(path):
    """A process that counts in this page."""
    counters = Counters(["requests"])
    durations = Durations(counters)
    durations.declare("request", ["GET /v1/zones/{origin}", "none"])
    durations.declare("commit", [""])
    page, problem = CounterPage.open(path, counters.page_names)
    assert not problem
    counters.count_in(page)
    return counters, durations


def test_each_is_counted_below_its_bound():
    durations = Durations(counters := Counters(["requests"]))
    durations.declare("command", ["status"])
    for seconds in (0.0, 0.001, 0.0011, 0.05, 0.2, 10.0, 10.1, 1000.0):
        durations.note("command", "status", seconds)
    plain, found = split(dict(zip(counters.names, counters.slots, strict=True)))
    assert plain == {"requests": 0}
    told = found["command"]["status"]
    expected = dict.fromkeys(range(len(BOUNDS) + 1), 0) | {0: 2, 1: 1, 5: 1, 7: 1, 10: 1, 11: 2}
    assert told.counts == tuple(expected.values())
    assert (told.count, round(told.seconds, 3)) == (8, 1020.352)
    assert counters.statistics() == {"requests": 0}


def test_they_go_on_where_the_process_before_stopped(tmp_path):
    path = tmp_path / "x.counters"
    for _ in range(2):
        counters, durations = process(path)
        counters.add("requests")
        durations.note("request", "GET /v1/zones/{origin}", 0.004)
        durations.note("commit", "", 0.02)
    plain, found = split(read_page(path).values)
    assert plain == {"requests": 2}
    assert {family: {label: one.count for label, one in told.items()} for family, told in found.items()} == {
        "request": {"GET /v1/zones/{origin}": 2},  # and nothing of what never happened
        "commit": {"": 2},
    }


def test_what_fails_is_measured_too():
    durations = Durations(counters := Counters([]))
    durations.declare("command", ["fails"])
    with pytest.raises(ZeroDivisionError), durations.taking("command", "fails"):
        raise ZeroDivisionError
    assert split(dict(zip(counters.names, counters.slots, strict=True)))[1]["command"]["fails"].count == 1


def test_what_was_not_declared_is_an_error():
    with pytest.raises(KeyError):
        Durations(Counters([])).note("command", "misspelt", 1.0)


def test_histograms_of_several_instances_are_added():
    one, other = Histogram((1, 2), 0.5), Histogram((3, 4), 1.5)
    assert one + other == Histogram((4, 6), 2.0)
