"""The first schema.

Revision ID: 0001
"""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import mysql

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None


def _octets(limit: int) -> sa.types.TypeEngine[bytes]:
    return sa.LargeBinary(limit).with_variant(mysql.VARBINARY(limit), "mysql", "mariadb")


def _id() -> sa.types.TypeEngine[int]:
    return sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    """Make all tables."""
    _make_zones()
    _make_journal()
    _make_outbox()


def _make_zones() -> None:
    op.create_table(
        "zones",
        sa.Column("id", _id(), primary_key=True),
        sa.Column("key", _octets(510), nullable=False, unique=True),
        sa.Column("origin", _octets(255), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("serial", sa.BigInteger),
        sa.Column("records", sa.BigInteger, nullable=False),
        sa.Column("journal_records", sa.BigInteger, nullable=False),
        sa.Column("deleted", sa.Boolean, nullable=False),
    )
    op.create_table(
        "rrsets",
        sa.Column("zone", _id(), sa.ForeignKey("zones.id"), primary_key=True),
        sa.Column("key", _octets(510), primary_key=True),
        sa.Column("type", sa.Integer, primary_key=True),
        sa.Column("covers", sa.Integer, primary_key=True),
        *_set_columns(),
        sqlite_with_rowid=False,
    )


def _make_journal() -> None:
    op.create_table(
        "journal",
        sa.Column("zone", _id(), sa.ForeignKey("zones.id"), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("from_serial", sa.BigInteger),
        sa.Column("to_serial", sa.BigInteger),
        sa.Column("records", sa.BigInteger, nullable=False),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "journal_rrsets",
        sa.Column("zone", _id(), sa.ForeignKey("zones.id"), primary_key=True),
        sa.Column("version", sa.BigInteger, primary_key=True),
        sa.Column("added", sa.Boolean, primary_key=True),
        sa.Column("position", sa.BigInteger, primary_key=True),
        sa.Column("key", _octets(510), nullable=False),
        sa.Column("type", sa.Integer, nullable=False),
        sa.Column("covers", sa.Integer, nullable=False),
        *_set_columns(),
        sqlite_with_rowid=False,
    )


def _make_outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("id", _id(), primary_key=True, autoincrement=False),
        sa.Column("zone", _id(), sa.ForeignKey("zones.id"), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("serial", sa.BigInteger),
        sa.Column("deleted", sa.Boolean, nullable=False),
        sa.Column("author", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("time", sa.Float, nullable=False),
    )
    op.create_index("outbox_of_zone", "outbox", ["zone", "id"])
    counters = op.create_table(
        "counters",
        sa.Column("name", _octets(64), primary_key=True),
        sa.Column("last", sa.BigInteger, nullable=False),
    )
    op.bulk_insert(counters, [{"name": b"outbox", "last": 0}])


def _set_columns() -> tuple[sa.Column[int], sa.Column[bytes], sa.Column[bytes]]:
    return (
        sa.Column("ttl", sa.BigInteger, nullable=False),
        sa.Column("owner", _octets(255)),
        sa.Column("rdatas", sa.LargeBinary, nullable=False),
    )
