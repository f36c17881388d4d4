"""Who may be connected: limits in total and per client, and who goes when they are reached (RFC 7766 section 6.2.2)."""

from __future__ import annotations

import enum
import ipaddress
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from typing import Protocol

from auth.places import Place

CLIENT_PREFIX_V6 = 64  # bits: one host has that many addresses to itself (RFC 4291 section 2.5.1)
SCARCE = 0.9  # of the total limit: from here on clients are asked to close at once (RFC 7828 section 3.3.2)


class Standing(enum.IntEnum):
    """How much is lost when a connection goes: those that lose least go first."""

    IDLE = 0  # nothing, or part of a query
    UNREAD = 1  # a reply the client does not take
    NEEDED = 2  # a query is being answered: it stays


class Connected(Protocol):
    """What the table needs of a connection."""

    @property
    def client(self) -> str:
        """Who counts as one client: see client_key()."""

    @property
    def standing(self) -> Standing:
        """How much is lost when it goes."""

    @property
    def place(self) -> Place:
        """Where it came in."""

    def evict(self) -> None:
        """Close at once."""

    def finish(self) -> None:
        """Close when nothing is in hand."""


class ConnectionTable:
    """All connections of a process, the one whose last whole message is longest ago first."""

    def __init__(self) -> None:
        self._all: OrderedDict[Connected, None] = OrderedDict()
        self._clients: dict[str, OrderedDict[Connected, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connected]:
        return iter(tuple(self._all))

    def of_client(self, client: str) -> int:
        """Connections of one client."""
        return len(self._clients.get(client, ()))

    def make_room(self, client: str, limit: int, per_client: int) -> tuple[bool, list[Connected]]:
        """Whether another connection of this client may be had, and which go for it: the idle ones first, of these the
        oldest.
        """
        victims: list[Connected] = []
        own = self._clients.get(client, OrderedDict())
        if len(own) >= per_client:
            victims += _most_dispensable(own, len(own) - per_client + 1)
            if len(own) - len(victims) >= per_client:
                return False, []
        excess = len(self._all) - len(victims) - limit + 1
        if excess > 0:
            victims += _most_dispensable((one for one in self._all if one not in victims), excess)
        if len(self._all) - len(victims) >= limit:
            return False, []
        return True, victims

    def most_dispensable(self) -> Connected | None:
        """Who has to go first, if anybody may."""
        return next(iter(_most_dispensable(self._all, 1)), None)

    def add(self, connection: Connected) -> None:
        """Take in a new connection."""
        self._all[connection] = None
        self._clients.setdefault(connection.client, OrderedDict())[connection] = None

    def touch(self, connection: Connected) -> None:
        """A whole message came: it is the youngest now."""
        if connection in self._all:
            self._all.move_to_end(connection)
            self._clients[connection.client].move_to_end(connection)

    def remove(self, connection: Connected) -> None:
        """Forget it; forgetting twice is not an error."""
        if self._all.pop(connection, self) is self:
            return
        own = self._clients[connection.client]
        del own[connection]
        if not own:
            del self._clients[connection.client]


def client_key(address: str) -> str:
    """Who counts as one client: an IPv4 address, or the IPv6 network of a host."""
    if ":" not in address:
        return address
    return str(ipaddress.ip_network((address.partition("%")[0], CLIENT_PREFIX_V6), strict=False))


def _most_dispensable(connections: Iterable[Connected], count: int) -> list[Connected]:
    """Those that may go, in the order in which they should."""
    may_go = [one for one in connections if one.standing is not Standing.NEEDED]
    return sorted(may_go, key=lambda one: one.standing)[:count]
