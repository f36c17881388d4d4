"""What a check of a document found: where, what, and how bad."""

from __future__ import annotations

import difflib
import enum
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

# A place in a document: keys of maps and indices of lists, from the top.
Path = tuple[str | int, ...]

# How much of a wrong value a message repeats.
_HINT = " (did you mean "
MAX_SHOWN = 60

_PLAIN_KEY = re.compile(r"[^\[\]'\"\s]+")


class Severity(enum.Enum):
    """Whether a finding stops the document from being used."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying about one place of a document."""

    path: Path
    reason: str
    severity: Severity = Severity.ERROR

    def __str__(self) -> str:
        return f"{format_path(self.path)}: {self.reason}" if self.path else self.reason


@dataclass(frozen=True, slots=True)
class Reference:
    """A value that must be a key of the top-level map `root`."""

    path: Path
    root: str
    key: str


@dataclass(slots=True)
class Findings:
    """Collects all findings of one check, and the references to look up once everything is read."""

    items: list[Finding] = field(default_factory=list)
    references: list[Reference] = field(default_factory=list)
    # The first place and the number of places of each option that has no effect yet, by its name and reason.
    idle: dict[tuple[str, str], tuple[Path, int]] = field(default_factory=dict)

    @property
    def errors(self) -> list[Finding]:
        """Findings that stop the document from being used."""
        return [item for item in self.items if item.severity is Severity.ERROR]

    @property
    def warnings(self) -> list[Finding]:
        """Findings that do not; an option without effect is told once, however often it is used."""
        found = [item for item in self.items if item.severity is Severity.WARNING]
        for (_, reason), (path, count) in self.idle.items():
            more = f" (in {count} places)" if count > 1 else ""
            found.append(Finding(path, f"has no effect yet: {reason}{more}", Severity.WARNING))
        return found

    def error(self, path: Path, reason: str) -> None:
        """Note an error."""
        self.items.append(Finding(path, reason))

    def warning(self, path: Path, reason: str) -> None:
        """Note a warning."""
        self.items.append(Finding(path, reason, Severity.WARNING))

    def pending(self, path: Path, reason: str) -> None:
        """Note an option that has no effect yet."""
        first, count = self.idle.get((str(path[-1]), reason), (path, 0))
        self.idle[str(path[-1]), reason] = first, count + 1

    def refer(self, path: Path, root: str, key: str) -> None:
        """Note that `key` must exist under `root`."""
        self.references.append(Reference(path, root, key))

    def extend(self, other: Findings, at: Path = ()) -> None:
        """Take over what another collector holds; with `at`, as if found at that place, of the same depth."""
        depth = len(at)
        if at:
            self.items.extend(Finding(at + one.path[depth:], one.reason, one.severity) for one in other.items)
            self.references.extend(Reference(at + one.path[depth:], one.root, one.key) for one in other.references)
        else:
            self.items.extend(other.items)
            self.references.extend(other.references)
        for (name, reason), (path, count) in other.idle.items():
            first, before = self.idle.get((name, reason), (at + path[depth:], 0))
            self.idle[name, reason] = first, before + count


def format_path(path: Path) -> str:
    """A path as people write it: `zones.example.org.query_acl[0].action`; odd keys in brackets and quotes."""
    parts: list[str] = []
    for part in path:
        if isinstance(part, int):
            parts.append(f"[{part}]")
        elif _PLAIN_KEY.fullmatch(part):
            parts.append(f".{part}" if parts else part)
        else:
            parts.append(f"[{shown(part)}]")
    return "".join(parts)


def shown(value: Any) -> str:
    """A wrong value, short enough for a message."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            text = value if len(value) <= MAX_SHOWN else value[: MAX_SHOWN - 3] + "..."
            return repr(text)
        case dict():
            return "a map"
        case list():
            return "a list"
        case int() if value.bit_length() > 4 * MAX_SHOWN:
            return "a huge number"
        case _:
            return repr(value)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The tail of an "unknown ..." message: the nearest known name, or nothing."""
    close = difflib.get_close_matches(name[:MAX_SHOWN], list(known), n=1)
    return f"{_HINT}{close[0]!r}?)" if close else ""


def without_hint(text: str) -> str:
    """A message for somebody who is not to be told what names there are."""
    return text.partition(_HINT)[0]
