"""Values as people type them on a command line."""

from __future__ import annotations

from typing import Any

import click


def value_of(text: str, name: str) -> Any:
    """Read one value as YAML, as `bob.yaml` is read; raises UsageError."""
    from daemonkit.document import DocumentError, read_value  # PyYAML is slow to import, and few commands need it

    try:
        return read_value(text, name)
    except DocumentError as error:
        raise click.UsageError(str(error)) from error


def assignments(words: tuple[str, ...]) -> dict[str, Any]:
    """Words of the form NAME=VALUE as a map; raises UsageError."""
    found = {}
    for word in words:
        name, separator, text = word.partition("=")
        if not separator or not name:
            raise click.UsageError(f"it must be NAME=VALUE, not {word!r}")
        if name in found:
            raise click.UsageError(f"{name} is given twice")
        found[name] = value_of(text, name)
    return found
