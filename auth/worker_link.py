"""The way to the worker (package authworker): what one thread asks, and gets one answer to.

A worker that dies is waited for, and asked once more; what a second one dies of, too, is not asked again.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
import time
from pathlib import Path

import msgspec

from auth.client import Client, Transport
from auth.errors import AuthError
from authworker.api import MAX_PACKET, SOCKETS, Answered, Ask, Look

ATTEMPTS = 2  # workers that a query is asked
ANSWER_LIMIT = 8.0  # seconds; below those in which auth takes its answering thread for hung
SUCCESSOR_LIMIT = 4.0  # seconds a successor is waited for: bob takes 3 to see that one hangs, and starts one at once
CREDENTIALS = struct.Struct("3i")  # process, user and group: ucred of unix(7)
CONNECT_EVERY = 0.01  # seconds between looks whether it is there
LOOK_LIMIT = 600.0  # seconds for all zone files to be read


class NoWorker(AuthError):
    """There is none, and there is not meant to be one."""


class WorkerLost(AuthError):
    """It died of this query, hangs, or does not come back."""


class WorkerLink:
    """For one thread."""

    def __init__(self, run: Path, first: int = 0, *, answer_limit: float = ANSWER_LIMIT) -> None:
        """`run` is where workers are; of several the one of number `first` is tried first."""
        self._run = run
        self._first = first
        self._answer_limit = answer_limit
        self._connection: socket.socket | None = None
        self._peer = 0  # process id at its other end
        self._had_it: set[int] = set()  # who was given the request in hand, of those processes
        self._number = 0
        self._lost = 0.0  # monotonic: since when there is none that should be there
        self._closed = threading.Event()
        self._turn = threading.Lock()  # held while something is asked
        self._decoder = msgspec.msgpack.Decoder(Answered)

    def ask(self, message: bytes, client: Client) -> Answered:
        """What the worker answers. Blocks; raises NoWorker or WorkerLost."""
        is_tcp = client.transport is Transport.TCP
        self._number += 1
        return self._request(
            Ask(self._number, message, client.address, client.port, is_tcp, client.idle_timeout), self._answer_limit
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

    def _request(self, request: Ask | Look, limit: float) -> Answered:
        with self._turn:
            return self._ask_until_answered(request, limit)

    def _ask_until_answered(self, request: Ask | Look, limit: float) -> Answered:
        packet, deadline = msgspec.msgpack.encode(request), time.monotonic() + limit
        died: set[int] = set()  # a worker that is just ending may still take a connection: it counts once
        while len(died) < ATTEMPTS:
            connection = self._connect()
            try:
                return self._exchange(connection, packet, request.number, deadline)
            except TimeoutError:
                self._drop(connection)  # what is hung there holds up nobody who comes anew
                raise WorkerLost(f"no answer in {limit:g} seconds") from None
            except OSError:
                self._drop(connection)
                self._lost = time.monotonic()
                died |= self._had_it
        raise WorkerLost("two workers ended while they had this query in hand")

    def _exchange(self, connection: socket.socket, packet: bytes, number: int, deadline: float) -> Answered:
        """Raises OSError, TimeoutError among them."""
        connection.settimeout(max(deadline - time.monotonic(), CONNECT_EVERY))
        self._had_it = set()  # where the last one is gone already it did not die of this
        connection.send(packet)
        self._had_it = {self._peer}
        answer = connection.recv(MAX_PACKET)
        if not answer:
            raise ConnectionResetError
        answered = self._decoder.decode(answer)
        assert answered.number == number, "each request has one answer"
        return answered

    def _connect(self) -> socket.socket:
        while self._connection is None:
            if self._closed.is_set():
                raise WorkerLost("this process ends")
            paths = sorted(self._run.glob(SOCKETS))
            if not paths:
                raise NoWorker
            for index in range(len(paths)):
                self._connection = _connected(paths[(self._first + index) % len(paths)])
                if self._connection is not None:
                    self._peer = _process_of(self._connection)
                    self._lost = 0.0
                    return self._connection
            now = time.monotonic()
            self._lost = self._lost or now
            if now - self._lost >= SUCCESSOR_LIMIT or self._closed.wait(CONNECT_EVERY):
                raise WorkerLost("there is none")
        return self._connection

    def _drop(self, connection: socket.socket) -> None:
        connection.close()
        self._connection = None


def _connected(path: Path) -> socket.socket | None:
    """A connection to the worker there; None: it has ended."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connection.connect(str(path))
    except OSError:
        connection.close()
        return None
    return connection


def _process_of(connection: socket.socket) -> int:
    """Who has made the socket that was connected to."""
    pid: int = CREDENTIALS.unpack(connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size))[0]
    return pid
