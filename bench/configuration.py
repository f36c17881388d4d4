"""A change to one of many listed zones, and a page of their list, through the suite: configuration [ZONES [RUNS]].

The suite is started with ZONES zones listed in bob.yaml, which differ in their access lists in KINDS ways. Then one
zone is given another list, again and again: `set` and `commit` through the door, as bobctl does them; right behind the
first start, while memmgr makes a record for each zone, and again when it has.
"""

from __future__ import annotations

import itertools
import statistics
import sys
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.served import Suite, as_people_start_it
from bench.timing import timed
from cmdctl.api import Client
from cmdctl.errors import ClientError

ZONES = 100_000
KINDS = 50
RUNS = 20
PAGE = 100
GOAL_COMMIT, GOAL_PAGE = 0.050, 0.050  # seconds
SETTLED = 120.0  # seconds at most
ZONE = "@ 300 SOA ns hostmaster 1 2 3 4 5\n@ 300 NS ns\nns 300 A 192.0.2.1\n"


def document(zones: int) -> str:
    """bob.yaml."""
    lines = ["auth: {identity: bench}", "components: {auth: {instances: 2}}", "zones:"]
    for number in range(zones):
        rule = f"{{action: ACCEPT, from: 10.{number % KINDS}.0.0/16}}"
        lines.append(f"  z{number:06}.example: {{query_acl: [{rule}, {{action: REJECT}}]}}")
    return "\n".join(lines) + "\n"


def report(what: str, times: list[float], goal: float | None = None) -> None:
    """A line of figures in milliseconds."""
    worst, median = max(times) * 1000, statistics.median(times) * 1000
    verdict = "" if goal is None else "reached" if median < goal * 1000 else "missed"
    told = f", goal under {goal * 1000:.0f} ms {verdict}" if goal else ""
    print(f"{what}: median {median:.1f} ms, worst {worst:.1f} ms of {len(times)}{told}")


def wait_for_suite(suite: Suite, client: Client) -> float:
    """Seconds until the whole suite is ready."""
    began = time.perf_counter()
    while True:
        if suite.process is None or suite.process.poll() is not None:
            raise SystemExit(f"bob ended:\n{suite.log.read_text()[-4000:]}")
        try:
            if all(one["state"] == "running" for one in client.get("components")["components"]):
                return time.perf_counter() - began
        except ClientError:
            pass
        time.sleep(0.05)


def wait_until_settled(suite: Suite, client: Client) -> float:
    """Seconds until memmgr has nothing to do any more."""
    began = time.perf_counter()
    while doubt := client.post("call", "memmgr", "status", body={"arguments": {}})["doubt"]:
        if time.perf_counter() - began > SETTLED:
            raise SystemExit(f"memmgr did not come to its end: {doubt}\n{suite.log.read_text()[-4000:]}")
        time.sleep(0.05)
    return time.perf_counter() - began


class Operator:
    """Who changes the configuration, and takes the time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._rules = itertools.count(1)

    def set(self, path: str, value: Any) -> float:
        """Seconds of an edit."""
        return timed(lambda: self._client.post("config", "set", body={"path": path, "value": value}))

    def remove(self, path: str) -> float:
        """Seconds of an edit."""
        return timed(lambda: self._client.post("config", "remove", body={"path": path}))

    def commit(self) -> float:
        """Seconds of a commit."""
        return timed(lambda: self._client.post("config", "commit", body={"reason": "bench"}))

    def access_list(self) -> list[dict[str, str]]:
        """One that no zone has."""
        number = next(self._rules)
        rule = {"action": "ACCEPT", "from": f"192.0.{number // 250}.{number % 250 + 1}"}
        return [rule, {"action": "REJECT"}]


def measure_changes(operator: Operator, when: str, runs: int, zones: int) -> None:
    """Changes of one zone."""
    path = f"zones[z{zones // 2:06}.example].query_acl"
    times = [(operator.set(path, operator.access_list()), operator.commit()) for _ in range(runs)]
    report(f"{when}: set, one zone", [one for one, _ in times])
    report(f"{when}: commit, one zone", [other for _, other in times], GOAL_COMMIT)
    report(f"{when}: set and commit, one zone", [one + other for one, other in times])


def measure(suite: Suite, runs: int, zones: int) -> None:
    """Start, change, list."""
    client = Client(suite.run / "control.sock", timeout=120.0)
    operator = Operator(client)
    suite.start(wait=False)
    print(f"{zones} zones listed; first start, from bob.yaml: {wait_for_suite(suite, client):.1f} s")
    measure_changes(operator, "behind the first start", runs, zones)
    print(f"until memmgr has a record for each zone: {wait_until_settled(suite, client):.1f} s more")
    measure_changes(operator, "settled", runs, zones)
    come, gone = [], []
    for number in range(runs):
        name = f"zones[new{number}.example]"
        operator.set(f"{name}.query_acl", operator.access_list())
        come.append(operator.commit())
        operator.remove(name)
        gone.append(operator.commit())
    report("settled: commit, one zone more", come, GOAL_COMMIT)
    report("settled: commit, one zone less", gone, GOAL_COMMIT)
    settings = [operator.set("auth.version", f"{number}") + operator.commit() for number in range(runs)]
    report("set and commit, an option of auth", settings)
    more = {"type": "database", "url": "sqlite:///{state_dir}/more.sqlite"}
    for what, where, value in (
        ("a template that no zone names", "templates.t.notify", "off"),
        ("one more data source", "data_sources.more", more),
    ):
        report(f"set and commit, {what}", [operator.set(where, value) + operator.commit()])
    names = [f"z{zones * share // 10:06}.example" for share in range(10)]
    pages = [
        timed(lambda n=n: client.get("config", "entries", query={"path": "zones", "after": n, "limit": PAGE}))  # type: ignore[misc]
        for n in names
    ]
    report(f"a page of {PAGE} of their list", pages, GOAL_PAGE)
    suite.stop()
    suite.start(wait=False)
    print(f"start, from the store: {wait_for_suite(suite, client):.1f} s")


def main() -> None:
    """Print the figures."""
    as_people_start_it()
    zones = int(sys.argv[1]) if len(sys.argv) > 1 else ZONES
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with Suite(config=document(zones)) as suite:
        suite.loadzone("bench.test", ZONE).check_returncode()  # the data source is there
        measure(suite, runs, zones)


if __name__ == "__main__":
    main()
