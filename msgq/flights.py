"""Calls between their caller and their recipient."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from msgq.peers import Peer

MAX_CALLS_OF_ONE: Final = 1024  # in flight from one member
MAX_CALLS: Final = 16 * 1024  # in flight in all


@dataclass(frozen=True, slots=True, eq=False)
class Flight:
    """A call that has no outcome yet."""

    number: int
    serial: int  # the caller's
    caller: Peer
    recipient: Peer
    deadline: float


class Flights:
    """All calls in flight, by number; the peers' own lists are kept in step with it."""

    def __init__(self) -> None:
        self._flights: dict[int, Flight] = {}
        self._last_number = 0

    def __len__(self) -> int:
        return len(self._flights)

    def __iter__(self) -> Iterator[Flight]:
        return iter(tuple(self._flights.values()))

    def get(self, number: int) -> Flight | None:
        """The call of this number, while it is in flight."""
        return self._flights.get(number)

    def has_room(self, caller: Peer) -> bool:
        """Whether this member may start another call."""
        return len(caller.calls) < MAX_CALLS_OF_ONE and len(self._flights) < MAX_CALLS

    def start(self, serial: int, caller: Peer, recipient: Peer, deadline: float) -> Flight:
        """A call sets out."""
        self._last_number += 1
        flight = Flight(self._last_number, serial, caller, recipient, deadline)
        self._flights[flight.number] = flight
        caller.calls[serial] = flight.number
        recipient.tasks.add(flight.number)
        return flight

    def end(self, flight: Flight) -> None:
        """A call has its outcome, or nobody waits for one any more."""
        del self._flights[flight.number]
        del flight.caller.calls[flight.serial]
        flight.recipient.tasks.discard(flight.number)

    def of_caller(self, peer: Peer) -> list[Flight]:
        """The calls this member made."""
        return [self._flights[number] for number in peer.calls.values()]

    def of_recipient(self, peer: Peer) -> list[Flight]:
        """The calls this member was given, oldest first."""
        return [self._flights[number] for number in sorted(peer.tasks)]

    def expired(self, now: float) -> list[Flight]:
        """The calls whose time has run out."""
        return [flight for flight in self._flights.values() if flight.deadline <= now]
