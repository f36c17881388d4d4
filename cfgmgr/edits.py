"""What an operator does to a candidate: set, unset, add, remove. Each gives a new tree and where it differs, or raises.

Every value is checked by its own option at once; what only the whole tells is checked by `check` and `commit`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from cfgmgr import zones
from cfgmgr.addressing import Place, find
from cfgmgr.catalogue import Catalogue
from cfgmgr.errors import Invalid, PathError
from cfgmgr.tree import Tree, drop, look_up, put
from daemonkit.findings import Findings, Path, shown
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import MISSING, Option, Wrong


class Edited(NamedTuple):
    """A tree after an edit, and the place below which it differs from the one before."""

    tree: Tree
    path: Path


def set_value(tree: Tree, catalogue: Catalogue, text: str, value: Any) -> Edited:
    """Put a value at a path; entries of maps with free keys on the way are made."""
    place = find(text, catalogue.root, seen(tree, catalogue), value)
    stored = _check(place, value)
    tree = _materialised(tree, catalogue, place.path)
    _require_items(tree, place.path)
    return _tidy(put(tree, place.path, stored), catalogue, place.path)


def unset(tree: Tree, catalogue: Catalogue, text: str) -> Edited:
    """Take away what is stored at a path: an option has its default again, an entry is gone."""
    stray = tuple(text.split("."))
    try:
        place = find(text, catalogue.root, seen(tree, catalogue))
    except PathError:
        if look_up(tree, stray) is None:
            raise
        return Edited(drop(tree, stray), stray)  # stored, though no spec knows it any more
    if place.path in place.entries or isinstance((place.path or ("",))[-1], int):
        tree = _materialised(tree, catalogue, place.path)
        if look_up(tree, place.path) is None:
            raise PathError(f"there is no {place}", possible=True)
    return _tidy(drop(tree, place.path), catalogue, place.path)


def add(tree: Tree, catalogue: Catalogue, text: str, value: Any = None, key: str | None = None) -> Edited:
    """Append a value to a list, or make an entry of a map with free keys; `text` may name the new entry itself."""
    place = find(text, catalogue.root, seen(tree, catalogue))
    if key is not None or isinstance(place.option, SetOption):
        place = _entry(place, value if key is None else key)
        value = None if key is None else value
    if place.path in place.entries:
        return _add_entry(tree, catalogue, place, value)
    inner = _list_of(place.option)
    if inner is None:
        raise PathError(f"{place} is neither a list nor a map with free keys: it can be set")
    if value is None:
        raise PathError(f"what shall be added to {place}? {inner.item.expects()}")
    tree = _materialised(tree, catalogue, place.path)
    items = look_up(tree, place.path) or []
    items = items if isinstance(items, list) else []  # another alternative of an any_of: replaced by a list
    stored = _check(Place((*place.path, len(items)), inner.item), value)
    _check(place, [*items, stored])
    return _tidy(put(tree, place.path, [*items, stored]), catalogue, place.path)


def remove(tree: Tree, catalogue: Catalogue, text: str, value: Any = None, key: str | None = None) -> Edited:
    """Take a value out of a list, an entry out of a map with free keys, or away what `text` itself names."""
    place = find(text, catalogue.root, seen(tree, catalogue))
    if key is not None or (value is not None and isinstance(place.option, SetOption)):
        return unset(tree, catalogue, _entry(place, value if key is None else key).spelling)
    if value is None:
        return unset(tree, catalogue, text)
    inner = _list_of(place.option)
    if inner is None:
        raise PathError(f"{place} is neither a list nor a map with free keys")
    tree = _materialised(tree, catalogue, place.path)
    items = look_up(tree, place.path) or []
    wanted = inner.item.check(value, place.path, Findings())
    if wanted not in items:
        raise PathError(f"{place} has no item {shown(value)}", possible=True)
    return _tidy(put(tree, place.path, [item for item in items if item != wanted]), catalogue, place.path)


def seen(tree: Tree, catalogue: Catalogue) -> Tree:
    """The tree with the defaults of top-level maps, so that paths into them are read right."""
    defaults = {key: option.default for key, option in catalogue.options.items() if option.default is not None}
    return {**defaults, **tree}


def _check(place: Place, value: Any) -> Any:
    findings = Findings()
    stored = place.option.check(value, place.path, findings)
    if findings.errors:
        raise Invalid(findings.errors)
    return stored


def _entry(place: Place, key: Any) -> Place:
    option = place.option
    if not isinstance(option, SetOption):
        raise PathError(f"{place} is no map with free keys")
    try:
        path = (*place.path, str(option.key.read(key)))
    except Wrong as wrong:
        raise PathError(f"a key of {place} must be {wrong}, not {shown(key)}") from None
    return Place(path, option.item, (*place.entries, path))


def _add_entry(tree: Tree, catalogue: Catalogue, place: Place, value: Any) -> Edited:
    tree = _materialised(tree, catalogue, place.path)
    if look_up(tree, place.path) is not None:
        raise PathError(f"{place} is there already")
    if value is None and isinstance(place.option, MapOption | SetOption):
        return Edited(
            put(tree, place.path, {}), place.path
        )  # what is required and missing, the check of the whole tells
    return _tidy(put(tree, place.path, _check(place, value)), catalogue, place.path)


def _list_of(option: Option) -> ListOption | None:
    if isinstance(option, AnyOfOption):
        return next((inner for inner in option.alternatives if isinstance(inner, ListOption)), None)
    return option if isinstance(option, ListOption) else None


def _require_items(tree: Tree, path: Path) -> None:
    """List items on a path must be there; only `add` makes new ones."""
    for index, part in enumerate(path):
        if isinstance(part, int) and look_up(tree, path[: index + 1]) is None:
            raise PathError(f"there is no item {part} in {'.'.join(map(str, path[:index]))}", possible=True)


def _materialised(tree: Tree, catalogue: Catalogue, path: Path) -> Tree:
    """The tree with what is in effect on the way to `path` written out, where a part of it is going to be changed."""
    option: Option | None = catalogue.root
    for index in range(len(path) + 1):
        if option is None:
            break
        here = path[:index]
        if isinstance(option, SetOption | ListOption | AnyOfOption) and look_up(tree, here) is None:
            value = _in_effect(tree, catalogue, here, option)
            if value is not None:
                tree = put(tree, here, value)
        option = option.child(path[index]) if index < len(path) else None
    return tree


def _in_effect(tree: Tree, catalogue: Catalogue, path: Path, option: Option) -> Any:
    if len(path) > len(("zones", "NAME")) and path[0] in (zones.ZONES, zones.TEMPLATES):
        return zones.inherited(tree, catalogue.options, path) or option.default
    return option.default


def _tidy(tree: Tree, catalogue: Catalogue, path: Path) -> Edited:
    """The tree without what equals its default at `path` and around it."""
    key = str(path[0]) if path else ""
    if key not in tree or key not in catalogue.options:
        return Edited(tree, path)
    option = catalogue.options[key]
    if isinstance(option, SetOption) and len(path) > 1:
        pruned = option.prune_entry(tree[key], str(path[1]))
    else:
        pruned = option.prune(tree[key])
    return Edited(drop(tree, (key,)) if pruned is MISSING else put(tree, (key,), pruned), path)
