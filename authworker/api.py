"""What auth instances and the worker say to each other, and the bus messages of the worker.

They meet at a SOCK_SEQPACKET socket in the run directory, `worker.INSTANCE.sock`. An instance of auth sends one request
a packet, and gets one Answered for each, perhaps after a Weigh that it answers; who asked too long ago goes away, and
comes again.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import ClassVar

import msgspec

from auth.api import SourceServed, ZoneStatusReply
from daemonkit.errors import PathError
from daemonkit.paths import MAX_SOCKET_PATH

MAX_PACKET = 1 << 17  # octets: the largest message (RFC 1035 section 4.2.2) and what is said about it
SOCKETS = "worker.*.sock"


class Ask(msgspec.Struct, frozen=True, array_like=True, tag=1):
    """Answer this message."""

    number: int
    message: bytes
    address: str  # of the client
    port: int
    tcp: bool
    idle_timeout: float  # seconds; what a TCP client is told


class Look(msgspec.Struct, frozen=True, array_like=True, tag=2):
    """Look at all data sources afresh; answered when that is done."""

    number: int


class Weigh(msgspec.Struct, frozen=True, array_like=True, tag=3):
    """Said by the worker, with the request of this number in hand: what becomes of a response like this, whose address
    may be forged? Who asked keeps the limits, for all of its responses.
    """

    number: int
    kind: int  # auth/rate_limit_numbers.py
    name: bytes  # that responses like this have in common, in wire form; empty: none
    rdtype: int


class Weighed(msgspec.Struct, frozen=True, array_like=True, tag=4):
    """The answer to Weigh."""

    number: int
    outcome: int  # SEND, SLIP or DROP of auth/rate_limit_numbers.py


class Answered(msgspec.Struct, frozen=True, array_like=True, tag=5):
    """What became of the request of this number."""

    number: int
    reply: bytes | None = None  # None: none is due
    counted: tuple[int, ...] = ()  # what auth has to count: places of names in the statistics of its spec
    zone: bytes | None = None  # origin, in wire form, of the zone it was about


class StatusReply(msgspec.Struct, frozen=True):
    """How it is."""

    place: str  # the socket
    connections: int  # of auth instances
    in_hand: int  # queries
    longest: float  # seconds the oldest of them takes
    sources: tuple[SourceServed, ...] = ()  # as it finds them
    lost: int = 0  # threads that wait for a data source which does not answer; others answer in their place


class Status(msgspec.Struct, frozen=True):
    """How is the worker doing?"""

    module: ClassVar[str] = "authworker"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False


class ZoneStatus(msgspec.Struct, frozen=True):
    """How are these zones answered for, where no image answers? At most auth.api.MAX_ORIGINS."""

    module: ClassVar[str] = "authworker"
    command: ClassVar[str] = "zone_status"
    reply: ClassVar[type[ZoneStatusReply]] = ZoneStatusReply
    changes: ClassVar[bool] = False

    origins: list[str]


def socket_path(run: Path, instance: str) -> Path:
    """Where a worker is to be found. Raises PathError."""
    path = run / SOCKETS.replace("*", instance)
    length = len(os.fsencode(path))
    if length > MAX_SOCKET_PATH:
        raise PathError(f"{path}: {length} bytes are too many, a UNIX socket's path has at most {MAX_SOCKET_PATH}")
    return path
