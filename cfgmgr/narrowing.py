"""What somebody who is for some zones only may see and change: the rows of those zones, and nothing beside them.

Paths are read as if nothing else were there, so that no answer tells whether it is. Like the role (`permission`), what
is changed is asked once more where a revision is made, under the lock that makes it.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from cfgmgr.addressing import Place, find
from cfgmgr.api import ModuleAnswer
from cfgmgr.catalogue import Catalogue
from cfgmgr.edits import Edited
from cfgmgr.errors import NotPermitted, PathError
from cfgmgr.tree import Change, Tree, look_up
from cfgmgr.zones import DEFAULT_TEMPLATE, TEMPLATE, ZONES
from daemonkit.api import Adjustment
from daemonkit.findings import Path, format_path
from daemonkit.option_trees import MapOption, SetOption
from daemonkit.options import Option, Wrong

Edit = Callable[[Tree, Catalogue], Edited]
EditAt = Callable[[Tree, Catalogue, str], Edited]  # ... of what a path names
Zones = Sequence[str] | None  # their names as they are kept in the configuration; None: all of the configuration

MAX_NAMED = 5  # zones told in a refusal


def rows_of(tree: Tree, zones: Zones) -> Tree:
    """Of values, the rows of these zones."""
    if zones is None:
        return tree
    there = {name: row for name in sorted(zones) if (row := look_up(tree, (ZONES, name))) is not None}
    return {ZONES: there} if there else {}


def place_seen(text: str, catalogue: Catalogue, tree: Tree, zones: Zones, *, deepest: bool = False) -> Place:
    """The place a path means, within these zones or around them; raises PathError, NotPermitted."""
    tree = rows_of(tree, zones)
    for most in (True, deepest):  # of two readings, neither of which is there, none is told of before it is permitted
        place = find(text, catalogue.root, tree, deepest=most)
        if zones is not None and place.path not in ((), (ZONES,)):
            _require([place.path], zones)
    return place


def narrowed(edit: EditAt, text: str, key: Any, zones: Zones) -> Edit:
    """An edit that raises NotPermitted where it is not within these zones.

    `key` is that of the entry which the edit is about, where it is given beside the path.
    """
    if zones is None:
        return lambda tree, catalogue: edit(tree, catalogue, text)

    def checked(tree: Tree, catalogue: Catalogue) -> Edited:
        place = find(text, catalogue.root, rows_of(tree, zones), deepest=True)
        path = place.path
        if path == (ZONES,) and key is not None and isinstance(place.option, SetOption):
            path = (ZONES, _read(place.option, key))
        _require([path], zones)
        edited = edit(tree, catalogue, place.spelling)  # it has no other reading, whatever else there is
        _require([edited.path], zones)  # with the value the path may have had another reading
        _require_templates(tree, edited.tree, zones)
        return edited

    return checked


def require_zones(changes: Iterable[Change], zones: Zones) -> None:
    """Raise NotPermitted, naming what is outside, where one of these changes is not within these zones."""
    if zones is not None:
        _require(_places(changes), zones)


def outside(changes: Iterable[Change], zones: Zones) -> list[Path]:
    """Where these changes are not within these zones."""
    return [] if zones is None else [path for path in _places(changes) if not within(path, zones)]


def answers_within(
    answers: Sequence[ModuleAnswer], zones: Zones, catalogue: Catalogue, complete: Tree
) -> list[ModuleAnswer]:
    """What modules said, with those adjustments only that are in the rows of these zones."""
    if zones is None:
        return list(answers)

    def theirs(adjustment: Adjustment) -> bool:
        try:  # as it is read where it is made
            return within(find(adjustment.path, catalogue.root, complete, adjustment.value).path, zones)
        except PathError:
            return False

    return [_without(answer, [one for one in answer.adjustments if not theirs(one)]) for answer in answers]


def _without(answer: ModuleAnswer, hidden: Sequence[Adjustment]) -> ModuleAnswer:
    left = tuple(one for one in answer.adjustments if one not in hidden)
    state = "accepted" if hidden and not left and answer.state == "adjusted" else answer.state
    return ModuleAnswer(answer.member, state, answer.reason, left)


def within(path: Path, zones: Sequence[str]) -> bool:
    """Whether a place is in the row of one of these zones."""
    return len(path) > 1 and path[0] == ZONES and path[1] in zones


def reason(zones: Sequence[str]) -> str:
    """Why something is refused, behind its path."""
    return f"not permitted; only the configuration of these zones is: {_named(zones)}"


def narrowed_root(catalogue: Catalogue, zones: Zones) -> Option:
    """The options with what may be looked at."""
    root = catalogue.root
    if zones is None or not isinstance(root, MapOption):
        return root
    return dataclasses.replace(root, options={ZONES: root.options[ZONES]})


def _places(changes: Iterable[Change]) -> Iterator[Path]:
    """Where changes are; the rows of a map that comes or goes as a whole one by one."""
    for change in changes:
        if change.path == (ZONES,):
            yield from ((ZONES, name) for name in {**(change.old or {}), **(change.new or {})})
        else:
            yield change.path


def _require_templates(before: Tree, after: Tree, zones: Sequence[str]) -> None:
    """Whoever names a template sees what is in it: only those that the zones have already may be named."""
    known = {row.get(TEMPLATE) for row in rows_of(before, zones).get(ZONES, {}).values()} | {DEFAULT_TEMPLATE, None}
    for name, row in rows_of(after, zones).get(ZONES, {}).items():
        if row.get(TEMPLATE) not in known:
            path = format_path((ZONES, name, TEMPLATE))
            raise NotPermitted(f"{path}: not permitted; only a template that these zones have already")


def _require(paths: Iterable[Path], zones: Sequence[str]) -> None:
    for path in paths:
        if not within(path, zones):
            raise NotPermitted(f"{format_path(path) or 'all of the configuration'}: {reason(zones)}")


def _named(zones: Sequence[str]) -> str:
    names = sorted(zones)
    more = f" and {len(names) - MAX_NAMED} more" if len(names) > MAX_NAMED else ""
    return ", ".join(names[:MAX_NAMED]) + more


def _read(option: SetOption, key: Any) -> str:
    try:
        return str(option.key.read(key))
    except Wrong:  # the edit itself says what is wrong with it
        return str(key)
