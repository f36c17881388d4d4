"""What is counted in zones outlives processes, is summed over them, and is never another zone's."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from daemonkit import zone_page
from daemonkit.counter_page import SET_ASIDE
from daemonkit.zone_page import ROWS_AT, ZonePage, ZonePages, order

NAMES = ("queries", "replies")
PARTS = 3
ROOT, ORG, EXAMPLE, WWW = b"\0", b"\3org\0", b"\7example\3org\0", b"\3www\7example\3org\0"


def taken(directory, names=NAMES, parts=PARTS) -> ZonePage:
    page, problems = ZonePage.take(directory, names, parts)
    assert problems == {}
    return page


def count(page: ZonePage, origin: bytes, part: int, queries: int, names=NAMES, parts=PARTS) -> None:
    """As a thread does."""
    first = page.rows_of([origin])[origin] * zone_page.row_octets(len(names), parts) + zone_page.PARTS_AT
    page.slots[first // 8 + part * len(names)] += queries


def told(directory) -> dict[bytes, int]:
    pages = ZonePages(directory)
    assert pages.look() == {}
    return {origin: counts["queries"] for origin, counts in pages.counts(pages.origins).items()}


def open_descriptors() -> set[str]:
    return {entry.name for entry in Path("/proc/self/fd").iterdir() if entry.exists()}


def test_zones_are_told_in_canonical_order_with_the_sums_of_all_threads_and_processes(tmp_path):
    pages = [taken(tmp_path) for _ in range(2)]
    assert [page.path.name for page in pages] == ["0.zones", "1.zones"]
    for number, page in enumerate(pages):
        origins = [WWW, ROOT, EXAMPLE, ORG][number:]
        page.rows_of(origins)
        page.mark(origins)
        for part in range(PARTS):
            count(page, EXAMPLE, part, 10 ** (part + 3 * number))
    assert list(told(tmp_path).items()) == [(ROOT, 0), (ORG, 0), (EXAMPLE, 111111), (WWW, 0)]


def test_the_next_process_goes_on_in_the_file_of_one_that_is_gone_and_not_in_that_of_one_that_lives(tmp_path):
    first, second = taken(tmp_path), taken(tmp_path)
    for page in (first, second):
        page.rows_of([EXAMPLE])
        page.mark([EXAMPLE])
        count(page, EXAMPLE, 0, 5)
    first.close()
    successor = taken(tmp_path)
    assert successor.path == first.path
    successor.rows_of([EXAMPLE, WWW])
    successor.mark([EXAMPLE, WWW])
    count(successor, EXAMPLE, 1, 1)
    count(successor, WWW, 1, 7)
    assert told(tmp_path) == {EXAMPLE: 11, WWW: 7}


def test_who_counts_in_rows_there_were_before_is_not_disturbed_by_new_ones(tmp_path):
    page = taken(tmp_path)
    page.rows_of([EXAMPLE])
    page.mark([EXAMPLE])
    before = page.slots
    page.rows_of([b"\4z%03d\0" % number for number in range(500)])
    before[zone_page.PARTS_AT // 8] += 3
    assert told(tmp_path) == {EXAMPLE: 3}
    assert len(page.slots) > 100 * len(before)


def test_zones_that_are_to_be_counted_no_more_are_told_no_more_and_keep_their_rows(tmp_path):
    page = taken(tmp_path)
    rows = page.rows_of([EXAMPLE, WWW])
    page.mark([EXAMPLE, WWW])
    count(page, WWW, 0, 4)
    page.mark([EXAMPLE])
    assert told(tmp_path) == {EXAMPLE: 0}
    assert page.rows_of([ORG, WWW])[WWW] == rows[WWW]
    page.mark([WWW])
    assert told(tmp_path) == {WWW: 4}


def test_a_process_that_is_gone_does_not_say_what_is_counted_while_another_lives(tmp_path):
    gone, lives = taken(tmp_path), taken(tmp_path)
    for page, origins in ((gone, [EXAMPLE, WWW]), (lives, [EXAMPLE])):
        page.rows_of(origins)
        page.mark(origins)
        count(page, EXAMPLE, 0, 2)
    gone.close()
    assert told(tmp_path) == {EXAMPLE: 4}
    lives.close()
    assert told(tmp_path) == {EXAMPLE: 4, WWW: 0}


def test_another_release_keeps_the_sums(tmp_path):
    page = taken(tmp_path)
    page.rows_of([EXAMPLE, WWW])
    page.mark([EXAMPLE])
    for part in range(PARTS):
        count(page, EXAMPLE, part, 1)
    page.close()
    names, parts = ("new", "queries"), 1
    successor = taken(tmp_path, names, parts)
    row = successor.rows_of([EXAMPLE])[EXAMPLE]
    assert row == 0
    assert told(tmp_path) == {EXAMPLE: 3}
    successor.slots[zone_page.PARTS_AT // 8 + 1] += 1
    assert told(tmp_path) == {EXAMPLE: 4}


def test_rows_nobody_counts_in_do_not_pile_up(tmp_path):
    page = taken(tmp_path)
    page.rows_of([EXAMPLE, *(b"\4z%03d\0" % number for number in range(300))])
    page.mark([EXAMPLE])
    count(page, EXAMPLE, 2, 9)
    size = page.path.stat().st_size
    page.close()
    successor = taken(tmp_path)
    assert successor.path.stat().st_size < size / 10
    assert told(tmp_path) == {EXAMPLE: 9}
    assert taken(tmp_path).path.name == "1.zones"  # it still has the file


def good(directory) -> bytes:
    page = taken(directory)
    page.rows_of([EXAMPLE])
    content = page.path.read_bytes()[: ROWS_AT + zone_page.row_octets(len(NAMES), PARTS)]
    page.close()
    page.path.unlink()
    return content


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda content: content[:100], "only 100 bytes"),
        (lambda content: content[:-1], "only "),
        (lambda content: b"#!/bin/sh\n" + content[10:], "no counters of zones"),
        (lambda content: content[:8] + b"\x09" + content[9:], "layout 9"),
        (lambda content: content.replace(b"queries", b"quarries"[:7]), "checksum"),
        (lambda content: content.replace(EXAMPLE, b"\xff" * 13), "no name"),
    ],
    ids=["header", "truncated", "foreign", "layout", "names", "origin"],
)
def test_a_damaged_file_is_set_aside(tmp_path, change, reason):
    path = tmp_path / "0.zones"
    path.write_bytes(change(good(tmp_path)))
    damaged = path.read_bytes()
    assert reason in ZonePages(tmp_path).look()[path.name]
    page, problems = ZonePage.take(tmp_path, NAMES, PARTS)
    assert reason in problems[path.name]
    assert path.with_name(path.name + SET_ASIDE).read_bytes() == damaged
    page.rows_of([EXAMPLE])
    page.mark([EXAMPLE])
    assert told(tmp_path) == {EXAMPLE: 0}


def test_where_there_is_no_room_nothing_is_changed(tmp_path, monkeypatch):
    page = taken(tmp_path)
    page.rows_of([EXAMPLE])
    page.mark([EXAMPLE])
    count(page, EXAMPLE, 0, 2)

    def full(*_):
        raise OSError(28, os.strerror(28))

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(OSError, match="No space left"):
        page.rows_of([b"\4z%03d\0" % number for number in range(500)])
    monkeypatch.undo()
    count(page, EXAMPLE, 0, 2)
    assert told(tmp_path) == {EXAMPLE: 4}
    assert page.rows_of([WWW]) == {WWW: 1}


def test_a_reader_sees_what_is_new(tmp_path):
    pages = ZonePages(tmp_path)
    assert (pages.look(), list(pages.origins)) == ({}, [])
    page = taken(tmp_path)
    for number, origin in enumerate((ORG, EXAMPLE, WWW), 1):
        page.rows_of([origin])
        page.mark((ORG, EXAMPLE, WWW)[:number])
        count(page, origin, 0, number)
        assert pages.look() == {}
        assert [pages.counts([origin])[origin]["queries"], len(pages.origins)] == [number, number]
    assert pages.counts([ROOT]) == {}


def test_canonical_order():
    """RFC 4034 section 6.1."""
    names = [b"\7example\0", b"\1a\7example\0", b"\x08yljkjljk\1a\7example\0", b"\1z\7example\0", b"\1*\1z\7example\0"]
    assert sorted(set(names), key=order) == names


def test_a_file_made_anew_that_cannot_be_read_leaves_no_descriptor_and_closes_no_other(tmp_path, monkeypatch):
    taken(tmp_path).close()
    read, calls = zone_page.read_file, []

    def second_fails(descriptor):
        calls.append(descriptor)
        if len(calls) == 2:
            raise OSError(5, "Input/output error")
        return read(descriptor)

    monkeypatch.setattr(zone_page, "read_file", second_fails)
    before = open_descriptors()
    with pytest.raises(OSError, match="Input/output"):
        ZonePage.take(tmp_path, (*NAMES, "another"), PARTS)
    assert open_descriptors() == before
