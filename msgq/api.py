"""The commands msgq answers (the bus itself is used through msgq.session)."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from msgq.envelope import MemberEntry


class QueueStatus(Struct, frozen=True):
    """What waits for one member."""

    member: str
    messages: int
    bytes: int
    calls: int  # it was given and has not answered
    losing: tuple[str, ...]  # topics it has missed events of, and has not been told yet


class StatusReply(Struct, frozen=True):
    """How the broker is doing."""

    members: int
    calls_in_flight: int
    queued_bytes: int
    queues: tuple[QueueStatus, ...]  # those that are not empty


class Status(Struct, frozen=True):
    """How is the bus?"""

    module: ClassVar[str] = "msgq"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False


class MembersReply(Struct, frozen=True):
    """Who is on the bus."""

    members: tuple[MemberEntry, ...]


class Members(Struct, frozen=True):
    """Who is on the bus?"""

    module: ClassVar[str] = "msgq"
    command: ClassVar[str] = "members"
    reply: ClassVar[type[MembersReply]] = MembersReply
    changes: ClassVar[bool] = False


class StatisticsReply(Struct, frozen=True):
    """The counters of the broker since it started."""

    counters: dict[str, int]


class Statistics(Struct, frozen=True):
    """What has the broker counted?"""

    module: ClassVar[str] = "msgq"
    command: ClassVar[str] = "statistics"
    reply: ClassVar[type[StatisticsReply]] = StatisticsReply
    changes: ClassVar[bool] = False
