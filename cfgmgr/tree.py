"""Stored configuration as trees of plain values that are never changed in place: edits copy what they touch."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from daemonkit.findings import Path

Tree = dict[str, Any]

# Top-level maps whose entries are rows: changed, checked and handed over one by one, since there may be 100 000.
ROWS = frozenset({"zones"})


class Change(NamedTuple):
    """One value that differs between two trees; None is "not there" (no stored value is null)."""

    path: Path
    old: Any
    new: Any


def look_up(tree: Any, path: Path) -> Any:
    """The value at a path, or None."""
    for part in path:
        if isinstance(tree, dict) and isinstance(part, str):
            tree = tree.get(part)
        elif isinstance(tree, list) and isinstance(part, int) and part < len(tree):
            tree = tree[part]
        else:
            return None
    return tree


def put(tree: Tree, path: Path, value: Any) -> Tree:
    """The tree with another value at a path; maps on the way are made, list items must be there (or be the next)."""
    changed: Tree = _put(tree, path, value)
    return changed


def _put(tree: Any, path: Path, value: Any) -> Any:
    if not path:
        return value
    part, rest = path[0], path[1:]
    if isinstance(part, int):
        items = list(tree)
        items[part : part + 1] = [_put(items[part] if part < len(items) else None, rest, value)]
        return items
    return {**(tree or {}), part: _put((tree or {}).get(part), rest, value)}


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
    if rest:
        return {**tree, part: _drop(tree[part], rest)}
    left = dict(tree)
    del left[part]
    return left


def differences(old: Any, new: Any, path: Path = ()) -> Iterator[Change]:
    """The changes that lead from one tree to another; lists are compared as a whole, shared parts not at all."""
    if old is new:
        return
    if not isinstance(old, dict) or not isinstance(new, dict):
        if old != new or type(old) is not type(new):
            yield Change(path, old, new)
        return
    for key in old:
        if key not in new:
            yield Change((*path, key), old[key], None)
    for key, value in new.items():
        if key not in old:
            yield Change((*path, key), None, value)
        elif value is not old[key]:
            yield from differences(old[key], value, (*path, key))


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
    ours: set[int] = set()  # maps made here, which may be written to
    held: list[Any] = []  # keeps them alive, so that their ids stay theirs

    def own(value: Any) -> dict[str, Any]:
        if id(value) in ours:
            return value  # type: ignore[no-any-return]
        copy = dict(value or {})
        ours.add(id(copy))
        held.append(copy)
        return copy

    root = own(tree)
    for change in changes:
        if not change.path:
            root = own(change.new or {})
            continue
        inner = root
        for part in change.path[:-1]:
            inner[str(part)] = own(inner.get(str(part)))
            inner = inner[str(part)]
        if change.new is None:
            inner.pop(str(change.path[-1]), None)
        else:
            inner[str(change.path[-1])] = change.new
    return root


def merged(layers: Iterable[Mapping[str, Any]], nested: frozenset[str]) -> dict[str, Any]:
    """Later layers over earlier ones; values under `nested` keys are maps and merged themselves."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            both = key in nested and isinstance(result.get(key), dict) and isinstance(value, dict)
            result[key] = {**result[key], **value} if both else value
    return result
