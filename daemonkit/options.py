"""The types an option can have: what they accept, how they are kept, what a daemon gets.

A value passes through several forms:

    written --check--> stored --complete--> complete --convert--> effective
                         |------prune-----> what is worth keeping

What somebody wrote is checked and brought to its stored form (names normalised, units as they were); complete has every
default filled in; effective is what a daemon is handed (seconds, bytes, directories filled in). None is "not given".
Here are the base and the plain values; quantities, names and addresses, containers and ACLs have modules of their own
(`option_*`); `schema` reads options out of specs.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from daemonkit.findings import Findings, Path, shown

# Fills `{state_dir}` and `{run_dir}` in.
Substitute = Callable[[str], str]

OFF = "off"
# Who may change an option: whoever may configure, or only who may everything.
CONFIGURE, ADMIN = "configure", "admin"
# Bounds what one string can put into a message, a log line or a bus message.
MAX_STRING = 4096

# Control characters could forge lines in logs and on terminals.
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


class Wrong(Exception):
    """A value is not of its type; the text says what it must be (without the value)."""


class _Missing:
    """The value of a check that failed."""


MISSING = _Missing()


@dataclass(frozen=True, slots=True, kw_only=True)
class Option(ABC):
    """One option of a spec. `default` is in stored form; None is none: the effective value is null."""

    text: str = ""
    default: Any = None
    required: bool = False
    pending: str = ""  # why it has no effect yet
    role: str = CONFIGURE  # what changing it takes

    @abstractmethod
    def expects(self) -> str:
        """What a value must be, to finish the sentence "must be ..."."""

    @abstractmethod
    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        """The stored form of a value, or MISSING; findings tell why it, or a part of it, is missing."""

    def complete(self, stored: Any = None) -> Any:
        """The stored form with every default filled in."""
        return self.default if stored is None else stored

    def convert(self, complete: Any, substitute: Substitute) -> Any:  # noqa: ARG002 (for those with text in them)
        """What a daemon gets for a complete value."""
        return None if complete is None else self.measure(complete)

    def measure(self, stored: Any) -> Any:
        """The value in the unit a daemon computes with."""
        return stored

    def child(self, part: str | int) -> Option | None:  # noqa: ARG002 (for those with something inside)
        """The option of what is inside the value at this key or index."""
        return None

    def inside(self) -> tuple[str, ...]:
        """The keys `child` knows, where they are fixed ones."""
        return ()

    def prune(self, stored: Any) -> Any:
        """The stored form without what equals the defaults; MISSING when nothing is left worth storing."""
        return MISSING if self.default is not None and _same(stored, self.default) else stored


def _same(left: Any, right: Any) -> bool:
    """Equality that tells true from 1."""
    return type(left) is type(right) and bool(left == right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar(Option):
    """An option with one plain value. `refers` names the top-level map whose keys are the values allowed."""

    refers: str = ""

    @abstractmethod
    def read(self, value: Any) -> Any:
        """The stored form; raises Wrong."""

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        try:
            stored = self.read(value)
        except Wrong as wrong:
            findings.error(path, f"must be {wrong}, not {shown(value)}")
            return MISSING
        if self.refers:
            findings.refer(path, self.refers, stored)
        return stored


@dataclass(frozen=True, slots=True, kw_only=True)
class BooleanOption(Scalar):
    """True or false, in the words people use."""

    def expects(self) -> str:
        return "true or false"

    def read(self, value: Any) -> bool:
        words = {"true": True, "on": True, "yes": True, "false": False, "off": False, "no": False}
        if isinstance(value, bool):
            return value
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        raise Wrong(self.expects())


@dataclass(frozen=True, slots=True, kw_only=True)
class IntegerOption(Scalar):
    """A whole number."""

    minimum: int | None = None
    maximum: int | None = None
    unit: str = ""

    def expects(self) -> str:
        return "a whole number" + bounds(self.minimum, self.maximum, self.unit)

    def read(self, value: Any) -> int:
        if not isinstance(value, int) or isinstance(value, bool) or not within(value, self.minimum, self.maximum):
            raise Wrong(self.expects())
        return value


@dataclass(frozen=True, slots=True, kw_only=True)
class NumberOption(Scalar):
    """A number; a whole one is as good."""

    minimum: float | None = None
    maximum: float | None = None
    unit: str = ""

    def expects(self) -> str:
        return "a number" + bounds(self.minimum, self.maximum, self.unit)

    def read(self, value: Any) -> float:
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise Wrong(self.expects())
        if value in (float("inf"), float("-inf")) or value != value or not within(value, self.minimum, self.maximum):
            raise Wrong(self.expects())
        return value


def within(value: float, minimum: float | None, maximum: float | None) -> bool:
    """Whether a number is within bounds, where there are any."""
    return (minimum is None or value >= minimum) and (maximum is None or value <= maximum)


def bounds(minimum: object, maximum: object, unit: str = "") -> str:
    """The unit and bounds as words that follow "a number"."""
    of = f" of {unit}" if unit else ""
    if minimum is not None and maximum is not None:
        return f"{of} from {minimum} to {maximum}"
    if minimum is not None:
        return f"{of}, at least {minimum}"
    return f"{of}, at most {maximum}" if maximum is not None else of


@dataclass(frozen=True, slots=True, kw_only=True)
class StringOption(Scalar):
    """Text without control characters. `pattern` must match all of it; `example` is what a message shows for it."""

    pattern: str = ""
    max_length: int = MAX_STRING
    example: str = ""

    def expects(self) -> str:
        like = f" like {self.example}" if self.example else f" that matches {self.pattern}" if self.pattern else ""
        return f"text{like}" + (f" of at most {self.max_length} characters" if self.max_length < MAX_STRING else "")

    def read(self, value: Any) -> str:
        if isinstance(value, int | float) and not isinstance(value, bool):
            raise Wrong(f"{self.expects()} (put numbers that are text in quotes)")
        if not isinstance(value, str) or len(value) > self.max_length or CONTROL.search(value):
            raise Wrong(self.expects())
        if self.pattern and not re.fullmatch(self.pattern, value):
            raise Wrong(self.expects())
        return value

    def convert(self, complete: Any, substitute: Substitute) -> str | None:
        return None if complete is None else substitute(complete)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChoiceOption(Scalar):
    """One of a few words; `pending_values` says of some why they have no effect yet."""

    values: tuple[str, ...]
    pending_values: Mapping[str, str] = field(default_factory=dict)

    def expects(self) -> str:
        return f"one of {', '.join(self.values)}" if len(self.values) > 1 else self.values[0]

    def read(self, value: Any) -> str:
        if value is False and OFF in self.values:  # from YAML 1.1 or JSON
            return OFF
        if not isinstance(value, str) or value not in self.values:
            raise Wrong(self.expects())
        return value

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        stored = super(ChoiceOption, self).check(value, path, findings)
        if stored in self.pending_values:
            findings.pending(path, f"{stored}: {self.pending_values[stored]}")
        return stored
