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
FORK_SECONDS = 2.0  # for one fork, or the import that is just going on; then the daemon is started without it
# The same while the first one reads, at the start: it takes a second of processor time, and nobody is served yet whom
# bob's waiting could hurt. A machine so busy that this takes long is not helped by each daemon's reading all of it.
READING_SECONDS = 20.0
START_SECONDS = 60.0  # from the start on, in which bob is so patient
REST_SECONDS = 60.0  # between two zygotes, where the first one failed


class ZygoteFailed(Exception):
    """It did not fork; the text says why."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an order."""

    pid: int | None = None
    error: str = ""
    reading: bool = False  # there is more to be read ahead


class Zygote:
    """One at a time. Where there is none, or it fails, a daemon is started by an interpreter of its own."""

    def __init__(self, start: Callable[[int], int]) -> None:
        """`start` starts the program with the descriptor of its channel, and gives its process id."""
        self._start = start
        self._channel: socket.socket | None = None
        self._again = 0.0  # monotonic; when the next one may be started
        self._reading_until = 0.0  # monotonic; the first one may read until then
        self.pid: int | None = None

    def adopt(self, forked: Forked) -> None:
        """Use one that is there already."""
        if _become_subreaper():
            self.pid, self._channel = forked.pid, forked.channel
            self._reading_until = time.monotonic() + START_SECONDS
        else:
            forked.channel.close()  # which ends it

    def ended(self) -> None:
        """Its process has ended."""
        self._close()
        self.pid, self._reading_until = None, 0.0
        self._again = time.monotonic() + REST_SECONDS

    def fork(self, package: str, arguments: Sequence[str], environment: Mapping[str, str], control: int) -> int | None:
        """Start a daemon; its process id, or None where there is no zygote now. Raises ZygoteFailed."""
        if self._channel is None and not self.begin():
            return None
        assert self._channel is not None
        order = {"package": package, "arguments": list(arguments), "environment": dict(environment)}
        try:
            self._channel.settimeout(FORK_SECONDS)
            socket.send_fds(self._channel, [json.dumps(order).encode()], [control])
            answer = self._answer(self._channel)
        except OSError as error:
            self._close()
            raise ZygoteFailed(error.strerror or str(error)) from error
        if answer.pid is None:
            self._close()
            raise ZygoteFailed(answer.error or "it is gone")
        if not answer.reading:
            self._reading_until = 0.0
        return answer.pid

    def begin(self) -> bool:
        """Start one, unless the last one failed a short while ago; whether there is one."""
        if self.pid is not None or time.monotonic() < self._again:
            return False
        if not _become_subreaper():
            return False
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            try:
                self.pid = self._start(theirs.fileno())
            except OSError:
                self._close()
                raise
        return True

    def _answer(self, channel: socket.socket) -> Answer:
        """What it says, or what it had said when we gave up: after that a forked process cannot speak, and exits."""
        patience = READING_SECONDS if time.monotonic() < self._reading_until else FORK_SECONDS
        if not select.select([channel], [], [], patience)[0]:
            channel.shutdown(socket.SHUT_RD)
        packet = channel.recv(zygote.MAX_ORDER)
        return Answer(**json.loads(packet)) if packet else Answer()

    def _close(self) -> None:
        if self._channel is not None:
            with contextlib.suppress(OSError):
                self._channel.close()
            self._channel = None


def _become_subreaper() -> bool:
    """Whether we are the parent of whoever is forked for us from now on."""
    return bool(ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0)
