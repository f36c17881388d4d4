"""What cmdctl answers on the bus."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class StatisticsReply(msgspec.Struct, frozen=True):
    """The counters of this process."""

    counters: dict[str, int]


class Statistics(msgspec.Struct, frozen=True):
    """Ask for the counters."""

    module: ClassVar[str] = "cmdctl"
    command: ClassVar[str] = "statistics"
    reply: ClassVar[type[StatisticsReply]] = StatisticsReply
    changes: ClassVar[bool] = False


class ZoneChanged(msgspec.Struct, frozen=True):
    """Event `zones`: somebody changed a zone in a data source. Whoever needs certainty reads the outbox."""

    topic: ClassVar[str] = "zones"

    origin: str
    source: str
    version: int
    serial: int | None  # None: the zone was deleted
