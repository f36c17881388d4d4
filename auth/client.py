"""Who asks, and by which way."""

from __future__ import annotations

import enum
from dataclasses import dataclass


class Transport(enum.Enum):
    """How a request came and its reply goes."""

    UDP = "udp"
    TCP = "tcp"


@dataclass(frozen=True, slots=True)
class Client:
    """The other end."""

    address: str
    port: int
    transport: Transport
    idle_timeout: float = 0.0  # seconds; TCP: how long the connection may be idle, 0 = to be closed soon
