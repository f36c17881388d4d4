"""The values that cross the data source interface: RRsets, zones, changes. RDATA is always uncompressed wire form."""

from __future__ import annotations

import enum
from dataclasses import dataclass

from dns.name import Name


@dataclass(frozen=True, slots=True)
class RRset:
    """All records of one owner name, type and (for RRSIG) covered type.

    `name` is absolute and keeps the case it was first stored with (RFC 4343 section 4.1). `rdatas` are uncompressed
    wire bytes, unique, in canonical order (RFC 4034 section 6.3). `ttl` is that of the set (RFC 2181 section 5.2).
    """

    name: Name
    rdtype: int
    ttl: int
    rdatas: tuple[bytes, ...]
    covers: int = 0


class ZoneState(enum.Enum):
    """Whether a zone can be answered from."""

    READY = "ready"
    EMPTY = "empty"  # known, but no data was ever loaded
    BROKEN = "broken"  # data present but unusable; see ZoneInfo.reason


@dataclass(frozen=True, slots=True)
class ZoneInfo:
    """One zone of a data source as of one version."""

    origin: Name
    version: int  # + 1 per transaction; the compare-and-swap value
    serial: int | None  # SOA serial, None while EMPTY
    records: int  # RR count
    state: ZoneState = ZoneState.READY
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ZoneFilter:
    """Which zones a list has: those whose name begins so, as text in any case, and those in this state."""

    beginning: str = ""
    state: ZoneState | None = None

    def text_range(self) -> tuple[bytes, bytes]:
        """The first text (`keys.key_text`) that begins so, and one behind the last."""
        first = self.beginning.lower().encode("utf-8", "surrogateescape")
        return first, first + b"\xff"  # no name has it in its text: it is ASCII

    def matches(self, text: bytes) -> bool:
        """Whether a text is in that range."""
        first, behind = self.text_range()
        return first <= text < behind


EVERY_ZONE = ZoneFilter()


class Match(enum.Enum):
    """How a lookup ended (RFC 1034 section 4.3.2)."""

    SUCCESS = "success"  # rrset (or rrsets for ANY) is the answer
    CNAME = "cname"  # rrset is the CNAME to follow
    DNAME = "dname"  # rrset is the DNAME at an ancestor of the name
    DELEGATION = "delegation"  # rrset is the NS set at the cut
    NODATA = "nodata"  # the name (or the wildcard matched) exists, the type does not
    NXDOMAIN = "nxdomain"


@dataclass(frozen=True, slots=True)
class Lookup:
    """The outcome of Finder.find().

    `rrset.name` is the stored owner: for a wildcard it is `*.encloser`; the caller answers with the name it asked for.
    """

    match: Match
    closest_encloser: Name  # the longest existing ancestor-or-self (RFC 4592 section 3.3.1)
    rrset: RRset | None = None
    rrsets: tuple[RRset, ...] = ()  # every set of the node, for type ANY
    wildcard: bool = False  # answered by (or NODATA at) a wildcard


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who changed a zone, through which door, and why: kept with every transaction."""

    author: str
    source: str  # loadzone, bobctl, rest, xfrin, update, ...
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Change:
    """One row of the outbox: a committed transaction on a zone. Ids rise in commit order."""

    id: int
    origin: Name
    version: int
    serial: int | None  # None: the zone has no data (any more)
    provenance: Provenance
    time: float  # POSIX seconds
    deleted: bool = False


@dataclass(frozen=True, slots=True)
class Difference:
    """One IXFR difference sequence: what was deleted and added between two serials (RFC 1995 section 4)."""

    from_serial: int | None  # None only in the history of a zone, never in IXFR: there was, or is, no data
    to_serial: int | None
    deleted: tuple[RRset, ...]  # the old SOA first
    added: tuple[RRset, ...]  # the new SOA first
