"""The loop of TCP (RFC 7766): one thread that accepts, reads, answers from images and sends, without the GIL and
without an object a connection.

RESTING <-> READING (part of a message) -> ANSWERING (by the plain implementation) -> WRITING (the client has not taken
all of it) -> RESTING ... CLOSED

What images have is answered at once, as many queries as one receive brings (auth/stream.py). From the first that must
be left on, whole messages go through the hatch, and nothing more of that connection is read until deliver() brings the
replies. Epoll tells once what changed: who has more than its turn takes stands in line (`again`).

Other threads reach it by `call()` only (auth/loop_thread.py). Plain Python; tcp_loop.pxd adds the types.
"""

from __future__ import annotations

from auth.counted import FAILURES, LEFT, TCP_ACCEPTED, TCP_EVICTED, TCP_PAUSES, TCP_REFUSED
from auth.raw import Hatch, zeros
from auth.sizes import (
    ACCEPT_BATCH,
    ACCEPT_PAUSE,
    MAX_EVENTS,
    MAX_PLACES,
    MAX_STREAM_QUERIES,
    MAX_STREAM_UNSENT,
    RING,
)
from auth.standing import ANSWERING, CLOSED, ENDED, LAST, NEEDED, NOBODY, READING, RESTING, UNREAD, WRITING
from auth.tcp_connections import Connections

BELL = 0  # tag of the bell; listening sockets have 1 and up, connections 1 << LATER and up


