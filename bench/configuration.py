"""A change to one of many listed zones, and a page of their list, through the suite: configuration [ZONES [RUNS]].

The suite is started with ZONES zones listed in bob.yaml, which differ in their access lists in KINDS ways. Then one
zone is given another list, again and again: `set` and `commit` through the door, as bobctl does them.
"""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from cmdctl.api import Client
from cmdctl.errors import ClientError
from tests.kit import suite as kit

ZONES = 100_000
KINDS = 50
RUNS = 20
PAGE = 100
GOAL_COMMIT, GOAL_PAGE = 0.050, 0.050  # seconds


def document(zones: int) -> str:
    """bob.yaml."""
    lines = ["auth: {identity: bench}", "components: {auth: {instances: 2}}", "zones:"]
    for number in range(zones):
        rule = f"{{action: ACCEPT, from: 10.{number % KINDS}.0.0/16}}"
        lines.append(f"  z{number:06}.example: {{query_acl: [{rule}, {{action: REJECT}}]}}")
    return "\n".join(lines) + "\n"


def timed(action: Callable[[], object]) -> float:
    """Seconds it takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began


def report(what: str, times: list[float], goal: float | None = None) -> None:
    """A line of figures in milliseconds."""
    worst, median = max(times) * 1000, statistics.median(times) * 1000
    verdict = "" if goal is None else "reached" if median < goal * 1000 else "missed"
    told = f", goal under {goal * 1000:.0f} ms {verdict}" if goal else ""
    print(f"{what}: median {median:.1f} ms, worst {worst:.1f} ms of {len(times)}{told}")


def wait_for_suite(suite: kit.Suite, client: Client) -> float:
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


def measure(suite: kit.Suite, runs: int, zones: int) -> None:
    """Start, change, list."""
    client = Client(suite.run / "control.sock", timeout=120.0)
    suite.start(wait=False)
    print(f"{zones} zones listed; first start, from bob.yaml: {wait_for_suite(suite, client):.1f} s")
    path = f"zones[z{zones // 2:06}.example].query_acl"

    def change(number: int) -> None:
        rule = {"action": "ACCEPT", "from": f"192.0.2.{number + 1}"}
        client.post("config", "set", body={"path": path, "value": [rule, {"action": "REJECT"}]})

    def commit() -> None:
        client.post("config", "commit", body={"reason": "bench"})

    sets, commits = [], []
    for number in range(runs):
        sets.append(timed(lambda number=number: change(number)))  # type: ignore[misc]
        commits.append(timed(commit))
    report("set, one zone", sets)
    report("commit, one zone", commits, GOAL_COMMIT)
    report("set and commit", [one + other for one, other in zip(sets, commits, strict=True)])
    settings = [
        timed(lambda n=n: client.post("config", "set", body={"path": "auth.version", "value": f"{n}"}))  # type: ignore[misc]
        + timed(commit)
        for n in range(runs)
    ]
    report("set and commit, an option of auth", settings)
    more = {"type": "database", "url": "sqlite:///{state_dir}/more.sqlite"}
    for what, where, value in (
        ("a template that no zone names", "templates.t.notify", "off"),
        ("one more data source", "data_sources.more", more),
    ):
        body = {"path": where, "value": value}
        took = timed(lambda body=body: client.post("config", "set", body=body)) + timed(commit)  # type: ignore[misc]
        report(f"set and commit, {what}", [took])
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
    kit.PYTHON[:] = [sys.executable, "-I", "-m"]  # as people start it, without the checks of the tests
    zones = int(sys.argv[1]) if len(sys.argv) > 1 else ZONES
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    with kit.Suite(config=document(zones)) as suite:
        measure(suite, runs, zones)


if __name__ == "__main__":
    main()
