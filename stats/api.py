"""What stats answers on the bus."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class StatusReply(msgspec.Struct, frozen=True):
    """Where metrics are served over HTTP."""

    endpoint: str  # ADDR@PORT, or "off"
    state: str  # "off", "open", or "failing": it should be open and is not, and is tried again
    reason: str = ""  # why not


class Status(msgspec.Struct, frozen=True):
    """How is the listener?"""

    module: ClassVar[str] = "stats"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False


class InstanceStatistics(msgspec.Struct, frozen=True):
    """One place of a component, and what was counted in it, by however many processes."""

    state: str  # as bob says; "gone": there is no such place any more, "unknown": bob did not answer
    pid: int | None  # of the process that runs there now
    restarts: int  # after failures, since bob started
    cpu_seconds: float | None  # of that process
    memory_bytes: int | None  # of that process, resident
    counters: dict[str, int]  # without gauges where no process lives


class Duration(msgspec.Struct, frozen=True):
    """How long things of one kind took."""

    count: int
    seconds: float  # all together
    buckets: dict[str, int]  # how many took at most so many seconds; beyond the last one are the others


class ModuleStatistics(msgspec.Struct, frozen=True):
    """A component: the sum of what its places counted (of a gauge the highest of those that live), and each of them."""

    counters: dict[str, int]
    instances: dict[str, InstanceStatistics]
    durations: dict[str, dict[str, Duration]] = {}  # by family (command, request, configuration_commit) and label


class ShowReply(msgspec.Struct, frozen=True):
    """The counters, by component."""

    time: float  # seconds since 1970
    modules: dict[str, ModuleStatistics]
    problems: dict[str, str]  # pages of counters that cannot be read, and why


class Show(msgspec.Struct, frozen=True):
    """What was counted."""

    module: ClassVar[str] = "stats"
    command: ClassVar[str] = "show"
    reply: ClassVar[type[ShowReply]] = ShowReply
    changes: ClassVar[bool] = False

    component: str | None = None
    instance: str | None = None


class ZonesReply(msgspec.Struct, frozen=True):
    """What was counted in zones, in canonical order of their names."""

    time: float  # seconds since 1970
    zones: dict[str, dict[str, int]]
    more: bool  # there are zones beyond these
    problems: dict[str, str]  # files that cannot be read, and why


class Zones(msgspec.Struct, frozen=True):
    """What was counted in zones that have `statistics` set."""

    module: ClassVar[str] = "stats"
    command: ClassVar[str] = "zones"
    reply: ClassVar[type[ZonesReply]] = ZonesReply
    changes: ClassVar[bool] = False

    zone: str | None = None  # only this one
    after: str | None = None
    limit: int = 100
