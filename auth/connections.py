"""Who may be connected: limits in total and per client, and who goes when they are reached (RFC 7766 section 6.2.2).

A connection is a number from 1 up, its client a number of 64 bits (Streams.client()). Nothing here is an object of a
connection, and nothing but the search for a victim among the connections of one client takes longer the more there are.
Plain Python; connections.pxd adds the types.
"""

from __future__ import annotations

import os

from auth.raw import zeros
from auth.rings import Rings
from auth.sizes import MAX_CONNECTIONS
from auth.standing import IDLE, NEEDED, NO_ROOM, NOBODY, UNREAD

BUCKETS = 1 << 14  # of clients
BUCKET_SHIFT = 50  # of 64 bits
MASK = (1 << 64) - 1


class ConnectionTable:
    """All connections of a process, in the order of their last whole message."""

    def __init__(self) -> None:
        numbers = MAX_CONNECTIONS + 2  # from 1; one more than may stay, for who has just come
        self.count = 0
        self.used = 0  # numbers up to this one were in use
        self.spare = 0
        self.spares = zeros(numbers, "i")
        self.lists = numbers  # of standings, behind the connections
        self.standings = Rings(numbers + NEEDED + 1)
        self.standing = zeros(numbers, "B")
        self.own = Rings(2 * numbers)  # lists of clients, behind the connections
        self.clients = zeros(numbers, "i")
        self.client_of = zeros(numbers, "Q")
        self.counts = zeros(numbers, "i")
        self.links = zeros(numbers, "i")  # to the next client of a bucket; of those not in use to the next of them
        self.buckets = zeros(BUCKETS, "i")
        self.clients_used = 0
        self.spare_client = 0
        self.secret = int.from_bytes(os.urandom(8)) | 1  # so that nobody chooses who shares a bucket

    def number(self) -> int:
        """For a new connection; to be given back by add() and remove(), or drop(). 0: there is none."""
        if self.spare:
            self.spare -= 1
            return self.spares[self.spare]
        if self.used == MAX_CONNECTIONS + 1:
            return 0
        self.used += 1
        return self.used

    def drop(self, connection: int) -> int:
        """The number is free again."""
        self.spares[self.spare] = connection
        self.spare += 1
        return 0

    def victim(self, client: int, limit: int, per_client: int) -> int:
        """Who has to go before another connection of this client may come: the idle ones first, of these the oldest.

        NOBODY where there is room; NO_ROOM where all are needed.
        """
        number = self.find(client)
        if number and self.counts[number] >= per_client:
            return self.first_of_client(number)
        if self.count < limit:
            return NOBODY
        return self.most_dispensable()

    def most_dispensable(self) -> int:
        """Who has to go first; NO_ROOM where nobody may."""
        found = self.oldest(IDLE)
        if found == 0:
            found = self.oldest(UNREAD)
        return found if found else NO_ROOM

    def first_of_client(self, number: int) -> int:
        """As most_dispensable(), of one client."""
        ring = self.lists + number
        unread = NO_ROOM
        connection = self.own.first(ring)
        while connection:
            if self.standing[connection] == IDLE:
                return connection
            if unread == NO_ROOM and self.standing[connection] == UNREAD:
                unread = connection
            connection = self.own.after(ring, connection)
        return unread

    def oldest(self, standing: int) -> int:
        """Of those of a standing the one whose last whole message is longest ago, or 0."""
        return self.standings.first(self.lists + standing)

    def add(self, connection: int, client: int) -> int:
        """Take in a new connection, idle."""
        number = self.find(client)
        if number == 0:
            number = self.add_client(client)
        self.clients[connection] = number
        self.counts[number] += 1
        self.count += 1
        self.stand(connection, IDLE)
        return self.own.append(self.lists + number, connection)

    def touch(self, connection: int) -> int:
        """A whole message came: it is the youngest now."""
        self.own.append(self.lists + self.clients[connection], connection)
        return self.stand(connection, self.standing[connection])

    def stand(self, connection: int, standing: int) -> int:
        """This is how much is lost when it goes from now on; it is the youngest of those."""
        self.standing[connection] = standing
        return self.standings.append(self.lists + standing, connection)

    def remove(self, connection: int) -> int:
        """Forget it; its number is free again."""
        number = self.clients[connection]
        self.standings.remove(connection)
        self.own.remove(connection)
        self.clients[connection] = 0
        self.counts[number] -= 1
        if self.counts[number] == 0:
            self.remove_client(number)
        self.count -= 1
        return self.drop(connection)

    # Clients: numbers in buckets.

    def bucket(self, client: int) -> int:
        """Where a client is looked for."""
        mixed = (client * self.secret) & MASK
        return mixed >> BUCKET_SHIFT

    def find(self, client: int) -> int:
        """The number of a client, or 0."""
        number: int = self.buckets[self.bucket(client)]
        while number and self.client_of[number] != client:
            number = self.links[number]
        return number

    def add_client(self, client: int) -> int:
        """Give a client a number."""
        number = self.spare_client
        if number:
            self.spare_client = self.links[number]
        else:
            self.clients_used += 1
            number = self.clients_used
        bucket = self.bucket(client)
        self.client_of[number] = client
        self.links[number] = self.buckets[bucket]
        self.buckets[bucket] = number
        return number

    def remove_client(self, number: int) -> int:
        """A client has no connection any more."""
        bucket = self.bucket(self.client_of[number])
        if self.buckets[bucket] == number:
            self.buckets[bucket] = self.links[number]
        else:
            before = self.buckets[bucket]
            while self.links[before] != number:
                before = self.links[before]
            self.links[before] = self.links[number]
        self.links[number] = self.spare_client
        self.spare_client = number
        return 0

    # For who is not compiled.

    def arrive(self, client: int) -> int:
        """A new connection of this client."""
        connection = self.number()
        self.add(connection, client)
        return connection

    def make_room(self, client: int, limit: int, per_client: int) -> tuple[bool, list[int]]:
        """Whether there is room for another connection of this client, and who went for it."""
        victims: list[int] = []
        while (victim := self.victim(client, limit, per_client)) > NOBODY:
            self.remove(victim)
            victims.append(victim)
        return victim == NOBODY, victims

    def become(self, connection: int, standing: int) -> None:
        """As stand()."""
        self.stand(connection, standing)

    def heard(self, connection: int) -> None:
        """As touch()."""
        self.touch(connection)

    def leave(self, connection: int) -> None:
        """As remove()."""
        self.remove(connection)

    def of_client(self, client: int) -> int:
        """Connections of one client."""
        number = self.find(client)
        return self.counts[number] if number else 0
