"""A batch of sets into SQLite, which takes it apart itself: of no row there is an object on the way.

SQL has `substr` for octets, which does not copy the rest of them, and cannot read a number from octets, but from
decimals. JSON is what it walks over; one number of it a row, since each look at it is dear.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection

from datasrc.octets import COVERS_END, KEY_BITS, OWNER_END, RDATA_END, TTL_END, TYPE_END
from datasrc.pending import Batch


def _number(start: int, end: int) -> str:
    """A decimal, by where it stands among those of its set."""
    return f"CAST(substr(:numbers, field + {start + 1}, {end - start}) AS INTEGER)"


def _insertion(owner: str) -> str:
    """The statement, with what it takes for the owner."""
    return f"""
        WITH sets AS (
            SELECT value >> {KEY_BITS} AS place, value & {(1 << KEY_BITS) - 1} AS length, key * {OWNER_END} AS field
            FROM json_each(:places)
        )
        INSERT INTO rrsets (zone, key, type, covers, ttl, owner, rdatas)
        SELECT
            :zone,
            substr(:octets, place, length),
            {_number(0, TYPE_END)},
            {_number(TYPE_END, COVERS_END)},
            {_number(COVERS_END, TTL_END)},
            {owner},
            substr(:octets, place, -{_number(TTL_END, RDATA_END)})  -- what is before the key
        FROM sets
    """  # noqa: S608 - only numbers of this module


_WITHOUT_OWNER = _insertion("NULL")
_WITH_OWNER = _insertion(f"substr(:octets, place + length, {_number(RDATA_END, OWNER_END)})")


def insert_batch(connection: Connection, zone: int, batch: Batch) -> None:
    """Insert the sets of a batch as rows of a zone; for SQLite. Raises the errors of its driver."""
    driver: Any = connection.connection.driver_connection
    values = {"zone": zone, "places": batch.places, "numbers": batch.numbers, "octets": batch.octets}
    driver.execute(_WITH_OWNER if batch.spelled else _WITHOUT_OWNER, values)
