"""Connections over TCP, those that have shown no credentials yet apart: a newcomer finds a place while there are any.

So nobody keeps others out by holding connections and saying nothing. Who has shown credentials stays.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable


class Guest:
    """One connection. It is a stranger until `known` is set."""

    __slots__ = ("_guests", "known", "leave", "origin")

    def __init__(self, guests: Guests, origin: str, leave: Callable[[], object]) -> None:
        """`leave` ends the connection at once; it may be replaced as the connection goes on."""
        self._guests = guests
        self.origin = origin
        self.leave = leave
        self.known = False

    def gone(self) -> None:
        """Give the place back; more than once is fine."""
        self._guests.forget(self)


class Guests:
    """All connections, bounded. Those that came first come first."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._there: dict[Guest, None] = {}

    def __len__(self) -> int:
        return len(self._there)

    def admit(self, origin: str, leave: Callable[[], object]) -> Guest | None:
        """A place for a connection from `origin` (`peer.neighbourhood`); None where all are taken by known guests.

        Where there is none left, the stranger goes that waits longest of the origin that has the most of them.
        """
        if len(self._there) >= self._most:
            strangers = Counter(guest.origin for guest in self._there if not guest.known)
            if not strangers:
                return None
            (most, _), *_ = strangers.most_common(1)
            eldest = next(guest for guest in self._there if not guest.known and guest.origin == most)
            self.forget(eldest)
            eldest.leave()
        guest = Guest(self, origin, leave)
        self._there[guest] = None
        return guest

    def forget(self, guest: Guest) -> None:
        """This connection has ended."""
        self._there.pop(guest, None)
