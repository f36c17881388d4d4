"""A zone file into SQLite, beside pdnsutil where there is one, on one core:

taskset -c 1 python bench/loading.py [RECORDS] [RUNS] [addresses|mixed]

The goals are for a zone of addresses; a mixed one is what those have who host for others (bench/texts.py).
"""

from __future__ import annotations

import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from bench.texts import address, mixed_lines
from bench.timing import timed

PDNS_SCHEMA = Path("/usr/share/pdns-backend-sqlite3/schema/schema.sqlite3.sql")
MILLION = 1_000_000
SECONDS_GOAL = 3.0  # for a million records, on one core
RATIO_GOAL = 0.7  # of what pdnsutil takes
HEAD = "$TTL 3600\n@ IN SOA ns1 host 1 7200 900 604800 300\n@ IN NS ns1\nns1 IN A 192.0.2.1\n"


def main(records: int = 1_000_000, runs: int = 5, kind: str = "addresses") -> None:
    lines = {"addresses": addresses, "mixed": mixed_lines}[kind](records - 3)
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        text = directory / "bench.zone"
        with text.open("w") as stream:
            stream.write(HEAD)
            stream.writelines(lines)
        ours = [timed(lambda: loadzone(directory, text)) for _ in range(runs)]
        report("loadzone", records, ours)
        print(f"a million records: {verdict(statistics.median(ours) * MILLION / records, SECONDS_GOAL)}")
        if shutil.which("pdnsutil") and PDNS_SCHEMA.exists():
            theirs = [timed(lambda: pdnsutil(directory, text)) for _ in range(runs)]
            report("pdnsutil", records, theirs)
            print(f"ratio of the medians: {verdict(statistics.median(ours) / statistics.median(theirs), RATIO_GOAL)}")


def addresses(records: int) -> Iterator[str]:
    return (f"h{number:07d} IN A {address(number)}\n" for number in range(records))


def verdict(figure: float, goal: float) -> str:
    return f"{figure:.2f}; goal {goal:g}: {'reached' if figure <= goal else 'MISSED'}"


def report(who: str, records: int, seconds: list[float]) -> None:
    middle = statistics.median(seconds)
    print(
        f"{who}: {records} records in {middle:.2f} s "
        f"({min(seconds):.2f} to {max(seconds):.2f}, {len(seconds)} runs), {records / middle:,.0f} records/s"
    )


def loadzone(directory: Path, text: Path) -> None:
    state = directory / "state"
    shutil.rmtree(state, ignore_errors=True)
    program = Path(sys.executable).with_name("loadzone")
    subprocess.run([program, "--state-dir", state, "bench.example", text], check=True, capture_output=True)


def pdnsutil(directory: Path, text: Path) -> None:
    database = directory / "pdns.sqlite"
    for leftover in directory.glob("pdns.sqlite*"):
        leftover.unlink()
    with sqlite3.connect(database) as connection:
        connection.executescript(PDNS_SCHEMA.read_text())
    connection.close()
    (directory / "pdns.conf").write_text(f"launch=gsqlite3\ngsqlite3-database={database}\n")
    command = ["pdnsutil", f"--config-dir={directory}", "load-zone", "bench.example", str(text)]
    subprocess.run(command, check=True, capture_output=True)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]), *sys.argv[3:])
