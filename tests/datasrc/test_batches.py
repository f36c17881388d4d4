"""A whole zone into SQLite: the same rows as set by set, octet by octet, and no object a record on the way."""

from __future__ import annotations

import sqlite3
from io import BytesIO
from pathlib import Path
from typing import Any

import dns.name
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import create_engine

import datasrc
from datasrc import packed_zone
from datasrc.database.batches import insert_batch
from datasrc.database.schema import metadata
from datasrc.octets import BATCH_OCTETS
from datasrc.pending import CHUNK
from datasrc.zonetext_zone import ZoneText, read_zone
from tests.datasrc.zonemaking import TESTER
from tests.kit.allocations import TARGETS, Allocations

ORIGIN = dns.name.from_text("example.")
HEAD = "$ORIGIN example.\n$TTL 300\n@ SOA ns hostmaster 1 3600 900 604800 300\n@ NS ns\nns A 192.0.2.1\n"
FEW, MANY = 2_000, 42_000  # records
PER_RECORD = 0.1  # blocks at most: there are some for each batch, and the text comes in pieces
LINES = {
    "addresses": "host{0} A 192.0.2.{1}\n",
    "spelled": "Host{0} A 192.0.2.{1}\n",
    "texts": 'host{0} 3{1} TXT "number {0}"\n',
    "several": "host{0} A 192.0.2.{1}\nhost{0} A 198.51.100.{1}\n",
    **TARGETS,
}


def zone_of(lines: str) -> ZoneText:
    text, findings = read_zone(BytesIO((HEAD + lines).encode()), "zone", ORIGIN)
    assert not findings.errors
    return text


def stored(path: Path, text: ZoneText, *, whole: bool) -> list[tuple[Any, ...]]:
    """The rows of a new database with this zone, taken as a whole or set by set, as SQLite has them."""
    source = datasrc.open(f"sqlite:///{path}", create=True)
    try:
        with source.updater(ORIGIN, create=True, replace=True) as updater:
            if whole:
                updater.load(text)
            else:
                for rrset in text.rrsets():
                    updater.add(rrset)
            assert updater.commit(TESTER) is not None
    finally:
        source.close()
    with sqlite3.connect(path) as connection:
        rows = connection.execute("SELECT * FROM rrsets ORDER BY zone, key, type, covers").fetchall()
    connection.close()
    path.unlink()
    return rows


octets = st.integers(0, 255).map(lambda octet: f"\\{octet:03d}")
labels = st.one_of(
    st.sampled_from(["a", "B", "b", "*", "xn--a"]),
    st.lists(octets, min_size=1, max_size=8).map("".join),
    st.sampled_from(["\\000", "\\001", "\\255"]).map(lambda octet: octet * 63),
)
owners = st.lists(labels, min_size=1, max_size=3).map(".".join)
ttls = st.sampled_from([0, 1, 300, 2**31 - 1])
rdatas = st.one_of(
    st.integers(0, 255).map(lambda number: f"A 192.0.2.{number}"),
    st.sampled_from(["TXT x", "TXT " + " ".join(["y" * 255] * 9), 'TXT ""', "MX 65535 Mail.Example.ORG."]),
    st.sampled_from(["TYPE65280 \\# 0", "TYPE65534 \\# 2 0000", "TYPE65281 \\# 1 ff"]),
    st.sampled_from(["A", "AAAA", "TYPE65280"]).map(
        lambda covered: f"RRSIG {covered} 8 2 3600 20300101000000 20200101000000 1 example. AAAA"
    ),
)
records = st.lists(st.tuples(owners, ttls, rdatas), max_size=12)


@settings(deadline=None)
@given(records)
def test_every_set_is_a_row_octet_by_octet(zone):
    text = zone_of("".join(f"{owner} {ttl} {rdata}\n" for owner, ttl, rdata in zone))
    engine = create_engine("sqlite://")
    with engine.begin() as connection:
        metadata.create_all(connection)
        for batch in text.batches(5):
            insert_batch(connection, 7, batch)
        rows = connection.exec_driver_sql("SELECT * FROM rrsets ORDER BY key, type, covers").all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [(7, *row) for row in text.rows()]


@pytest.mark.parametrize("count", [CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK + 1])
def test_batches_that_are_full_or_have_one_set_make_the_same_rows(tmp_path, count):
    lines = (f"{'Hh'[number % 2]}{number} A 192.0.2.{number % 256}\n" for number in range(count - 3))
    text = zone_of("".join(lines))
    assert stored(tmp_path / "zones.sqlite", text, whole=True) == stored(tmp_path / "zones.sqlite", text, whole=False)


def test_large_sets_end_a_batch_and_make_the_same_rows(tmp_path):
    texts = " ".join(["z" * 255] * 200)
    text = zone_of("".join(f'h{number % 3} TXT {texts} "{number}"\n' for number in range(90)))
    sizes = [len(batch.octets) for batch in text.batches(CHUNK)]
    assert len(sizes) >= 2
    assert max(sizes) > BATCH_OCTETS  # a set is in one batch, whatever its size
    assert stored(tmp_path / "zones.sqlite", text, whole=True) == stored(tmp_path / "zones.sqlite", text, whole=False)


@pytest.mark.skipif(packed_zone.__file__.endswith(".py"), reason="interpreted, every number is an object")
@pytest.mark.parametrize("kind", LINES)
def test_blocks_do_not_grow_with_records_on_the_way_into_sqlite(tmp_path, kind):
    allocations, counts = Allocations(tmp_path), {}
    line = LINES[kind]

    def load(text: bytes) -> None:
        source = datasrc.open(f"sqlite:///{tmp_path / 'zones.sqlite'}", create=True)
        try:
            with source.updater(ORIGIN, create=True, replace=True) as updater:
                zone, findings = read_zone(BytesIO(text), "zone", ORIGIN)
                assert list(findings) == []
                updater.load(zone)
                assert updater.commit(TESTER) is not None
        finally:
            source.close()
        (tmp_path / "zones.sqlite").unlink()

    for number_of in (FEW, FEW, MANY):  # the first time what is made once is made, too
        numbers = range(number_of // line.count("\n"))
        text = (HEAD + "".join(line.format(number, number % 250 + 1) for number in numbers)).encode()
        counts[number_of] = allocations.of(lambda: load(text))  # noqa: B023 - called at once
    assert counts[MANY] - counts[FEW] < PER_RECORD * (MANY - FEW), counts
