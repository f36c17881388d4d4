"""Where auth instances come to: a thread for each connection, so that none waits for what another one asked.

connection --Ask--> Seat --message--> auth.engine.Engine --reply, counts--> Answered
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from auth.client import Client, Transport
from auth.engine import Engine, Serving
from auth.rate_limit_numbers import DROP
from auth.rate_limits import ResponseLimits, Weight
from auth.settings import RateLimitSettings
from auth.tally import Tally
from auth.zones import ZoneRows
from authworker.api import MAX_PACKET, Answered, Ask, Look, Weigh, Weighed
from authworker.errors import CannotListen
from daemonkit.counters import Counters
from daemonkit.log import MessageLog
from datasrc.keys import wire_of

MODE = 0o600
NEW = ".new"  # what the socket is called until it can be connected to
BACKLOG = 64  # instances that may come at once
ACCEPT_PAUSE = 0.2  # seconds, when the process is out of descriptors, memory or threads


class Notes:
    """What is to be counted by who asked: the counters are those of the auth instance."""

    def __init__(self, names: Mapping[str, int]) -> None:
        self._names = names
        self.counted: list[int] = []
        self.zone: bytes | None = None  # the key of the one that was looked for

    def begin(self) -> None:
        """Forget the last query."""
        self.counted.clear()
        self.zone = None

    def add(self, name: str, amount: int = 1) -> None:
        """Count."""
        self.counted += [self._names[name]] * amount


class _AskedZones(Mapping[bytes, int]):
    """Looks like rows of zones, and notes which zone is looked for."""

    def __init__(self, notes: Notes) -> None:
        self._notes = notes

    def __getitem__(self, key: bytes) -> int:
        self._notes.zone = key
        raise KeyError(key)

    def __iter__(self) -> Iterator[bytes]:
        return iter(())

    def __len__(self) -> int:
        return 0


class _LimitsOfAuth(ResponseLimits):
    """Has limits kept by who asked: all responses of an instance count together, whoever made them."""

    def __init__(self, seat: Seat, tally: Tally, log: MessageLog) -> None:
        super().__init__(tally, log)
        self._seat = seat

    def weigh(self, weight: Weight, settings: RateLimitSettings) -> int:  # noqa: ARG002 - those of who asked
        """What becomes of a response; DROP where the instance that asked is gone."""
        return self._seat.weigh(weight)


class Seat:
    """One connection, and the thread that serves it, until another takes its place."""

    def __init__(self, connection: socket.socket, desk: Desk, pending: bytes = b"") -> None:
        """`pending` is what was asked already."""
        self.turn = threading.Lock()  # held while something is in hand
        self.since: float | None = None  # monotonic: when that began, if it is a query
        self._pending = pending
        self._talking = threading.Lock()  # held while something is said that cannot be taken back
        self._is_left = False  # whether another has its place
        self._connection = connection
        self._desk = desk
        self._notes = Notes(desk.names)
        tally = Tally(self._notes)
        self.engine = Engine(self._noting(desk.serving), tally, desk.log)
        self.engine.limits = _LimitsOfAuth(self, tally, desk.log)
        self._number = 0  # of the request in hand
        self._thread = threading.Thread(target=self._serve, name="seat", daemon=True)

    def begin(self) -> None:
        """Serve, until the other end is gone."""
        self._thread.start()

    def serve_by(self, serving: Serving) -> None:
        """Answer the next query by this revision."""
        self.engine.serving = self._noting(serving)

    def close(self) -> None:
        """Have no connection: it serves nobody."""
        self._connection.close()

    def end(self) -> None:
        """Wake the thread up, if it waits, so that it ends."""
        with contextlib.suppress(OSError):  # it is gone already
            self._connection.shutdown(socket.SHUT_RDWR)

    def weigh(self, weight: Weight) -> int:
        """Ask auth what becomes of a response; DROP where it is gone, and nobody waits for it."""
        weigh = Weigh(self._number, weight.kind, weight.name, weight.rdtype)
        with self._talking:
            if self._is_left:
                return DROP
            try:
                self._connection.send(msgspec.msgpack.encode(weigh))
                packet = self._connection.recv(MAX_PACKET)
            except OSError:
                return DROP
        return msgspec.msgpack.decode(packet, type=Weighed).outcome if packet else DROP

    @property
    def thread(self) -> int | None:
        """What threading.get_ident() says in its thread."""
        return self._thread.ident

    def leave(self) -> Seat | None:
        """Expect nothing of the thread any more: who takes its place, and answers what it has in hand.

        None where it has nothing in hand by now.
        """
        if not self._talking.acquire(blocking=False):
            return None
        try:
            if self.since is None or self._is_left:
                return None
            self._is_left, self.since = True, None
            self.turn.release()
            return Seat(self._connection, self._desk, self._pending)
        finally:
            self._talking.release()

    def _noting(self, serving: Serving) -> Serving:
        rows = ZoneRows(_AskedZones(self._notes), memoryview(b""))
        return replace(serving, zones=replace(serving.zones, rows=rows))

    def _serve(self) -> None:
        decoder = msgspec.msgpack.Decoder(Ask | Look)
        try:
            while packet := self._pending or self._connection.recv(MAX_PACKET):
                request = decoder.decode(packet)
                self._pending = packet
                self.turn.acquire()
                self.since = time.monotonic() if isinstance(request, Ask) else None  # a look may well take minutes
                answered = self._attend_to(request)
                with self._talking:
                    if self._is_left:
                        break
                    self.since, self._pending = None, b""
                    self.turn.release()
                    self._connection.send(msgspec.msgpack.encode(answered))
        except OSError:  # who asked is gone
            pass
        finally:
            if self._is_left:
                self._desk.came_back(self)
            else:
                self._connection.close()
                self._desk.left(self)

    def _attend_to(self, request: Ask | Look) -> Answered:
        try:
            return self._answer(request)
        except BaseException as error:  # noqa: BLE001 - sys.exit() in what a look loads, too: who asked waits for an answer
            self._desk.own_log.exception("AUTHWORKER_INTERNAL_ERROR", error)
            return Answered(request.number)

    def _answer(self, request: Ask | Look) -> Answered:
        if isinstance(request, Look):
            self._desk.look()
            return Answered(request.number)
        self._notes.begin()
        self._number = request.number
        transport = Transport.TCP if request.tcp else Transport.UDP
        client = Client(request.address, request.port, transport, request.idle_timeout)
        reply = self.engine.respond(request.message, client)
        if not self._is_left:
            self._desk.counters.add("answers")
        zone = None if self._notes.zone is None else wire_of(self._notes.zone)
        return Answered(request.number, reply, tuple(self._notes.counted), zone)


class Desk:
    """All connections."""

    def __init__(
        self,
        path: Path,
        serving: Serving,
        log: MessageLog,
        own_log: MessageLog,
        counters: Counters,
        names: Mapping[str, int],
    ) -> None:
        """`log` has the messages of auth, `names` the places of its counters; `own_log` has those of the worker."""
        self.path = path
        self.serving = serving
        self.log = log
        self.own_log = own_log
        self.counters = counters
        self.names = names
        self.look: Callable[[], None] = lambda: None
        self.answered: Callable[[str], None] = lambda _source: None  # in the thread that has waited for it in vain
        self._lost: dict[Seat, str] = {}  # whose threads wait for a data source, the connection being served by others
        self._seats: set[Seat] = set()
        self._listener: socket.socket | None = None
        self._inode = 0
        self._pause: asyncio.TimerHandle | None = None  # until instances are accepted again
        self._has_told = False  # that they are not, since the last one was

    def open(self) -> None:
        """Listen, in place of whoever was here before. Raises CannotListen.

        There is no moment without a socket: auth would take that for a worker that is not meant to be.
        """
        listener, new = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET), self.path.with_suffix(NEW)
        try:
            new.unlink(missing_ok=True)
            listener.bind(str(new))
            new.chmod(MODE)  # nobody can connect before listen()
            listener.listen(BACKLOG)
            self._inode = new.stat().st_ino
            new.rename(self.path)
        except OSError as error:
            listener.close()
            raise CannotListen(f"{self.path}: {error.strerror}") from error
        listener.setblocking(False)
        self._listener = listener
        self._go_on(listener)

    def _go_on(self, listener: socket.socket) -> None:
        asyncio.get_running_loop().add_reader(listener, self._accept, listener)

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except BlockingIOError:
            return
        except OSError as error:  # no descriptors: who comes waits in the kernel
            self._wait(listener, error.strerror or str(error))
            return
        connection.setblocking(True)
        if reason := self._take(Seat(connection, self)):
            self._wait(listener, reason)
            return
        self._has_told = False

    def _take(self, seat: Seat) -> str:
        """Have it serve; else why it cannot."""
        self._seats.add(seat)
        self.counters.set("connections", len(self._seats))
        try:
            seat.begin()
        except RuntimeError as error:  # no thread
            seat.close()
            self.left(seat)
            return str(error)
        return ""

    def threads(self) -> list[int]:
        """Those that serve connections, as threading.get_ident() has them."""
        return [thread for seat in tuple(self._seats) if (thread := seat.thread) is not None]

    def leave(self, thread: int, source: str) -> bool:
        """Have another thread answer what this one has in hand, which waits for a data source; whether it has."""
        seat = next((one for one in tuple(self._seats) if one.thread == thread), None)
        if seat is None:
            return False
        self._lost[seat] = source  # first: it may come back at once
        successor = seat.leave()
        if successor is None:
            del self._lost[seat]
            return False
        self._seats.discard(seat)
        if reason := self._take(successor):
            self.own_log.warning("AUTHWORKER_SEAT_LOST", reason=reason)
        return True

    def came_back(self, seat: Seat) -> None:
        """In the thread of a seat that others had taken the place of: it ends."""
        self.answered(self._lost.pop(seat))

    def lost(self) -> list[str]:
        """The data sources, one for each thread, that threads wait for whose answers nobody waits for."""
        return list(self._lost.values())

    def _wait(self, listener: socket.socket, reason: str) -> None:
        """Accept nobody for a moment: trying at once would fail as well, and take all of a core."""
        loop = asyncio.get_running_loop()
        loop.remove_reader(listener)
        self._pause = loop.call_later(ACCEPT_PAUSE, self._go_on, listener)
        if not self._has_told:
            self._has_told = True
            self.own_log.warning("AUTHWORKER_ACCEPT_PAUSED", reason=reason)

    def left(self, seat: Seat) -> None:
        """In the thread of a seat: it ends."""
        self._seats.discard(seat)
        self.counters.set("connections", len(self._seats))

    def serve_by(self, serving: Serving) -> None:
        """Answer by this revision from now on; what is in hand finishes with what it began with."""
        self.serving = serving
        for seat in tuple(self._seats):
            seat.serve_by(serving)

    def finish_in_hand(self) -> None:
        """Return when everything is answered that was in hand at the call. Blocks."""
        for seat in tuple(self._seats):
            with seat.turn:
                pass

    def in_hand(self) -> list[float]:
        """Seconds that each query in hand has taken."""
        now = time.monotonic()
        return [now - since for seat in tuple(self._seats) if (since := seat.since) is not None]

    @property
    def connections(self) -> int:
        """How many there are."""
        return len(self._seats)

    def close(self) -> None:
        """Go away: auth instances answer by themselves from now on."""
        if self._listener is None:
            return
        asyncio.get_running_loop().remove_reader(self._listener)
        if self._pause is not None:
            self._pause.cancel()
        with contextlib.suppress(FileNotFoundError):
            if self.path.stat().st_ino == self._inode:  # else it is a successor's, while this process was slow to end
                self.path.unlink()
        self._listener.close()
        self._listener = None
        for seat in tuple(self._seats):
            seat.end()
