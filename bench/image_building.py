"""Zones into images: `python bench/image_building.py [RECORDS]`. Each case is a process, for its peak memory.

What is timed is from opening what the zone comes from to the image on the disk, and within that the build.
"""

from __future__ import annotations

import base64
import hashlib
import multiprocessing
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

import dns.name
from sqlalchemy import insert

import datasrc
from bench.texts import address
from datasrc.database.engine import Database
from datasrc.database.schema import rrsets, zones
from datasrc.keys import name_key
from datasrc.records import ZoneInfo, ZoneState
from datasrc.rows import Row, name_wire
from datasrc.source import BATCH, Contents, RowSink
from datasrc.zonetext_zone import read_zone
from image.builder import build

SEED = 0x5EED
ORIGIN = dns.name.from_text("bench.example.")
HEAD = "$TTL 3600\n@ IN SOA ns1 host 1 7200 900 604800 300\n@ IN NS ns1\nns1 IN A 192.0.2.1\n"
SIGNATURE = 64  # octets, of ECDSA P-256 (RFC 6605)
RECORDS_A_ZONE = 5
GOAL = 1_000_000  # records a second of CPU, of one large zone
A, NS, SOA, RRSIG, NSEC3, NSEC3PARAM = 1, 2, 6, 46, 50, 51

Opened = AbstractContextManager[tuple[Iterator[Contents], int]]


def addresses(records: int) -> str:
    """Zone text of so many A records."""
    lines = (f"h{number:07d} IN A {address(number)}" for number in range(records))
    return HEAD + "\n".join(lines) + "\n"


