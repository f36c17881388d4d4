"""What is measured: one row of the table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["udp", "tcp", "connect"]
ECHO, ECHO_AGAIN, SUITE, BEST_PEER = "echo", "echo-again", "bobdns", "the best peer"


@dataclass(frozen=True)
class Goal:
    """What the suite is to reach against something else in the same run."""

    ratio: float
    of: str  # a server, or BEST_PEER


@dataclass(frozen=True)
class Row:
    """A data set and how it is asked."""

    name: str
    title: str
    data: str
    kind: Kind = "udp"
    sockets: int = 16
    window: int = 32  # queries in flight on each of them
    flood: bool = False
    goals: tuple[Goal, ...] = ()


ROWS = {
    row.name: row
    for row in (Row("udp-1k", "UDP, 1 000 names", "names-1k", goals=(Goal(0.97, ECHO), Goal(1.0, "nsd"))),)
}
