"""The last lines of a process: bounded whatever is logged, numbered, and whole wherever it is killed."""

from __future__ import annotations

import logging
import mmap

import msgspec
import pytest

from daemonkit.log_entry import Entry
from daemonkit.log_ring import AREA, AREA_AT, MAX_LINE, SHORTENED, LinesDamaged, LogRing, begin_of, parse

SMALL = 1000  # octets of an area that is soon full


def entry(number: int, level: int = logging.INFO, text: str = "", traceback: tuple[str, ...] = ()) -> Entry:
    return Entry(float(number), level, "toy/0", "TOY_SAW", text or f"saw {number}", {"name": number}, traceback, 3)


def texts(content: bytes) -> list[str]:
    return [line.text for line in parse(content).after(0)]


def test_lines_come_back_as_they_were_said_from_a_number_on():
    ring = LogRing.in_memory("toy/0", 7)
    for number in range(3):
        ring.add(entry(number))
    ring.add(entry(3, logging.ERROR, "broke", ("Traceback", "  line 1")))
    image = ring.image()
    assert (image.pid, image.who, image.written, image.begin, image.next) == (7, "toy/0", 3.0, 0, 4)
    assert [line.text for line in image.after(2)] == ["saw 2", "broke"]
    (last,) = image.after(3)
    assert (last.time, last.severity, last.who, last.id, last.revision) == (3.0, "error", "toy/0", "TOY_SAW", 3)
    assert last.traceback == ("Traceback", "  line 1")
    assert list(image.after(4)) == []


def test_old_lines_go_and_the_numbers_go_on():
    ring = LogRing(mmap.mmap(-1, AREA_AT + SMALL), "toy/0", 7)
    for number in range(1000):
        ring.add(entry(number))
        image = ring.image()
        kept = [line.text for line in image.after(0)]
        assert kept == [f"saw {one}" for one in range(image.begin, number + 1)]
        assert number < 5 or len(kept) >= 5
    assert image.next == 1000


def test_there_is_no_more_than_the_area_whatever_is_logged():
    for text, traceback in (("x", ()), ("y" * 600, ()), ("z" * 100_000, ()), ("w", ("  line" * 300,) * 50)):
        ring = LogRing.in_memory("toy/0", 7)
        for number in range(2000):
            ring.add(entry(number, text=text, traceback=traceback))
        image = ring.image()
        assert image.next == 2000
        encoded = map(msgspec.json.encode, image.lines.values())
        assert AREA - MAX_LINE < sum(map(len, encoded)) + 16 * len(image.lines) <= AREA
        assert len(image.lines) > 5


def test_of_a_very_long_line_the_beginning_is_kept():
    ring = LogRing.in_memory("toy/0", 7)
    ring.add(entry(0, logging.ERROR, "é" * MAX_LINE, ("line",) * 10))
    (line,) = ring.image().after(0)
    assert (line.text, line.traceback) == ("é" * SHORTENED + "...", ())
    assert len(msgspec.json.encode(line)) < MAX_LINE


def test_a_process_that_is_killed_at_any_store_leaves_whole_lines():
    """The line in hand may be missing, and old ones that made room for it; what is there is in order and whole."""
    left: list[bytes] = []

    class Memory(mmap.mmap):
        def __setitem__(self, at, octets):
            for half in (octets[: len(octets) // 2], octets):
                super().__setitem__(slice(at.start, at.start + len(half)), half)
                left.append(self[:])

    class Marks:
        def __init__(self, slots):
            self.slots = slots

        def __setitem__(self, index, value):
            self.slots[index] = value
            left.append(memory[:])

    memory = Memory(-1, AREA_AT + SMALL)
    ring = LogRing(memory, "toy/0", 7)
    ring._marks = Marks(ring._marks)  # type: ignore[assignment]
    said = [f"{number} " + "." * (number * 37 % 200) for number in range(60)]
    for number, text in enumerate(said):
        before = len(left)
        ring.add(entry(number, text=text))
        for content in left[before:]:
            found = texts(content)
            end = len(found) and said.index(found[-1]) + 1
            assert end in (number, number + 1)
            assert found == said[end - len(found) : end]
    assert len(left) > 5 * len(said)


def test_a_reader_beside_the_writer_drops_what_was_written_over_while_it_read():
    ring = LogRing(mmap.mmap(-1, AREA_AT + SMALL), "toy/0", 7)
    for number in range(20):
        ring.add(entry(number))
    head, first = ring._memory[:AREA_AT], ring.image().begin
    for number in range(20, 23):
        ring.add(entry(number))
    torn = head + ring._memory[AREA_AT:]  # it read the marks, then others wrote, then it read the lines
    assert parse(torn).damage
    found = [line.text for line in parse(torn, begin_of(ring._memory[:AREA_AT])).after(0)]
    assert found == [f"saw {number}" for number in range(first + 3, 20)]


def test_what_holds_no_lines_is_told():
    ring = LogRing.in_memory("toy/0", 7)
    ring.add(entry(0))
    good = bytearray(ring._memory[:])
    for at, value, said in (
        (0, b"X", "no lines of a log"),
        (8, b"\x09", "layout 9"),
        (12, b"\xff", "octets instead of"),
        (32, b"\xff\xff\xff", "said to be at"),
    ):
        bad = good.copy()
        bad[at : at + len(value)] = value
        with pytest.raises(LinesDamaged, match=said):
            parse(bytes(bad))
    with pytest.raises(LinesDamaged, match="only 5"):
        parse(b"short")


@pytest.mark.parametrize("bad", range(5))
def test_a_line_that_is_damaged_costs_no_other(bad):
    """Those before a crash are what one wants: one wrong octet had hidden all of a process."""
    ring, places = LogRing.in_memory("toy/0", 7), []
    for number in range(5):
        places.append(AREA_AT + ring._end)
        ring.add(entry(number))
    content = bytearray(ring._memory[:])
    content[places[bad] + 20] ^= 1
    image = parse(bytes(content))
    left = [number for number in range(5) if number != bad]
    assert list(image.lines) == left
    assert [line.text for line in image.after(2)] == [f"saw {number}" for number in left if number >= 2]
    assert image.damage == f"4 lines of it can be read: the line at {places[bad] - AREA_AT} does not have its checksum"


def test_lines_before_one_of_an_impossible_length_are_there():
    ring = LogRing.in_memory("toy/0", 7)
    for number in range(3):
        at = ring._end
        ring.add(entry(number))
    content = bytearray(ring._memory[:])
    content[AREA_AT + at : AREA_AT + at + 2] = b"\xff\xff"
    image = parse(bytes(content))
    assert (list(image.lines), image.next) == ([0, 1], 2)
    assert image.damage == f"2 lines of it can be read: a line of 65535 octets is said to be at {at}"


def test_lines_of_another_release_are_told_beside_those_of_ours():
    ring = LogRing.in_memory("toy/0", 7)
    ring.append(b'{"when":1}', 1.0)
    ring.add(entry(1))
    ring.append(b"no JSON", 2.0)
    image = ring.image()
    assert [line.text for line in image.after(0)] == ["saw 1"]
    assert image.damage.startswith("1 lines of it can be read: line 0 is none that this release knows: Object missing")
    assert image.damage.endswith("(and 1 more)")
