"""The tables of a configuration store in a database. Values and changes are JSON, to be read by people, too."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Integer, MetaData, String, Table, Text

FORMAT = 1

metadata = MetaData()

# One row. Who changes anything locks it first, so that changes are made one after the other.
store = Table(
    "bob_config_store",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("format", Integer, nullable=False),
    Column("head", BigInteger, nullable=False),  # the newest revision; 0: none
)
revisions = Table(
    "bob_config_revisions",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String(32), nullable=False),  # RFC 3339
    Column("author", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("changes", Text, nullable=False),  # [[path, old, new], ...]
)
# The stored values of the newest revision: one row a zone, and one for each other top-level key.
state = Table(
    "bob_config_state",
    metadata,
    Column("root", String(64), primary_key=True),
    Column("name", String(255), primary_key=True),  # of the zone; else empty
    Column("value", Text, nullable=False),
)
drafts = Table(
    "bob_config_drafts",
    metadata,
    Column("author", String(64), primary_key=True),
    Column("base", BigInteger, nullable=False),
    Column("changes", Text, nullable=False),
)
