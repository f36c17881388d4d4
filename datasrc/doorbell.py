"""The doorbell: after a commit the writer sends an empty datagram to every socket beside the database.

It is a hint that saves waiting, never a message: whoever listens reads the outbox, and does so every second regardless.
"""

from __future__ import annotations

import errno
import os
import socket
from pathlib import Path
from types import TracebackType
from typing import Self

DIRECTORY = "doorbell"
SUFFIX = ".sock"
DIRECTORY_MODE = 0o700  # of the suite's account; root rings as well


class Listener:
    """One socket in the doorbell directory. Add `fileno()` to a loop; call `drain()` when it is readable."""

    def __init__(self, state_directory: Path, name: str) -> None:
        """`name` must be this listener's own: `component.instance`. Raises OSError."""
        directory = state_directory / DIRECTORY
        directory.mkdir(mode=DIRECTORY_MODE, parents=True, exist_ok=True)
        self.path = directory / f"{name}.{os.getpid()}{SUFFIX}"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC)
        try:
            with _Reachable(directory) as reachable:
                self.path.unlink(missing_ok=True)  # of a dead process that had our number
                self._socket.bind(reachable.address(self.path.name))
        except OSError:
            self._socket.close()
            raise

    def fileno(self) -> int:
        """The descriptor to wait on."""
        return self._socket.fileno()

    def drain(self) -> bool:
        """Take all that rang; whether anything did."""
        rang = False
        while True:
            try:
                self._socket.recv(1)
            except BlockingIOError:
                return rang
            rang = True

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def ring(state_directory: Path) -> int:
    """Wake everyone who listens; how many were reached. Never blocks and never fails."""
    directory = state_directory / DIRECTORY
    reached = 0
    try:
        with (
            _Reachable(directory) as reachable,
            socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC) as bell,
        ):
            for name in sorted(os.listdir(reachable.descriptor)):  # noqa: PTH208 - of the descriptor
                if name.endswith(SUFFIX):
                    reached += _ring_one(bell, reachable, name)
    except OSError:
        return reached  # nobody ever listened here, or no descriptor is left: the poll finds the change
    return reached


def _ring_one(bell: socket.socket, reachable: _Reachable, name: str) -> bool:
    try:
        bell.sendto(b"", reachable.address(name))
    except BlockingIOError:
        return True  # its queue is full, so it is awake already
    except OSError as error:
        if error.errno == errno.ECONNREFUSED:  # its process is gone
            reachable.remove(name)
        return False
    return True


class _Reachable:
    """Names for the sockets in a directory that fit the 107 octets of a socket address, however deep it is."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.descriptor = -1

    def __enter__(self) -> Self:
        self.descriptor = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        os.close(self.descriptor)

    def address(self, name: str) -> str:
        return f"/proc/self/fd/{self.descriptor}/{name}"

    def remove(self, name: str) -> None:
        try:
            os.unlink(name, dir_fd=self.descriptor)
        except OSError:
            return  # somebody else removed it, or we may not
