"""The suite under the load program of bench/sidebyside: what benchmarks of faults and of updates share."""

from __future__ import annotations

import os
import sys
import tempfile
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Self

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it, images_ready
from bench.sidebyside.contents import DATA_SETS
from bench.sidebyside.datasets import provide
from bench.sidebyside.load_program import Account, Load, compiled
from bench.sidebyside.rows import ROWS
from tests.kit.suite import wait_until

CACHE = Path(__file__).resolve().parents[1] / "build" / "bench"
SETTLE_DEADLINE = 300.0  # s
SKIP = 7919  # questions further on each slice begins, so that slices differ


@dataclass
class Slices:
    """Slices of load, one after the other; each asks something else."""

    load: Load
    suite: Suite
    folder: Path
    number: int = 0

    def run(self, seconds: float, rate: float = 0) -> Account:
        """One, at most so many queries a second."""
        self.number += 1
        skip = self.number * SKIP % self.load.files.data.records
        return self.load.run(self.suite.port, seconds, skip=skip, samples=self.folder / "samples", rate=rate)


class Loaded:
    """A suite that serves a data set of bench/sidebyside from images, and the load for it. A context manager."""

    def __init__(self, row: str, *, instances: int) -> None:
        """The load is that of a row, on the first core; the suite may use all."""
        as_people_start_it()
        chosen = ROWS[row]
        self.files = provide(DATA_SETS[chosen.data], CACHE)
        self.suite = Suite(config=f"components: {{auth: {{instances: {instances}}}}}\n")
        self._folder = tempfile.TemporaryDirectory(prefix="bob-load-")
        load = Load(compiled(CACHE).load, min(os.sched_getaffinity(0)), chosen, self.files)
        self.slices = Slices(load, self.suite, Path(self._folder.name))
        self._threads = ThreadPoolExecutor(1)

    def __enter__(self) -> Self:
        self.suite.__enter__()
        for origin, file in self.files.zone_files().items():
            done = self.suite.program("loadzone", "--state-dir", str(self.suite.state), origin, str(file))
            assert done.returncode == 0, done.stderr
        self.suite.start()
        wait_until(self.is_settled, SETTLE_DEADLINE, "all images are there")
        return self

    def __exit__(self, *error: object) -> None:
        self._threads.shutdown()
        self.suite.__exit__(*error)
        self._folder.cleanup()

    def is_settled(self) -> bool:
        """Whether memmgr has nothing to do, and a spare stands by."""
        if not images_ready(self.suite):
            return False
        return bool(self.suite.components().get("auth/spare", {}).get("state") == "running")

    def scratch(self, name: str) -> Path:
        """A directory for as long as this lives."""
        place = self.slices.folder / name
        place.mkdir()
        return place

    def beside(self, seconds: float, rate: float = 0) -> Future[Account]:
        """A slice that runs while something else happens."""
        return self._threads.submit(self.slices.run, seconds, rate)
