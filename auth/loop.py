"""The loop: one thread that answers from images, without the GIL and without an object a packet.

descriptors --batches--> ImageEngine (auth/image_engine.py) --replies--> descriptors
                                 \\--what it leaves--> Hatch --> plain implementation (auth/hatch.py)

Other threads reach it by `call()` only: what is called runs in this thread, between two turns. An exception in a turn
costs no query: `recover()` gives it to the plain implementation, and the turns go on behind it. Plain Python;
loop.pxd adds the types.
"""

from __future__ import annotations

from typing import Any

from auth.counted import (
    DROPPED,
    FAILURES,
    LEFT,
    LEFT_DROPPED,
    LOOP_PART,
    RECEIVE_ERRORS,
    REQUEST_UDP,
    REQUEST_V4,
    REQUEST_V6,
    SEND_ERRORS,
)
from auth.image_engine import ImageEngine
from auth.raw import Hatch, Reactor
from auth.raw_datagrams import Datagrams
from auth.reply_tally import ReplyTally
from auth.sizes import HATCH_MESSAGES, MAX_PLACES, NOTHING, QUERY_OCTETS, QUERY_SHIFT
from image.layout import IPV4_OCTETS, IPV6_OCTETS, STAGES

ALIGNMENT = 16  # octets; replies begin at multiples of it

# Passes over queries that are answered side by side.
PREPARE = 0
FETCH_ZONE = 1
LOCATE = 2
FETCH_NODE = 3
FETCH_FRAGMENT = 4
ANSWER = 5
DONE = 6

SPARE = 1  # ms between looks at sockets that had nothing, where the system has no room for epoll to watch them
BELL = 0  # tag of the bell; sockets have 1 and up


