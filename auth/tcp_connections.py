"""The connections of the loop of TCP: what each is doing, which tag it has, when its time is over.

Of each standing (auth/standing.py) there is a list in the order of entry, and one of those that are in the midst of a
message. All of a list have the same time-out, so who is first is over first: there are no timers.

Plain Python; tcp_connections.pxd adds the types.
"""

from __future__ import annotations

from auth.connections import ConnectionTable
from auth.counted import TCP_TIMEOUTS
from auth.raw import Reactor, zeros
from auth.raw_streams import Streams
from auth.reply_tally import ReplyTally
from auth.rings import Rings
from auth.sizes import MAX_CONNECTIONS, RING
from auth.standing import ANSWERING, CLOSED, IDLE, LAST, RESTING, UNREAD
from auth.stream import StreamAnswers

LATER = 32  # bits of the tag of a connection that are its number; the others say how many had that number
NUMBER = 0xFFFFFFFF
FOREVER = -1  # ms


class Connections(Reactor):
    """By their numbers. Who inherits from it has the turns."""

    def __init__(self) -> None:
        super().__init__()
        numbers = MAX_CONNECTIONS + 2
        self.tally = ReplyTally()
        self.answers = StreamAnswers(self.tally)
        self.streams = Streams(MAX_CONNECTIONS + 1, *self.answers.buffers)
        self.table = ConnectionTable()
        self.states = zeros(numbers, "B")
        self.last = zeros(numbers, "B")  # ENDED or LAST
        self.followed = zeros(numbers, "B")
        self.over = zeros(numbers, "B")  # nothing comes behind what there is to read, and nobody tells that again
        self.turned = zeros(numbers, "I")  # how many had this number
        self.places = zeros(numbers, "i")  # where it came in
        self.since = zeros(numbers, "q")  # ms; of its standing
        self.began = zeros(numbers, "q")  # ms; the part of a message in hand
        self.parts = Rings(RING + 1)  # those that are reading, the one that began first first
        self.again = Rings(RING + 1)  # those whose turn comes once more
        self.held = Rings(RING + 1)  # those for which the hatch had no room
        self.resume = 0  # ms; when paused listeners accept again
        self.time = 0  # ms, of this turn
        self.limit = MAX_CONNECTIONS
        self.scarce = MAX_CONNECTIONS
        self.per_client = MAX_CONNECTIONS
        self.idle_timeout = 0
        self.keepalive = 0
        self.message_timeout = 0
        self.write_timeout = 0

    # From the thread of the loop, between turns.

    def allow(self, connections: int, scarce: int, per_client: int) -> None:
        """So many connections from now on; from `scarce` on clients are asked to close (RFC 7828 section 3.3.2)."""
        self.limit = connections
        self.scarce = scarce
        self.per_client = per_client

    def wait_for(self, idle: int, keepalive: int, message: int, write: int) -> None:
        """These time-outs, in ms; `keepalive` is the first as clients are told it."""
        self.idle_timeout = idle
        self.keepalive = keepalive
        self.message_timeout = message
        self.write_timeout = write

    def finish(self, place: int) -> None:
        """Close the connections of a place as soon as nothing of them is in hand."""
        for connection in range(1, self.table.used + 1):
            if self.states[connection] != CLOSED and self.places[connection] == place:
                self.last[connection] = LAST
                if self.states[connection] < ANSWERING:
                    self.close_connection(connection)

    def close_all(self) -> None:
        """Close all connections at once."""
        for connection in range(1, self.table.used + 1):
            if self.states[connection] != CLOSED:
                self.close_connection(connection)

    # A connection.

    def tag_of(self, connection: int) -> int:
        """The number of a connection, and how many had it."""
        turned = self.turned[connection]
        return turned << LATER | connection

    def connection_of(self, tag: int) -> int:
        """The connection with this tag, or 0 where it is closed."""
        connection = tag & NUMBER
        is_it = self.turned[connection] == tag >> LATER and self.states[connection] != CLOSED
        return connection if is_it else 0

    def rest(self, connection: int) -> int:
        """It has nothing in hand from now on."""
        self.states[connection] = RESTING
        self.since[connection] = self.time
        self.parts.remove(connection)
        return self.table.stand(connection, IDLE)

    def follow_on(self, connection: int) -> int:
        """Be told of what comes; of a new connection only now, for many are over before."""
        if not self.followed[connection]:
            if not self.follow(self.streams.descriptor(connection), self.tag_of(connection)):
                return self.close_connection(connection)
            self.followed[connection] = 1
        return 0

    def close_connection(self, connection: int) -> int:
        """Close it at once; what is unsent is lost."""
        self.states[connection] = CLOSED
        self.parts.remove(connection)
        self.again.remove(connection)
        self.held.remove(connection)
        self.streams.close(connection)
        return self.table.remove(connection)

    # Time.

    def until(self) -> int:
        """ms until something is to be done, though nothing comes."""
        if self.again.first(RING):
            return 0
        end = self.resume
        end = self.earlier(end, self.table.oldest(IDLE), self.idle_timeout)
        end = self.earlier(end, self.table.oldest(UNREAD), self.write_timeout)
        connection = self.parts.first(RING)
        if connection and (end == 0 or self.began[connection] + self.message_timeout < end):
            end = self.began[connection] + self.message_timeout
        if end == 0:
            return FOREVER
        now = self.now()
        return end - now + 1 if end > now else 0

    def earlier(self, end: int, connection: int, timeout: int) -> int:
        """`end`, or when this connection's time is over."""
        if connection and (end == 0 or self.since[connection] + timeout < end):
            return self.since[connection] + timeout
        return end

    def expire(self) -> int:
        """Close whose time is over."""
        self.expire_standing(IDLE, self.idle_timeout)
        self.expire_standing(UNREAD, self.write_timeout)
        connection = self.parts.first(RING)
        while connection and self.began[connection] + self.message_timeout <= self.time:
            self.time_out(connection)
            connection = self.parts.first(RING)
        if self.resume and self.resume <= self.time:
            self.resume_accepting()
        return 0

    def expire_standing(self, standing: int, timeout: int) -> int:
        """Of one standing; the oldest comes first."""
        connection = self.table.oldest(standing)
        while connection and self.since[connection] + timeout <= self.time:
            self.time_out(connection)
            connection = self.table.oldest(standing)
        return 0

    def time_out(self, connection: int) -> int:
        """Its time is over."""
        self.tally.add(TCP_TIMEOUTS, 1)
        return self.close_connection(connection)

    def resume_accepting(self) -> int:
        """A pause is over."""
        return 0
