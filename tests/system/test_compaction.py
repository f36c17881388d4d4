"""Many images of few zones become one in the background: by a process at the lowest priority, while all is answered."""

from __future__ import annotations

import functools
import os
from pathlib import Path

import pytest

import datasrc
from memmgr.aligning import SMALL_ZONE
from memmgr.building import IDLE
from memmgr.compaction import MAX_SMALL_SLOTS
from tests.datasrc.zonemaking import load
from tests.kit.suite import Suite, wait_until
from tests.memmgr.house import soa

pytestmark = pytest.mark.system
DEADLINE = 120.0  # seconds; ten times what is expected and more


def has_built(suite: Suite, count: int) -> bool:
    """Whether so many images were built, by the log."""
    return suite.words().count(" MEMMGR_BUILT ") >= count


def counted(suite: Suite, name: str) -> int:
    """A counter of memmgr; it is told with each heart-beat."""
    shown = suite.control("call", "stats", "show", "component=memmgr")
    return int(shown["modules"]["memmgr"]["counters"][name])


def building(memmgr: int) -> dict[int, int]:
    """How nice the processes are that build images for memmgr now. One that has only just begun is not yet."""
    found = {}
    for task in Path(f"/proc/{memmgr}/task").iterdir():
        for pid in (task / "children").read_text().split():
            try:
                if b"memmgr.building" in Path(f"/proc/{pid}/cmdline").read_bytes():
                    found[int(pid)] = os.getpriority(os.PRIO_PROCESS, int(pid))
            except (FileNotFoundError, ProcessLookupError):  # it has just ended
                continue
    return found


def test_images_of_few_zones_are_made_one_by_a_process_nobody_waits_for():
    zones = [f"zone{number}.example." for number in range(MAX_SMALL_SLOTS + 1)]
    hosts = [f"h{number} A 192.0.2.{number % 250}" for number in range(SMALL_ZONE + 100)]
    with Suite() as suite:
        suite.start()
        source = datasrc.open(f"sqlite:///{suite.state}/zones.sqlite", create=True)
        memmgr = suite.pid("memmgr/0")
        seen: dict[int, int] = {}

        def is_compacted() -> bool:
            seen.update(building(memmgr))
            return any(f"built {len(zones)} zones" in line for line in suite.words().splitlines())

        try:
            for number, zone in enumerate(zones, 1):  # each has an image of its own: none is there when one is built
                load(source, soa(1, *hosts), zone)
                wait_until(functools.partial(has_built, suite, number), DEADLINE, f"{zone} is built")
                seen.update(building(memmgr))
            wait_until(is_compacted, DEADLINE, "one image has all zones")
        finally:
            source.close()
        assert set(seen.values()) == {IDLE}
        wait_until(lambda: counted(suite, "compactions"), DEADLINE, "the compaction is counted")
        assert (counted(suite, "compactions"), counted(suite, "builds.failed")) == (1, 0)
        for zone in zones:
            assert suite.query(f"h1.{zone}", "A").answer[0][0].address == "192.0.2.1"
