"""The last lines of a process in its memory: bounded whatever is logged, numbered, and found by level."""

from __future__ import annotations

import logging
import tracemalloc

import msgspec

from daemonkit.log_entry import Entry
from daemonkit.log_ring import MAX_KEPT, MAX_LINE, SHORTENED, LogRing

COST = 100_000  # octets of memory a process may give for it


def entry(number: int, level: int = logging.INFO, text: str = "", traceback: tuple[str, ...] = ()) -> Entry:
    return Entry(float(number), level, "toy/0", "TOY_SAW", text or f"saw {number}", {"name": number}, traceback, 3)


def test_lines_come_back_as_they_were_said_from_a_number_on():
    ring = LogRing()
    for number in range(3):
        ring.add(entry(number))
    ring.add(entry(3, logging.ERROR, "broke", ("Traceback", "  line 1")))
    assert (ring.begin, ring.end) == (0, 4)
    assert [line.text for line in ring.lines(2)] == ["saw 2", "broke"]
    (last,) = ring.lines(3)
    assert (last.time, last.severity, last.who, last.id, last.revision) == (3.0, "error", "toy/0", "TOY_SAW", 3)
    assert last.traceback == ("Traceback", "  line 1")
    assert list(ring.lines(4)) == []


def test_only_lines_of_a_level_and_above_are_wanted():
    ring = LogRing()
    for number, level in enumerate((logging.DEBUG, logging.INFO, logging.WARNING, logging.ERROR, logging.CRITICAL)):
        ring.add(entry(number, level))
    assert [line.text for line in ring.lines(0, logging.WARNING)] == ["saw 2", "saw 3", "saw 4"]


def test_old_lines_go_and_the_numbers_go_on():
    ring = LogRing(most=2000)
    for number in range(1000):
        ring.add(entry(number))
    kept = list(ring.lines(0))
    assert 0 < len(kept) < 20
    assert (ring.end, ring.begin) == (1000, 1000 - len(kept))
    assert [line.text for line in kept] == [f"saw {number}" for number in range(ring.begin, 1000)]


def test_what_it_costs_is_bounded_whatever_is_logged():
    for text, traceback in (("x", ()), ("y" * 600, ()), ("z" * 100_000, ()), ("w", ("  line" * 300,) * 50)):
        tracemalloc.start()
        try:
            before = tracemalloc.get_traced_memory()[0]
            ring = LogRing()
            for number in range(2000):
                ring.add(entry(number, text=text, traceback=traceback))
            cost = tracemalloc.get_traced_memory()[0] - before
        finally:
            tracemalloc.stop()
        assert MAX_KEPT / 2 < cost < COST, (text[:10], cost)
        assert len(list(ring.lines(0))) > 5


def test_of_a_very_long_line_the_beginning_is_kept():
    ring = LogRing()
    ring.add(entry(0, logging.ERROR, "é" * MAX_LINE, ("line",) * 10))
    (line,) = ring.lines(0)
    assert (line.text, line.traceback) == ("é" * SHORTENED + "...", ())
    assert len(msgspec.json.encode(line)) < MAX_LINE
