"""Stored configuration as trees of plain values that are never changed in place: edits copy what they touch.

A map of rows is a RowMap, of which an edit copies nothing; where it goes out of the tree as a whole it is a dict.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from daemonkit.findings import Path
from daemonkit.rowmap import RowMap, rows_of

Tree = dict[str, Any]

# Top-level maps whose entries are rows: changed, checked and handed over one by one, since there may be 100 000.
ROWS = frozenset({"zones"})
MAPS = (dict, RowMap)


class Change(NamedTuple):
    """One value that differs between two trees; None is "not there" (no stored value is null)."""

    path: Path
    old: Any
    new: Any


def look_up(tree: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for part in path:
        if isinstance(tree, MAPS) and isinstance(part, str):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree


def put(tree: Tree, path: Path, value: Any) -> Tree:
    """The tree with another value at a path; maps on the way are made, list items must be there (or be the next)."""
    return with_rows(_put(tree, path, value))


def _put(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        items = list(tree)
        items[part : part + 1] = [_put(items[part] if part < len(items) else None, rest, value)]
        return items
    inner = _put((tree or {}).get(part), rest, value)
    return tree.changed([(part, inner)]) if isinstance(tree, RowMap) else {**(tree or {}), part: inner}


def drop(tree: Tree, path: Path) -> Tree:
    """The tree without what is at a path; what is not there is not missed."""
    if not path:
        return {}
    changed: Tree = tree if look_up(tree, path) is None else _drop(tree, path)
    return changed


def _drop(tree: Any, path: Path) -> Any:
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        return tree[:part] + ([_drop(tree[part], rest)] if rest else []) + tree[part + 1 :]
    if isinstance(tree, RowMap):
        return tree.changed([(part, _drop(tree[part], rest))] if rest else [], [] if rest else [part])
    if rest:
        return {**tree, part: _drop(tree[part], rest)}
    left = dict(tree)
    del left[part]
    return left


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """The changes that lead from one tree to another; lists are compared as a whole, shared parts not at all."""
    if old is new:
        return
    if not isinstance(old, MAPS) or not isinstance(new, MAPS):
        if old != new or type(old) is not type(new):
            yield Change(path, _flat(old), _flat(new))
        return
    for key in _keys_that_may_differ(old, new):
        here = (*path, key)
        if key not in new:
            yield Change(here, _flat(old[key]), None)
        elif key not in old:
            yield Change(here, None, _flat(new[key]))
        else:
            yield from differences(old[key], new[key], here)


def _keys_that_may_differ(old: Any, new: Any) -> Iterable[str]:
    """Each once; those that are gone come first."""
    if isinstance(old, RowMap) and isinstance(new, RowMap):
        keys = old.may_differ(new)
        if keys is not None:
            return sorted((key for key in keys if key in old or key in new), key=lambda key: key in new)
    return itertools.chain((key for key in old if key not in new), new)


def flat(tree: Tree) -> Tree:
    """A tree all of whose maps are dicts, for those who write it; not to be changed."""
    return {key: _flat(value) for key, value in tree.items()}


def _flat(value: Any) -> Any:
    return value.flat() if isinstance(value, RowMap) else value


def with_rows(tree: Any) -> Tree:
    """A tree whose maps of rows are RowMaps."""
    found = {key: rows_of(tree[key]) for key in ROWS & tree.keys() if isinstance(tree[key], dict)}
    return {**tree, **found} if found else tree


def scope(path: Path) -> Path:
    """What a change at a path can differ in at most: one row, or all of one top-level key."""
    return path[:2] if path and path[0] in ROWS else path[:1]


def scopes_of(changes: Iterable[Change]) -> frozenset[Path]:
    """The scopes of changes."""
    return frozenset(scope(change.path) for change in changes)


def differences_within(old: Tree, new: Tree, scopes: Iterable[Path]) -> Iterator[Change]:
    """The changes from one tree to another, where it is known in which scopes they are; `()` is everywhere."""
    # A map that comes or goes as a whole is one change, as it is where all is compared.
    wide = {part[:1] if part and (part[0] in old) != (part[0] in new) else part for part in scopes}
    for part in sorted(wide):
        if not any(part[:length] in wide for length in range(len(part))):
            yield from differences(look_up(old, part), look_up(new, part), part)


def apply(tree: Tree, changes: Iterable[Change]) -> Tree:
    """The tree with changes made to it. Many changes cost no more than the maps they touch, copied once."""
    draft = _Draft(tree)
    for change in changes:
        draft.make(change)
    return draft.tree


class _Draft:
    """A tree while changes are made to it."""

    def __init__(self, tree: Tree) -> None:
        self._ours: dict[int, Any] = {}  # maps made here, which may be written to, by id; held, so that it stays theirs
        self._root = self._own(tree)

    def make(self, change: Change) -> None:
        """Make one more change."""
        if not change.path:
            self._root = self._own(change.new or {})
            return
        inner = self._root
        for part in change.path[:-1]:
            inner[str(part)] = self._own(inner.get(str(part)))
            inner = inner[str(part)]
        if change.new is None:
            inner.pop(str(change.path[-1]), None)
        else:
            inner[str(change.path[-1])] = change.new

    def _own(self, value: Any) -> Any:
        if id(value) in self._ours:
            return value
        copy = _DraftRows(value) if isinstance(value, RowMap) else dict(value or {})
        self._ours[id(copy)] = copy
        return copy

    @property
    def tree(self) -> Tree:
        """The outcome."""
        made = {key: value.done() if isinstance(value, _DraftRows) else value for key, value in self._root.items()}
        return with_rows(made)


class _DraftRows:
    """A RowMap while changes are made to it, as much of a dict as that takes."""

    def __init__(self, before: RowMap[str, Any]) -> None:
        self._before = before
        self._changed: dict[str, Any] = {}  # None: gone

    def get(self, key: str) -> Any:
        """The value now, or None."""
        return self._changed[key] if key in self._changed else self._before.get(key)

    def __getitem__(self, key: str) -> Any:
        return self._changed[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._changed[key] = value

    def pop(self, key: str, _default: None) -> None:
        """Take a key away."""
        self._changed[key] = None

    def done(self) -> RowMap[str, Any]:
        """The outcome."""
        there = [(key, value) for key, value in self._changed.items() if value is not None]
        return self._before.changed(there, [key for key, value in self._changed.items() if value is None])


def merged(layers: Iterable[Mapping[str, Any]], nested: frozenset[str]) -> dict[str, Any]:
    """Later layers over earlier ones; values under `nested` keys are maps and merged themselves."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = key in nested and isinstance(result.get(key), dict) and isinstance(value, dict)
            result[key] = {**result[key], **value} if both else value
    return result
