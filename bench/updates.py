"""Updates through the suite as it runs: from the commit until every auth instance answers what is new.

python bench/updates.py [RECORDS] [CHANGES] [ZONES]    # one zone of a million records; 300 changes of it; with ZONES so
                                                       # many small zones beside it, of which more are added one by one

An update changes one RRset and the serial, in a database that the suite serves. The clock starts when the commit has
returned: its data is durable then, and memmgr was rung for. It ends when each of the sockets at hand, which the kernel
spreads over the instances, was answered with the new data.
"""

from __future__ import annotations

import select
import socket
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dns.message

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datasrc
from datasrc.source import DataSource
from tests.datasrc.zonemaking import TESTER, load, name, rrset
from tests.kit import suite as kit

RECORDS = 1_000_000
CHANGES = 300
ADDED = 100
INSTANCES = 2
SOCKETS = 8  # that all of them are at one of two instances happens once in 128 runs
ORIGIN = "example."
PAUSE = 0.02  # s between two changes
READY = 600.0  # s for the images of all zones
GIVE_UP = 5.0  # s for one change
LOST = 1.0  # s after which a query is asked again
MESSAGE = 4096  # octets
MEDIAN_GOAL, WORST_GOAL = 2.0, 10.0  # ms, median and p99: one RRset changed
ADDED_GOAL = 5.0  # ms, median: one zone added


class Instances:
    """All auth instances, asked side by side."""

    def __init__(self, port: int) -> None:
        self._sockets = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(SOCKETS)]
        for one in self._sockets:
            one.connect(("127.0.0.1", port))
            one.setblocking(False)

    def wait(self, owner: str, is_new: Callable[[bytes], bool]) -> float:
        """Ask one until it has it, and then all others; the time when the last answer with the new data was there.

        One at a time at first, for what is not in the images yet costs a process of its own some time for each query.
        """
        query = dns.message.make_query(owner, "A").to_wire()
        end = time.perf_counter() + GIVE_UP
        for waiting in ([self._sockets[0]], list(self._sockets[1:])):
            while waiting:
                for one in waiting:
                    one.send(query)
                told: set[socket.socket] = set()
                while len(told) < len(waiting):
                    readable, _, _ = select.select([one for one in waiting if one not in told], (), (), LOST)
                    if not readable:
                        break  # a query was lost: asked again
                    for one in readable:
                        if is_new(one.recv(MESSAGE)):
                            waiting.remove(one)
                        else:
                            told.add(one)
                if time.perf_counter() > end:
                    raise SystemExit(f"{owner} was not answered by {len(waiting)} sockets within {GIVE_UP} s")
        return time.perf_counter()


def zone_text(records: int) -> str:
    lines = ["$TTL 3600", "@ SOA ns hostmaster 1 3600 900 604800 300", "@ NS ns", "ns A 192.0.2.1"]
    lines += [f"h{number} A 10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}" for number in range(records)]
    return "\n".join([*lines, ""])


def change(source: DataSource, instances: Instances, number: int) -> float:
    """Milliseconds from the commit until all have the new address of one name."""
    owner, address = f"h{number}", f"192.0.2.{number % 256}"
    with source.updater(name(ORIGIN, ".")) as updater:
        updater.add(rrset(f"@ SOA ns hostmaster {number + 2} 3600 900 604800 300", ORIGIN))
        updater.delete(name(owner, ORIGIN), 1)
        updater.add(rrset(f"{owner} A {address}", ORIGIN))
        updater.commit(TESTER)
    start = time.perf_counter()
    packed = socket.inet_aton(address)
    return 1000 * (instances.wait(f"{owner}.{ORIGIN}", lambda reply: packed in reply) - start)


def add(source: DataSource, instances: Instances, number: int) -> float:
    """Milliseconds from the commit of a new zone until all answer from it."""
    origin = f"added{number}."
    load(source, small_zone(), origin)
    start = time.perf_counter()
    packed = socket.inet_aton("192.0.2.7")
    return 1000 * (instances.wait(f"www.{origin}", lambda reply: packed in reply) - start)


def small_zone() -> str:
    return "@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\nwww A 192.0.2.7"


def report(what: str, milliseconds: Sequence[float], median: float, p99: float | None = None) -> None:
    """The figures, and whether they reach their goals."""
    ordered = sorted(milliseconds)
    worst = ordered[min(int(0.99 * len(ordered)), len(ordered) - 1)]
    middle = statistics.median(ordered)
    print(f"{what}, commit to served by {INSTANCES} instances, {len(ordered)} times:")
    print(f"    median {middle:.2f} ms; goal {median:g} ms: {'reached' if middle <= median else 'MISSED'}")
    verdict = "" if p99 is None else f"; goal {p99:g} ms: {'reached' if worst <= p99 else 'MISSED'}"
    print(f"    p99 {worst:.2f} ms{verdict}; worst {ordered[-1]:.2f} ms")


def ready(suite: kit.Suite) -> bool:
    """Whether the images are announced, and nothing is waited for."""
    images = suite.control("call", "memmgr", "status", check=False)
    return bool(images) and images["state"] == "ready" and not images["waiting"] and not images["building"]


def load_zones(source: DataSource, zones: int) -> None:
    for number in range(zones):
        load(source, small_zone(), f"z{number}.test.")


def paced(count: int, work: Callable[[int], float]) -> list[float]:
    """Each after a pause, as updates come."""
    found = []
    for number in range(count):
        found.append(work(number))
        time.sleep(PAUSE)
    return found


def main(records: int = RECORDS, changes: int = CHANGES, zones: int = 0) -> None:
    """Print what was measured beside its goal."""
    kit.PYTHON[:] = [sys.executable, "-I", "-m"]  # as people start it, without the checks of the tests
    with kit.Suite(config=f"components: {{auth: {{instances: {INSTANCES}}}}}\n") as suite:
        text = suite.directory / "zone"
        text.write_text(zone_text(records))
        done = suite.program("loadzone", "--state-dir", str(suite.state), ORIGIN, str(text))
        if done.returncode:
            raise SystemExit(done.stderr)
        source = datasrc.open(f"sqlite:///{suite.state}/zones.sqlite")
        load_zones(source, zones)
        suite.start()
        kit.wait_until(lambda: ready(suite), READY, "the images are ready")
        instances = Instances(suite.port)
        report(
            f"one RRset of {records} records changed",
            paced(changes, lambda number: change(source, instances, number)),
            MEDIAN_GOAL,
            WORST_GOAL,
        )
        report(
            f"one zone added to {zones + 1}",
            paced(ADDED, lambda number: add(source, instances, number)),
            ADDED_GOAL,
        )
        source.close()
        suite.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
