"""Counters have the names of the spec, and no others."""

from __future__ import annotations

import pytest

from daemonkit.counter_page import CACHE_LINE, CounterPage, read_page, slots_at
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


class CountingThread:
    """Counts in a share, as compiled code does."""

    def __init__(self, counters):
        self.share = counters.share(["replies", "queries"])
        self.slots = self.share.slots
        self.share.count_by(self.moved)

    def moved(self, slots):
        self.slots = slots

    def count(self, replies, queries):
        self.slots[0] += replies
        self.slots[1] += queries


def test_what_a_thread_counts_in_slots_of_its_own_is_added_to_what_others_count(tmp_path):
    """At each moment it is all in the page: nobody has to bring it there."""
    counters = Counters(["queries", "open", "replies"], ["open"])
    thread, other = CountingThread(counters), CountingThread(counters)
    thread.count(2, 5)
    counters.add("queries")
    assert counters.statistics() == {"queries": 6, "open": 0, "replies": 2}
    paths = [tmp_path / f"auth.{instance}.counters" for instance in ("spare", "0")]
    pages = [CounterPage.open(path, counters.page_names, counters.gauges)[0] for path in paths]
    counters.count_in(pages[0])
    thread.count(1, 4)
    other.count(10, 20)
    assert read_page(paths[0]).values == {"queries": 30, "open": 0, "replies": 13}
    counters.count_in(pages[1])
    thread.count(0, 1)
    other.count(100, 0)
    counters.set("open", 7)
    assert [read_page(path).values["queries"] for path in paths] == [30, 1]
    assert read_page(paths[1]).values == counters.statistics() == {"queries": 1, "open": 7, "replies": 100}


def test_the_successor_of_threads_goes_on(tmp_path):
    path = tmp_path / "auth.0.counters"
    for round_number in (1, 2):
        counters = Counters(["queries", "replies"])
        threads = [CountingThread(counters) for _ in range(2)]
        counters.count_in(CounterPage.open(path, counters.page_names)[0])
        for number, thread in enumerate(threads, 1):
            thread.count(number, 10 * number)
        counters.add("queries", 100)
        assert read_page(path).values == {"queries": 130 * round_number, "replies": 3 * round_number}


def test_a_release_with_other_threads_keeps_the_sums(tmp_path):
    path = tmp_path / "auth.0.counters"
    counters = Counters(["queries", "replies"])
    thread = CountingThread(counters)
    counters.count_in(CounterPage.open(path, counters.page_names)[0])
    thread.count(3, 4)
    counters.add("queries", 5)
    alone = Counters(["replies", "queries"])
    alone.count_in(CounterPage.open(path, alone.page_names)[0])
    assert alone.statistics() == {"replies": 3, "queries": 9}


@pytest.mark.parametrize("names", [["querys"], ["queries", "open"]])
def test_a_share_has_names_of_counters_only(names):
    with pytest.raises((KeyError, AssertionError)):
        Counters(["queries", "open"], ["open"]).share(names)


def test_threads_write_to_different_cache_lines(tmp_path):
    counters = Counters(["queries", "replies"])
    counters.share(["queries"]), counters.share(["replies"])
    names = counters.page_names
    assert [index for index, name in enumerate(names) if name] == [0, 1, 8, 16]
    assert slots_at(names) % CACHE_LINE == 0
