"""What is done for PowerDNS: many zones go into its database at once."""

import sqlite3
from contextlib import closing

import pytest

from bench.sidebyside import peers
from bench.sidebyside.contents import ManyZones
from bench.sidebyside.datasets import provide


@pytest.mark.skipif(not peers.PDNS_SCHEMA.exists(), reason="PowerDNS is not installed")
def test_many_zones_go_into_the_database(tmp_path):
    files = provide(ManyZones("few", 3), tmp_path)
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.executescript(peers.PDNS_SCHEMA.read_text())
        peers.insert_zones(connection, files.zone_files())
        rows = connection.execute("SELECT name, type, content FROM records WHERE domain_id = 2 ORDER BY id").fetchall()
    origin = "z000001.example"
    assert rows == [
        (origin, "SOA", f"ns1.{origin} hostmaster.{origin} 1 7200 900 604800 300"),
        (origin, "NS", f"ns1.{origin}"),
        (f"ns1.{origin}", "A", "192.0.2.1"),
        (f"www.{origin}", "A", "10.0.0.1"),
    ]
