"""The bus messages of auth. Every instance answers for itself; who wants all asks each member.

Origins are text as in the configuration: lower case, no final dot, the root is `.`. Other forms are taken too.
"""

from __future__ import annotations

from typing import ClassVar

import msgspec

MAX_ORIGINS = 1000  # zones in one question

ABSENT = "absent"  # the state of a zone that is neither in a data source nor listed
UNAVAILABLE = "unavailable"  # the state of a zone whose data source fails


class ZoneServed(msgspec.Struct, frozen=True):
    """How this instance answers for one zone."""

    origin: str
    state: str  # as datasrc.records.ZoneState; ABSENT, UNAVAILABLE
    serial: int | None = None
    version: int | None = None
    reason: str = ""  # why it is not answered from


class ZoneStatusReply(msgspec.Struct, frozen=True):
    """One entry for each origin asked, in order."""

    zones: tuple[ZoneServed, ...]


class ZoneStatus(msgspec.Struct, frozen=True):
    """How are these zones answered for? At most MAX_ORIGINS."""

    module: ClassVar[str] = "auth"
    command: ClassVar[str] = "zone_status"
    reply: ClassVar[type[ZoneStatusReply]] = ZoneStatusReply
    changes: ClassVar[bool] = False

    origins: list[str]


class Reload(msgspec.Struct, frozen=True):
    """Look at all data sources afresh. A zone named must be answered from then: else `not-found` or `unavailable`."""

    module: ClassVar[str] = "auth"
    command: ClassVar[str] = "reload"
    reply: ClassVar[type[ZoneStatusReply]] = ZoneStatusReply

    origin: str | None = None


class SourceServed(msgspec.Struct, frozen=True):
    """One data source as this instance sees it."""

    name: str
    failure: str  # empty: it works
    zones: int | None  # None: it could never be read
    problems: tuple[str, ...] = ()  # what is wrong without stopping it, as zone files that cannot be used
    new: bool = False  # it fails because there is no store yet, and so no zone


class StatusReply(msgspec.Struct, frozen=True):
    """How this instance is doing."""

    sockets: tuple[str, ...]  # `udp ADDRESS@PORT`
    connections: int  # TCP, now
    sources: tuple[SourceServed, ...]


class Status(msgspec.Struct, frozen=True):
    """How are you?"""

    module: ClassVar[str] = "auth"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False


class StatisticsReply(msgspec.Struct, frozen=True):
    """The counters of this process since it started."""

    counters: dict[str, int]


class Statistics(msgspec.Struct, frozen=True):
    """Ask for the counters."""

    module: ClassVar[str] = "auth"
    command: ClassVar[str] = "statistics"
    reply: ClassVar[type[StatisticsReply]] = StatisticsReply
    changes: ClassVar[bool] = False
