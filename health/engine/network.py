"""The one door to the network: everything the engine asks goes through `Network.query`, and can be replaced there."""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import Literal, Protocol

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype


class Transport(enum.Enum):
    """What carries a query."""

    UDP = "UDP"
    TCP = "TCP"


@dataclass(frozen=True, slots=True)
class Edns:
    """The OPT record of a query (RFC 6891); payload is the UDP size we announce, z the 15 flag bits after DO."""

    version: int = 0
    payload: int = 512
    dnssec_ok: bool = False
    z: int = 0
    options: tuple[tuple[int, bytes], ...] = ()


# The queries of the specification (DNSQueryAndResponseDefaults): with EDNS, and asking for DNSSEC records.
EDNS = Edns()
DNSSEC = Edns(dnssec_ok=True, payload=1232)


@dataclass(frozen=True, slots=True)
class Query:
    """One question to one address, sent once; timeout in seconds. Its octets are those of `name` as it is written."""

    address: str
    name: dns.name.Name
    rdtype: dns.rdatatype.RdataType
    rdclass: dns.rdataclass.RdataClass = dns.rdataclass.IN
    transport: Transport = Transport.UDP
    recursion_desired: bool = False
    authentic_data: bool = False
    checking_disabled: bool = False
    edns: Edns | None = None
    timeout: float = 5.0

    @property
    def key(self) -> tuple[object, ...]:
        """What makes two queries the same; the case of the name counts, the time-out does not."""
        return (
            self.address,
            self.name.labels,
            self.rdtype,
            self.rdclass,
            self.transport,
            self.recursion_desired,
            self.authentic_data,
            self.checking_disabled,
            self.edns,
        )

    def message(self) -> dns.message.QueryMessage:
        """The message to send, with a fresh id."""
        message = dns.message.QueryMessage()
        message.find_rrset(message.question, self.name, self.rdclass, self.rdtype, create=True, force_unique=True)
        if self.recursion_desired:
            message.flags |= dns.flags.RD
        if self.authentic_data:
            message.flags |= dns.flags.AD
        if self.checking_disabled:
            message.flags |= dns.flags.CD
        if self.edns is not None:
            options: list[dns.edns.Option] = [
                dns.edns.GenericOption(dns.edns.OptionType.make(code), data) for code, data in self.edns.options
            ]
            flags = (dns.flags.DO if self.edns.dnssec_ok else 0) | (self.edns.z & 0x7FFF)
            message.use_edns(self.edns.version, flags, self.edns.payload, options=options)
        return message


class Silence(enum.Enum):
    """Why there was no response."""

    TIMEOUT = "time-out"
    UNREACHABLE = "unreachable"
    CLOSED = "connection refused or closed"
    MALFORMED = "not a DNS response"
    DISABLED = "address family not in use"


@dataclass(frozen=True, slots=True)
class NoResponse:
    """That no usable response came, and why. False in a condition."""

    reason: Silence
    detail: str = ""

    def __bool__(self) -> Literal[False]:
        return False


class Network(Protocol):
    """The door. An implementation answers one query once: no retry, no fall-back to TCP, no cache.

    It does not raise for what the network does; that is a NoResponse. Of a zone transfer (AXFR) it gives the first
    message only. Responses are best read with `health.engine.wire.parse`, which keeps what dns.message.from_wire
    refuses or merges; where the response came from is said by a `source` attribute of the message, if it has one.
    """

    async def query(self, query: Query) -> dns.message.Message | NoResponse:
        """Send the query, wait at most `query.timeout` seconds, give the response."""
        ...
