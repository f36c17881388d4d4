"""Who reads a large zone and builds its image, in compiled code, lets other threads have the interpreter meanwhile."""

from __future__ import annotations

import io
import random
import threading
import time
from collections.abc import Callable

import dns.name
import pytest

from datasrc.packed_finder import PackedFinder
from datasrc.zonetext_zone import ZoneText, read_zone
from image.builder import build

NAMES = 300_000
ORIGIN = dns.name.from_text("example.")
LEAST = 10  # turns of another thread; without giving way it has none but by chance


def turns_of_another(work: Callable[[], object]) -> int:
    """How often another thread has the interpreter while this one works."""
    turns = 0
    done = False

    def other() -> None:
        nonlocal turns
        while not done:
            time.sleep(0)
            turns += 1

    thread = threading.Thread(target=other)
    thread.start()
    before = turns
    try:
        work()
        return turns - before
    finally:
        done = True
        thread.join()


@pytest.fixture(scope="module")
def text():
    names = [f"n{number} A 192.0.2.1\n" for number in range(NAMES)]
    random.Random(1).shuffle(names)
    head = "$TTL 300\n@ SOA ns hostmaster 1 7200 900 604800 60\n@ NS ns\nns A 192.0.2.1\n"
    return (head + "".join(names)).encode()


def test_ordering_and_building_give_way(text, tmp_path, monkeypatch):
    turns: dict[str, int] = {}
    finish = ZoneText.finish

    def watched(zone: ZoneText) -> None:
        turns["ordering"] = turns_of_another(lambda: finish(zone))

    monkeypatch.setattr(ZoneText, "finish", watched)
    zone, _ = read_zone(io.BytesIO(text), "example.zone", ORIGIN)
    contents = zone.contents(1)
    finder = PackedFinder(contents.info, "", lambda: contents.packed, lambda _: [])
    turns["building"] = turns_of_another(lambda: build([finder], tmp_path / "zone.image", 7))
    assert min(turns.values()) >= LEAST, turns
