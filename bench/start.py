"""Time from `bob run` to the first right answer: start [RUNS]."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from tests.kit import suite as kit
from tests.kit.zones import small_zone

RUNS = 7
GOAL = 2.0  # seconds on two cores
POLL_INTERVAL = 0.002


def one_start(suite: Suite) -> float:
    """Seconds from the exec of bob to the right answer."""
    kit.PROBE_TIMEOUT = 0.05
    began = time.monotonic()
    suite.start(wait=False)
    while not suite.serves("example.org", 1):
        if suite.process is None or suite.process.poll() is not None:
            raise SystemExit(f"bob ended:\n{suite.log.read_text()}")
        time.sleep(POLL_INTERVAL)
    return time.monotonic() - began


def main() -> None:
    """Print every run and the median."""
    as_people_start_it()
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    times = []
    with Suite() as suite:
        done = suite.loadzone("example.org", small_zone())
        if done.returncode:
            raise SystemExit(done.stderr)
        one_start(suite)  # warm caches
        suite.stop()
        for _ in range(runs):
            times.append(one_start(suite))
            suite.stop()
    print("bob run to first right answer: " + " ".join(f"{value:.2f}" for value in times) + " s")
    print(f"median {statistics.median(times):.2f} s, worst {max(times):.2f} s, goal under {GOAL:.0f} s")


if __name__ == "__main__":
    main()
