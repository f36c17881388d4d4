"""The configuration as it goes to modules: in pages, and as differences. Rows that say the same are told once."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

import msgspec

from cfgmgr.current import Current, Difference
from cfgmgr.tree import ROWS
from daemonkit.api import Configuration, Prepare, Rows

# What one message holds of rows; far below the 16 MiB of the bus, and a few milliseconds of work.
MAX_ROWS = 10_000
MAX_ROW_BYTES = 4 * 1024 * 1024  # of the values, as JSON


def page_of(current: Current, module: str, start: int = 0) -> Configuration:
    """What a module is handed of a revision, from one of its rows on; raises KeyError where there is no such module."""
    keys = current.catalogue.keys_of(module)
    values = {key: current.effective[key] for key in keys if key not in ROWS} if not start else {}
    rows = {}
    following = 0
    for root in (key for key in keys if key in ROWS):
        entries = current.effective[root]
        page = list(itertools.islice(entries.entries_from(start), MAX_ROWS + 1))
        told = rows[root] = fold((name, value) for _, name, value in page)
        following = page[len(told.keys) - 1][0] if len(told.keys) < len(page) else 0
    return Configuration(current.revision, values, rows, following, current.edition)


def prepare_of(revision: int, base: int, difference: Difference, keys: Iterable[str]) -> Prepare:
    """What a module that has these top-level keys is told of a difference."""
    values, changes = difference.part(keys)
    rows = {}
    for root, change in changes.items():
        told = fold(change.changed.items())
        if len(told.keys) < len(change.changed) or len(change.removed) > MAX_ROWS:
            return Prepare(revision, base, large=True)
        rows[root] = Rows(told.values, told.keys, list(change.removed))
    return Prepare(revision, base, values, rows)


def fold(entries: Iterable[tuple[str, Any]]) -> Rows:
    """As many entries as one message holds."""
    values: list[Any] = []
    keys: dict[str, int] = {}
    index: dict[int, int] = {}
    room = MAX_ROW_BYTES
    for name, value in entries:
        if id(value) not in index:
            room -= len(msgspec.json.encode(value))
            if room < 0 and keys:
                break
            index[id(value)] = len(values)
            values.append(value)
        keys[name] = index[id(value)]
        if len(keys) >= MAX_ROWS:
            break
    return Rows(values, keys)
