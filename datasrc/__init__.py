"""Zone data: backends, finder, updater, journal, zone text."""

from __future__ import annotations

from datasrc.source import DataSource

__all__ = ["DataSource", "open"]


def open(  # noqa: A001 - callers write datasrc.open(url), as they write webbrowser.open(url)
    url: str, *, name: str = "", create: bool = False, read_only: bool = False
) -> DataSource:
    """Open the data source of a URL: `sqlite:////var/lib/bob/zones.sqlite`, `memory:`, `master-files:/etc/bob/zones`.

    `name` is what messages call it. `create` makes the store where there is none. Raises UnknownBackend, StorageError
    (Missing, Locked, Damaged, SchemaTooOld, SchemaTooNew). The backend is imported here and nowhere else.
    """
    from datasrc.backends import opener

    return opener(url)(url, name=name, create=create, read_only=read_only)
