"""`config show`: values below a path, as they are stored, as a candidate has them, or complete."""

from __future__ import annotations

import itertools
from typing import Any

from cfgmgr.api import MAX_SHOWN_ROWS, Show, Shown
from cfgmgr.catalogue import Catalogue
from cfgmgr.edits import seen
from cfgmgr.errors import PathError
from cfgmgr.manager import Manager
from cfgmgr.narrowing import Zones, place_seen, rows_of
from cfgmgr.tree import ROWS, Tree, look_up
from daemonkit.findings import Path
from daemonkit.rowmap import RowMap


def show(manager: Manager, request: Show) -> Shown:
    """Look at values; raises PathError where there can be none, or an entry is not there."""
    current = manager.current
    if request.form == "complete":
        tree, catalogue = current.complete, current.catalogue
    elif request.form == "stored":
        tree, catalogue = current.state, current.catalogue
    else:
        tree = manager.candidate(request.author).tree
        catalogue = manager.rules.catalogue(tree)
    tree = rows_of(tree, request.zones)
    there: Tree = tree if request.form == "complete" else seen(tree, catalogue)
    place = place_seen(request.path, catalogue, there, request.zones)
    missing = [entry for entry in place.entries if look_up(there, entry) is None]
    if missing or (place.path and isinstance(place.path[-1], int) and look_up(there, place.path) is None):
        raise PathError(f"there is no {place}", possible=True)
    value, left_out = _bounded(look_up(tree, place.path), place.path)
    return Shown(
        path=place.spelling,
        value=value,
        revision=current.revision,
        overlay=manager.rules.overlay_shown() if request.zones is None else {},
        left_out=left_out,
    )


def _bounded(value: Any, path: Path) -> tuple[Any, dict[str, int]]:
    """The value with the first rows only, where there are many, and how many are missing from it."""
    if path == ():
        bounded = {key: _bounded(inner, (key,)) for key, inner in value.items()}
        left_out = {key: count for _, missing in bounded.values() for key, count in missing.items()}
        return {key: inner for key, (inner, _) in bounded.items()}, left_out
    if len(path) > 1 or path[0] not in ROWS or not value or len(value) <= MAX_SHOWN_ROWS:
        return value.flat() if isinstance(value, RowMap) else value, {}
    return dict(itertools.islice(value.items(), MAX_SHOWN_ROWS)), {str(path[0]): len(value) - MAX_SHOWN_ROWS}


def candidate_of(manager: Manager, author: str, zones: Zones) -> tuple[Tree, Catalogue]:
    """The configuration as an author's candidate has it, with the defaults of top-level maps, and its options."""
    tree = manager.candidate(author).tree
    catalogue = manager.rules.catalogue(tree)
    return rows_of(seen(tree, catalogue), zones), catalogue
