"""How long a health check takes and what it needs, on a simulated hierarchy: health.

A healthy signed domain with 4 name servers at 8 addresses, 20 ms away, below 13 root and 6 TLD servers at two addresses
each. Servers and network are simulated in the same process, so that their work is counted too; time is real.
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections import Counter
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from health.engine.hints import Hints
from health.engine.results import Entry
from health.engine.runner import Test
from tests.kit.internet import Internet
from tests.kit.internet_behaviour import silent
from tests.kit.internet_signing import secure

ROUND_TRIP = 0.020
GOAL_HEALTHY = 5.0  # seconds
GOAL_DEAD = 10.0  # seconds more
GOAL_MEMORY = 300  # MiB, 50 tests at once
AT_ONCE = 50
DOMAIN = "child.example"
DEAD = "192.0.2.44"
WARM_UP = 1


def hierarchy(domains: int = 1) -> Internet:
    """The Internet of the measurement, with `domains` domains in it."""
    letters = "abcdefghijklm"
    roots = {f"{x}.root.test": [f"198.51.100.{n}", f"2001:db8:f::{n}"] for n, x in enumerate(letters, 1)}
    internet = Internet(root_servers=roots, round_trip=ROUND_TRIP)
    internet.zone("example", {f"ns{n}.nic.example": [f"192.0.2.{n}", f"2001:db8::{n}"] for n in range(1, 7)})
    origins = [DOMAIN] + [f"child{n}.example" for n in range(1, domains)]
    for origin in origins:
        internet.zone(
            origin,
            {f"ns{n}.{origin}": [f"192.0.2.{40 + n}", f"2001:db8:1::{n}"] for n in range(1, 5)},
            records='@ 3600 IN MX 10 mail\nmail 3600 IN A 192.0.2.99\n@ 3600 IN TXT "v=spf1 mx -all"',
        )
    secure(internet, ".", "example", *origins)
    return internet


async def check(internet: Internet, domain: str) -> tuple[float, list[Entry], Test]:
    """One test: seconds, entries."""
    test = Test(domain, network=internet, clock=internet.clock, hints=Hints(internet.root_servers))
    begun = time.perf_counter()
    entries = [entry async for entry in test.run()]
    return time.perf_counter() - begun, entries, test


def report(name: str, entries: list[Entry], seconds: float, test: Test) -> None:
    levels = Counter(entry.level.name for entry in entries if entry.level > 0)
    asked = test.figures
    print(f"{name}: {seconds:.2f} s; {asked.queries} queries, {asked.unanswered} unanswered; {dict(levels)}")


def main() -> None:
    """Print the figures beside their goals."""
    for _ in range(WARM_UP):
        asyncio.run(check(hierarchy(), DOMAIN))
    healthy, entries, test = asyncio.run(check(hierarchy(), DOMAIN))
    report("healthy signed domain, 8 addresses at 20 ms", entries, healthy, test)
    print(f"  goal under {GOAL_HEALTHY:.0f} s")

    internet = hierarchy()
    internet.behave(DEAD, silent)
    dead, entries, test = asyncio.run(check(internet, DOMAIN))
    report("the same with one dead address", entries, dead, test)
    print(f"  adds {dead - healthy:.2f} s; goal under {GOAL_DEAD:.0f} s")

    many(hierarchy(AT_ONCE))


def many(internet: Internet) -> None:
    async def all_at_once() -> float:
        begun = time.perf_counter()
        domains = [DOMAIN] + [f"child{n}.example" for n in range(1, AT_ONCE)]
        await asyncio.gather(*(check(internet, domain) for domain in domains))
        return time.perf_counter() - begun

    took = asyncio.run(all_at_once())
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{AT_ONCE} tests at once: {took:.1f} s, {memory:.0f} MiB with the simulated Internet, "
        f"goal under {GOAL_MEMORY} MiB"
    )


if __name__ == "__main__":
    main()
