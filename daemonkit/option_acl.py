"""The `acl` option: BIND 10's access control lists.

A list of rules; the first that matches decides. A rule has an `action`; its other keys are checks, and all of them
must hold: `from` (address, prefix or a list of them), `key` (name of a TSIG key or a list), `ANY` and `ALL` (lists of
checks), `NOT` (checks). A rule without checks matches always. A list as a value means "one of".
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from daemonkit.findings import Findings, Path, did_you_mean, shown
from daemonkit.option_addresses import NameOption, PrefixOption
from daemonkit.options import MISSING, ChoiceOption, Option, Scalar

ACTIONS = ("ACCEPT", "REJECT", "DROP")
CHECKS = ("from", "key", "ANY", "ALL", "NOT")
MAX_RULES = 10_000
# How deep ANY, ALL and NOT may be nested; the evaluation recurses as deep.
MAX_DEPTH = 8
# The top-level map whose keys `key` names.
KEYS_ROOT = "keys"

_ACTION = ChoiceOption(values=ACTIONS)
_FROM = PrefixOption()
_KEY = NameOption(refers=KEYS_ROOT)


@dataclass(frozen=True, slots=True, kw_only=True)
class AclOption(Option):
    """An access control list; stored and effective with `from` and `key` as lists."""

    def expects(self) -> str:
        return "a list of rules such as {action: ACCEPT, from: 192.0.2.0/24}"

    def check(self, value: Any, path: Path, findings: Findings) -> Any:
        if not isinstance(value, list) or len(value) > MAX_RULES:
            findings.error(path, f"must be {self.expects()}, not {shown(value)}")
            return MISSING
        rules = [_check_rule(rule, (*path, index), findings) for index, rule in enumerate(value)]
        return MISSING if MISSING in rules else rules


def _check_rule(rule: Any, path: Path, findings: Findings) -> Any:
    if not isinstance(rule, dict):
        findings.error(path, f"must be a map with an action, not {shown(rule)}")
        return MISSING
    checks = {key: value for key, value in rule.items() if key != "action"}
    stored = _check_checks(checks, path, findings, 1, (*CHECKS, "action"))
    if "action" not in rule:
        findings.error(path, f"action is missing: {_ACTION.expects()}")
        return MISSING
    action = _ACTION.check(rule["action"], (*path, "action"), findings)
    return MISSING if MISSING in (action, stored) else {"action": action, **stored}


def _check_checks(
    checks: Any, path: Path, findings: Findings, depth: int, known: tuple[str, ...] = CHECKS
) -> dict[str, Any] | Any:
    if not isinstance(checks, dict):
        findings.error(path, f"must be a map of checks ({', '.join(CHECKS)}), not {shown(checks)}")
        return MISSING
    if depth > MAX_DEPTH:
        findings.error(path, f"ANY, ALL and NOT are nested deeper than {MAX_DEPTH} levels")
        return MISSING
    stored = {key: _check_one(key, value, (*path, key), findings, depth, known) for key, value in checks.items()}
    return MISSING if any(value is MISSING for value in stored.values()) else stored


def _check_one(key: str, value: Any, path: Path, findings: Findings, depth: int, known: tuple[str, ...]) -> Any:
    match key:
        case "from":
            return _check_values(_FROM, value, path, findings)
        case "key":
            return _check_values(_KEY, value, path, findings)
        case "NOT":
            return _not_empty(_check_checks(value, path, findings, depth + 1), path, findings)
        case "ANY" | "ALL":
            return _check_list(value, path, findings, depth + 1)
        case _:
            findings.error(path, f"unknown check{did_you_mean(key, known)}; there are {', '.join(CHECKS)}")
            return MISSING


def _check_values(option: Scalar, value: Any, path: Path, findings: Findings) -> Any:
    if not isinstance(value, list):
        stored = option.check(value, path, findings)
        return MISSING if stored is MISSING else [stored]
    if not value:
        findings.error(path, f"must not be empty: {option.expects()} or a list of them")
        return MISSING
    items = [option.check(item, (*path, index), findings) for index, item in enumerate(value)]
    return MISSING if MISSING in items else items


def _check_list(value: Any, path: Path, findings: Findings, depth: int) -> Any:
    if not isinstance(value, list) or not value:
        findings.error(path, f"must be a list of checks, each a map with {', '.join(CHECKS)}, not {shown(value)}")
        return MISSING
    items = []
    for index, item in enumerate(value):
        place = (*path, index)
        items.append(_not_empty(_check_checks(item, place, findings, depth), place, findings))
    return MISSING if MISSING in items else items


def _not_empty(stored: Any, path: Path, findings: Findings) -> Any:
    if stored == {}:
        findings.error(path, f"must not be empty: at least one of {', '.join(CHECKS)}")
        return MISSING
    return stored
