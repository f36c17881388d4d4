"""Schema migrations of the database source (alembic)."""
