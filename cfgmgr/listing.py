"""Long maps in pages, by key."""

from __future__ import annotations

import bisect
import heapq
import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from cfgmgr.api import Entries, Entry, EntryPage
from cfgmgr.errors import PathError
from cfgmgr.manager import Manager
from cfgmgr.narrowing import place_seen
from cfgmgr.narrowing import rows_of as within
from cfgmgr.tree import Tree, look_up
from daemonkit.option_trees import SetOption
from daemonkit.rowmap import RowMap, rows_of


class Listing:
    """Keeps the keys in order of the map that was listed last: the next page need not sort 100 000.

    So it is after changes of some rows: what they left as it was is kept in order, and they are sorted in between.
    """

    def __init__(self) -> None:
        self._base: Mapping[str, Any] = {}
        self._keys: list[str] = []

    def page(self, manager: Manager, request: Entries, limit: int) -> EntryPage:
        """A page of the entries of a map with free keys; raises PathError."""
        current = manager.current
        tree: Tree = current.state if request.form == "stored" else current.complete
        tree = within(tree, request.zones)
        place = place_seen(request.path, current.catalogue, current.complete, request.zones)
        if not isinstance(place.option, SetOption):
            raise PathError(f"{place} has no entries to list; `show` has its value")
        entries = rows_of(look_up(tree, place.path) or {})
        if request.zones is None and entries.base is not self._base:
            self._base, self._keys = entries.base, sorted(entries.base)
        keys = self._keys if request.zones is None else sorted(entries.base)
        shown = list(itertools.islice(_behind(request.after, keys, entries), limit + 1))
        told = [Entry(key, entries[key]) for key in shown[:limit]]
        return EntryPage(place.spelling, told, len(entries), len(shown) > limit, current.revision)


def _behind(after: str, keys: list[str], entries: RowMap[str, Any]) -> Iterator[str]:
    """The keys of entries in order, those behind one alone; `keys` are those of their base in order."""
    added = sorted(key for key in entries.moved if key not in entries.base)
    common = itertools.islice(keys, bisect.bisect_right(keys, after) if after else 0, None)
    return (key for key in heapq.merge(common, added) if key > after and key in entries)
