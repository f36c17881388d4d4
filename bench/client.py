"""What a person at `bobctl` waits for: client [RUNS]. A status, one Tab in a shell, an answer explained."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.kit import suite as kit
from tests.kit.zones import small_zone

RUNS = 15
GOAL = 0.3  # seconds for a status


def timed(command: list[str], environment: dict[str, str]) -> float:
    """Seconds of one whole process."""
    began = time.monotonic()
    subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    return time.monotonic() - began


def main() -> None:
    """Print the median and the worst of each."""
    kit.PYTHON[:] = [sys.executable, "-I", "-m"]  # as people start it, without the checks of the tests
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with kit.Suite() as suite:
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
            times = [timed(command, {**os.environ, **variables}) for _ in range(runs)]
            print(f"{name}: median {statistics.median(times):.3f} s, worst {max(times):.3f} s of {runs}")


if __name__ == "__main__":
    main()
