"""Service over TCP (RFC 7766): pipelined queries, bounded in number, in octets and in time.

IDLE <-> READING (part of a message) -> ANSWERING -> WRITING (the client has not taken all of it) -> IDLE ... CLOSED

What images have is answered at once (auth/stream.py), as many queries as came; the rest in the answering thread.
"""

from __future__ import annotations

import asyncio
import enum
import ipaddress
import resource
from concurrent.futures import Executor

from auth.client import Client, Transport
from auth.connections import SCARCE, ConnectionTable, Standing, client_key
from auth.edns import keepalive_units
from auth.engine import Engine
from auth.framing import FrameError, Framer, frame
from auth.places import Place
from auth.settings import TcpSettings
from auth.sizes import MAX_STREAM_QUERIES, MAX_STREAM_UNSENT
from auth.stream import StreamAnswers
from daemonkit.counters import Counters
from daemonkit.log import MessageLog

MAX_UNSENT = MAX_STREAM_UNSENT
MAX_KEPT = 4096  # octets of a part of a message that are put in front of the rest, so that it is answered at once
RESERVED_DESCRIPTORS = 64  # for everything but connections


class State(enum.Enum):
    """What a connection is doing."""

    IDLE = "idle"
    READING = "reading"
    ANSWERING = "answering"
    WRITING = "writing"
    CLOSED = "closed"


class TcpService:
    """What all TCP connections of the process share."""

    def __init__(
        self, engine: Engine, executor: Executor, counters: Counters, log: MessageLog, stream: StreamAnswers
    ) -> None:
        self.stream = stream
        self.engine = engine
        self.executor = executor
        self.counters = counters
        self.log = log
        self.table = ConnectionTable()
        self.tasks: set[asyncio.Task[None]] = set()
        self.buffer = stream.queries  # the event loop fills and empties it in one step
        self.loop = asyncio.get_running_loop()

    @property
    def settings(self) -> TcpSettings:
        """Of the revision being served."""
        return self.engine.serving.settings.tcp

    @property
    def limit(self) -> int:
        """Connections this process may have: below what the system allows, so that we choose who goes (RFC 9210 section
        4.2).
        """
        descriptors, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
        return max(1, min(self.settings.connections, descriptors - RESERVED_DESCRIPTORS))

    @property
    def idle_timeout(self) -> float:
        """What clients are told (RFC 7828 section 3.3.2): seconds, 0 where connections are scarce."""
        scarce = len(self.table) >= self.limit * SCARCE
        return 0.0 if scarce else self.settings.idle_timeout


