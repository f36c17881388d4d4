"""SIGKILL of an auth instance at half of the peak load: what is lost, and what may be: the batch in hand, and what the
kernel drops because the buffers of the sockets are full until the spare has them.

kill_at_load [KILLS [RATE]]: five kills by default; without RATE at half of what the suite answers at most. A minute.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.loaded import Loaded
from tests.kit.load import kernel_drops
from tests.kit.suite import wait_until

KILLS = 5
SECONDS = 3.0  # of load about a kill
INTO = 1.0  # s into it
INSTANCES = 2
BATCH = 64  # datagrams that an instance has in hand (auth.udp_batch)
WINDOW, SOCKETS = 256, 64  # so much in flight that a pause of the server stops nobody from asking
DEADLINE = 30.0


def main() -> None:
    """Print a line a kill; exit 1 where more was lost than may be, or answers were wrong."""
    words = [float(word) for word in sys.argv[1:]]
    kills = int(words[0]) if words else KILLS
    rate = words[1] if len(words) > 1 else 0.0
    missed = 0
    with Loaded("udp-1k", instances=INSTANCES) as loaded:
        if not rate:
            peak = max(account.in_time / account.seconds for account in (loaded.slices.run(2.0) for _ in range(3)))
            rate = peak / 2
            print(f"peak {peak:.0f} answers/s; killed at {rate:.0f} queries/s")
        loaded.slices.load = loaded.slices.load.with_clients(SOCKETS, WINDOW)
        print("| instance | sent | answered | wrong | lost | dropped by the kernel | may be lost | |")
        print("|---|---|---|---|---|---|---|---|")
        for number in range(kills):
            missed += kill(loaded, f"auth/{number % INSTANCES}", rate)
    verdict = f"MISSED {missed} times" if missed else "reached"
    print(
        f"{kills} kills; goal: no wrong answer, and no more lost than the batch and what the kernel dropped: {verdict}"
    )
    sys.exit(bool(missed))


def kill(loaded: Loaded, member: str, rate: float) -> bool:
    """One kill; whether too much was lost."""
    pid, drops = loaded.suite.pid(member), kernel_drops(loaded.suite.port)
    running = loaded.beside(SECONDS, rate)
    time.sleep(INTO)  # the load is at its rate
    os.kill(pid, signal.SIGKILL)
    account = running.result()
    dropped = kernel_drops(loaded.suite.port) - drops
    may_be = BATCH + dropped
    bad = account.lost > may_be or account.wrong > 0
    print(
        f"| {member} | {account.sent} | {account.answered} | {account.wrong} | {account.lost} | {dropped} | {may_be} "
        f"| {'MISSED' if bad else 'reached'} |",
        flush=True,
    )
    wait_until(loaded.is_settled, DEADLINE, "another spare stands by")
    return bad


if __name__ == "__main__":
    main()
