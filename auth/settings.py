"""How auth answers: the values of its options, as one immutable object a configuration revision."""

from __future__ import annotations

import enum
from dataclasses import dataclass, field

from auth.edns import DEFAULT_UDP_SIZE


class AnyAnswer(enum.Enum):
    """What a query of type ANY gets (RFC 8482 section 4)."""

    RRSET = "rrset"  # the RRset of the name whose type has the lowest number
    HINFO = "hinfo"  # a synthesised HINFO "RFC8482"


@dataclass(frozen=True, slots=True)
class TcpSettings:
    """Limits of TCP service; defaults are in specs/auth.yaml, with their sources."""

    connections: int = 512  # per process
    connections_per_client: int = 64
    idle_timeout: float = 10.0  # seconds without a whole message
    message_timeout: float = 5.0  # seconds from the first octet of a message to its last
    write_timeout: float = 5.0  # seconds a client may leave a reply unread
    pipeline: int = 25  # queries of one connection answered in one go


@dataclass(frozen=True, slots=True)
class CookieSettings:
    """What is done about DNS cookies; the secrets are in auth.cookie_secrets."""

    enabled: bool = True
    required: bool = False  # over UDP, of clients that send one


@dataclass(frozen=True, slots=True)
class RateLimitSettings:
    """Response rate limiting: responses a second of each kind, and what becomes of those over the limit."""

    enabled: bool = False
    answers: int = 200
    referrals: int | None = None  # None: as many as answers
    nodata: int | None = None
    nxdomains: int | None = None
    errors: int | None = None
    all: int = 0  # of a network, whatever they are; 0: not limited
    window: float = 15.0  # seconds
    slip: int = 2
    ipv4_prefix_length: int = 24
    ipv6_prefix_length: int = 56
    exempt: tuple[str, ...] = ()
    log_only: bool = False
    memory: int = 4 << 20  # octets of the table


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything but the zones."""

    udp_size: int = DEFAULT_UDP_SIZE
    minimal_responses: bool = True
    any_answer: AnyAnswer = AnyAnswer.RRSET
    any_ttl: int = 3600  # seconds, of the synthesised HINFO
    nsid: bytes = b""  # empty: not sent
    version: str = ""  # CH TXT version.bind; empty: REFUSED
    server_id: str = ""  # CH TXT id.server; empty: REFUSED
    udp_batch: int = 64  # datagrams of one socket answered in one go
    tcp: TcpSettings = field(default_factory=TcpSettings)
    cookies: CookieSettings = field(default_factory=CookieSettings)
    rate_limit: RateLimitSettings = field(default_factory=RateLimitSettings)
