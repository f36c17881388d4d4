"""The bus messages of auth. Every instance answers for itself; who wants all asks each member.

Origins are text as in the configuration: lower case, no final dot, the root is `.`. Other forms are taken too.
"""

from __future__ import annotations

from typing import Any, ClassVar

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
    by: str = ""  # who answers: image, authworker, or auth itself where there is no worker


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


class CookiesServed(msgspec.Struct, frozen=True):
    """What DNS cookies are made with."""

    secret: str  # off, own (in the state directory), files, or passing: of this process alone, since none can be read
    accepted: int = 0  # secrets, the one that makes cookies included
    next_rollover: int | None = None  # POSIX seconds when the own one rolls over


class ImagesServed(msgspec.Struct, frozen=True):
    """The images this instance has mapped."""

    zones: int  # in the directory
    slots: int  # image files
    octets: int
    used: bool  # False: the configuration asks for what they cannot do; everything is answered from the data sources


class StatusReply(msgspec.Struct, frozen=True):
    """How this instance is doing."""

    sockets: tuple[str, ...]  # `udp ADDRESS@PORT`
    connections: int  # TCP, now
    sources: tuple[SourceServed, ...]
    cookies: CookiesServed = CookiesServed("off")
    images: ImagesServed | None = None  # None: everything is answered from the data sources
    rate_limit: str = "off"  # on, log only


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


class Written(msgspec.Struct, frozen=True):
    """Who wrote a version of a zone."""

    author: str
    source: str  # loadzone, rest, xfrin, update, ...
    reason: str
    time: float  # POSIX seconds


class ReadFrom(msgspec.Struct, frozen=True):
    """The file a zone is read from."""

    path: str
    changed: float  # POSIX seconds


class ExplainedZone(msgspec.Struct, frozen=True):
    """The zone a name is answered from, as the answer saw it."""

    origin: str
    source: str  # name of the data source
    version: int
    serial: int | None
    records: int
    state: str
    reason: str
    written: Written | None  # None: older than the history that is kept, or read from a file
    file: ReadFrom | None = None  # None: it is of a database


class ExplainedAcl(msgspec.Struct, frozen=True):
    """What the query ACL of a zone said."""

    place: str  # in the configuration
    action: str
    rule: int | None  # None: no rule matches, which is REJECT
    source: Any  # that rule, as configured


class ExplainedStep(msgspec.Struct, frozen=True):
    """One name on the way: the one asked for, or one that a CNAME or DNAME led to."""

    name: str
    zone: ExplainedZone | None  # None: none here holds the name
    acl: ExplainedAcl | None
    rule: str  # exact, wildcard, cname, dname, delegation, nodata, empty-non-terminal, nxdomain; empty: no lookup
    wildcard: bool
    closest_encloser: str
    node: str  # owner of the set found
    types: tuple[str, ...]  # nodata: what is there instead
    rrset: str | None


class ExplainedReply(msgspec.Struct, frozen=True):
    """The reply, in presentation form."""

    rcode: str
    flags: str
    octets: int
    errors: tuple[str, ...]  # extended DNS errors (RFC 8914)
    answer: tuple[str, ...]
    authority: tuple[str, ...]
    additional: tuple[str, ...]


class Explained(msgspec.Struct, frozen=True):
    """How a query is answered, and why."""

    name: str
    rdtype: str
    listening: tuple[str, ...]  # `udp ADDRESS@PORT`
    taken_by: tuple[str, ...]  # those of them the query could come in at
    steps: tuple[ExplainedStep, ...]
    notes: tuple[str, ...]  # log messages it would cause
    reply: ExplainedReply | None  # None: no reply is sent
    by: str = ""  # who answers: image (the compiled loops), authworker, or auth (where there is no worker)
    hook: bool = False  # the reply is shown to the answer hook, which is not called here


class Explain(msgspec.Struct, frozen=True):
    """Why is this query answered as it is? Class IN, with EDNS. Nothing is counted, logged or sent."""

    module: ClassVar[str] = "auth"
    command: ClassVar[str] = "explain"
    reply: ClassVar[type[Explained]] = Explained
    changes: ClassVar[bool] = False

    name: str
    rdtype: str = "A"
    client: str = "127.0.0.1"  # address of who asks
    to: str | None = None  # ADDRESS@PORT it is sent to
    tcp: bool = False
    dnssec: bool = False
    udp_size: int = 1232
    key: str | None = None  # TSIG key it is signed with
