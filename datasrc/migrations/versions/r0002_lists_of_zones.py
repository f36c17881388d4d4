"""Zones by text and by state, for lists of them.

Revision ID: 0002
"""

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa
from alembic import op
from dns.name import Name
from sqlalchemy.dialects import mysql

from datasrc.apex import APEX_TYPES, inspect
from datasrc.keys import APEX, key_labels, key_text
from datasrc.records import ZoneState
from datasrc.rows import Row

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

BATCH = 1000
STATES = {ZoneState.READY: 0, ZoneState.EMPTY: 1, ZoneState.BROKEN: 2}
DELETED = 3

zones = sa.table("zones", *map(sa.column, ("id", "key", "records", "deleted", "text", "state")))
rrsets = sa.table("rrsets", *map(sa.column, ("zone", "key", "type", "covers", "ttl", "owner", "rdatas")))


def upgrade() -> None:
    """Add the columns, fill them in, make the indexes."""
    text = sa.LargeBinary(1020).with_variant(mysql.VARBINARY(1020), "mysql", "mariadb")
    op.add_column("zones", sa.Column("text", text, nullable=False, server_default=""))
    op.add_column("zones", sa.Column("state", sa.Integer, nullable=False, server_default="0"))
    connection = op.get_bind()
    fill = (
        sa.update(zones)
        .where(zones.c.id == sa.bindparam("of_zone"))
        .values(text=sa.bindparam("its_text"), state=sa.bindparam("its_state"))
    )
    for batch in _batches(connection):
        connection.execute(fill, [_told(connection, zone) for zone in batch])
    op.create_index("zones_by_text", "zones", ["text", "state"])
    op.create_index("zones_by_state", "zones", ["state", "key"])


def _batches(connection: sa.Connection) -> Iterator[Sequence[Any]]:
    last = 0
    chosen = sa.select(zones.c.id, zones.c.key, zones.c.records, zones.c.deleted).order_by(zones.c.id).limit(BATCH)
    while batch := connection.execute(chosen.where(zones.c.id > last)).all():
        yield batch
        last = batch[-1].id


def _told(connection: sa.Connection, zone: Any) -> dict[str, object]:
    if zone.deleted:
        state = DELETED
    else:
        apex = sa.select(*list(rrsets.c)[1:]).where(
            rrsets.c.zone == zone.id, rrsets.c.key == APEX, rrsets.c.type.in_(APEX_TYPES)
        )
        rows = [Row._make(row) for row in connection.execute(apex)]
        state = STATES[inspect(Name([*key_labels(zone.key), b""]), 0, zone.records, rows).state]
    return {"of_zone": zone.id, "its_text": key_text(zone.key), "its_state": state}
