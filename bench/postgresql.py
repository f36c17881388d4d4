"""Zone data on a PostgreSQL server of its own: `python bench/postgresql.py [RECORDS]`.

Prints how long loadzone takes, how soon a commit is heard of elsewhere, and what a lookup costs. fsync is off.
"""

from __future__ import annotations

import select
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import dns.name

import datasrc
from bench.timing import timed
from datasrc.records import Provenance
from datasrc.source import DataSource
from tests.kit.postgres import PostgresServer, missing

ORIGIN = dns.name.from_text("bench.example")
HEAD = "$TTL 3600\n@ IN SOA ns1 host 1 7200 900 604800 300\n@ IN NS ns1\nns1 IN A 192.0.2.1\n"
ROUNDS = 50
LOOKUPS = 2000
A = 1


def main(records: int = 200_000) -> None:
    if reason := missing():
        sys.exit(reason)
    with PostgresServer() as server, tempfile.TemporaryDirectory() as directory:
        url = server.url(server.create_database())
        text = Path(directory) / "bench.zone"
        with text.open("w") as stream:
            stream.write(HEAD)
            stream.writelines(f"h{number:07d} IN A 192.0.2.1\n" for number in range(records - 3))
        seconds = timed(lambda: loadzone(url, text))
        print(f"loadzone into PostgreSQL: {records} records in {seconds:.2f} s, {records / seconds:,.0f} records/s")
        source, other = datasrc.open(url, read_only=True), datasrc.open(url)
        hearing(source, other)
        lookups(source, records)
        source.close()
        other.close()


def loadzone(url: str, text: Path) -> None:
    program = Path(sys.executable).with_name("loadzone")
    subprocess.run([program, "--database", url, "bench.example", text], check=True, capture_output=True)


def hearing(source: DataSource, other: DataSource) -> None:
    """From the call of commit() to the ring, in milliseconds."""
    bell = source.listen("bench")
    assert bell is not None
    waits = []
    for number in range(ROUNDS):
        bell.drain()
        with other.updater(ORIGIN) as updater:
            updater.delete(dns.name.from_text(f"h{number:07d}", ORIGIN), A)
            began = time.monotonic()
            updater.commit(Provenance("bench", "bench", ""))
        select.select([bell], [], [], 10)
        waits.append((time.monotonic() - began) * 1000)
    bell.close()
    print(f"commit and hearing of it: median {statistics.median(waits):.1f} ms, most {max(waits):.1f} ms")


def lookups(source: DataSource, records: int) -> None:
    def look() -> None:
        for number in range(LOOKUPS):
            with source.snapshot() as snapshot:
                name = dns.name.from_text(f"h{number * 7919 % (records - 3):07d}", ORIGIN)
                finder = snapshot.find_zone(name)
                assert finder is not None
                finder.find(name, A)

    print(f"lookup, each in a snapshot of its own: {timed(look) / LOOKUPS * 1000:.2f} ms")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
