"""What a listening socket is bound to."""

from __future__ import annotations

import socket
from typing import NamedTuple


class Place(NamedTuple):
    """Two sockets of the same place serve the same clients."""

    kind: int  # SOCK_DGRAM or SOCK_STREAM
    address: str
    port: int


def place_of(sock: socket.socket) -> Place:
    """The place of a bound socket."""
    address, port = sock.getsockname()[:2]
    return Place(sock.type, address, port)
