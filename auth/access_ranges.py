"""Access control lists as tables of address ranges, for auth/access.py.

A query without a signature has no key, so what an ACL says of it depends on the address alone: it is asked once for
each range between two boundaries. The plain ACL is the only one who knows what rules mean.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from auth.acl import Acl, Action, Address, Network, Requester
from auth.zones import ZonePolicy
from image.layout import CLOSED, OPEN
from image.names import buffer

MOST_NETWORKS = 500  # in all ACLs together: each is asked for each; of more, zones are left as those with a hook are
HALF = 64  # bits of an IPv6 address


@dataclass(frozen=True, slots=True)
class Ranges:
    """The tables of auth.access.Access, and the number of each ACL by what was configured."""

    starts4: memoryview
    masks4: memoryview
    starts6: memoryview
    masks6: memoryview
    numbers: dict[str, int]

    def number(self, policy: ZonePolicy) -> int:
        """Which of the ACLs decides who is answered by images for a zone; OPEN: everybody is, CLOSED: nobody."""
        if policy.hook:
            return CLOSED
        if policy.query_acl.accepts_all:
            return OPEN
        return self.numbers.get(repr(policy.query_acl.source), CLOSED)


def ranges_of(policies: Iterable[ZonePolicy]) -> Ranges:
    """Tables for the ACLs of these policies, as far as there is room for them."""
    acls: dict[str, Acl] = {}
    networks: set[Network] = set()
    tried: set[str] = set()  # there may be one a zone: no more are looked at than there can be
    for acl in {id(policy.query_acl): policy.query_acl for policy in policies if not policy.hook}.values():
        if len(tried) == CLOSED - OPEN - 1:
            break
        if acl.accepts_all or repr(acl.source) in tried:
            continue
        tried.add(repr(acl.source))
        more = networks | set(acl.networks())
        if len(more) <= MOST_NETWORKS:
            acls[repr(acl.source)], networks = acl, more
    chosen = list(acls.values())
    starts4, masks4 = _table(chosen, networks, ipaddress.IPv4Address)
    starts6, masks6 = _table(chosen, networks, ipaddress.IPv6Address)
    halves = [part for start in starts6 for part in divmod(start, 1 << HALF)]
    numbers = {source: number for number, source in enumerate(acls, OPEN + 1)}
    return Ranges(_numbers(starts4), _numbers(masks4), _numbers(halves), _numbers(masks6), numbers)


def _table(
    acls: Sequence[Acl], networks: Iterable[Network], family: Callable[[int], Address]
) -> tuple[list[int], list[int]]:
    lowest = family(0)
    boundaries = {0}
    for network in networks:
        if network.version == lowest.version:
            boundaries |= {int(network.network_address), int(network.broadcast_address) + 1}
    boundaries.discard(1 << lowest.max_prefixlen)
    starts: list[int] = []
    masks: list[int] = []
    for start in sorted(boundaries):
        both = _masks(acls, family(start))
        if tuple(masks[-2:]) != both:
            starts.append(start)
            masks.extend(both)
    return starts, masks


def _masks(acls: Sequence[Acl], address: Address) -> tuple[int, int]:
    """Which of the ACLs admit an address, and which refuse it."""
    admitting, refusing = 1 << OPEN, 0
    for number, acl in enumerate(acls, OPEN + 1):
        action = acl.decide(Requester(address))
        if action is Action.ACCEPT:
            admitting |= 1 << number
        elif action is Action.REJECT:
            refusing |= 1 << number
    return admitting, refusing


def _numbers(values: Sequence[int]) -> memoryview:
    table = buffer(8 * len(values)).cast("Q")
    for at, value in enumerate(values):
        table[at] = value
    return table
