"""A zone of a million records built anew at full query load: what is lost, and what the loop leaves, meanwhile.

rebuild_under_load [REBUILDS [RATE [ROW]]]: ten at half of what the suite answers at most of udp-1m by default; three
minutes. Queries come at a steady rate, whether those before were answered or not. The goal is that nothing is left to
the worker or dropped: the zone is answered from what it was until what was built is mapped.
"""

from __future__ import annotations

import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.loaded import Loaded
from tests.kit.load import kernel_drops
from tests.kit.suite import wait_until

REBUILDS = 10
ROW = "udp-1m"
SECONDS = 12.0  # of a slice of load; there are as many as the rebuild takes
WINDOW, SOCKETS = 256, 64  # so much in flight that a pause of the server stops nobody from asking
DEADLINE = 120.0  # s
COUNTED = ("left", "left.dropped")


def counted(loaded: Loaded) -> Counter[str]:
    """What the instance has left so far."""
    told = loaded.suite.control("call", "auth", "statistics")["counters"]
    return Counter({name: told.get(name, 0) for name in COUNTED})


def slots(loaded: Loaded) -> list[int]:
    """The numbers of the images that there are."""
    return [slot["number"] for slot in loaded.suite.control("call", "memmgr", "status")["slots"]]


def rebuild(loaded: Loaded, asked: float, *, wanted: bool) -> bool:
    """Slices, with a rebuild or without, as a line; whether nothing was left."""
    before, drops = counted(loaded), kernel_drops(loaded.suite.port)
    images, deadline = slots(loaded), time.monotonic() + DEADLINE
    accounts = []
    built = False
    while not built:
        running = loaded.beside(SECONDS, asked)
        if wanted and not accounts:
            loaded.suite.control("call", "memmgr", "rebuild")
        accounts.append(running.result())
        built = not wanted or slots(loaded) != images
        if time.monotonic() > deadline:
            raise SystemExit(f"no other image took the place of this one within {DEADLINE:g} s")
    left = counted(loaded)
    left.subtract(before)
    dropped = kernel_drops(loaded.suite.port) - drops
    rate = sum(account.in_time for account in accounts) / sum(account.seconds for account in accounts)
    wrong, lost = sum(account.wrong for account in accounts), sum(account.lost for account in accounts)
    columns = [f"{rate:.0f}", wrong, lost, left["left"], left["left.dropped"], dropped]
    print(f"| {'with' if wanted else 'without'} | {' | '.join(map(str, columns))} |", flush=True)
    wait_until(loaded.is_settled, DEADLINE, "it is built")
    return not (any(left.values()) or wrong)


def main() -> None:
    """Print a line a rebuild; exit 1 where anything was left or wrong."""
    words = sys.argv[1:]
    rebuilds = int(words[0]) if words else REBUILDS
    bad = 0
    with Loaded(words[2] if len(words) > 2 else ROW, instances=1) as loaded:
        if len(words) > 1:
            rate = float(words[1])
        else:
            rate = max(account.in_time / account.seconds for account in (loaded.slices.run(2.0) for _ in range(3))) / 2
        print(f"{rate:.0f} queries/s")
        loaded.slices.load = loaded.slices.load.with_clients(SOCKETS, WINDOW)
        print("| rebuild | answers/s | wrong | lost | left to the worker | dropped by the loop | by the kernel |")
        print("|---|---|---|---|---|---|---|")
        rebuild(loaded, rate, wanted=False)
        for _ in range(rebuilds):
            bad += not rebuild(loaded, rate, wanted=True)
    print(f"{rebuilds} rebuilds; goal: nothing left, dropped or wrong: {f'MISSED {bad} times' if bad else 'reached'}")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
