"""Access control lists as tables of address ranges, for image/access.py.

A query without a signature has no key, so what a list says of it depends on the address alone. Each check matches a set
of addresses, and the maps and words of BIND 10's language join such sets; the first rule whose set has an address
decides. The plain lists (auth/acl.py) are what tests hold this to.
"""

from __future__ import annotations

import heapq
import ipaddress
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from hashlib import blake2b
from itertools import pairwise
from typing import Any

from auth.acl import Action, Network, items_of, network_of
from auth.zones import ZonePolicy
from image.layout import ADMITS, CLOSED, DROPS, FIRST_LIST, HALF, OCTET, OPEN, REFUSES
from image.names import buffer

ROOM = 1024  # numbers of 64 bits there is room for at first
WASTE = 1 << 17  # numbers of lists that nobody may use any more, 1 MiB, until all is made anew; or as many as are used
FIRST_HALF = 64  # bits of an IPv6 address
_CODES = {Action.ACCEPT: ADMITS, Action.REJECT: REFUSES, Action.DROP: DROPS}

# A set of addresses of one family, as numbers: where it begins and ends, in turns, in order.
Edges = Sequence[int]


class AccessLists:
    """The lists of a configuration, each once, at places that stay theirs. What is written is never changed: there may
    be readers. For any thread.
    """

    def __init__(self) -> None:
        self.words = buffer(8 * ROOM).cast("Q")  # another buffer when there is no room in this one
        self._used = FIRST_LIST
        self._at_first = FIRST_LIST
        self._places: dict[bytes, int] = {}
        self._changing = threading.Lock()

    @property
    def are_there(self) -> bool:
        """Whether there is any list."""
        return self._used > FIRST_LIST

    @property
    def are_many(self) -> bool:
        """Whether so many were added since settle() that it is time to begin anew, with those in use."""
        return self._used - self._at_first > max(WASTE, self._at_first)

    def settle(self) -> None:
        """All lists that are there are in use."""
        self._at_first = self._used

    def place(self, policy: ZonePolicy) -> int:
        """Where the list is that says who may ask for a zone; OPEN: everybody, CLOSED: images say nothing of it."""
        if policy.hook:
            return CLOSED
        if policy.query_acl.accepts_all:
            return OPEN
        key = blake2b(repr(policy.query_acl.source).encode(), digest_size=16).digest()
        with self._changing:
            if key not in self._places:
                self._places[key] = self._write(table_of(policy.query_acl.source))
            return self._places[key]

    def _write(self, numbers: Sequence[int]) -> int:
        place, end = self._used, self._used + len(numbers)
        if end > len(self.words):
            larger = buffer(8 * 2 * end).cast("Q")
            larger[:place] = self.words[:place]
            self.words = larger
        for index, number in enumerate(numbers, place):
            self.words[index] = number
        self._used = end
        return place


def table_of(rules: Sequence[Mapping[str, Any]]) -> list[int]:
    """A list that auth.acl.compile_acl() took, as numbers for image.access."""
    narrow, wide = (_ranges(rules, family) for family in (ipaddress.IPv4Network, ipaddress.IPv6Network))
    numbers = [len(narrow) | len(wide) << HALF]
    numbers += [start << OCTET | code for start, code in narrow]
    for start, code in wide:
        numbers += [*divmod(start, 1 << FIRST_HALF), code]
    return numbers


def _ranges(rules: Sequence[Mapping[str, Any]], family: type[Network]) -> list[tuple[int, int]]:
    """Where what the list says of the addresses of a family begins, and what that is: that of the first rule that has
    them, REFUSES where none has.
    """
    parts = sorted(
        (start, number, end)
        for number, rule in enumerate(rules)
        for start, end in _pairs(_matching(_checks_of(rule), family))
    )
    edges = sorted({0, *(edge for start, _, end in parts for edge in (start, end))} - {_end(family)})
    having: list[tuple[int, int]] = []  # rules that have the address, the first on top, and where that ends
    found: list[tuple[int, int]] = []
    ahead = 0
    for edge in edges:
        while ahead < len(parts) and parts[ahead][0] == edge:
            heapq.heappush(having, parts[ahead][1:])
            ahead += 1
        while having and having[0][1] <= edge:
            heapq.heappop(having)
        code = _CODES[Action[rules[having[0][0]]["action"]]] if having else REFUSES
        if not found or found[-1][1] != code:
            found.append((edge, code))
    return found


def _checks_of(rule: Mapping[str, Any]) -> Mapping[str, Any]:
    return {name: value for name, value in rule.items() if name != "action"}


def _matching(checks: Mapping[str, Any], family: type[Network]) -> Edges:
    """The addresses for which all checks of a map hold, where there is no key."""
    sets = [_CHECKS[name](items_of(value, name), family) for name, value in checks.items()]
    return _where(sets, family, lambda having: having == len(sets))


def _from(networks: Sequence[str], family: type[Network]) -> Edges:
    named = (network for network in map(network_of, networks) if isinstance(network, family))
    return _where(
        [(int(one.network_address), int(one.broadcast_address) + 1) for one in named], family, lambda having: having > 0
    )


def _key(_names: Sequence[str], _family: type[Network]) -> Edges:
    return ()


def _any(maps: Sequence[Mapping[str, Any]], family: type[Network]) -> Edges:
    return _where([_matching(one, family) for one in maps], family, lambda having: having > 0)


def _all(maps: Sequence[Mapping[str, Any]], family: type[Network]) -> Edges:
    return _where([_matching(one, family) for one in maps], family, lambda having: having == len(maps))


def _not(maps: Sequence[Mapping[str, Any]], family: type[Network]) -> Edges:
    return _where([_matching(one, family) for one in maps], family, lambda having: having == 0)


_CHECKS: dict[str, Callable[[Any, type[Network]], Edges]] = {
    "from": _from,
    "key": _key,
    "ANY": _any,
    "ALL": _all,
    "NOT": _not,
}


def _where(sets: Sequence[Edges], family: type[Network], wanted: Callable[[int], bool]) -> Edges:
    """The addresses that are in a number of these sets that is wanted."""
    steps = {0: 0, _end(family): 0}
    for one in sets:
        for start, end in _pairs(one):
            steps[start] = steps.get(start, 0) + 1
            steps[end] = steps.get(end, 0) - 1
    edges: list[int] = []
    having = 0
    for start, end in pairwise(sorted(steps)):
        having += steps[start]
        if wanted(having):
            if edges and edges[-1] == start:
                edges[-1] = end
            else:
                edges += (start, end)
    return edges


def _pairs(edges: Edges) -> Iterable[tuple[int, int]]:
    return zip(edges[::2], edges[1::2], strict=True)


def _end(family: type[Network]) -> int:
    """Behind the last address."""
    return 1 << (32 if family is ipaddress.IPv4Network else 128)
