"""A storm of commands against a running suite, for as long as one likes: tests/kit/storm.py has what it is made of.

command_storm [OPERATIONS [SECONDS [SEED]]]: 100 000 commands, or as many as come in 600 s. It ends at the first answer
that cannot be, and looks whether processes that nobody restarts grow.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from tests.kit.storm import CONFIG, Storm

OPERATIONS = 100_000
SECONDS = 600
SEED = 70
PART = 20.0  # s between two lines
WARM = 500  # commands, after which processes have what they need
GROWTH = 16 << 20  # octets of its own that a process may have more after that; cfgmgr keeps an index of its revisions
LASTING = ("bob", "msgq", "cfgmgr", "cmdctl")  # what the storm does not restart
GOAL = "goal: every answer can be, everything is as it was told, nothing has grown"


def main() -> None:
    """Print a line now and then."""
    as_people_start_it()
    words = [int(word) for word in sys.argv[1:]]
    operations, seconds, seed = [*words, *(OPERATIONS, SECONDS, SEED)[len(words) :]]
    with Suite(config=CONFIG) as suite:
        suite.start()
        storm = Storm(suite, seed)
        storm.begin()
        began = time.monotonic()
        try:
            storm.run(min(WARM, operations), seconds=seconds)
            before = private(suite)
            while storm.count < operations and (left := began + seconds - time.monotonic()) > 0 and not storm.odd:
                storm.run(operations - storm.count, seconds=min(PART, left))
                told = ", ".join(f"{name} {octets >> 20}" for name, octets in private(suite).items())
                done = f"{storm.count} commands, {storm.queries} queries"
                print(f"{time.monotonic() - began:.0f} s: {done}; MiB: {told}", flush=True)
        finally:
            storm.rest()
        try:
            storm.end()
            for name, octets in private(suite).items():
                assert octets < before[name] + GROWTH, f"{name} has {octets} octets of its own, and had {before[name]}"
        except AssertionError as error:
            sys.exit(f"{GOAL}: MISSED, seed {seed}, after {storm.count} commands: {error}")
    print(f"{GOAL}: reached, seed {seed}, {storm.count} commands")


def private(suite: Suite) -> dict[str, int]:
    """Octets of memory that each lasting process has for itself."""
    assert suite.process is not None
    pids = {"bob": suite.process.pid, **{name: suite.pid(f"{name}/0") for name in LASTING[1:]}}
    return {name: _private(pid) for name, pid in pids.items()}


def _private(pid: int) -> int:
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return sum(int(line.split()[1]) for line in lines if line.startswith(("Private_Dirty", "Swap:"))) << 10


if __name__ == "__main__":
    main()
