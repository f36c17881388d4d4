"""Zones as text, for tests that start the whole suite."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

import dns.name

from datasrc.keys import key_text, name_key


def small_zone(origin: str = "example.org", serial: int = 1, extra: str = "") -> str:
    """A zone with a SOA, an NS, an A and whatever else is given."""
    return f"""$ORIGIN {origin}.
$TTL 3600
@ SOA ns hostmaster {serial} 3600 900 604800 300
@ NS ns
ns A 192.0.2.1
www A 192.0.2.80
{extra}
"""


def copy_zone(database: Path, origins: Iterable[str]) -> None:
    """Give an SQLite database, which has one zone, copies of its rows under other names: as many as one likes."""
    with closing(sqlite3.connect(database)) as connection, connection:
        names = [row[1] for row in connection.execute("PRAGMA table_info(zones)")]
        (first,) = [dict(zip(names, row, strict=True)) for row in connection.execute("SELECT * FROM zones")]
        sets = [row[1:] for row in connection.execute("SELECT * FROM rrsets")]  # the first column is the zone
        for ident, origin in enumerate(origins, first["id"] + 1):
            name = dns.name.from_text(origin)
            key = name_key(name)
            row = first | {"id": ident, "key": key, "origin": name.to_wire(), "text": key_text(key)}
            connection.execute(f"INSERT INTO zones VALUES ({', '.join('?' * len(row))})", list(row.values()))
            connection.executemany("INSERT INTO rrsets VALUES (?, ?, ?, ?, ?, ?, ?)", [(ident, *each) for each in sets])