class TcpLoop(Connections):
    """What the thread has in hand."""

    def __init__(self, hatch: Hatch) -> None:
        super().__init__()
        self.hatch = hatch
        self.listeners = zeros(MAX_PLACES, "i")
        self.listener_places = zeros(MAX_PLACES, "i")
        self.paused = zeros(MAX_PLACES, "B")
        self.reason = 0  # of the last pause that nobody was told of
        self.is_behind = 0  # more connections waited than were accepted
        self.called = 0
        self.given = 0
        self.turns = 0
        self.ready = 0  # events of this turn
        self.event = 0
        self.current = 0  # whose queries are being answered
        self.octets = 0  # of them
        self.failed = 0
        self.pipeline = 1

    # From the thread of the loop, between turns.

    def take_pipeline(self, pipeline: int) -> None:
        """So many queries of one connection go through the hatch at once from now on."""
        self.pipeline = pipeline

    def open_listener(self, listener: int, descriptor: int, place: int) -> None:
        """Accept from a listening socket; `place` is that of the connections."""
        self.listeners[listener] = descriptor
        self.listener_places[listener] = place
        self.watch(descriptor, listener)

    def close_listener(self, listener: int) -> None:
        """Accept who waits, then nobody more."""
        if self.paused[listener]:
            self.paused[listener] = 0
        else:
            self.unwatch(self.listeners[listener])
            self.time = self.now()
            self.accept_some(listener)
            self.paused[listener] = 0
        self.listeners[listener] = 0

    def deliver(self, tag: int, octets: int, messages: int, replies: bytes, is_end: bool) -> None:
        """The replies to the first so many octets and messages that were left; with the end the connection is closed
        after them.
        """
        self.tally.add(LEFT, messages)
        connection = self.connection_of(tag)
        if connection == 0 or self.states[connection] != ANSWERING:  # it is gone, and another may have its number
            return
        self.streams.forget(connection, octets)
        self.time = self.now()
        if is_end:
            self.last[connection] = LAST
        self.rest(connection)
        if replies:
            self.streams.load(replies)
            if not self.push(connection, len(replies)):
                return
        self.again.append(RING, connection)

    def put_held(self) -> None:
        """There is room in the hatch."""
        connection = self.held.first(RING)
        while connection and self.put(connection):
            self.held.remove(connection)
            connection = self.held.first(RING)
        self.tell()

    def recover(self) -> bool:
        """After an exception in a turn: leave the query in hand. False where none was: then it is no query's fault."""
        self.tally.add(FAILURES, 1)
        if self.current == 0 or self.failed:
            return False
        self.failed = 1
        return True

    def has_in_hand(self) -> bool:
        """Never: a turn ends what it has begun."""
        return False

    def renew(self) -> None:
        """Do what takes an object."""
        if self.answers.engine.is_stale:
            self.answers.engine.renew()

    def told(self) -> int:
        """Why accepting was paused (errno), if nobody was told of it; 0 otherwise."""
        reason = self.reason
        self.reason = 0
        return reason

    # Turns.

    def turn(self) -> int:
        """One turn: what is ready, a bounded amount of work for each; 0 where somebody calls."""
        self.turns += 1
        if self.failed:
            self.settle(self.current)
            self.failed = 0
            self.tell()
        if self.event >= self.ready:  # otherwise an exception left some
            self.event = 0
            self.ready = self.wait(self.until())
            self.time = self.now()
            self.answers.engine.take_time(self.seconds())
            self.go_on()
        while self.event < self.ready:
            self.event += 1
            self.hear(self.tag(self.event - 1), self.is_over(self.event - 1))
        self.expire()
        self.tell()
        if self.called or self.answers.engine.is_stale:
            self.called = 0
            return 0
        return 1

    def tell(self) -> int:
        """Tell the reader of the hatch what was left."""
        if self.given:
            self.given = 0
            self.hatch.ring()
        return 0

    def hear(self, tag: int, is_over: int) -> int:
        """Something is ready."""
        if tag == BELL:
            self.silence()
            self.called = 1
        elif tag < MAX_PLACES:
            self.accept_some(tag)
        else:
            connection = self.connection_of(tag)
            if connection and is_over:
                self.over[connection] = 1
            if connection and self.states[connection] == WRITING:
                self.push_rest(connection)
            elif connection and self.states[connection] != ANSWERING:
                self.read(connection)
        return 0

    def go_on(self) -> int:
        """Who has more than one turn takes."""
        for _ in range(MAX_EVENTS):
            connection = self.again.first(RING)
            if connection == 0:
                break
            self.again.remove(connection)
            if self.states[connection] < ANSWERING:
                self.read(connection)
        return 0

    # Accepting.

    def accept_some(self, listener: int) -> int:
        """Accept who waits, up to a bound."""
        self.is_behind = 1
        for _ in range(ACCEPT_BATCH):
            if not self.accept_one(listener):
                self.is_behind = 0
                break
        return 0

    def accept_one(self, listener: int) -> int:
        """Accept a connection; 0 where nobody else is to be accepted now."""
        connection = self.table.number()
        if connection == 0:
            return 0
        accepted = self.streams.accept(self.listeners[listener], connection)
        if accepted == 1:
            self.admit(connection, self.listener_places[listener])
            return 1
        self.table.drop(connection)
        if accepted < 0:
            self.pause(listener)
        return 1 if accepted > 0 else 0  # or the client gave up meanwhile

    def admit(self, connection: int, place: int) -> int:
        """Serve a new connection, if there is room or somebody may go for it."""
        client = self.streams.client(connection)
        victim = self.table.victim(client, self.limit, self.per_client)
        while victim > NOBODY:
            self.tally.add(TCP_EVICTED, 1)
            self.close_connection(victim)
            victim = self.table.victim(client, self.limit, self.per_client)
        if victim != NOBODY:
            self.tally.add(TCP_REFUSED, 1)
            self.streams.close(connection)
            return self.table.drop(connection)
        self.tally.add(TCP_ACCEPTED, 1)
        self.table.add(connection, client)
        self.turned[connection] += 1
        self.states[connection] = RESTING
        self.places[connection] = place
        self.last[connection] = 0
        self.followed[connection] = 0
        self.over[connection] = 0
        self.since[connection] = self.time
        return self.read(connection)  # the query is often there already

    def pause(self, listener: int) -> int:
        """Out of descriptors: give one back, and look again a little later."""
        self.tally.add(TCP_PAUSES, 1)
        victim = self.table.most_dispensable()
        if victim > NOBODY:
            self.close_connection(victim)
        self.unlisten(self.listeners[listener])
        self.paused[listener] = 1
        self.resume = self.time + ACCEPT_PAUSE
        self.reason = self.streams.reason
        self.called = 1
        return 0

    def resume_accepting(self) -> int:
        """The pause is over."""
        self.resume = 0
        for listener in range(1, MAX_PLACES):
            if self.paused[listener]:
                if self.listen(self.listeners[listener], listener):
                    self.paused[listener] = 0
                else:
                    self.resume = self.time + ACCEPT_PAUSE
        return 0

    # A connection.

    def read(self, connection: int) -> int:
        """Receive what there is, answer what images have, and see to the rest."""
        if self.last[connection] == LAST:
            return self.close_connection(connection)
        octets = self.streams.receive(connection)
        if self.streams.ended > 1:
            return self.close_connection(connection)
        if self.streams.ended:
            self.last[connection] = ENDED
        if octets < 0:
            if self.last[connection]:
                return self.close_connection(connection)
            if self.states[connection] != READING:  # behind a message that was answered
                self.begin_part(connection)
            if self.over[connection]:
                self.again.append(RING, connection)
            return self.follow_on(connection)
        self.current = connection
        self.octets = octets
        keepalive = self.keepalive if self.table.count < self.scarce else 0
        self.answers.answer(octets, MAX_STREAM_QUERIES, self.streams.locate(connection), keepalive)
        return self.settle(connection)

    def settle(self, connection: int) -> int:
        """Send what was answered, and see to the rest."""
        self.current = 0
        answered = self.answers.answered
        if not self.streams.keep(connection, self.answers.taken, self.octets):
            return self.close_connection(connection)
        if self.answers.dropped:
            self.last[connection] = LAST
        if answered:
            self.rest(connection)
            self.table.touch(connection)
            if not self.push(connection, self.answers.written):
                return 0
        if self.answers.dropped:
            return self.close_connection(connection)
        whole = self.streams.whole(connection, self.pipeline)
        if whole < 0:
            return self.close_connection(connection)  # whoever sends this does not speak DNS (RFC 7828 section 5)
        if whole == 0 and self.last[connection]:
            return self.close_connection(connection)
        if whole == 0:
            return self.await_more(connection, answered)
        if not self.failed and (answered >= MAX_STREAM_QUERIES or self.answers.written >= MAX_STREAM_UNSENT):
            self.again.append(RING, connection)
            return self.follow_on(connection)
        self.states[connection] = ANSWERING
        self.parts.remove(connection)
        self.table.touch(connection)
        self.table.stand(connection, NEEDED)
        if not self.put(connection):
            self.held.append(RING, connection)
        return self.follow_on(connection)

    def await_more(self, connection: int, answered: int) -> int:
        """Nothing whole is in hand."""
        if self.streams.kept(connection) == 0:
            self.parts.remove(connection)
            self.states[connection] = RESTING
        elif answered or self.states[connection] != READING:
            self.begin_part(connection)
        if answered and self.is_behind and not self.followed[connection]:  # it will have closed by the next turn
            return self.again.append(RING, connection)
        if self.streams.more or self.over[connection]:
            self.again.append(RING, connection)
        return self.follow_on(connection)

    def begin_part(self, connection: int) -> int:
        """Some of a message is here: the rest has to come in time."""
        self.states[connection] = READING
        self.began[connection] = self.time
        return self.parts.append(RING, connection)

    def put(self, connection: int) -> int:
        """Leave its whole messages to the plain implementation; 0 where it has to wait for that."""
        octets = self.streams.whole(connection, self.pipeline)
        if not self.streams.put(connection, octets, self.tag_of(connection), self.hatch):
            return 0
        self.given = 1
        return 1

    def push(self, connection: int, octets: int) -> int:
        """Send replies; 0 where that is not done, and the client has to take what is unsent first, or is gone."""
        sent = self.streams.send(connection, octets)
        if sent > 0:
            return 1
        if sent < 0 or not self.follow_room(connection):
            if self.states[connection] != CLOSED:  # once only: its number may be given to the next client
                self.close_connection(connection)
            return 0
        self.states[connection] = WRITING
        self.table.stand(connection, UNREAD)
        return 0

    def follow_room(self, connection: int) -> int:
        """Be told when there is room for more replies; 0 where that cannot be."""
        if not self.followed[connection]:
            self.follow_on(connection)
            if self.states[connection] == CLOSED:
                return 0
        return self.follow_both(self.streams.descriptor(connection), self.tag_of(connection))

    def push_rest(self, connection: int) -> int:
        """There is room for more replies."""
        sent = self.streams.send_rest(connection)
        if sent < 0:
            return self.close_connection(connection)
        if sent:
            self.rest(connection)
            self.again.append(RING, connection)
        return 0
