"""bob's side of the zygote: starts it, has it fork daemons, does without it where it fails."""

from __future__ import annotations

import contextlib
import ctypes
import json
import select
import socket
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from bob import zygote
from bob.zygote_fork import Forked

ZYGOTE_FILE = Path(zygote.__file__)
PR_SET_CHILD_SUBREAPER = 36  # prctl(2)
FORK_SECONDS = 2.0  # for one fork; then the daemon is started without it
# The same while the first one reads, at the start: it takes a second of processor time, and nobody is served yet whom
# bob's waiting could hurt. A machine so busy that this takes long is not helped by each daemon's reading all of it.
# Nobody waits for a later one: until it is ready daemons are started without it.
READING_SECONDS = 20.0
START_SECONDS = 60.0  # from the start on, in which bob is so patient
FIRST_REST, LONGEST_REST = 1.0, 60.0  # seconds before the next one, doubled until one has forked


class ZygoteFailed(Exception):
    """It did not fork; the text says why."""


@dataclass(frozen=True, slots=True)
class Told:
    """What it says: what came of an order, that it has read everything, or what it could not get ready, and why."""

    pid: int | None = None
    error: str = ""
    ready: bool = False
    unready: str = ""


class Zygote:
    """One at a time. Where none is ready, or it fails, a daemon is started by an interpreter of its own."""

    def __init__(
        self, start: Callable[[int], int], unready: Callable[[str, str], None] = lambda _what, _reason: None
    ) -> None:
        """`start` starts the program with the descriptor of its channel, and gives its process id.

        `unready` hears what it could not get ready, and why.
        """
        self._start = start
        self._unready = unready
        self._channel: socket.socket | None = None
        self._rest = FIRST_REST
        self._reading_until = 0.0  # monotonic; the first one may read until then, and is waited for
        self._ready = False
        self.pid: int | None = None

    def adopt(self, forked: Forked) -> None:
        """Use one that is there already."""
        if _become_subreaper():
            self.pid, self._channel = forked.pid, forked.channel
            self._reading_until = time.monotonic() + START_SECONDS
        else:
            forked.channel.close()  # which ends it

    def ended(self) -> float:
        """Its process has ended; seconds after which to begin another."""
        self._close()
        self.pid, self._reading_until = None, 0.0
        rest, self._rest = self._rest, min(2 * self._rest, LONGEST_REST)
        return rest

    @property
    def is_ready(self) -> bool:
        """Whether it has read everything, as far as it has said so."""
        while self._channel is not None and not self._ready and _readable(self._channel, 0.0):
            self._note(self._hear(self._channel))
        return self._ready

    def fork(self, package: str, arguments: Sequence[str], environment: Mapping[str, str], control: int) -> int | None:
        """Start a daemon; its process id, or None where there is no zygote that could now. Raises ZygoteFailed."""
        reads = not self.is_ready and time.monotonic() < self._reading_until
        if self._channel is None or not (self._ready or reads):
            return None
        order = {"package": package, "arguments": list(arguments), "environment": dict(environment)}
        try:
            self._channel.settimeout(FORK_SECONDS)
            socket.send_fds(self._channel, [json.dumps(order).encode()], [control])
            answer = self._answer(self._channel, READING_SECONDS if reads else FORK_SECONDS)
        except OSError as error:
            self._close()
            raise ZygoteFailed(error.strerror or str(error)) from error
        if answer.pid is None:
            self._close()
            raise ZygoteFailed(answer.error or "it is gone")
        self._rest = FIRST_REST
        return answer.pid

    def begin(self, *, first: bool = False) -> None:
        """Start one, if there is none. Raises what `start` raises."""
        if self.pid is not None or not _become_subreaper():
            return
        if first:
            self._reading_until = time.monotonic() + START_SECONDS
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ready = False
        with theirs:
            try:
                self.pid = self._start(theirs.fileno())
            except BaseException:
                self._close()
                raise

    def _answer(self, channel: socket.socket, patience: float) -> Told:
        """What it says, or what it had said when we gave up: after that a forked process cannot speak, and exits."""
        end = time.monotonic() + patience
        while True:
            if not _readable(channel, max(0.0, end - time.monotonic())):
                channel.shutdown(socket.SHUT_RD)
            told = self._hear(channel)
            if not (told.ready or told.unready):
                return told
            self._note(told)

    def _hear(self, channel: socket.socket) -> Told:
        packet = channel.recv(zygote.MAX_ORDER)
        return Told(**json.loads(packet)) if packet else Told()

    def _note(self, told: Told) -> None:
        """Something came that is no answer: it is ready, or not with something, or gone."""
        if told.ready:
            self._ready, self._reading_until = True, 0.0
        elif told.unready:
            self._unready(told.unready, told.error)
        else:
            self._close()

    def _close(self) -> None:
        self._ready = False
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.close()
            self._channel = None


def _readable(channel: socket.socket, seconds: float) -> bool:
    """Whether something comes within so long; descriptors may have any number."""
    poll = select.poll()
    poll.register(channel, select.POLLIN)
    return bool(poll.poll(seconds * 1000))


def _become_subreaper() -> bool:
    """Whether we are the parent of whoever is forked for us from now on."""
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
