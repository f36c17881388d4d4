"""What the kernel dropped at the UDP sockets of a place: counted for the place, whoever served it, if anybody did.

The kernel counts for each socket, as long as that lives; sockets live with bob, and processes come and go. What is to
be counted is therefore not added up but reckoned afresh, from what the kernel says and one number: what had been
counted before these sockets. That number is in a file beside the page of the place, with what tells the sockets apart.
"""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import msgspec

from daemonkit.control import SPARE
from daemonkit.module import Context

COUNTER = "udp.kernel_drops"
SUFFIX = ".drops"
# socket(7), asm-generic/socket.h; the numbers are not in the module `socket`.
SO_MEMINFO = 55  # an array of u32, linux/sock_diag.h: enum SK_MEMINFO_*
SO_COOKIE = 57  # u64: no other socket of this network namespace has had or gets it
SK_MEMINFO_DROPS = 8  # the index of that in the array
_MEMINFO_SIZE = 4 * (SK_MEMINFO_DROPS + 1)
_WRAP = 1 << 32  # the kernel's number is one of 32 bits


class Record(msgspec.Struct, frozen=True):
    """What is in the file."""

    before: int  # counted at the place before it had these sockets
    sockets: tuple[int, ...]  # their cookies


class KernelDrops:
    """Counts at the sockets that were taken last."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sockets: tuple[socket.socket, ...] = ()
        self._before = 0
        self._counted = 0

    def take(self, sockets: Sequence[socket.socket]) -> None:
        """Count at these from now on, and no more at those before. Who stands in for others leaves it to them."""
        self.count()
        self._sockets = ()
        datagrams = tuple(sock for sock in sockets if sock.type == socket.SOCK_DGRAM)
        if self._context.instance == SPARE or not datagrams:
            return
        try:
            drops = {_cookie(sock): dropped(sock) for sock in datagrams}
        except OSError as error:  # a system that has no such numbers
            self._tell(error)
            return
        self._go_on(drops)
        self._sockets = datagrams
        self.count()

    def count(self) -> None:
        """Bring the counter up to date. Raises OSError where a socket was closed."""
        if not self._sockets:
            return
        value = self._before + sum(map(dropped, self._sockets))
        while value < self._counted:  # the number of a socket began again
            value += _WRAP
            self._begin_at(self._before + _WRAP, map(_cookie, self._sockets))
        self._context.counters.set(COUNTER, value)
        self._counted = value

    def _go_on(self, drops: Mapping[int, int]) -> None:
        """From where this place is; of sockets that were made for it, all they have dropped is to be counted."""
        self._counted = self._context.counters.statistics()[COUNTER]
        record = self._read()
        if record is not None and set(record.sockets) == drops.keys():
            self._before = record.before
        else:
            known = () if record is None else record.sockets
            self._begin_at(self._counted - sum(drops.get(cookie, 0) for cookie in known), drops)

    def _read(self) -> Record | None:
        """What the process before has left, if that is to be understood."""
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=Record)
        except (FileNotFoundError, msgspec.DecodeError):
            return None
        except OSError as error:
            self._tell(error)
            return None

    def _begin_at(self, before: int, cookies: Iterable[int]) -> None:
        """Have the next process of the place know it, too."""
        self._before = before
        try:
            _write(self._path, Record(before, tuple(cookies)))
        except OSError as error:
            self._tell(error)

    def _tell(self, error: OSError) -> None:
        self._context.log.warning("AUTH_DROPS_NOT_COUNTED", reason=error.strerror or error)

    @property
    def _path(self) -> Path:
        context = self._context
        return context.directories.counters / f"{context.component}.{context.instance}{SUFFIX}"


def dropped(sock: socket.socket) -> int:
    """How many datagrams the kernel has dropped at the socket: for want of room, or with a wrong checksum."""
    octets = sock.getsockopt(socket.SOL_SOCKET, SO_MEMINFO, _MEMINFO_SIZE)
    number: int = struct.unpack_from("=I", octets, 4 * SK_MEMINFO_DROPS)[0]
    return number


def _cookie(sock: socket.socket) -> int:
    number: int = struct.unpack("=Q", sock.getsockopt(socket.SOL_SOCKET, SO_COOKIE, 8))[0]
    return number


def _write(path: Path, record: Record) -> None:
    """Whole or not at all; it is not to outlive the machine."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    made = path.with_name(f".{path.name}.{os.getpid()}")
    with open(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600), "wb") as file:
        file.write(msgspec.json.encode(record))
    made.replace(path)
