"""What a stream of updates costs at full query load: changes of one RRset of a zone of a million records, through the
data source, in every other slice. The goal is under 3 % of the answers.

update_stream [CHANGES-A-SECOND [PAIRS [ROW]]]: 10, 15 and udp-1m by default; two minutes. On two cores the writer of
the changes and memmgr take their time from the load and from auth: what auth needs for an answer is told beside it.
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import Future
from dataclasses import replace
from itertools import cycle
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dns.name

import datasrc
from bench.loaded import Loaded
from bench.sidebyside.load_program import Account
from bench.sidebyside.ratios import Reach, pairwise
from datasrc.records import Provenance, RRset
from datasrc.source import DataSource
from tests.kit.suite import wait_until

CHANGES = 10  # a second
PAIRS = 15
ROW = "udp-1m"
SECONDS = 1.5  # of a slice
GOAL = 0.97
WRITER = Provenance("bench", "bench", "an update")
A, SOA = 1, 6
SERIAL = slice(-20, -16)  # of the RDATA of a SOA


class Updates:
    """Changes addresses of names that are asked for, one after the other."""

    def __init__(self, loaded: Loaded, rate: float) -> None:
        self.source: DataSource = datasrc.open(f"sqlite:///{loaded.suite.state}/zones.sqlite")
        (origin,) = loaded.files.zone_files()
        self.origin = dns.name.from_text(origin)
        self.names = [dns.name.from_text(question.name) for question in loaded.files.data.probes]
        self.turn = cycle(self.names)
        self.rate = rate
        with self.source.snapshot() as snapshot:
            zone = snapshot.zone(self.origin)
            assert zone is not None
            soa = zone.rrset(self.origin, SOA)
        assert soa is not None
        self.soa = soa
        self.made = 0
        self.last: tuple[dns.name.Name, str] | None = None

    def stream(self, running: Future[Account]) -> None:
        """At a steady rate while the load runs."""
        due = time.monotonic()
        while not running.done():
            self.change()
            due += 1 / self.rate
            time.sleep(max(0.0, due - time.monotonic()))

    def change(self) -> None:
        """One transaction: an address, and the serial."""
        name = next(self.turn)
        address = bytes([198, 51, 100, self.made % 256])
        rdata = self.soa.rdatas[0]
        serial = int.from_bytes(rdata[SERIAL]) + 1
        rdata = rdata[: SERIAL.start] + serial.to_bytes(4) + rdata[SERIAL.stop :]
        self.soa = replace(self.soa, rdatas=(rdata,))
        with self.source.updater(self.origin) as updater:
            updater.delete(self.origin, SOA)
            updater.add(self.soa)
            updater.delete(name, A)
            updater.add(RRset(name, A, self.soa.ttl, (address,)))
            updater.commit(WRITER)
        self.made += 1
        self.last = name, ".".join(map(str, address))


def processor_time(pid: int) -> int:
    """Nanoseconds that all threads of a process have had."""
    return sum(int(path.read_text().split()[0]) for path in Path(f"/proc/{pid}/task").glob("*/schedstat"))


def main() -> None:
    """Print the ratio; exit 1 where it is below the goal for certain."""
    words = sys.argv[1:]
    rate = float(words[0]) if words else CHANGES
    pairs = int(words[1]) if len(words) > 1 else PAIRS
    with Loaded(words[2] if len(words) > 2 else ROW, instances=1) as loaded:
        loaded.slices.run(SECONDS)  # does not count
        updates = Updates(loaded, rate)
        rates: dict[bool, list[float]] = {False: [], True: []}
        costs: dict[bool, list[float]] = {False: [], True: []}  # nanoseconds of auth an answer
        wrong = lost = 0
        pid = loaded.suite.pid("auth/0")
        for number in range(pairs):
            for updating in (False, True) if number % 2 else (True, False):
                used = processor_time(pid)
                running = loaded.beside(SECONDS)
                if updating:
                    updates.stream(running)
                account = running.result()
                rates[updating].append(account.in_time / account.seconds)
                costs[updating].append((processor_time(pid) - used) / max(1, account.answered))
                wrong += account.wrong
                lost += account.lost
        assert updates.last is not None
        name, address = updates.last
        wait_until(lambda: address in loaded.suite.query(str(name), "A").to_text(), what="the last change is served")
        updates.source.close()
    without = rates[False]
    noise = pairwise(without[1:], without[:-1])
    ratio, cost = pairwise(rates[True], without), pairwise(costs[True], costs[False])
    print(f"{updates.made} changes of one RRset, {rate:g} a second; {wrong} wrong answers, {lost} lost")
    print(f"without updates {sorted(without)[len(without) // 2]:.0f} answers/s; one slice to the next {noise}")
    print(f"processor time of auth an answer, with to without: {cost.median:.3f} ({cost.low:.3f} to {cost.high:.3f})")
    reach = Reach.of(ratio, GOAL)
    shown = f"{ratio.median:.3f} ({ratio.low:.3f} to {ratio.high:.3f})"
    print(f"with updates to without: {shown}; goal {GOAL}: {reach.value}")
    sys.exit(not reach.is_met or wrong > 0)


if __name__ == "__main__":
    main()
