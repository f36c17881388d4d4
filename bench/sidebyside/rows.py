"""What is measured: one row of the table each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["udp", "tcp", "connect"]
ECHO, ECHO_AGAIN, SUITE, BEST_PEER = "echo", "echo-again", "bobdns", "the best peer"
SUITE_POSITIVE = "bobdns-positive"  # the suite asked for names that exist, beside a flood


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
    window: int = 8  # queries in flight on each of them
    most: int = 0  # in flight on all of them, where that is less
    flood: bool = False
    goals: tuple[Goal, ...] = ()


@dataclass(frozen=True)
class LoadingGoal:
    """What the suite is to need at most for a data set."""

    data: str
    what: Literal[
        "restart", "image", "first"
    ]  # a start with everything in place; octets a record; a start with no image
    most: float  # seconds; octets a record
    over_empty: bool = False  # so much more than a suite without zones needs


LOADING_GOALS = (
    LoadingGoal("records-1m", "restart", 1.5),
    LoadingGoal("records-1m", "image", 65),
    LoadingGoal("delegations-250k", "image", 65),
    LoadingGoal("nsec-100k", "image", 110),
    LoadingGoal("nsec3-100k", "image", 110),
    LoadingGoal("zones-100k", "first", 2.0),
    LoadingGoal("zones-100k", "restart", 0.5, over_empty=True),
)

BIG = (Goal(0.92, ECHO), Goal(1.3, BEST_PEER))
SECURE = (Goal(0.85, ECHO), Goal(1.3, BEST_PEER))

ROWS = {
    row.name: row
    for row in (
        Row("udp-1k", "UDP, 1 000 names", "names-1k", goals=(Goal(0.97, ECHO), Goal(1.0, "nsd"))),
        Row("udp-few-sockets", "UDP, 1 000 names, 2 client sockets", "names-1k", sockets=2, window=64),
        Row("udp-many-sockets", "UDP, 1 000 names, 2 000 client sockets", "names-1k", sockets=2000, window=1, most=128),
        Row(
            "tcp-pipelined",
            "TCP, 1 000 names, 20 connections with 20 queries in flight",
            "names-1k",
            kind="tcp",
            sockets=20,
            window=20,
            goals=(Goal(1.5, BEST_PEER),),
        ),
        Row(
            "tcp-connect",
            "TCP, 1 000 names, one query a connection, 50 connections at a time",
            "names-1k",
            kind="connect",
            sockets=50,
            window=1,
            goals=(Goal(1.0, BEST_PEER),),
        ),
        Row("udp-1m", "UDP, 1 M records, random names", "records-1m", goals=BIG),
        Row(
            "udp-flood",
            "UDP, 1 M records, random subdomains that do not exist",
            "records-1m",
            flood=True,
            goals=(Goal(0.9, SUITE_POSITIVE),),
        ),
        Row("udp-delegations", "UDP, 250 k delegations", "delegations-250k", goals=BIG),
        Row("udp-nsec", "UDP, 100 k names signed with NSEC, DO, 10 % NXDOMAIN", "nsec-100k", goals=SECURE),
        Row("udp-nsec3", "UDP, 100 k names signed with NSEC3, DO, 10 % NXDOMAIN", "nsec3-100k", goals=SECURE),
        Row("udp-zones", "UDP, 100 k zones", "zones-100k", goals=BIG),
        *(
            Row(f"{name}-many-sockets", f"{title}, 2 000 client sockets", data, sockets=2000, window=1, most=128)
            for name, title, data in (
                ("udp-1m", "UDP, 1 M records, random names", "records-1m"),
                ("udp-nsec", "UDP, 100 k names signed with NSEC, DO, 10 % NXDOMAIN", "nsec-100k"),
                ("udp-zones", "UDP, 100 k zones", "zones-100k"),
            )
        ),
    )
}
