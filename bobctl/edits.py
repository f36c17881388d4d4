"""Edits of the configuration, as `config set`, `unset`, `add` and `remove` take them and as REST does."""

from __future__ import annotations

from typing import Any

import click

from bobctl.values import value_of


def edit_of(order: str, path: str, value: str | None = None, key: str | None = None) -> dict[str, Any]:
    """What REST takes for an edit; raises UsageError."""
    if order == "add" and value is None and key is None:
        raise click.UsageError("say a VALUE for a list, or --key for a map")
    match order:
        case "set":
            return {"path": path, "value": value_of(str(value), path)}
        case "unset":
            return {"path": path}
        case _:
            return {"path": path, "value": None if value is None else value_of(value, path), "key": key}
