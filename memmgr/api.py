"""The bus messages of memmgr."""

from __future__ import annotations

from typing import ClassVar

import msgspec


class SlotStatus(msgspec.Struct, frozen=True):
    """An image and its delta."""

    number: int
    octets: int  # of the image
    delta_octets: int  # of the delta, whether used or not
    delta_filling: float  # how full the delta is, from 0 to 1
    zones: int  # that are answered from it
    records: int  # in the image when it was built


class ZoneFailure(msgspec.Struct, frozen=True):
    """A zone that auth answers for by itself because its image cannot be built."""

    origin: str
    reason: str


class SourceProblems(msgspec.Struct, frozen=True):
    """What is wrong with a data source without stopping it: zone files that cannot be used, say."""

    source: str
    count: int
    problems: tuple[str, ...]  # at most MAX_PROBLEMS


class StatusReply(msgspec.Struct, frozen=True):
    """How the images are."""

    state: str  # "starting": nothing is answered from images yet; "ready"
    place: str  # the directory
    zones: int  # in the directory, those that are gone or left to auth among them
    octets: int  # of all files
    waiting: int  # zones to be built
    building: int  # zones being built now
    published: float | None  # seconds since 1970 when something was last published, None: not since memmgr began
    slots: tuple[SlotStatus, ...]
    failures: tuple[ZoneFailure, ...]  # at most MAX_FAILURES
    sources: tuple[SourceProblems, ...] = ()  # those that have any
    doubt: str = ""  # why names of no zone are not refused from images, but left to the data sources
    age: float | None = None  # seconds since it was so, where that could not be asked now; None: it is so now
    reason: str = ""  # why nothing can be answered from images, where something is in the way


class Status(msgspec.Struct, frozen=True):
    """How are the images?"""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "status"
    reply: ClassVar[type[StatusReply]] = StatusReply
    changes: ClassVar[bool] = False


IMAGE = "image"
PLAIN = "plain"
ABSENT = "absent"


class ZoneImage(msgspec.Struct, frozen=True):
    """What the images have of a zone."""

    origin: str
    state: str  # IMAGE; PLAIN: auth answers by itself; ABSENT
    slot: int | None = None
    serial: int | None = None
    version: int | None = None
    generation: int | None = None  # changes since it was built
    reason: str = ""
    records: int | None = None
    source: str = ""  # the data source that the image is of
    problem: str = ""  # what is wrong with its zone file: what is there is what it had before that, if anything


class ZoneStatusReply(msgspec.Struct, frozen=True):
    """In the order of the question."""

    zones: tuple[ZoneImage, ...]


class ZoneStatus(msgspec.Struct, frozen=True):
    """What do the images have of these zones?"""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "zone_status"
    reply: ClassVar[type[ZoneStatusReply]] = ZoneStatusReply
    changes: ClassVar[bool] = False

    origins: list[str]


class ZoneProblem(msgspec.Struct, frozen=True):
    """A zone whose file cannot be used."""

    origin: str
    problem: str  # file, line and reason
    serial: int | None  # of the last good version, where there is an image of it


class ZoneProblemsReply(msgspec.Struct, frozen=True):
    """A page; `more`: the next one begins after the last zone."""

    zones: tuple[ZoneProblem, ...]
    more: bool


class ZoneProblems(msgspec.Struct, frozen=True):
    """Which zones of a data source have files that cannot be used? In canonical order, or, of those whose names begin
    so, in the order of their text.
    """

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "zone_problems"
    reply: ClassVar[type[ZoneProblemsReply]] = ZoneProblemsReply
    changes: ClassVar[bool] = False

    source: str
    after: str | None = None
    limit: int = 100  # at most MAX_ORIGINS
    beginning: str = ""
    served: bool | None = None  # only those of which a last good version is there, or only others


class BuildStatusReply(msgspec.Struct, frozen=True):
    """Whether the image of a zone is to be built, and why it could not be when that was tried last."""

    waiting: bool  # or being built now
    failure: str  # empty: it could be, or there is nothing to build


class BuildStatus(msgspec.Struct, frozen=True):
    """Is the image of this zone built?"""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "build_status"
    reply: ClassVar[type[BuildStatusReply]] = BuildStatusReply
    changes: ClassVar[bool] = False

    origin: str


class FailuresReply(msgspec.Struct, frozen=True):
    """A page, in canonical order; `more`: the next one begins after the last zone."""

    zones: tuple[ZoneFailure, ...]
    more: bool


class Failures(msgspec.Struct, frozen=True):
    """Which zones have images that cannot be built?"""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "failures"
    reply: ClassVar[type[FailuresReply]] = FailuresReply
    changes: ClassVar[bool] = False

    after: str | None = None
    limit: int = 100  # at most MAX_ORIGINS


class ReloadReply(msgspec.Struct, frozen=True):
    """How many zones wait to be built, and what was found wrong."""

    waiting: int
    sources: tuple[SourceProblems, ...] = ()  # those that have any


class Reload(msgspec.Struct, frozen=True):
    """Look at all data sources now, or at one of them, also for changed zone files."""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "reload"
    reply: ClassVar[type[ReloadReply]] = ReloadReply

    source: str | None = None


class RebuildReply(msgspec.Struct, frozen=True):
    """How many zones wait to be built."""

    waiting: int


class Rebuild(msgspec.Struct, frozen=True):
    """Build a zone anew, or all of them; what is there is answered from meanwhile."""

    module: ClassVar[str] = "memmgr"
    command: ClassVar[str] = "rebuild"
    reply: ClassVar[type[RebuildReply]] = RebuildReply

    origin: str | None = None


MAX_FAILURES = 100
MAX_PROBLEMS = 20  # of a data source
MAX_ORIGINS = 1000  # zones in one question
