"""Long maps in pages, by key."""

from __future__ import annotations

import bisect
from typing import Any

from cfgmgr.api import Entries, Entry, EntryPage
from cfgmgr.errors import PathError
from cfgmgr.manager import Manager
from cfgmgr.narrowing import place_seen, rows_of
from cfgmgr.tree import Tree, look_up
from daemonkit.option_trees import SetOption


class Listing:
    """Keeps the keys in order of the map that was listed last: the next page need not sort 100 000."""

    def __init__(self) -> None:
        self._entries: dict[str, Any] = {}
        self._keys: list[str] = []

    def page(self, manager: Manager, request: Entries, limit: int) -> EntryPage:
        """A page of the entries of a map with free keys; raises PathError."""
        current = manager.current
        tree: Tree = current.state if request.form == "stored" else current.complete
        tree = rows_of(tree, request.zones)
        place = place_seen(request.path, current.catalogue, current.complete, request.zones)
        if not isinstance(place.option, SetOption):
            raise PathError(f"{place} has no entries to list; `show` has its value")
        entries: dict[str, Any] = look_up(tree, place.path) or {}
        keys = self._sorted(entries) if request.zones is None else sorted(entries)
        begin = bisect.bisect_right(keys, request.after) if request.after else 0
        shown = keys[begin : begin + limit]
        more = begin + limit < len(keys)
        return EntryPage(place.spelling, [Entry(key, entries[key]) for key in shown], len(keys), more, current.revision)

    def _sorted(self, entries: dict[str, Any]) -> list[str]:
        if entries is not self._entries:
            self._entries, self._keys = entries, sorted(entries)
        return self._keys