def delegations(records: int) -> str:
    """Zone text of delegations, each with two servers and their addresses."""
    parts = []
    for number in range(records // 4):
        child = f"d{number:07d}"
        servers = f"{child} NS ns1.{child}\n{child} NS ns2.{child}\n"
        parts.append(f"{servers}ns1.{child} A {address(number)}\nns2.{child} A {address(number, 11)}\n")
    return HEAD + "".join(parts)


def from_text(text: Callable[[int], str]) -> Callable[[Path, int], Opened]:
    """A zone file, read and checked."""

    @contextmanager
    def opened(folder: Path, records: int) -> Iterator[tuple[Iterator[Contents], int]]:
        path = folder / "bench.zone"
        path.write_text(text(records))
        START.append(time.monotonic())
        with path.open("rb") as stream:
            zone, findings = read_zone(stream, path.name, ORIGIN)
        assert not findings.errors
        yield iter([zone.contents(1)]), zone.records

    return opened


@contextmanager
def from_database(folder: Path, records: int) -> Iterator[tuple[Iterator[Contents], int]]:
    """One zone in SQLite."""

    def make() -> None:
        more = (Row(b"h%07d\0" % number, A, 0, 3600, None, packed(number.to_bytes(4))) for number in range(records))
        database(folder, [(ORIGIN, [*apex(ORIGIN), *more])])

    apart(make)
    with opened_database(folder, [ORIGIN]) as contents:
        yield contents, records


@contextmanager
def many_zones(folder: Path, records: int) -> Iterator[tuple[Iterator[Contents], int]]:
    """Small zones in SQLite, of five records each."""
    origins = [dns.name.from_text(f"zone{number:06d}.example.") for number in range(records // RECORDS_A_ZONE)]
    apart(lambda: database(folder, ((origin, small_zone(origin)) for origin in origins)))
    with opened_database(folder, origins) as contents:
        yield contents, len(origins) * RECORDS_A_ZONE


@contextmanager
def signed(folder: Path, records: int) -> Iterator[tuple[Iterator[Contents], int]]:  # noqa: ARG001 - nothing is read
    """A zone with NSEC3: for each name an address, a record of the chain, and their signatures (of no use but here)."""
    rows = signed_rows(records // 4)
    START.append(time.monotonic())
    yield iter([InMemory(rows)]), sum(row.records() for row in rows)


CASES: dict[str, tuple[Callable[[Path, int], Opened], float]] = {  # and how many records of a million
    "1 M A records from zone text": (from_text(addresses), 1.0),
    "1 M A records from SQLite": (from_database, 1.0),
    "250 k delegations from zone text": (from_text(delegations), 1.0),
    "100 k names with NSEC3, rows in memory": (signed, 0.4),
    "100 k zones from SQLite": (many_zones, 0.5),
}
START: list[float] = []  # when the preparations of a case were over


class InMemory:
    """Rows that are there."""

    def __init__(self, rows: list[Row]) -> None:
        self.info = ZoneInfo(ORIGIN, 1, 1, len(rows), ZoneState.READY, "")
        self._rows = rows

    def pour(self, sink: RowSink) -> None:
        for start in range(0, len(self._rows), BATCH):
            sink.add_rows(self._rows[start : start + BATCH])


def packed(*rdatas: bytes) -> bytes:
    return b"".join(len(rdata).to_bytes(2) + rdata for rdata in rdatas)


def apex(origin: dns.name.Name) -> list[Row]:
    server = name_wire(origin)
    soa = server + server + b"".join(number.to_bytes(4) for number in (1, 7200, 900, 604800, 300))
    return [Row(b"", NS, 0, 3600, None, packed(server)), Row(b"", SOA, 0, 3600, None, packed(soa))]


def small_zone(origin: dns.name.Name) -> list[Row]:
    more = [Row(key, A, 0, 3600, None, packed(b"\xc0\0\2\1")) for key in (b"mail\0", b"www\0")]
    address = Row(b"", A, 0, 3600, None, packed(b"\xc0\0\2\1"))
    return [address, *apex(origin), *more]


def signed_rows(names: int) -> list[Row]:
    keys = [b"", *(b"h%07d\0" % number for number in range(names))]
    signature = (18 * b"\1" + name_wire(ORIGIN)).ljust(18 + len(name_wire(ORIGIN)) + SIGNATURE, b"\2")
    rows = [*apex(ORIGIN), Row(b"", NSEC3PARAM, 0, 0, None, packed(b"\1\0\0\0\0"))]
    hashes = sorted(hashlib.sha1(name_wire(owner(key))).digest() for key in keys)
    for number, digest in enumerate(hashes):
        following = hashes[(number + 1) % len(hashes)]
        place = base64.b32hexencode(digest).lower() + b"\0"
        rows.append(Row(place, NSEC3, 0, 300, None, packed(b"\1\0\0\0\0\x14" + following + b"\0\6@\0\0\0\0\2")))
        rows.append(Row(place, RRSIG, NSEC3, 300, None, packed(b"\0\x32" + signature[2:])))
    for number, key in enumerate(keys[1:]):
        rows.append(Row(key, A, 0, 3600, None, packed(number.to_bytes(4))))
        rows.append(Row(key, RRSIG, A, 3600, None, packed(b"\0\1" + number.to_bytes(4) + signature[6:])))
    return sorted(rows, key=lambda row: row[:3])


def owner(key: bytes) -> dns.name.Name:
    return dns.name.Name([*key.split(b"\0")[:-1], *ORIGIN.labels])


def apart(work: Callable[[], None]) -> None:
    """Work in another process, whose memory is not counted."""
    process = multiprocessing.get_context("fork").Process(target=work)
    process.start()
    process.join()
    assert process.exitcode == 0


def database(folder: Path, contents: Iterable[tuple[dns.name.Name, list[Row]]]) -> None:
    """A database with these zones, written past all that makes changes safe."""
    url = f"sqlite:///{folder}/zones.sqlite"
    datasrc.open(url, create=True).close()
    store = Database(url)
    with store.write() as connection:
        for number, (origin, rows) in enumerate(contents, 1):
            zone = {"id": number, "key": name_key(origin), "origin": name_wire(origin), "version": 1, "serial": 1}
            counts = {"records": sum(row.records() for row in rows), "journal_records": 0, "deleted": False}
            connection.execute(insert(zones), [zone | counts])
            names = ("key", "type", "covers", "ttl", "owner", "rdatas")
            connection.execute(insert(rrsets), [dict(zip(names, row, strict=True), zone=number) for row in rows])
    store.close()


@contextmanager
def opened_database(folder: Path, origins: list[dns.name.Name]) -> Iterator[Iterator[Contents]]:
    START.append(time.monotonic())
    source = datasrc.open(f"sqlite:///{folder}/zones.sqlite", read_only=True)
    with source.snapshot() as snapshot:
        yield snapshot.each(origins)
    source.close()


def run(name: str, records: int) -> None:
    """One case, in this process."""
    opened, share = CASES[name]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        with opened(folder, int(records * share)) as (contents, count):
            before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            begun, work = time.monotonic(), time.process_time()
            build(contents, folder / "bench.image", SEED)
            ended, work = time.monotonic(), time.process_time() - work
        octets = (folder / "bench.image").stat().st_size
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    built, whole = ended - begun, ended - START[0]
    print(
        f"{name}: {count:,} records in {whole:.2f} s, built in {built:.2f} s, {work:.2f} s of CPU: "
        f"{count / built:,.0f} records/s, {count / work:,.0f} a second of CPU; "
        f"{octets / count:.1f} octets a record; peak {peak >> 10} MiB, {before >> 10} MiB before the build"
    )
    if name.startswith("1 M"):
        print(f"    goal {GOAL:,} a second of CPU: {'reached' if count / work >= GOAL else 'MISSED'}")


def main(records: int = 1_000_000) -> None:
    for name in CASES:
        subprocess.run([sys.executable, __file__, name, str(records)], check=True)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run(sys.argv[1], int(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
