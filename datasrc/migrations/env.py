"""Run by alembic: migrate over the connection (and within the transaction) that `datasrc.database.migrate` made."""

from alembic import context

from datasrc.database.schema import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    render_as_batch=True,  # SQLite changes a table by making it anew
)
context.run_migrations()
