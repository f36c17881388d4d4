"""Profiles: what a run does and how severe its findings are; an overlay on the default, as Zonemaster has it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import yaml

from health.engine.errors import ProfileError
from health.engine.levels import Level
from health.engine.profile_checks import check
from health.engine.results import Value

_DEFAULT = Path(__file__).with_name("profile.yaml")
_WHOLE = ("test_cases",)  # a list replaces, it is not merged


class Profile:
    """A complete profile: the default with what a file changes."""

    def __init__(self, document: Mapping[str, Any]) -> None:
        self._document = document
        self.ipv4: bool = document["net"]["ipv4"]
        self.ipv6: bool = document["net"]["ipv6"]

    @classmethod
    def default(cls) -> Self:
        """The profile as it is without a file."""
        return cls(_default_document())

    @classmethod
    def load(cls, path: Path) -> Self:
        """The default with what a file of YAML or JSON changes.

        Raises ProfileError, naming the file and the place in it.
        """
        try:
            document = yaml.safe_load(path.read_text("utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
            raise ProfileError(f"the profile {path} cannot be read: {error}") from error
        try:
            return cls.default().overlaid(document if document is not None else {})
        except ProfileError as error:
            raise ProfileError(f"the profile {path}: {error}") from error

    def overlaid(self, changes: Any) -> Self:
        """This profile with changes; raises ProfileError for what a profile cannot say."""
        check(changes)
        return type(self)(_merged(self._document, changes))

    def get(self, path: str) -> Any:
        """The value at a dotted path: "asn_db.style". KeyError where there is none."""
        value: Any = self._document
        for step in path.split("."):
            value = value[step]
        return value

    def variable(self, case: str, name: str) -> int:
        """A limit of a case, `test_cases_vars` in the file: variable("dnssec04", "REMAINING_SHORT")."""
        value: int = self._document["test_cases_vars"][case][name]
        return value

    def runs(self, case: str) -> bool:
        """Whether a case ("basic01") is enabled."""
        cases = self._document["test_cases"]
        return cases == "all" or case in cases

    def level(self, module: str, tag: str, arguments: Mapping[str, Value], default: Level) -> Level:
        """The severity of an entry: `test_levels`, else the default; then the first rule of `logfilter` that holds."""
        said = _under(self._document["test_levels"], module).get(tag)
        level = default if said is None else Level[said]
        for rule in _under(self._document["logfilter"], module).get(tag, ()):
            if all(_holds(arguments.get(name), wanted) for name, wanted in rule["when"].items()):
                return Level[rule["set"]]
        return level

    @property
    def document(self) -> dict[str, Any]:
        """All of it, as a file would have it."""
        return copy.deepcopy(dict(self._document))


@functools.cache
def _default_document() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(_DEFAULT.read_text("utf-8"))
    return document


def _merged(old: Mapping[str, Any], new: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(old)
    for name, value in new.items():
        both = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping) and name not in _WHOLE
        if name == "test_cases" and isinstance(value, list):
            value = [case.lower() for case in value]
        merged[name] = _merged(merged[name], value) if both else value
    return merged


def _under(levels: Mapping[str, Any], module: str) -> Mapping[str, Any]:
    found: Mapping[str, Any] = levels.get(module.upper(), {})
    return found


def _holds(value: Value | None, wanted: Any) -> bool:
    choices = wanted if isinstance(wanted, list) else [wanted]
    text = ";".join(value) if isinstance(value, list) else str(value)
    return value is not None and text in map(str, choices)
