"""Reads paths as operators write them, with the specs to tell where a key with dots ends.

`zones.example.org.role` is read as the option `role` of the zone `example.org`, because `role` is an option of zones.
Where several readings are possible the one that is there wins, then the one that the value fits; what is left is
refused with the unambiguous spellings: `zones[example.org].role`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from cfgmgr.errors import PathError
from cfgmgr.tree import Tree, look_up
from daemonkit.findings import Findings, Path, did_you_mean, format_path
from daemonkit.option_acl import OneOrManyOption
from daemonkit.option_trees import AnyOfOption, ListOption, MapOption, SetOption
from daemonkit.options import Option, Wrong

MAX_PATH = 2000  # characters
MAX_DIGITS = 6  # of an index

_TOKEN = re.compile(r"""\.?(?P<word>[^.\[\]"']+)|\[(?P<quote>["']?)(?P<bracket>.*?)(?P=quote)\]""")


@dataclass(frozen=True, slots=True)
class Place:
    """What a path leads to. `entries` are the places on its way that are entries of maps with free keys."""

    path: Path
    option: Option
    entries: tuple[Path, ...] = ()

    def __str__(self) -> str:
        return bracketed(self.path) or "the configuration"

    @property
    def spelling(self) -> str:
        """The path with every free key in brackets: it has no other reading."""
        return bracketed(self.path, frozenset(self.entries))


@dataclass(frozen=True, slots=True)
class _Failure:
    """Why a reading ended, and where."""

    path: Path
    text: str


@dataclass(frozen=True, slots=True)
class _Token:
    text: str
    bracketed: bool


def find(text: str, root: Option, tree: Tree, value: Any = None, *, deepest: bool = False) -> Place:
    """The place a path means. `tree` is the complete configuration; `value` is what shall be put there, if any.

    Of readings that are all possible `deepest` takes the one with most parts: what somebody means who only asks.

    Raises PathError, with `possible` for a path that only lacks an entry on its way.
    """
    failures: list[_Failure] = []
    readings = list(_readings(_tokens(text), Place((), root), failures))
    if not readings:
        raise PathError(min(failures, key=lambda failure: "did you mean" not in failure.text).text)
    there = [reading for reading in readings if all(look_up(tree, entry) is not None for entry in reading.entries)]
    candidates = there or readings
    if value is not None and (there or len(readings) > 1):
        candidates = [reading for reading in candidates if _fits(reading, value)] or candidates
    if deepest:
        return max(candidates, key=lambda reading: len(reading.path))
    if len(candidates) > 1:
        spellings = " or ".join(reading.spelling for reading in candidates)
        raise PathError(f"{text} may mean {spellings}: write the one you mean", possible=True)
    if not there and (value is None or not _fits(candidates[0], value)):
        _raise_near_miss(failures, tree)
    return candidates[0]


def _raise_near_miss(failures: list[_Failure], tree: Tree) -> None:
    """A path into an entry that is there was rather meant to name an option of it than another entry."""
    for failure in failures:
        if len(failure.path) > 1 and look_up(tree, failure.path) is not None:
            raise PathError(failure.text)


def bracketed(path: Path, entries: frozenset[Path] = frozenset()) -> str:
    """A path with keys that hold dots, and those of `entries`, in brackets."""
    text = ""
    for index, part in enumerate(path):
        if isinstance(part, int) or "." in part or path[: index + 1] in entries:
            text += f"[{part}]"
        else:
            text += f".{part}" if text else part
    return text


def _tokens(text: str) -> list[_Token]:
    if len(text) > MAX_PATH:
        raise PathError(f"a path of {len(text)} characters is too long")
    tokens: list[_Token] = []
    position = 0
    text = text.strip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None or (match[0].startswith(".") != bool(tokens) and match["word"] is not None):
            # A final dot belongs to a domain name.
            if text[position:] == "." and tokens:
                break
            raise PathError(f"{text!r} is not a path: unexpected {text[position]!r} at character {position + 1}")
        word = match["word"]
        tokens.append(_Token(match["bracket"] if word is None else word, word is None))
        position = match.end()
    return tokens


def _readings(tokens: list[_Token], so_far: Place, failures: list[_Failure]) -> Iterator[Place]:
    path, option = so_far.path, so_far.option
    if not tokens:
        yield so_far
        return
    token, rest = tokens[0], tokens[1:]
    index = int(token.text) if token.bracketed and token.text.isdecimal() and len(token.text) <= MAX_DIGITS else None
    if isinstance(option, SetOption):
        yield from _set_readings(tokens, so_far, option, failures)
        return
    takes_index = isinstance(option, ListOption | AnyOfOption | OneOrManyOption)
    part = index if index is not None and takes_index else token.text
    inner = option.child(part)
    if inner is not None:
        yield from _readings(rest, Place((*path, part), inner, so_far.entries), failures)
    elif isinstance(option, ListOption):
        where = format_path(path)
        failures.append(_Failure(path, f"{where} is a list; its items are {where}[0], {where}[1] and so on"))
    else:
        failures.append(_Failure(path, _no_option(option, path, token.text)))


def _set_readings(tokens: list[_Token], so_far: Place, option: SetOption, failures: list[_Failure]) -> Iterator[Place]:
    words = next((index for index, token in enumerate(tokens) if token.bracketed), len(tokens))
    for end in [1] if tokens[0].bracketed else range(1, words + 1):
        text = ".".join(token.text for token in tokens[:end])
        try:
            path = (*so_far.path, option.key.read(text))
        except Wrong as wrong:
            failures.append(_Failure(so_far.path, f"{format_path((*so_far.path, text))}: the key must be {wrong}"))
            continue
        yield from _readings(tokens[end:], Place(path, option.item, (*so_far.entries, path)), failures)


def _no_option(option: Option, path: Path, name: str) -> str:
    where = format_path(path)
    if not path:
        return f"there is no part of the configuration called {name!r}{_hint(option, name)}"
    if isinstance(option, MapOption):
        return f"{where} has no option {name!r}{_hint(option, name)}"
    return f"{where} has nothing inside that could be called {name!r}"


def _hint(option: Option, name: str) -> str:
    if not isinstance(option, MapOption):
        return ""
    return did_you_mean(name, option.options) or f"; there are {', '.join(sorted(option.options))}"


def _fits(reading: Place, value: Any) -> bool:
    findings = Findings()
    reading.option.check(value, reading.path, findings)
    return not findings.errors
