"""Look after a database of zones: `python -m datasrc migrate URL`."""

from __future__ import annotations

import click

from datasrc.errors import DataSourceError


@click.group()
def main() -> None:
    """Look after a database of zones."""


@main.command()
@click.argument("url")
def migrate(url: str) -> None:
    """Make the database of URL where there is none, and bring its schema to that of this release."""
    from datasrc.database import migrate as migrate_database

    try:
        kept = migrate_database(url)
    except DataSourceError as error:
        raise click.ClickException(str(error)) from None
    if kept is not None:
        click.echo(f"the database has the schema of this release; as it was before it is in {kept}")


if __name__ == "__main__":
    main()
