"""The zones that the configuration lists: ours with or without data."""

from __future__ import annotations

from collections.abc import Iterable

import dns.name

from daemonkit.configuration import Config
from datasrc.keys import name_key

ZONES = "zones"


def listed_keys(config: Config, before: frozenset[bytes]) -> frozenset[bytes]:
    """Their keys. `before` are those of the revision before: what is known to be the same is not looked at, for a
    change of one zone must not take longer because there are 100 000.
    """
    if config.difference is None or ZONES in config.difference.keys:
        return _keys(config.values[ZONES])
    rows = config.difference.rows.get(ZONES)
    if rows is None:
        return before
    added, gone = _keys(rows.changed) - before, _keys(rows.removed) & before
    return before - gone | added if added or gone else before


def _keys(names: Iterable[str]) -> frozenset[bytes]:
    return frozenset(name_key(dns.name.from_text(name)) for name in names)
