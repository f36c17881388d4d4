"""The way to the worker (package authworker): what one thread asks, and gets one answer to.

A worker that dies is waited for, and asked once more; what a second one dies of, too, is not asked again. Nor is what
twice ends nothing but its connection.
"""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from auth.client import Client, Transport
from auth.errors import AuthError
from auth.rate_limit_numbers import SEND
from authworker.api import MAX_PACKET, SOCKETS, Answered, Ask, Look, Weigh, Weighed

MAX_WEIGHED = 3  # packets of a worker about one query: the reply may be weighed, and the SERVFAIL in its place
ATTEMPTS = 2  # times that a query is put into the hands of a worker
ANSWER_LIMIT = 8.0  # seconds; below those in which auth takes its answering thread for hung
SUCCESSOR_LIMIT = 6.0  # seconds a successor is waited for: bob takes 3 to see that one hangs, a start one at most
CONNECT_EVERY = 0.01  # seconds between looks whether it is there
LOOK_LIMIT = 600.0  # seconds for all zone files to be read


Weigher = Callable[[Weigh], int]


def _not_limited(_response: Weigh) -> int:
    return SEND


class NoWorker(AuthError):
    """There is none, and there is not meant to be one."""


class WorkerLost(AuthError):
    """It died of this query, hangs, or does not come back."""


class WorkerLink:
    """For one thread."""

    def __init__(
        self, run: Path, first: int = 0, *, answer_limit: float = ANSWER_LIMIT, expected: bool = False
    ) -> None:
        """`run` is where workers are; of several the one of number `first` is tried first.

        `expected`: there is to be one, which may still be starting, as this process is.
        """
        self._expected = time.monotonic() + (SUCCESSOR_LIMIT if expected else 0.0)  # until then, if none has been there
        self._run = run
        self._first = first
        self._answer_limit = answer_limit
        self._connection: socket.socket | None = None
        self._number = 0
        self._lost = 0.0  # monotonic: since when there is none that takes what it should
        self._closed = threading.Event()
        self._turn = threading.Lock()  # held while something is asked
        self._decoder = msgspec.msgpack.Decoder(Answered | Weigh)

    def ask(self, message: bytes, client: Client, weigh: Weigher = _not_limited) -> Answered:
        """What the worker answers; `weigh` says what becomes of a response. Blocks; raises NoWorker or WorkerLost."""
        is_tcp = client.transport is Transport.TCP
        self._number += 1
        return self._request(
            Ask(self._number, message, client.address, client.port, is_tcp, client.idle_timeout),
            self._answer_limit,
            weigh,
        )

    def look(self) -> None:
        """Have the worker look at all data sources afresh. Blocks; raises NoWorker or WorkerLost."""
        self._number += 1
        self._request(Look(self._number), LOOK_LIMIT)

    def close(self) -> None:
        """From whatever thread: nobody is waited for any more."""
        self._closed.set()
        connection = self._connection
        if connection is not None:
            with contextlib.suppress(OSError):  # it is gone already
                connection.shutdown(socket.SHUT_RDWR)
        with self._turn:
            if self._connection is not None:
                self._drop(self._connection)

    def _request(self, request: Ask | Look, limit: float, weigh: Weigher = _not_limited) -> Answered:
        with self._turn:
            return self._ask_until_answered(request, limit, weigh)

    def _ask_until_answered(self, request: Ask | Look, limit: float, weigh: Weigher) -> Answered:
        packet, deadline, attempts = msgspec.msgpack.encode(request), time.monotonic() + limit, 0
        while time.monotonic() < deadline:
            connection = self._connect()
            try:
                answer = self._exchange(connection, packet, deadline)
                answered = self._hear(answer, request.number, connection, deadline, weigh) if answer else None
            except TimeoutError:
                break
            except OSError:
                self._drop(connection)
                self._wait_for_another()
                continue
            except BaseException:  # the worker may wait there for something, and would take the next query for it
                self._drop(connection)
                raise
            self._lost = 0.0
            if answered is not None:
                return answered
            self._drop(connection)
            attempts += 1
            if attempts == ATTEMPTS:
                raise WorkerLost(f"{ATTEMPTS} times the worker ended, or its connection, with this query in hand")
        if self._connection is not None:
            self._drop(self._connection)  # what is hung there holds up nobody who comes anew
        raise WorkerLost(f"no answer in {limit:g} seconds")

    def _exchange(self, connection: socket.socket, packet: bytes, deadline: float) -> bytes:
        """The answer; empty where the worker has read the request, and ended.

        Raises OSError where it is gone without having read it, so that it did not die of this: the system tells a reset
        where something was left unread, or the connection not even accepted. Raises TimeoutError.
        """
        connection.settimeout(max(deadline - time.monotonic(), CONNECT_EVERY))
        connection.send(packet)
        return connection.recv(MAX_PACKET)

    def _hear(
        self, answer: bytes, number: int, connection: socket.socket, deadline: float, weigh: Weigher
    ) -> Answered | None:
        """What the worker says, its questions answered; None where it has ended after one. Raises TimeoutError."""
        for _ in range(MAX_WEIGHED):
            heard = self._read(answer, number)
            if isinstance(heard, Answered):
                return heard
            packet = msgspec.msgpack.encode(Weighed(number, weigh(heard)))
            try:
                answer = self._exchange(connection, packet, deadline)
            except TimeoutError:
                raise
            except OSError:  # it has begun with this query, whether it has read the packet or not
                return None
            if not answer:
                return None
        raise WorkerLost("it asks the same thing again and again")

    def _read(self, answer: bytes, number: int) -> Answered | Weigh:
        try:
            answered: Answered | Weigh = self._decoder.decode(answer)
        except msgspec.DecodeError as error:
            raise WorkerLost(f"it does not speak as this process does: {error}") from error
        if answered.number != number:
            raise WorkerLost("it has answered another query")
        return answered

    def _connect(self) -> socket.socket:
        while self._connection is None:
            if self._closed.is_set():
                raise WorkerLost("this process ends")
            try:
                self._connection = self._connected()
            except OSError as error:  # no descriptors
                raise WorkerLost(f"it cannot be connected to: {error.strerror}") from error
            if self._connection is None:
                self._wait_for_another()
        return self._connection

    def _connected(self) -> socket.socket | None:
        """A connection to the first worker that is there; None: they have ended. Raises NoWorker or OSError."""
        paths = sorted(self._run.glob(SOCKETS))
        if not paths and time.monotonic() < self._expected:
            return None
        if not paths:
            self._lost = 0.0
            raise NoWorker
        self._expected = 0.0
        for index in range(len(paths)):
            connection = _connected(paths[(self._first + index) % len(paths)])
            if connection is not None:
                return connection
        return None

    def _wait_for_another(self) -> None:
        """A moment. Raises WorkerLost where none has been there for too long."""
        now = time.monotonic()
        self._lost = self._lost or max(now, self._expected)
        if now - self._lost >= SUCCESSOR_LIMIT or self._closed.wait(CONNECT_EVERY):
            raise WorkerLost("there is none")

    def _drop(self, connection: socket.socket) -> None:
        connection.close()
        self._connection = None


def _connected(path: Path) -> socket.socket | None:
    """A connection to the worker there; None: it has ended. Raises OSError where there are no descriptors."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    connection.setblocking(False)  # where too many wait to be accepted nobody waits behind them
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection
