"""The tables. What is written here must equal what the migrations make: a test compares them.

zones            one row a zone; a deleted one keeps its row, so that its version goes on and the deletion can be undone
rrsets           one row an RRset, clustered by (zone, key, type, covers): canonical order, a subtree is one range
journal          one row a transaction on a zone: which difference sequence it made
journal_rrsets   what these sequences deleted and added
outbox           one row a transaction, ids without gaps in commit order
counters         the last outbox id: its row lock, held to commit, is what makes ids and commits go in one order
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
)
from sqlalchemy.dialects import mysql
from sqlalchemy.types import TypeEngine

from datasrc.records import ZoneState

KEY_OCTETS = 510  # 255 octets of name (RFC 1035 section 2.3.4), each of which may be escaped to two
NAME_OCTETS = 255
TEXT_OCTETS = 1020  # each octet of a name may be told as \\DDD (RFC 1035 section 5.1)

metadata = MetaData()


def _octets(limit: int) -> TypeEngine[Any]:
    return LargeBinary(limit).with_variant(mysql.VARBINARY(limit), "mysql", "mariadb")


Id = BigInteger().with_variant(Integer, "sqlite")  # SQLite counts only INTEGER PRIMARY KEY up by itself

zones = Table(
    "zones",
    metadata,
    Column("id", Id, primary_key=True),
    Column("key", _octets(KEY_OCTETS), nullable=False, unique=True),
    Column("origin", _octets(NAME_OCTETS), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("serial", BigInteger),
    Column("records", BigInteger, nullable=False),
    Column("journal_records", BigInteger, nullable=False),
    Column("deleted", Boolean, nullable=False),
    Column("text", _octets(TEXT_OCTETS), nullable=False),  # keys.key_text: what a list by name goes along
    Column("state", Integer, nullable=False),  # below; what the last transaction made of it
    Index("zones_by_text", "text", "state"),
    Index("zones_by_state", "state", "key"),
)

rrsets = Table(
    "rrsets",
    metadata,
    Column("zone", Id, ForeignKey("zones.id"), primary_key=True),
    Column("key", _octets(KEY_OCTETS), primary_key=True),
    Column("type", Integer, primary_key=True),
    Column("covers", Integer, primary_key=True),
    Column("ttl", BigInteger, nullable=False),
    Column("owner", _octets(NAME_OCTETS)),
    Column("rdatas", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("zone", Id, ForeignKey("zones.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("from_serial", BigInteger),  # null: the zone had no data before
    Column("to_serial", BigInteger),  # null: it has none after
    Column("records", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

journal_rrsets = Table(
    "journal_rrsets",
    metadata,
    Column("zone", Id, ForeignKey("zones.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("added", Boolean, primary_key=True),
    Column("position", BigInteger, primary_key=True),
    Column("key", _octets(KEY_OCTETS), nullable=False),
    Column("type", Integer, nullable=False),
    Column("covers", Integer, nullable=False),
    Column("ttl", BigInteger, nullable=False),
    Column("owner", _octets(NAME_OCTETS)),
    Column("rdatas", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=False),
    Column("zone", Id, ForeignKey("zones.id"), nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("serial", BigInteger),
    Column("deleted", Boolean, nullable=False),
    Column("author", Text, nullable=False),
    Column("source", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("time", Float, nullable=False),
    Index("outbox_of_zone", "zone", "id"),
)

counters = Table(
    "counters",
    metadata,
    Column("name", _octets(64), primary_key=True),
    Column("last", BigInteger, nullable=False),
)

STATES = {ZoneState.READY: 0, ZoneState.EMPTY: 1, ZoneState.BROKEN: 2}  # in zones.state
STATE_DELETED = 3

OUTBOX_COUNTER = b"outbox"
CHANNEL = "bobdns_zones"  # of NOTIFY on PostgreSQL: the id of each outbox row, once it is committed

VERSION_TABLE = "schema_version"

HEAD = "0002"
KNOWN = ("0001", "0002")
"""Every schema version up to HEAD, oldest first: what opens a database must not have to import the migrations."""
