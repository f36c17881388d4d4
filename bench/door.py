"""A page of the list of many zones through the real door, in every form: door [ZONES [RUNS [KIND]]].

Two instances of auth, the control socket and HTTPS with a token; each request makes a connection of its own, as bobctl
does. ZONES copies of one small zone are in SQLite, of which every 10 000th has lost its NS records; then they are zone
files, of which every 10 000th was never good, and the one before it has become bad. KIND: `sqlite` or `files` alone.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dns.name
import sqlalchemy as sa

from bench.served import Suite, as_people_start_it, images_ready
from bench.timing import timed
from cmdctl.api import Client
from cmdctl.remote_client import RemoteClient
from datasrc.database.bulk import insert_many
from datasrc.database.engine import Database
from datasrc.database.schema import STATES, rrsets, zones
from datasrc.keys import key_text, name_key
from datasrc.records import ZoneState
from datasrc.rows import name_wire
from tests.kit import suite as kit
from tests.kit.zones import small_zone

ZONES = 100_000
RUNS = 20
PAGE = 100
BROKEN_EVERY = 10_000
NS = 2
GOAL = 0.050  # seconds


def multiply(url: str, count: int) -> None:
    """Copy the rows of the only zone there is to `count` others."""
    database = Database(url)
    with database.write() as connection:
        row = connection.execute(sa.select(zones)).one()
        sets = connection.execute(sa.select(rrsets).where(rrsets.c.zone == row.id)).all()
        many: list[tuple[Any, ...]] = []
        for number in range(count):
            origin = dns.name.from_text(f"z{number:06}.example")
            key, broken = name_key(origin), number % BROKEN_EVERY == BROKEN_EVERY - 1
            told = {"id": row.id + 1 + number, "key": key, "origin": name_wire(origin), "text": key_text(key)}
            state = STATES[ZoneState.BROKEN if broken else ZoneState.READY]
            many.append(tuple({**row._asdict(), **told, "state": state}.values()))
            if len(many) == 1000 or number == count - 1:
                insert_many(connection, sa.insert(zones), tuple(zones.columns.keys()), many)
                many.clear()
        copies = (
            (row.id + 1 + number, *one[1:])
            for number in range(count)
            for one in sets
            if not (one.type == NS and number % BROKEN_EVERY == BROKEN_EVERY - 1)
        )
        while part := [copy for _, copy in zip(range(10_000), copies, strict=False)]:
            insert_many(connection, sa.insert(rrsets), tuple(rrsets.columns.keys()), part)
    database.close()


def report(what: str, times: list[float], count: int) -> None:
    """A line of figures in milliseconds."""
    worst, median = max(times) * 1000, statistics.median(times) * 1000
    verdict = "reached" if median < GOAL * 1000 else "missed"
    print(f"{what}: {count} zones, median {median:.1f} ms, worst {worst:.1f} ms of {len(times)}, goal {verdict}")


def forms(count: int, source: str) -> dict[str, dict[str, Any]]:
    """What is asked for."""
    middle = f"z{count // 2:06}.example"
    return {
        "the first page": {},
        "a page in the middle": {"after": middle},
        "a name's beginning that a hundred have": {"name": middle[:5]},
        "a name's beginning that all have": {"name": "z"},
        "... in the middle": {"name": "z", "after": middle},
        "a beginning nobody has": {"name": "y"},
        "broken ones": {"state": "broken"},
        "broken ones whose names begin so": {"state": "broken", "name": "z"},
        "ready ones behind the middle": {"state": "ready", "after": middle},
        "empty ones": {"state": "empty"},
        "shadowed ones": {"state": "shadowed"},
        "those whose older version is served": {"state": "stale"},
        "one data source": {"source": source},
    }


def remote(suite: Suite) -> Client:
    """A client over HTTPS that may read."""
    suite.bobctl("user", "add", "bench", "--role", "read", "--no-password")
    token = suite.control("token", "add", "--user", "bench", "--expires", "1d")["token"]
    return RemoteClient(f"https://127.0.0.1:{suite.rest_port}", token=token, trusted=suite.state / "rest.crt")


def write_files(directory: Path, count: int) -> None:
    """The same zones as files, of which some are bad from the beginning."""
    for number in range(count):
        bad = "bad A 192.0.2.300" if number % BROKEN_EVERY == BROKEN_EVERY - 1 else ""
        (directory / f"z{number:06}.example.zone").write_text(small_zone(f"z{number:06}.example", 1, bad))


def spoil_files(suite: Suite, directory: Path, count: int) -> None:
    """Wait for the images, and have some files become bad then."""
    kit.wait_until(lambda: images_ready(suite), 600, "all zones have images")
    for number in range(BROKEN_EVERY - 2, count, BROKEN_EVERY):
        path = directory / f"z{number:06}.example.zone"
        path.write_text(small_zone(f"z{number:06}.example", 2, "bad A 192.0.2.300"))
    suite.bobctl("zone", "reload")


def measure(suite: Suite, source: str, count: int, runs: int) -> None:
    """A line for each form, by both doors."""
    kit.wait_until(lambda: suite.control()["rest"]["state"] == "open", 60, "REST is open")
    doors = {"control.sock": Client(suite.run / "control.sock"), "HTTPS": remote(suite)}
    for door, client in doors.items():
        for what, query in forms(count, source).items():
            ask = lambda query=query, client=client: client.get("zones", query={**query, "limit": PAGE})  # noqa: E731
            began = time.perf_counter()
            found = len(ask()["zones"])
            first = f" (asked for the first time {(time.perf_counter() - began) * 1000:.1f} ms)"
            report(f"{door}, {what}{first}", [timed(ask) for _ in range(runs)], found)
    shown = lambda: client.get("zones", f"z{count // 3:06}.example")  # noqa: E731
    report("HTTPS, one zone", [timed(shown) for _ in range(runs)], 1)


def main() -> None:
    """Print the figures."""
    as_people_start_it()
    count = int(sys.argv[1]) if len(sys.argv) > 1 else ZONES
    runs = int(sys.argv[2]) if len(sys.argv) > 2 else RUNS
    kinds = sys.argv[3:4] or ["sqlite", "files"]
    config = "components: {auth: {instances: 2}}\n"
    print(f"/v1/zones?limit={PAGE} of {count} zones, goal under {GOAL * 1000:.0f} ms")
    if "sqlite" in kinds:
        with Suite(config=config) as suite:
            done = suite.loadzone("example.org", small_zone())
            if done.returncode:
                raise SystemExit(done.stderr)
            multiply(f"sqlite:///{suite.state}/zones.sqlite", count)
            suite.start()
            print("in SQLite")
            measure(suite, "main", count, runs)
    if "files" in kinds:
        with tempfile.TemporaryDirectory(prefix="door-") as name:
            directory = Path(name)
            write_files(directory, count)
            config += f"data_sources: {{files: {{type: master-files, directory: {directory}}}}}\n"
            with Suite(config=config) as suite:
                suite.start()
                spoil_files(suite, directory, count)
                print("as zone files")
                measure(suite, "files", count, runs)


if __name__ == "__main__":
    main()
