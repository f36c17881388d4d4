"""Access control lists in BIND 10's language: rules tried in order, the first that matches decides.

A rule is a map of an `action` (ACCEPT, REJECT, DROP) and checks that must all hold: `from` (an address, a prefix, or a
list of them), `key` (a TSIG key name or a list), `ANY` and `ALL` (lists of maps of checks), `NOT` (a map of checks). A
rule without checks always matches; where no rule matches the answer is REJECT.
"""

from __future__ import annotations

import enum
import ipaddress
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.name

from auth.errors import AclError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Action(enum.Enum):
    """What an ACL says about a request."""

    ACCEPT = "ACCEPT"
    REJECT = "REJECT"
    DROP = "DROP"


@dataclass(frozen=True, slots=True)
class Requester:
    """Who asks, as far as ACLs care."""

    address: Address
    key: dns.name.Name | None = None  # of a verified TSIG


Check = Callable[[Requester], bool]


@dataclass(frozen=True, slots=True)
class Acl:
    """A compiled list."""

    rules: tuple[tuple[Check, Action], ...]
    source: tuple[Any, ...] = ()  # the rules as they were configured, for who asks why

    @property
    def accepts_all(self) -> bool:
        """Whether its first rule accepts everybody."""
        return self.source[:1] == ({"action": Action.ACCEPT.value},)

    def decide(self, requester: Requester) -> Action:
        """The action of the first rule that matches."""
        return next((action for check, action in self.rules if check(requester)), Action.REJECT)

    def deciding(self, requester: Requester) -> int | None:
        """The index of the first rule that matches; None: no rule does."""
        return next((index for index, (check, _) in enumerate(self.rules) if check(requester)), None)


def compile_acl(rules: Any, place: str = "acl") -> Acl:
    """Make an ACL of its configuration; raises AclError naming the place in it."""
    if not isinstance(rules, Sequence) or isinstance(rules, str | bytes):
        raise AclError(f"{place}: must be a list of rules")
    return Acl(tuple(_rule(rule, f"{place}[{index}]") for index, rule in enumerate(rules)), tuple(rules))


def _rule(rule: Any, place: str) -> tuple[Check, Action]:
    if not isinstance(rule, Mapping):
        raise AclError(f"{place}: must be a map with an action")
    if "action" not in rule:
        raise AclError(f"{place}: action is missing")
    word = rule["action"]
    if not isinstance(word, str) or word not in Action.__members__:
        raise AclError(f"{place}.action: must be one of ACCEPT, REJECT, DROP, not {word!r}")
    return _all_of({name: value for name, value in rule.items() if name != "action"}, place), Action[word]


def _all_of(checks: Any, place: str) -> Check:
    """A map of checks: all must hold."""
    if not isinstance(checks, Mapping):
        raise AclError(f"{place}: must be a map of checks")
    compiled = tuple(_check(name, value, f"{place}.{name}") for name, value in checks.items())
    return lambda requester: all(check(requester) for check in compiled)


def _check(name: str, value: Any, place: str) -> Check:
    if name not in _CHECKS:
        raise AclError(f"{place}: unknown check; known are {', '.join(_CHECKS)}")
    return _CHECKS[name](value, place)


def _from(value: Any, place: str) -> Check:
    networks = tuple(network_of(item, place) for item in items_of(value, place))
    return lambda requester: any(
        requester.address.version == network.version and requester.address in network for network in networks
    )


def network_of(value: Any, place: str = "from") -> Network:
    """An address or prefix; raises AclError."""
    if not isinstance(value, str):  # ip_network() would take an integer
        raise AclError(f"{place}: {value!r} is not an address or prefix")
    try:
        return ipaddress.ip_network(value)
    except ValueError as error:
        raise AclError(f"{place}: {error}") from error


def _key(value: Any, place: str) -> Check:
    names = frozenset(_key_name(item, place) for item in items_of(value, place))
    return lambda requester: requester.key in names


def _key_name(value: Any, place: str) -> dns.name.Name:
    if not isinstance(value, str):
        raise AclError(f"{place}: {value!r} is not a key name")
    try:
        return dns.name.from_text(value)
    except dns.exception.DNSException as error:
        raise AclError(f"{place}: {value!r} is not a key name: {error}") from error


def _any(value: Any, place: str) -> Check:
    alternatives = tuple(_all_of(item, f"{place}[{index}]") for index, item in enumerate(items_of(value, place)))
    return lambda requester: any(check(requester) for check in alternatives)


def _all(value: Any, place: str) -> Check:
    parts = tuple(_all_of(item, f"{place}[{index}]") for index, item in enumerate(items_of(value, place)))
    return lambda requester: all(check(requester) for check in parts)


def _not(value: Any, place: str) -> Check:
    check = _all_of(value, place)
    return lambda requester: not check(requester)


def items_of(value: Any, place: str) -> Sequence[Any]:
    """One value or a list of them; an empty list would be a check nobody meant."""
    items = value if isinstance(value, Sequence) and not isinstance(value, str | bytes) else [value]
    if not items:
        raise AclError(f"{place}: must not be empty")
    return items


_CHECKS: dict[str, Callable[[Any, str], Check]] = {"from": _from, "key": _key, "ANY": _any, "ALL": _all, "NOT": _not}

ACCEPT_ALL = compile_acl([{"action": "ACCEPT"}])