class Connection(asyncio.BufferedProtocol):
    """One client's connection. All but _answer() runs on the loop."""

    def __init__(self, service: TcpService, peer: tuple[str, int], place: Place) -> None:
        self.client = client_key(peer[0])
        self.place = place
        self._service = service
        self._peer = peer
        self._framer = Framer()
        self._address = ipaddress.ip_address(peer[0]).packed
        self._kept = 0  # octets in front of where the event loop receives
        self._waiting: list[bytes] = []  # whole messages not yet answered
        self._state = State.IDLE
        self._last = False  # close when what is in hand is answered
        self._eof = False
        self._transport: asyncio.Transport | None = None
        self._idle_since = self._began = service.loop.time()
        self._deadline = self._began + service.settings.idle_timeout
        self._timer: asyncio.TimerHandle | None = None

    @property
    def standing(self) -> Standing:
        """How much is lost when it goes. Part of a query counts for nothing (RFC 7766 section 6.2.3)."""
        return {State.ANSWERING: Standing.NEEDED, State.WRITING: Standing.UNREAD}.get(self._state, Standing.IDLE)

    @property
    def _busy(self) -> bool:
        return self._state in (State.ANSWERING, State.WRITING)

    def evict(self) -> None:
        """Close at once; what is unsent is lost."""
        self._last = True
        self._service.table.remove(self)
        if self._transport is not None:
            self._transport.abort()

    def finish(self) -> None:
        """Close as soon as nothing is in hand."""
        self._last = True
        if not self._busy:
            self.evict()

    # What the transport says.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The first thing that happens."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.set_write_buffer_limits(high=0)  # paused = the client has not taken all of it
        self._move_to(State.IDLE)
        if self._last:  # evicted before it began
            transport.abort()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - its signature
        """Where to read to: behind the part of a message that is in hand, if there may be an answer from an image."""
        self._kept = 0
        service = self._service
        if service.stream.engaged and not self._busy and self._framer.octets <= MAX_KEPT:
            self._kept = self._framer.octets
            service.buffer[: self._kept] = self._framer.data
        return service.buffer[self._kept :]

    def buffer_updated(self, nbytes: int) -> None:
        """Octets came."""
        service = self._service
        if not self._framer.partial:
            self._began = service.loop.time()
        if service.stream.engaged and not self._busy and not self._last and self._kept == self._framer.octets:
            self._answer_at_once(self._kept + nbytes)
        else:
            self._framer.feed(service.buffer[self._kept : self._kept + nbytes])
        if not self._busy:
            self._proceed()

    def _answer_at_once(self, octets: int) -> None:
        """Answer from images what is in the buffer, up to the first query that must be left."""
        assert self._transport is not None
        service, stream = self._service, self._service.stream
        try:
            keepalive = keepalive_units(service.idle_timeout)
            answered = stream.answer(octets, MAX_STREAM_QUERIES, self._address, keepalive)
        except Exception as error:  # the boundary: what an image cannot answer the plain implementation does
            service.counters.add("failures")
            service.log.exception("AUTH_LOOP_ERROR", error)
            answered = stream.answered
        self._framer.replace(service.buffer[stream.taken : octets])
        if not answered:
            return
        self._idle_since = self._began = service.loop.time()
        service.table.touch(self)
        self._transport.write(bytes(stream.replies[: stream.written]))  # may move to WRITING
        if self._state is State.WRITING:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        """The client will ask nothing more, but may still read (RFC 7766 section 6.2.4)."""
        self._eof = True
        if not self._busy:
            self._proceed()
        return True  # keep the other direction open

    def pause_writing(self) -> None:
        """The client does not keep up."""
        self._move_to(State.WRITING)

    def resume_writing(self) -> None:
        """The client has taken all."""
        if self._state is State.WRITING:
            self._proceed()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002 - its signature
        """The last thing that happens."""
        self._move_to(State.CLOSED)
        self._waiting.clear()
        self._service.table.remove(self)
        if self._timer is not None:
            self._timer.cancel()

    # What the connection does.

    def _move_to(self, state: State) -> None:
        self._state = state
        now, settings = self._service.loop.time(), self._service.settings
        idle_end = self._idle_since + settings.idle_timeout
        self._deadline = {
            State.IDLE: idle_end,
            State.READING: min(idle_end, self._began + settings.message_timeout),
            State.ANSWERING: float("inf"),
            State.WRITING: now + settings.write_timeout,
            State.CLOSED: float("inf"),
        }[state]
        self._set_timer()

    def _set_timer(self) -> None:
        """One timer a connection, moved only where it would come too late."""
        if self._deadline == float("inf"):
            return
        if self._timer is not None:
            if self._timer.when() <= self._deadline:
                return
            self._timer.cancel()
        self._timer = self._service.loop.call_at(self._deadline, self._timer_came)

    def _timer_came(self) -> None:
        self._timer = None
        if self._service.loop.time() < self._deadline:
            self._set_timer()
        elif self._state is not State.CLOSED:
            self._service.counters.add("tcp.timeouts")
            self.evict()

    def _proceed(self) -> None:
        """Answer the next messages, or wait for them."""
        assert self._transport is not None
        try:
            self._take_messages()
        except FrameError:
            self._last = True  # whoever sends this does not speak DNS (RFC 7828 section 5)
        if self._waiting:
            self._begin_answering()
        elif self._last or self._eof:
            self._service.table.remove(self)
            self._transport.close()  # nothing is unsent here
        else:
            self._move_to(State.READING if self._framer.partial else State.IDLE)
            self._transport.resume_reading()

    def _take_messages(self) -> None:
        while not self._last and len(self._waiting) < self._service.settings.pipeline:
            message = self._framer.take()
            if message is None:
                return
            self._waiting.append(message)

    def _begin_answering(self) -> None:
        assert self._transport is not None
        self._idle_since = self._began = self._service.loop.time()
        self._service.table.touch(self)
        self._move_to(State.ANSWERING)
        self._transport.pause_reading()
        client = Client(*self._peer, Transport.TCP, self._service.idle_timeout)
        answering = self._service.loop.run_in_executor(self._service.executor, self._answer, self._waiting, client)
        answering.add_done_callback(self._answered)

    def _answer(self, messages: list[bytes], client: Client) -> tuple[bytes, list[bytes], bool]:
        """In the answering thread: replies to as many messages as fit, the messages left, whether this is the end."""
        replies = bytearray()
        for index, message in enumerate(messages):
            if len(replies) >= MAX_UNSENT:
                return bytes(replies), messages[index:], False
            reply = self._service.engine.respond(message, client)
            if reply is None:
                return bytes(replies), [], True
            replies += frame(reply)
        return bytes(replies), [], False

    def _answered(self, answering: asyncio.Future[tuple[bytes, list[bytes], bool]]) -> None:
        if self._state is State.CLOSED or answering.cancelled():
            return
        if (error := answering.exception()) is not None:  # a defect in _answer(); the loop's exception handler tells it
            self.evict()
            raise error
        assert self._transport is not None
        replies, self._waiting, is_end = answering.result()
        self._idle_since = self._service.loop.time()
        self._last = self._last or is_end
        self._transport.write(replies)  # moves to WRITING where the client does not take it at once
        if self._state is State.ANSWERING:
            self._proceed()
