"""Updates through the suite as it runs: from the commit until every auth instance answers what is new.

python bench/updates.py [RECORDS] [CHANGES] [ZONES]    # one zone of a million records; 300 changes of it; with ZONES so
                                                       # many small zones beside it, of which more are added one by one
python bench/updates.py delegations [COUNT] [CHANGES]  # one zone of 250 000 delegations with glue; 300 changes a kind

An update changes one RRset and the serial, in a database that the suite serves. The clock starts when the commit has
returned: its data is durable then, and memmgr was rung for. It ends when each of the sockets at hand, which the kernel
spreads over the instances, was answered with the new data.
"""

from __future__ import annotations

import socket
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import dns.rcode

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import datasrc
from bench.served import Instances, Suite, as_people_start_it, images_ready
from bench.texts import HEAD, address, zone_text
from datasrc.source import DataSource
from tests.datasrc.zonemaking import TESTER, load, name, rrset
from tests.kit import suite as kit

RECORDS = 1_000_000
DELEGATIONS = 250_000
NAMED = 5  # delegations that name the same host beside a server of their own
CHANGES = 300
ADDED = 100
INSTANCES = 2
ORIGIN = "example."
PAUSE = 0.02  # s between two changes
READY = 600.0  # s for the images of all zones
MEDIAN_GOAL, WORST_GOAL = 2.0, 10.0  # ms, median and p99: one RRset changed
ADDED_GOAL = 5.0  # ms, median: one zone added


def delegations_text(count: int) -> str:
    """Delegations with a server of their own and one that others name, too, as registries have them."""
    lines = []
    for number in range(count):
        servers = f"d{number} NS ns.d{number}", f"d{number} NS host{number // NAMED}"
        lines += [*servers, f"ns.d{number} A {address(number)}"]
    lines += [f"host{number} A {address(number, 11)}" for number in range(-(-count // NAMED))]
    return HEAD + "\n".join([*lines, ""])


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


def measure_records(suite: Suite, source: DataSource, records: int, changes: int, zones: int) -> None:
    """Changes of one zone of addresses, and zones that are added."""
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


class Registry:
    """Changes of a zone of delegations, each by a commit of its own; what is measured, in milliseconds."""

    def __init__(self, source: DataSource, instances: Instances) -> None:
        self._source = source
        self._instances = instances
        self._serial = 1

    def glue(self, number: int) -> float:
        """The address of a server below its delegation."""
        return self._readdress(f"ns.d{number}", f"d{number}", f"198.51.100.{number % 256}")

    def host(self, number: int) -> float:
        """That of a host which several delegations name."""
        return self._readdress(f"host{number}", f"d{NAMED * number + NAMED - 1}", f"203.0.113.{number % 256}")

    def added(self, number: int) -> float:
        """A delegation that was not there."""
        lines = [f"new{number} NS ns.new{number}", f"new{number} NS host{number}", f"ns.new{number} A 198.18.0.7"]
        packed = socket.inet_aton("198.18.0.7")
        return self._commit([], lines, f"new{number}", lambda reply: packed in reply)

    def removed(self, number: int) -> float:
        """One of those that were added."""
        gone = [(f"new{number}", 2), (f"ns.new{number}", 1)]
        return self._commit(gone, [], f"new{number}", lambda reply: reply[3] & 15 == dns.rcode.NXDOMAIN)

    def _readdress(self, host: str, cut: str, address: str) -> float:
        packed = socket.inet_aton(address)
        return self._commit([(host, 1)], [f"{host} A {address}"], cut, lambda reply: packed in reply)

    def _commit(
        self, gone: Sequence[tuple[str, int]], lines: Sequence[str], asked: str, is_new: Callable[[bytes], bool]
    ) -> float:
        self._serial += 1
        with self._source.updater(name(ORIGIN, ".")) as updater:
            updater.add(rrset(f"@ SOA ns hostmaster {self._serial} 3600 900 604800 300", ORIGIN))
            for owner, rdtype in gone:
                updater.delete(name(owner, ORIGIN), rdtype)
            for line in lines:
                updater.add(rrset(line, ORIGIN))
            updater.commit(TESTER)
        start = time.perf_counter()
        return 1000 * (self._instances.wait(f"www.{asked}.{ORIGIN}", is_new) - start)


def measure_delegations(suite: Suite, source: DataSource, count: int, changes: int) -> None:
    """Changes of one zone of delegations."""
    registry = Registry(source, Instances(suite.port))
    for what, work in {
        f"the address of a server below one of {count} delegations changed": registry.glue,
        f"that of a host which {NAMED} of {count} delegations name": registry.host,
        f"one delegation added to {count}": registry.added,
        f"one removed from {count}": registry.removed,
    }.items():
        report(what, paced(changes, work), MEDIAN_GOAL, WORST_GOAL)
    (zone,) = suite.control("call", "memmgr", "zone_status", f'origins=["{ORIGIN}"]')["zones"]
    print(f"changes of the zone since its image was built: {zone['generation']} of {4 * changes}")


def measure(text: str, zones: int, work: Callable[[Suite, DataSource], None]) -> None:
    """Start a suite that serves this zone and so many small ones, and do this."""
    as_people_start_it()
    with Suite(config=f"components: {{auth: {{instances: {INSTANCES}}}}}\n") as suite:
        file = suite.directory / "zone"
        file.write_text(text)
        done = suite.program("loadzone", "--state-dir", str(suite.state), ORIGIN, str(file))
        if done.returncode:
            raise SystemExit(done.stderr)
        source = datasrc.open(f"sqlite:///{suite.state}/zones.sqlite")
        load_zones(source, zones)
        suite.start()
        kit.wait_until(lambda: images_ready(suite), READY, "the images are ready")
        work(suite, source)
        source.close()
        suite.stop()


def main(arguments: Sequence[str]) -> None:
    """Print what was measured beside its goal."""
    if arguments[:1] == ["delegations"]:
        count, changes = [*map(int, arguments[1:]), *(DELEGATIONS, CHANGES)[len(arguments) - 1 :]]
        measure(delegations_text(count), 0, lambda suite, source: measure_delegations(suite, source, count, changes))
        return
    records, changes, zones = [*map(int, arguments), *(RECORDS, CHANGES, 0)[len(arguments) :]]
    measure(zone_text(records), zones, lambda suite, source: measure_records(suite, source, records, changes, zones))


if __name__ == "__main__":
    main(sys.argv[1:])
