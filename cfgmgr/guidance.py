"""What can be typed next: configuration paths that go on from what is typed, and what an option takes. From the specs.

A free key is offered as it stands in the tree, which is the author's candidate; of 100 000 zones only as many as asked.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from cfgmgr.addressing import bracketed, find
from cfgmgr.api import MAX_KNOWN, Described, Known
from cfgmgr.permission import role_of
from cfgmgr.tree import Tree, look_up
from daemonkit.option_acl import OneOrManyOption
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import BooleanOption, ChoiceOption, Option, Scalar

_INDEX = re.compile(r"\[(\d{1,6})\]")
# An entry that is about to be made: up to the bracket, or else up to the last dot.
_NEW_BRACKETED = re.compile(r"\[[^\]]+\]")
_NEW = re.compile(r"\.?[^\[]+(?=\.[^.\[]*\Z)")


class _Step(NamedTuple):
    """A path that goes on from what is typed, and what is there."""

    path: str
    option: Option
    value: Any


def paths(text: str, root: Option, tree: Tree, limit: int) -> tuple[list[Known], bool]:
    """At most `limit` paths that begin with `text`, and whether there are more.

    One part is added; where only one path goes on, what is inside it is offered as well, so that Tab gets further.
    """
    found = list(itertools.islice(_steps(text, "", _Step("", root, tree)), limit + 1))
    if len(found) == 1 and has_inside(found[0].option):
        (only,) = found
        inner = itertools.islice(_inside(only, ""), limit)
        found = [only, *inner] if only.path == text else [*inner] or [only]
    return [_known(step) for step in found[:limit]], len(found) > limit


def describe(text: str, root: Option, tree: Tree, *, prefix: str = "") -> Described:
    """What the option at a path takes; raises PathError. `prefix` narrows the values, which may be many."""
    place = find(text, root, tree, deepest=True)
    option = place.option
    values = (
        [value for value in _values(option, tree) if value.startswith(prefix)] if isinstance(option, Scalar) else []
    )
    inner = option.inside() or ()
    children = [_known(_Step(name, child, None)) for name in inner if (child := option.child(name)) is not None]
    return Described(
        path=bracketed(place.path),
        kind=kind_of(option),
        expects=option.expects(),
        text=option.text,
        default=option.default,
        required=option.required,
        pending=option.pending,
        role=role_of(place.path, root),
        refers=option.refers if isinstance(option, Scalar) else "",
        values=values[:MAX_KNOWN],
        inside=children,
    )


def kind_of(option: Option) -> str:
    """The type of an option in one word, as specs have it."""
    if isinstance(option, AnyOfOption):
        return "any_of"
    return type(option).__name__.removesuffix("Option").lower()


def has_inside(option: Option) -> bool:
    """Whether a path may go on below it."""
    if isinstance(option, AnyOfOption):
        return any(map(has_inside, option.alternatives))
    return isinstance(option, MapOption | SetOption | ListOption | OneOrManyOption) or bool(option.inside())


def _values(option: Scalar, tree: Tree) -> Iterator[str]:
    match option:
        case BooleanOption():
            yield from ("true", "false")
        case ChoiceOption():
            yield from option.values
        case _ if option.refers:
            yield from tree.get(option.refers) or ()


def _known(step: _Step) -> Known:
    return Known(step.path, kind_of(step.option), first_sentence(step.option.text) or step.option.expects())


def first_sentence(text: str) -> str:
    """The first sentence of a text, on one line."""
    line = " ".join(text.split())
    return re.split(r"(?<=[.;])\s", line, maxsplit=1)[0].rstrip(".;")


def _steps(rest: str, typed: str, here: _Step) -> Iterator[_Step]:
    """What goes on below `here`; `rest` is what is typed of it after `typed`."""
    for inner in _inside(_Step(typed, here.option, here.value), rest):
        part = inner.path[len(typed) :]
        if inner.path.startswith(typed + rest):
            yield inner
        elif rest.startswith(part) and rest[len(part)] in ".[":
            yield from _steps(rest[len(part) :], inner.path, inner)


def _inside(here: _Step, rest: str) -> Iterator[_Step]:
    """Everything one part below; of many free keys only those that have to do with what is typed."""
    option, value = here.option, here.value
    if isinstance(option, AnyOfOption):
        for alternative in option.alternatives:
            yield from _inside(here._replace(option=alternative), rest)
        return
    if isinstance(option, SetOption):
        yield from _entries(here, option.item, value if isinstance(value, Mapping) else {}, rest)
    elif isinstance(option, ListOption | OneOrManyOption):
        count = len(value) if isinstance(value, list) else 0
        typed = _INDEX.match(rest)
        indices = [int(typed[1])] if typed else range(count)
        for index in indices:
            yield _Step(f"{here.path}[{index}]", option.item, look_up(value, (index,)))
    else:
        dot = "." if here.path else ""
        for name in option.inside():
            child = option.child(name)
            if child is not None:
                yield _Step(f"{here.path}{dot}{name}", child, look_up(value, (name,)))


def _entries(here: _Step, item: Option, value: Mapping[str, Any], rest: str) -> Iterator[_Step]:
    brackets = rest.startswith("[")
    dot = "." if here.path else ""
    write: Callable[[str], str] = (lambda key: f"[{key}]") if brackets else (lambda key: f"{dot}{key}")
    known = False
    for key, inner in value.items():
        part = write(key)
        if part.startswith(rest) or rest.startswith(part):
            known = True
            yield _Step(here.path + part, item, inner)
    new = _NEW_BRACKETED.match(rest) if brackets else _NEW.match(rest)
    if new and not known:
        yield _Step(here.path + new[0], item, None)
