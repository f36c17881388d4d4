"""Which instance holds which listening descriptors. No I/O: descriptors are numbers here, the caller sends and closes.

Every instance of a component with sockets has its own set, one descriptor a place. The set belongs to the instance's
number, not to a process: whatever process takes the place is given the very same descriptors, so that what waits in
them is answered. Each hand-over has a generation of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from daemonkit.control import SocketPlace

Descriptors = Mapping[SocketPlace, int]


def places_of(endpoints: Iterable[tuple[str, int]]) -> tuple[SocketPlace, ...]:
    """What is listened on: UDP and TCP of each address and port."""
    return tuple(SocketPlace(protocol, address, port) for address, port in endpoints for protocol in ("udp", "tcp"))


@dataclass(frozen=True, slots=True)
class HandOver:
    """To be sent to the process of an instance: its whole set."""

    generation: int
    number: str
    sockets: tuple[tuple[SocketPlace, int], ...]  # a place comes more than once where it stands in for several


@dataclass(slots=True)
class Holding:
    """The set of one instance, and who serves it."""

    descriptors: dict[SocketPlace, int] = field(default_factory=dict)
    holder: int | None = None  # process id
    sent: int = 0  # generation last handed over
    taken: int = 0  # generation the holder says it serves


class Listening:
    """The sets of all instances of one component."""

    def __init__(self) -> None:
        self.places: tuple[SocketPlace, ...] = ()
        self._holdings: dict[str, Holding] = {}
        self._generations = itertools.count(1)

    def holding(self, number: str) -> Holding:
        """The set of an instance; an empty one when it has none yet."""
        return self._holdings.setdefault(number, Holding())

    @property
    def numbers(self) -> tuple[str, ...]:
        """Instances that have a set."""
        return tuple(number for number, holding in self._holdings.items() if holding.descriptors)

    @property
    def descriptors(self) -> tuple[int, ...]:
        """Every descriptor held."""
        return tuple(fd for holding in self._holdings.values() for fd in holding.descriptors.values())

    @property
    def held(self) -> frozenset[SocketPlace]:
        """Every place we have a socket for."""
        return frozenset(place for holding in self._holdings.values() for place in holding.descriptors)

    def missing(self, number: str, places: Sequence[SocketPlace] | None = None) -> tuple[SocketPlace, ...]:
        """The places an instance has no descriptor for."""
        held = self._holdings[number].descriptors if number in self._holdings else {}
        return tuple(place for place in (self.places if places is None else places) if place not in held)

    def is_served(self, place: SocketPlace, *, besides: str) -> bool:
        """Whether another instance's process serves this place now."""
        return any(
            place in holding.descriptors and holding.holder is not None and holding.taken == holding.sent
            for number, holding in self._holdings.items()
            if number != besides
        )

    def add(self, number: str, descriptors: Descriptors) -> None:
        """New descriptors of an instance; they are handed over with the next assign."""
        holding = self.holding(number)
        doubled = holding.descriptors.keys() & descriptors.keys()
        assert not doubled, doubled
        holding.descriptors.update(descriptors)

    def assign(self, number: str, pid: int) -> HandOver:
        """Hand the set of an instance to a process."""
        holding = self.holding(number)
        holding.holder, holding.sent, holding.taken = pid, next(self._generations), 0
        return HandOver(holding.sent, number, tuple(holding.descriptors.items()))

    def loan(self, number: str, lenders: Iterable[str]) -> HandOver:
        """Let a process serve the sets of these instances beside their holders; nothing changes here."""
        lent = tuple(item for lender in lenders for item in self.holding(lender).descriptors.items())
        return HandOver(next(self._generations), number, lent)

    def took(self, number: str, pid: int, generation: int) -> bool:
        """The holder serves a generation. False: that is an old one, or not the holder's word."""
        holding = self.holding(number)
        if holding.holder != pid or holding.sent != generation:
            return False
        holding.taken = generation
        return True

    def vacate(self, number: str) -> None:
        """The holder is gone; the descriptors wait for the next one."""
        holding = self.holding(number)
        holding.holder, holding.taken = None, 0

    def drop(self, number: str) -> list[int]:
        """The instance is given up or removed: its descriptors, to be closed at once (kept, they swallow queries)."""
        holding = self._holdings.pop(number, None)
        return list(holding.descriptors.values()) if holding else []

    def settle(self, places: Sequence[SocketPlace]) -> list[int]:
        """Listen on these places from now on; returns the descriptors of all others, to be closed."""
        self.places = tuple(places)
        closed: list[int] = []
        for holding in self._holdings.values():
            gone = [place for place in holding.descriptors if place not in self.places]
            closed += [holding.descriptors.pop(place) for place in gone]
        return closed
