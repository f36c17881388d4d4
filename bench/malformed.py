"""A million malformed packets against a running suite: no crash, no hang, no growth, right answers all the while.

malformed [COUNT [SEED]]: 1 000 000 packets take about four minutes on two cores.
"""

from __future__ import annotations

import contextlib
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from tests.kit.malformed import Campaign
from tests.kit.suite import wait_until
from tests.kit.zones import small_zone

COUNT = 1_000_000
SEED = 1
GOAL = "goal: the same processes answer, none has grown, none has complained"
PART = 50_000  # packets between two lines; the first ones warm the suite up


def main() -> None:
    """Print a line now and then."""
    as_people_start_it()
    words = [int(word) for word in sys.argv[1:]]
    count, seed = [*words, *(COUNT, SEED)[len(words) :]]
    with Suite() as suite:
        suite.loadzone("example.org", small_zone())
        suite.start()
        wait_until(lambda: "auth/spare" in suite.components(), what="the spare is there")
        campaign = Campaign(suite, "www.example.org", bytes([192, 0, 2, 80]), seed)
        with contextlib.closing(campaign):
            began = time.monotonic()
            campaign.send(PART)
            campaign.remember()
            while campaign.sent < count:
                campaign.send(min(PART, count - campaign.sent))
                print(f"{time.monotonic() - began:.0f} s: {campaign}", flush=True)
            try:
                campaign.check()
            except AssertionError as error:
                sys.exit(f"{GOAL}: MISSED: {error}")
    print(f"{GOAL}: reached")


if __name__ == "__main__":
    main()
