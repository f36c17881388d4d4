"""Where lines go: standard error, a file that may be rotated, the local syslog. Each may block or fail."""

from __future__ import annotations

import os
import select
import socket
import stat
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from daemonkit.links import open_named, unopenable
from daemonkit.log_entry import Entry, journal_lines, json_line, syslog_datagram, text_lines

STDERR, SYSLOG = "stderr", "syslog"
FILE_MODE = 0o640
SYSLOG_SOCKET = "/dev/log"  # syslog(3)

Format = Callable[[Entry], bytes]
FORMATS: dict[str, Format] = {"text": text_lines, "json": json_line}


class Destination(ABC):
    """One place. Only the thread of its sink calls it."""

    @abstractmethod
    def write(self, entry: Entry) -> None:
        """Write one entry; blocks as long as the place does. Raises OSError; the same entry is tried again then."""

    def look(self) -> None:  # noqa: B027 - most have nothing to look at
        """Called now and then while there is nothing to write."""

    def close(self) -> None:  # noqa: B027 - standard error stays open
        """Let it go."""


class Stderr(Destination):
    """Standard error, which all processes of the suite share: lines go out whole, each in one call."""

    def __init__(self, form: Format) -> None:
        self._form = journal_lines if form is text_lines and stderr_is_the_journal() else form
        self._lines = _WholeLines()

    def write(self, entry: Entry) -> None:
        """Write to descriptor 2, which somebody else may have made non-blocking."""
        self._lines.write(2, entry, self._form(entry))


class File(Destination):
    """A file that is appended to. One that was moved away or removed is made anew: logrotate needs no signal."""

    def __init__(self, path: Path, form: Format) -> None:
        self._path = path
        self._form = form
        self._lines = _WholeLines()
        self._descriptor: int | None = None

    def write(self, entry: Entry) -> None:
        """Append; several processes may do so to one file, each line is one write."""
        self.look()
        if self._descriptor is None:
            self._descriptor = open_named(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOCTTY, FILE_MODE)
        self._lines.write(self._descriptor, entry, self._form(entry))

    def look(self) -> None:
        """Let go of a file that is no longer the one of this name."""
        if self._descriptor is None:
            return
        try:
            there = self._path.stat()
        except OSError:
            self.close()
            return
        ours = os.fstat(self._descriptor)
        if (there.st_dev, there.st_ino) != (ours.st_dev, ours.st_ino):
            self.close()

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
            self._lines = _WholeLines()  # the next file begins with a line of its own


class Syslog(Destination):
    """The local syslog daemon. Its socket is opened again when that was restarted."""

    def __init__(self, facility: str, address: str = SYSLOG_SOCKET) -> None:
        self._facility = facility
        self._address = address
        self._socket: socket.socket | None = None

    def write(self, entry: Entry) -> None:
        """Send one datagram."""
        if self._socket is None:
            self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        try:
            self._socket.connect(self._address)
            self._socket.send(syslog_datagram(entry, self._facility))
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """Close the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def destination(name: str, form: str, facility: str) -> Destination:
    """The destination of an entry of `logging.destinations`."""
    if name == STDERR:
        return Stderr(FORMATS[form])
    if name == SYSLOG:
        return Syslog(facility)
    return File(Path(name), FORMATS[form])


def fault(name: str) -> str:
    """Why nothing could be written there now; empty where it could. Makes nothing."""
    if name == STDERR:
        return ""
    if name == SYSLOG:
        return "" if Path(SYSLOG_SOCKET).is_socket() else f"no syslog daemon listens at {SYSLOG_SOCKET}"
    path = Path(name)
    if reason := unopenable(path):
        return reason
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        where = path.parent
        return "" if os.access(where, os.W_OK | os.X_OK) else f"the directory {where} is not there or not ours to write"
    except OSError as error:
        return str(error.strerror)
    if not (stat.S_ISREG(kind) or stat.S_ISCHR(kind)):
        return "it is no file"
    return "" if os.access(path, os.W_OK) else "the file is not ours to write"


def stderr_is_the_journal() -> bool:
    """Whether standard error is the stream systemd made for it (systemd.exec(5), JOURNAL_STREAM)."""
    told = os.environ.get("JOURNAL_STREAM", "")
    try:
        status = os.fstat(2)
    except OSError:
        return False
    return told == f"{status.st_dev}:{status.st_ino}"


@dataclass(frozen=True, slots=True)
class _Cut:
    """A line of which an error left the rest unwritten."""

    entry: Entry
    rest: bytes
    end: int | None  # where the file ended then; None where it has no end


class _WholeLines:
    """Writes to a descriptor, and goes on in the middle of a line that a full disk has cut."""

    def __init__(self) -> None:
        self._cut: _Cut | None = None

    def write(self, descriptor: int, entry: Entry, data: bytes) -> None:
        """Write an entry. Raises OSError; where the same one is tried again, only what is missing is written."""
        if self._cut is not None and self._cut.end == _end(descriptor):  # else a line of somebody else ends it
            data = self._cut.rest if self._cut.entry is entry else b"\n" + data
        whole = len(data)
        while data:
            try:
                data = data[os.write(descriptor, data) :]
            except BlockingIOError:
                room = select.poll()
                room.register(descriptor, select.POLLOUT)
                room.poll()
            except OSError:
                if len(data) < whole:
                    self._cut = _Cut(entry, data, _end(descriptor))
                raise
        self._cut = None


def _end(descriptor: int) -> int | None:
    status = os.fstat(descriptor)
    return status.st_size if stat.S_ISREG(status.st_mode) else None