class Loop(Reactor):
    """What the thread has in hand. The responder may be None: then everything is left."""

    def __init__(self, hatch: Hatch, batch: int) -> None:
        """`batch` datagrams of one socket are answered before other sockets get their turn."""
        super().__init__()
        self.hatch = hatch
        self.tally = ReplyTally()
        self.engine = ImageEngine(self.tally, LOOP_PART)
        self.descriptors = memoryview(bytearray(4 * MAX_PLACES)).cast("i")
        self.wildcards = memoryview(bytearray(MAX_PLACES))
        self.busy = memoryview(bytearray(4 * MAX_PLACES)).cast("i")  # places that epoll does not watch, for now
        self.busy_count = 0
        self.pause = 0  # ms that the next turn may wait though there are such places
        self.responder: Any = None
        self.called = 0
        self.place = 0  # of the batch in hand
        self.place_told = 0  # that of which the responder knows where addresses of clients are
        self.slot = 0  # the next query of it, in the pass in hand
        self.first = 0  # of the queries that are answered side by side
        self.passing = PREPARE
        self.usable = memoryview(bytearray(STAGES))
        self.count = 0  # queries of it
        self.at = 0  # of the next reply
        self.given = 0  # queries of this turn that were left
        self.turns = 0
        self.datagrams = Datagrams(batch)
        self.take_batch(batch)

    # From the thread of the loop, between turns.

    def take_batch(self, batch: int) -> None:
        """So many datagrams at once from now on."""
        if self.count:
            raise RuntimeError("a batch is in hand")
        self.hatch.most = max(HATCH_MESSAGES, 2 * batch)
        if self.datagrams.slots != batch:
            self.datagrams = Datagrams(batch)
            self.attach()

    def engage(self, responder: Any, settings: Any, secrets: Any, table: Any) -> None:
        """Answer with this responder from now on, as ImageEngine.engage() has it; with None leave everything."""
        self.responder = responder
        self.engine.engage(responder, settings, secrets, table, self.seconds())
        self.attach()

    def renew(self) -> None:
        """Between turns: do what takes an object."""
        if self.engine.is_stale:
            self.engine.renew()

    def has_in_hand(self) -> bool:
        """Whether a batch is to be answered by the next turn."""
        return bool(self.count)

    @property
    def engaged(self) -> int:
        """Whether there is somebody who answers."""
        return int(self.engine.engaged)

    def attach(self) -> None:
        """Give who answers the buffers."""
        self.place_told = 0
        if self.responder is not None:
            self.engine.serve(self.datagrams.queries, self.datagrams.replies, self.datagrams.addresses)

    def open_place(self, place: int, descriptor: int, wildcard: int) -> None:
        """Serve a socket."""
        self.place_told = 0
        self.descriptors[place] = descriptor
        self.wildcards[place] = wildcard
        self.watch(descriptor, place)

    def close_place(self, place: int) -> None:
        """Serve a socket no more."""
        for index in range(self.busy_count):
            if self.busy[index] == place:
                self.forget_busy(index)
                return
        self.unwatch(self.descriptors[place])

    def take_last(self, place: int) -> int:
        """Receive a batch of what waits in a socket that is served no more; the next turn answers it, before anything
        else is called.
        """
        return self.receive(place)

    def recover(self) -> bool:
        """After an exception in a turn: leave the query in hand. False where none was: then it is no query's fault."""
        self.tally.add(FAILURES, 1)
        if self.count == 0:
            return False
        if self.passing == ANSWER:
            self.leave(self.slot - 1)
        else:
            self.usable[self.slot - 1 - self.first] = 0  # it is left when its turn comes
        return True

    # Turns.

    def turn(self) -> int:
        """One turn: what is ready, a batch of each; 0 where somebody calls."""
        self.turns += 1
        if self.count:  # the rest of a batch one of whose queries failed, or the last one of a socket
            self.answer_batch()
            self.tell()
        if not self.called:
            if self.engine.engaged or self.hatch.waiting() < self.datagrams.slots:
                self.look()
            else:  # the kernel keeps the rest, for us or for our successor; the reader of the hatch rings
                self.doze()
                self.silence()
                self.called = 1
            self.tell()
        if self.called or self.engine.is_stale or self.engine.noticed:
            self.called = 0
            return 0
        return 1

    def tell(self) -> int:
        """Tell the reader of the hatch what was left."""
        if self.given:
            self.given = 0
            self.hatch.ring()
        return 0

    def look(self) -> int:
        """Wait for what is ready, and serve it: a batch of each socket.

        Of a socket that epoll watches, the kernel looks for somebody to wake each time a reply has left it: 4 % of an
        answer. So a socket that had a whole batch is not watched until there is nothing in it.
        """
        busy = self.busy_count
        ready = self.wait(self.pause if busy else -1)
        self.pause = SPARE if busy else 0
        for index in range(ready):
            place = self.tag(index)
            if place == BELL:
                self.silence()
                self.called = 1
            elif self.receive(place):
                whole = self.count == self.datagrams.slots
                self.answer_batch()
                if whole and self.unlisten(self.descriptors[place]):
                    self.busy[self.busy_count] = place
                    self.busy_count += 1
                    self.pause = 0
        for index in range(busy - 1, -1, -1):
            place = self.busy[index]
            if self.receive(place):
                self.pause = 0
                self.answer_batch()
            elif self.listen(self.descriptors[place], place):
                self.forget_busy(index)
        return 0

    def forget_busy(self, index: int) -> int:
        """Epoll watches that one again, or nobody does."""
        self.busy_count -= 1
        self.busy[index] = self.busy[self.busy_count]
        return 0

    def receive(self, place: int) -> int:
        """Receive a batch; how many queries it has."""
        self.slot = 0
        self.first = 0
        self.passing = PREPARE
        self.at = 0
        self.place = place
        received = self.datagrams.receive(self.descriptors[place], self.wildcards[place])
        if received < 0:  # an ICMP error about an earlier reply
            self.tally.add(RECEIVE_ERRORS, 1)
            return 0
        self.count = received
        if received and self.place_told != place and self.engine.engaged:  # a socket has addresses of one family
            octets = IPV6_OCTETS if self.datagrams.is_v6(0) else IPV4_OCTETS
            self.responder.come_in_batch(self.datagrams.address(0), self.datagrams.spacing, QUERY_SHIFT, octets)
            self.place_told = place
        self.engine.take_time(self.seconds())
        if self.engine.limited:
            self.engine.take_moment(self.nanoseconds())
        return received

    def answer_batch(self) -> int:
        """Answer what is left of the batch in hand, and send the replies."""
        together = STAGES if self.is_far() else 1  # what is near is answered while what was read is in the first cache
        while self.first < self.count:
            self.answer_some(self.first + together if self.first + together < self.count else self.count)
        self.count = 0
        failed = self.datagrams.send(self.descriptors[self.place])
        if failed:
            self.tally.add(SEND_ERRORS, failed)
        return 0

    def answer_some(self, end: int) -> int:
        """Answer the queries up to `end` side by side: while memory for one comes near, others are looked at."""
        while self.passing != DONE:
            while self.slot < end:
                slot = self.slot
                self.slot += 1  # whatever it provokes, the next one is answered
                if self.passing == PREPARE:
                    self.usable[slot - self.first] = 0
                    self.usable[slot - self.first] = self.prepare(slot)
                elif self.passing == ANSWER:
                    self.answer(slot)
                elif self.usable[slot - self.first]:
                    self.advance(slot - self.first)
            self.passing = self.following()
            self.slot = self.first
        self.first = end
        self.slot = end
        self.passing = PREPARE
        return 0

    def advance(self, stage: int) -> int:
        """The pass in hand, for a query that was read."""
        if self.passing == FETCH_ZONE:
            self.responder.fetch_zone(stage)
        elif self.passing == LOCATE:
            self.usable[stage] = 0
            self.usable[stage] = self.responder.locate(stage)
        elif self.passing == FETCH_NODE:
            self.responder.fetch_node(stage)
        else:
            self.responder.fetch_fragment(stage)
        return 0

    def following(self) -> int:
        """The pass behind the one in hand: only what is not near anyway is fetched."""
        if self.passing != PREPARE:
            return self.passing + 1
        if not self.is_far():
            return ANSWER
        return FETCH_ZONE if self.responder.is_wide else FETCH_NODE

    def is_far(self) -> int:
        """Whether passes that bring memory near are worth their while."""
        far: int = self.engine.engaged and self.responder.is_far
        return far

    def prepare(self, slot: int) -> int:
        """Read one query; 0 where it is not for the responder."""
        octets = self.datagrams.size(slot)
        if not self.engine.engaged or octets > QUERY_OCTETS:
            return 0
        if self.responder.is_far and self.responder.is_wide:
            usable: int = self.responder.read_ahead(slot - self.first, slot * QUERY_OCTETS, octets)
        else:
            usable = self.responder.prepare(slot - self.first, slot * QUERY_OCTETS, octets)
        return usable

    def answer(self, slot: int) -> int:
        """Answer one query, or leave it."""
        if self.datagrams.port(slot) == 0:  # nobody can hear at port 0; such packets are forged
            self.tally.add(DROPPED, 1)
            return 0
        if not self.usable[slot - self.first]:
            return self.leave(slot)
        is_v6 = self.datagrams.is_v6(slot)
        octets = IPV6_OCTETS if is_v6 else IPV4_OCTETS
        size = self.engine.answer(slot - self.first, self.at, self.datagrams.address(slot), octets)
        if size == 0:
            return self.leave(slot)
        self.tally.add(REQUEST_V6 if is_v6 else REQUEST_V4, 1)
        self.tally.add(REQUEST_UDP, 1)
        if size == NOTHING:
            return 0
        self.datagrams.reply(slot, self.at, size)
        self.at += (size + ALIGNMENT - 1) & ~(ALIGNMENT - 1)
        return 0

    def leave(self, slot: int) -> int:
        """Leave a query to the plain implementation, which counts it."""
        if self.datagrams.leave(slot, self.place, self.hatch):
            self.given += 1
            self.tally.add(LEFT, 1)
        else:
            self.tally.add(LEFT_DROPPED, 1)
        return 0
