"""Who holds an address and port, as far as /proc tells."""

from __future__ import annotations

import os
import pwd
import socket
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from daemonkit.control import SocketPlace

PROC = Path("/proc")
TCP_LISTEN = "0A"  # include/net/tcp_states.h
FIELDS_NEEDED = 10


@dataclass(frozen=True, slots=True)
class Holder:
    """A socket that is in the way."""

    inode: int
    uid: int


def holders_of(place: SocketPlace, proc: Path = PROC) -> list[Holder]:
    """The sockets that are bound so that a bind to this place fails."""
    found = []
    for table in (proc / "net" / place.protocol, proc / "net" / f"{place.protocol}6"):
        for address, port, state, holder in _sockets(table):
            listens = place.protocol == "udp" or state == TCP_LISTEN
            if port == place.port and listens and _overlap(address, place.address):
                found.append(holder)
    return found


def describe(holders: Iterable[Holder], proc: Path = PROC) -> str:
    """Name them: the process and program where we may look, else the user."""
    texts = [_describe(holder, proc) for holder in holders]
    return ", ".join(dict.fromkeys(texts)) or "a process that cannot be seen from here"


def inode_of(descriptor: int) -> int:
    """The number /proc/net knows a socket by."""
    return os.fstat(descriptor).st_ino


def _describe(holder: Holder, proc: Path) -> str:
    for process in proc.iterdir():
        if process.name.isdigit() and _has_socket(process, holder.inode):
            return f"process {process.name} ({_program(process)})"
    try:
        user = pwd.getpwuid(holder.uid).pw_name
    except KeyError:
        user = str(holder.uid)
    return f"a process of the user {user}"


def _program(process: Path) -> str:
    try:
        return (process / "comm").read_text().strip()
    except OSError:  # it has just ended
        return "ended"


def _has_socket(process: Path, inode: int) -> bool:
    try:
        return any(str(entry.readlink()) == f"socket:[{inode}]" for entry in (process / "fd").iterdir())
    except OSError:  # not ours to look into, or gone
        return False


def _sockets(table: Path) -> Iterator[tuple[bytes, int, str, Holder]]:
    try:
        lines = table.read_text().splitlines()[1:]
    except OSError:  # no IPv6
        return
    for line in lines:
        fields = line.split()
        if len(fields) >= FIELDS_NEEDED:
            address, _, port = fields[1].partition(":")
            yield _address(address), int(port, 16), fields[3], Holder(inode=int(fields[9]), uid=int(fields[7]))


def _address(text: str) -> bytes:
    """The kernel prints 32-bit words in its own byte order."""
    words = (int(text[start : start + 8], 16) for start in range(0, len(text), 8))
    return b"".join(word.to_bytes(4, sys.byteorder) for word in words)


def _overlap(bound: bytes, asked: str) -> bool:
    family = socket.AF_INET6 if ":" in asked else socket.AF_INET
    wanted = socket.inet_pton(family, asked.partition("%")[0])
    if len(bound) != len(wanted):
        # An IPv6 wildcard that is not V6ONLY holds the IPv4 port too; the table does not say which it is.
        return family == socket.AF_INET and not any(bound)
    return bound == wanted or not any(bound) or not any(wanted)
