"""How test cases are declared: each with its tags, their default severities and arguments beside it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from health.engine.levels import Level

if TYPE_CHECKING:
    from health.engine.context import Context

Function = Callable[["Context"], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Tag:
    """What a tag is: its default severity and the names of its arguments, in order."""

    level: Level
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Case:
    """A test case: `name` as in "Basic01", `module` as in "Basic"; profiles name it in lower case."""

    name: str
    module: str
    function: Function
    tags: Mapping[str, Tag]

    @property
    def key(self) -> str:
        """The name as profiles and command lines have it."""
        return self.name.lower()


# Every declared case by its key; filled when the modules of health.engine.cases are imported (health.engine.plan).
CASES: dict[str, Case] = {}


def debug(*arguments: str) -> Tag:
    """A tag of level DEBUG."""
    return Tag(Level.DEBUG, arguments)


def info(*arguments: str) -> Tag:
    """A tag of level INFO."""
    return Tag(Level.INFO, arguments)


def notice(*arguments: str) -> Tag:
    """A tag of level NOTICE."""
    return Tag(Level.NOTICE, arguments)


def warning(*arguments: str) -> Tag:
    """A tag of level WARNING."""
    return Tag(Level.WARNING, arguments)


def error(*arguments: str) -> Tag:
    """A tag of level ERROR."""
    return Tag(Level.ERROR, arguments)


def critical(*arguments: str) -> Tag:
    """A tag of level CRITICAL."""
    return Tag(Level.CRITICAL, arguments)


def case(name: str, tags: Mapping[str, Tag]) -> Callable[[Function], Function]:
    """Declare the decorated function to be the test case `name` ("Basic01"), which may emit only these tags."""

    def declare(function: Function) -> Function:
        if name.lower() in CASES:
            raise ValueError(f"the test case {name} is declared twice")
        CASES[name.lower()] = Case(name, name.rstrip("0123456789"), function, dict(tags))
        return function

    return declare
