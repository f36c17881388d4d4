"""What a person at `bobctl` waits for: client [RUNS]. A status, one Tab in a shell, an answer explained."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from bench.timing import timed
from tests.kit import suite as kit
from tests.kit.zones import small_zone

RUNS = 15
GOAL = 0.3  # seconds for a status


def run(command: list[str], variables: dict[str, str]) -> None:
    """One whole process."""
    subprocess.run(command, env={**os.environ, **variables}, stdout=subprocess.DEVNULL, check=True)


def main() -> None:
    """Print the median and the worst of each."""
    as_people_start_it()
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with Suite() as suite:
        done = suite.loadzone("example.org", small_zone())
        if done.returncode:
            raise SystemExit(done.stderr)
        suite.start()
        client = [*kit.PYTHON, "bobctl", "--run-dir", str(suite.run)]
        tab = {"_BOBCTL_COMPLETE": "bash_complete", "COMP_CWORD": "5"}
        tab["COMP_WORDS"] = f"bobctl --run-dir {suite.run} zone show exam"
        measured = {
            f"status (goal under {GOAL} s)": ([*client, "status"], {}),
            "Tab at the name of a zone": (client[:4], tab),
            "explain an answer": ([*client, "explain", "www.example.org"], {}),
            "explain a log message": ([*client, "explain", "AUTH_ZONE_UNUSABLE"], {}),
        }
        for name, (command, variables) in measured.items():
            times = [timed(partial(run, command, variables)) for _ in range(runs)]
            print(f"{name}: median {statistics.median(times):.3f} s, worst {max(times):.3f} s of {runs}")


if __name__ == "__main__":
    main()
