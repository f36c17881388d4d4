"""A page of counters is continued by whoever comes after, and a file that is none is set aside."""

from __future__ import annotations

import os
import struct
import zlib

import pytest

from daemonkit.counter_page import SET_ASIDE, CounterPage, PageDamaged, page_bytes, page_path, read_page, read_pages
from daemonkit.counters import Counters

NAMES = ["queries", "dropped", "open"]


@pytest.fixture
def path(tmp_path):
    return page_path(tmp_path / "counters", "auth", "0")


def counting(path, names=NAMES, gauges=("open",)):
    counters = Counters(names, gauges)
    page, problem = CounterPage.open(path, counters.page_names, counters.gauges)
    counters.count_in(page)
    return counters, problem


def test_every_count_is_in_the_file_at_once(path):
    counters, problem = counting(path)
    counters.add("queries", 2**40)
    counters.add("queries")
    image = read_page(path)
    assert image.values == {"queries": 2**40 + 1, "dropped": 0, "open": 0}
    assert (image.pid, problem) == (os.getpid(), "")


def test_the_successor_goes_on_and_gauges_begin_at_zero(path):
    counters, _ = counting(path)
    counters.add("queries", 7)
    counters.set("open", 3)
    successor, problem = counting(path)
    successor.add("queries")
    assert successor.statistics() == {"queries": 8, "dropped": 0, "open": 0}
    assert problem == ""


def test_names_that_survive_keep_their_values(path):
    counters, _ = counting(path)
    counters.add("queries", 7)
    counters.add("dropped", 2)
    successor, problem = counting(path, ["new", "dropped", "queries"], ())
    assert successor.statistics() == {"new": 0, "dropped": 2, "queries": 7}
    assert read_page(path).values == {"new": 0, "dropped": 2, "queries": 7}
    assert problem == ""


def test_a_page_of_the_layout_before_is_gone_on_with(path):
    """Layout 1: three names, whose slots begin at the next multiple of 8."""
    names = b"".join(name.encode() + b"\n" for name in NAMES)
    head = struct.pack("=8sIIIIQd", b"BOBCOUNT", 1, 3, len(names), zlib.crc32(names), 1, 0.0)
    path.parent.mkdir()
    path.write_bytes(head.ljust(64, b"\0") + names.ljust(24, b"\0") + struct.pack("=3Q", 7, 8, 9))
    assert read_page(path).values == {"queries": 7, "dropped": 8, "open": 9}
    counters, problem = counting(path)
    counters.add("queries")
    assert (read_page(path).values, problem) == ({"queries": 8, "dropped": 8, "open": 0}, "")


def test_a_spare_that_takes_a_place_goes_on_there_and_leaves_its_own_counts(path):
    dead, _ = counting(path)
    dead.add("queries", 100)
    spare_path = path.with_name("auth.spare.counters")
    spare = Counters(NAMES, ("open",))
    share = spare.share(["dropped"])
    spare.count_in(CounterPage.open(spare_path, spare.page_names, spare.gauges)[0])
    spare.add("queries", 3)
    share.slots[0] += 6
    page, _ = CounterPage.open(path, spare.page_names, spare.gauges)
    spare.count_in(page)
    spare.add("queries")
    share.slots[0] += 2
    assert read_page(path).values == {"queries": 101, "dropped": 2, "open": 0}
    assert read_page(spare_path).values == {"queries": 3, "dropped": 6, "open": 0}


def test_what_was_counted_before_there_was_a_page_comes_along(path):
    counting(path)[0].add("queries", 10)
    counters = Counters(NAMES)
    counters.share(["dropped"]).slots[0] = 4
    counters.add("queries", 2)
    counters.count_in(CounterPage.open(path, counters.page_names)[0])
    assert read_page(path).values == {"queries": 12, "dropped": 4, "open": 0}


GOOD = page_bytes(NAMES, {"queries": 5}, 1)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "only 0 bytes"),
        (GOOD[:-1], "instead of"),
        (GOOD + b"\0", "instead of"),
        (GOOD[:20], "only 20 bytes"),
        (b"#!/bin/sh\n" * 40, "no page"),
        (GOOD[:8] + b"\x09" + GOOD[9:], "layout 9"),
        (GOOD.replace(b"dropped", b"dripped"), "checksum"),
    ],
    ids=["empty", "truncated", "longer", "header-only", "foreign", "layout", "names"],
)
def test_what_is_no_page_is_set_aside(path, content, reason):
    path.parent.mkdir()
    path.write_bytes(content)
    with pytest.raises(PageDamaged, match=reason):
        read_page(path)
    assert reason in read_pages(path.parent)[1][path.name]
    counters, problem = counting(path)
    counters.add("queries")
    assert reason in problem
    assert path.with_name(path.name + SET_ASIDE).read_bytes() == content
    assert read_page(path).values["queries"] == 1


def test_neither_a_pipe_nor_a_link_nor_a_directory_is_a_page(path):
    path.parent.mkdir()
    elsewhere = path.with_name("elsewhere")
    elsewhere.write_bytes(GOOD)
    makers = (lambda: os.mkfifo(path), lambda: path.symlink_to(elsewhere), lambda: path.mkdir())
    for number, make in enumerate(makers):
        make()
        assert counting(path)[1]
        path.unlink()
        aside = path.with_name(path.name + SET_ASIDE)
        aside.rename(path.with_name(f"aside{number}"))
    assert elsewhere.read_bytes() == GOOD


def test_all_pages_of_a_directory(path):
    counting(path)[0].add("queries")
    counting(path.with_name("auth.spare.counters"))
    pages, problems = read_pages(path.parent)
    assert {key: image.values["queries"] for key, image in pages.items()} == {("auth", "0"): 1, ("auth", "spare"): 0}
    assert problems == {}
