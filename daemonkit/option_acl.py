"""The `acl` option: BIND 10's access control lists.

A list of rules; the first that matches decides. A rule has an `action`; its other keys are checks, and all of them
must hold: `from` (address, prefix or a list of them), `key` (name of a TSIG key or a list), `ANY` and `ALL` (lists of
checks), `NOT` (checks). A rule without checks matches always. A list as a value means "one of".
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from daemonkit.findings import Findings, Path, did_you_mean, shown
from daemonkit.option_addresses import NameOption, PrefixOption
from daemonkit.option_trees import ListOption
from daemonkit.options import MISSING, ChoiceOption, Option, Scalar

ACTIONS = ("ACCEPT", "REJECT", "DROP")
CHECKS = ("from", "key", "ANY", "ALL", "NOT")
MAX_RULES = 10_000
# How deep ANY, ALL and NOT may be nested; the evaluation recurses as deep.
MAX_DEPTH = 8
# The top-level map whose keys `key` names.
KEYS_ROOT = "keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class OneOrManyOption(Option):
    """A value or a list of values, stored as a list that is not empty."""

    item: Scalar

    def expects(self) -> str:
        return f"{self.item.expects()} or a list of them"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if not isinstance(value, list):
            stored = self.item.check(value, path, findings)
            return MISSING if stored is MISSING else [stored]
        if not value:
            findings.error(path, f"must not be empty: {self.expects()}")
            return MISSING
        items = [self.item.check(item, (*path, index), findings) for index, item in enumerate(value)]
        return MISSING if MISSING in items else items

    def child(self, part: str | int) -> Option | None:
        return self.item if isinstance(part, int) else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChecksOption(Option):
    """The checks of a rule or of NOT, or one item of ANY or ALL: all must hold."""

    depth: int = 1

    def expects(self) -> str:
        return f"a map of checks ({', '.join(CHECKS)})"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if not isinstance(value, dict):
            findings.error(path, f"must be {self.expects()}, not {shown(value)}")
            return MISSING
        if self.depth > MAX_DEPTH:
            findings.error(path, f"ANY, ALL and NOT are nested deeper than {MAX_DEPTH} levels")
            return MISSING
        if not value:
            findings.error(path, f"must not be empty: at least one of {', '.join(CHECKS)}")
            return MISSING
        return self.check_all(value, path, findings)

    def check_all(self, checks: dict[str, Any], path: Path, findings: Findings) -> Any:
        """The stored checks, perhaps none."""
        stored = {key: self._check_one(key, value, (*path, key), findings) for key, value in checks.items()}
        return MISSING if any(value is MISSING for value in stored.values()) else stored

    def child(self, part: str | int) -> Option | None:
        match part:
            case "from":
                return _FROM
            case "key":
                return _KEY
            case "NOT":
                return ChecksOption(depth=self.depth + 1)
            case "ANY" | "ALL":
                return ListOption(item=ChecksOption(depth=self.depth + 1), min_length=1)
            case _:
                return None

    def inside(self) -> tuple[str, ...]:
        return CHECKS

    def _check_one(self, key: str, value: Any, path: Path, findings: Findings) -> Any:
        option = self.child(key)
        if option is None:
            hint = did_you_mean(key, (*CHECKS, "action"))
            findings.error(path, f"unknown check{hint}; there are {', '.join(CHECKS)}")
            return MISSING
        return option.check(value, path, findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class RuleOption(Option):
    """One rule."""

    def expects(self) -> str:
        return "a rule such as {action: ACCEPT, from: 192.0.2.0/24}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if not isinstance(value, dict):
            findings.error(path, f"must be {self.expects()}, not {shown(value)}")
            return MISSING
        checks = {key: inner for key, inner in value.items() if key != "action"}
        stored = _CHECKS.check_all(checks, path, findings)
        if "action" not in value:
            findings.error(path, f"action is missing: {_ACTION.expects()}")
            return MISSING
        action = _ACTION.check(value["action"], (*path, "action"), findings)
        return MISSING if MISSING in (action, stored) else {"action": action, **stored}

    def child(self, part: str | int) -> Option | None:
        return _ACTION if part == "action" else _CHECKS.child(part)

    def inside(self) -> tuple[str, ...]:
        return ("action", *CHECKS)


_ACTION = ChoiceOption(values=ACTIONS)
_FROM = OneOrManyOption(item=PrefixOption())
_KEY = OneOrManyOption(item=NameOption(refers=KEYS_ROOT))
_CHECKS = ChecksOption()


@dataclass(frozen=True, slots=True, kw_only=True)
class AclOption(ListOption):
    """An access control list; stored and effective with `from` and `key` as lists."""

    item: Option = field(default_factory=RuleOption)
    max_length: int | None = MAX_RULES

    def expects(self) -> str:
        return "a list of rules such as {action: ACCEPT, from: 192.0.2.0/24}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if not isinstance(value, list):  # null is no list of no rules: it would deny all without saying so
            findings.error(path, f"must be {self.expects()}, not {shown(value)}")
            return MISSING
        return super(AclOption, self).check(value, path, findings)

    def complete(self, stored: Any = None) -> Any:
        return self.default if stored is None else stored

    def prune(self, stored: Any) -> Any:
        return MISSING if self.default is not None and stored == self.default else stored
