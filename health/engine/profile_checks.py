"""What a profile file may say: every property with a check; what is wrong is named with its place."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Mapping
from typing import Any

from health.engine.errors import ProfileError
from health.engine.levels import Level

Check = Callable[[str, Any], None]

MODULES = (
    "SYSTEM",
    "BASIC",
    "ADDRESS",
    "CONNECTIVITY",
    "CONSISTENCY",
    "DELEGATION",
    "DNSSEC",
    "NAMESERVER",
    "SYNTAX",
    "ZONE",
    "BACKEND",
)
_MAXIMUM_SECONDS = 86400


def check(document: Any) -> None:
    """Raise ProfileError unless this is a profile, whole or in part."""
    _check_mapping("", document, PROPERTIES)


def _fail(place: str, reason: str) -> None:
    raise ProfileError(f"{place or 'the document'}: {reason}")


def _check_mapping(place: str, value: Any, known: Mapping[str, Check | Mapping[str, Any]]) -> None:
    if not isinstance(value, Mapping):
        _fail(place, "must be a mapping")
    for name, item in value.items():
        inner = f"{place}.{name}".lstrip(".")
        rule = known.get(name)
        if rule is None:
            _fail(inner, "is not a property of a profile")
        elif isinstance(rule, Mapping):
            _check_mapping(inner, item, rule)
        else:
            rule(inner, item)


def _boolean(place: str, value: Any) -> None:
    if not isinstance(value, bool):
        _fail(place, f"must be true or false, not {value!r}")


def _whole(low: int, high: int) -> Check:
    def rule(place: str, value: Any) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
            _fail(place, f"must be a whole number from {low} to {high}, not {value!r}")

    return rule


def _seconds(place: str, value: Any) -> None:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 < value <= _MAXIMUM_SECONDS:
        _fail(place, f"must be seconds above 0 up to {_MAXIMUM_SECONDS}, not {value!r}")


def _address(place: str, value: Any) -> None:
    try:
        if value != "" and value is not None:
            ipaddress.ip_address(value)
    except ValueError:
        _fail(place, f"must be an IP address, not {value!r}")


def _texts(place: str, value: Any) -> None:
    if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
        _fail(place, "must be a list of names")


def _style(place: str, value: Any) -> None:
    if not isinstance(value, str) or value.lower() not in ("cymru", "ripe"):
        _fail(place, f"must be Cymru or RIPE, not {value!r}")


def _ignored(_place: str, _value: Any) -> None:
    """A property of the original that has no meaning here."""


def _cases(place: str, value: Any) -> None:
    if value == "all":
        return
    _texts(place, value)
    from health.engine.plan import case_keys  # the plan imports every case, and cases may read profiles

    for item in value:
        if item.lower() not in case_keys():
            _fail(place, f"there is no test case {item!r}")


def _level(place: str, value: Any) -> None:
    if value not in Level.__members__:
        _fail(place, f"must be one of {', '.join(Level.__members__)}, not {value!r}")


def _by_module(place: str, value: Any, rule: Check) -> None:
    if not isinstance(value, Mapping):
        _fail(place, "must be a mapping of modules")
    for module, tags in value.items():
        if module not in MODULES:
            _fail(f"{place}.{module}", "is not a test module (names are in capitals)")
        if not isinstance(tags, Mapping):
            _fail(f"{place}.{module}", "must be a mapping of tags")
        for tag, item in tags.items():
            rule(f"{place}.{module}.{tag}", item)


def _levels(place: str, value: Any) -> None:
    _by_module(place, value, _level)


def _filters(place: str, value: Any) -> None:
    _by_module(place, value, _rules)


def _rules(place: str, value: Any) -> None:
    if not isinstance(value, list):
        _fail(place, "must be a list of rules")
    for number, rule in enumerate(value):
        here = f"{place}[{number}]"
        if not isinstance(rule, Mapping) or set(rule) != {"when", "set"} or not isinstance(rule["when"], Mapping):
            _fail(here, "must have `when`, a mapping of arguments, and `set`, a level")
        _level(f"{here}.set", rule["set"])


_UNSIGNED = _whole(0, 2**32 - 1)

# zonemaster.md 3.5; `limits` and `probing` are ours.
PROPERTIES: Mapping[str, Check | Mapping[str, Any]] = {
    "net": {"ipv4": _boolean, "ipv6": _boolean},
    "no_network": _boolean,
    "resolver": {
        "defaults": {
            "timeout": _seconds,
            "retry": _whole(1, 20),
            "retrans": _seconds,
            "fallback": _boolean,
            "debug": _ignored,
            "igntc": _ignored,
            "recurse": _ignored,
            "usevc": _ignored,
            "dnssec": _ignored,
            "edns_size": _ignored,
        },
        "source": _ignored,
        "source4": _address,
        "source6": _address,
    },
    "asn_db": {"style": _style, "sources": {"Cymru": _texts, "RIPE": _texts, "cymru": _texts, "ripe": _texts}},
    "asnroots": _ignored,
    "cache": _ignored,
    "limits": {"deadline": _seconds, "concurrency": _whole(1, 10000), "per_address": _whole(1, 1000)},
    "probing": {"extra": _boolean, "recursion_names": _texts},
    "logfilter": _filters,
    "test_levels": _levels,
    "test_cases": _cases,
    "test_cases_vars": {
        "dnssec04": {"REMAINING_SHORT": _UNSIGNED, "REMAINING_LONG": _UNSIGNED, "DURATION_LONG": _UNSIGNED},
        "zone02": {"SOA_REFRESH_MINIMUM_VALUE": _UNSIGNED},
        "zone04": {"SOA_RETRY_MINIMUM_VALUE": _UNSIGNED},
        "zone05": {"SOA_EXPIRE_MINIMUM_VALUE": _UNSIGNED},
        "zone06": {"SOA_DEFAULT_TTL_MAXIMUM_VALUE": _UNSIGNED, "SOA_DEFAULT_TTL_MINIMUM_VALUE": _UNSIGNED},
    },
}
