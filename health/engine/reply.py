"""A response as test cases read it: record by record, flags by name."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.rrset

from health.engine.network import Query
from health.engine.results import name_text


@dataclass(frozen=True, slots=True, order=True)
class Server:
    """A name server at one of its addresses; as text "name/address"."""

    name: dns.name.Name
    address: str

    def __str__(self) -> str:
        return f"{name_text(self.name)}/{self.address}"


@dataclass(frozen=True, slots=True)
class Record:
    """One resource record. rdata may be a GenericRdata where the octets do not fit the type."""

    name: dns.name.Name
    rdclass: dns.rdataclass.RdataClass
    rdtype: dns.rdatatype.RdataType
    ttl: int
    rdata: Any  # a dns.rdata.Rdata, whose attributes depend on the type


def records(section: list[dns.rrset.RRset], rdtype: dns.rdatatype.RdataType | None = None) -> Iterator[Record]:
    """The records of a section one by one, of one type if it is given."""
    for rrset in section:
        if rdtype is None or rrset.rdtype == rdtype:
            for rdata in rrset:
                yield Record(rrset.name, rrset.rdclass, rrset.rdtype, rrset.ttl, rdata)


@dataclass(frozen=True, slots=True)
class Reply:
    """A response, the query it answers and when it came (POSIX seconds). True in a condition."""

    query: Query
    message: dns.message.Message
    time: float

    def __bool__(self) -> Literal[True]:
        return True

    @property
    def rcode(self) -> dns.rcode.Rcode:
        """The response code, extended by EDNS."""
        return self.message.rcode()

    @property
    def noerror(self) -> bool:
        """Whether the response code is NOERROR."""
        return self.rcode == dns.rcode.NOERROR

    @property
    def authoritative(self) -> bool:
        """The AA flag."""
        return bool(self.message.flags & dns.flags.AA)

    @property
    def truncated(self) -> bool:
        """The TC flag."""
        return bool(self.message.flags & dns.flags.TC)

    @property
    def recursion_available(self) -> bool:
        """The RA flag."""
        return bool(self.message.flags & dns.flags.RA)

    @property
    def has_edns(self) -> bool:
        """Whether there is an OPT record."""
        return self.message.opt is not None

    @property
    def edns_version(self) -> int:
        """The version in the OPT record, -1 without one."""
        return self.message.edns

    @property
    def dnssec_ok(self) -> bool:
        """The DO flag of the OPT record."""
        return self.has_edns and bool(self.message.ednsflags & dns.flags.DO)

    @property
    def edns_z(self) -> int:
        """The 15 flag bits after DO in the OPT record."""
        return self.message.ednsflags & 0x7FFF if self.has_edns else 0

    @property
    def edns_options(self) -> list[int]:
        """The codes of the options in the OPT record."""
        return [int(option.otype) for option in self.message.options]

    @property
    def source(self) -> str:
        """The address the response came from; the one that was asked where the door does not say."""
        return str(getattr(self.message, "source", None) or self.query.address)

    def answers(self, rdtype: dns.rdatatype.RdataType | None = None, name: dns.name.Name | None = None) -> list[Record]:
        """The records of type `rdtype` in the answer section, whoever owns them unless a name is given."""
        return self._of_its_class(self.message.answer, rdtype, name)

    def authority(
        self, rdtype: dns.rdatatype.RdataType | None = None, name: dns.name.Name | None = None
    ) -> list[Record]:
        """The records of type `rdtype` in the authority section."""
        return self._of_its_class(self.message.authority, rdtype, name)

    def additional(
        self, rdtype: dns.rdatatype.RdataType | None = None, name: dns.name.Name | None = None
    ) -> list[Record]:
        """The records of type `rdtype` in the additional section (OPT is not among them)."""
        return self._of_its_class(self.message.additional, rdtype, name)

    def _of_its_class(
        self, section: list[dns.rrset.RRset], rdtype: dns.rdatatype.RdataType | None, name: dns.name.Name | None
    ) -> list[Record]:
        """Records of the class that was asked for: others are no part of a valid response."""
        wanted = (record for record in records(section, rdtype) if record.rdclass == self.query.rdclass)
        return [record for record in wanted if name is None or record.name == name]

    def signatures(self, covers: dns.rdatatype.RdataType, name: dns.name.Name | None = None) -> list[Record]:
        """The well-formed RRSIG records in the answer section that cover a type."""
        found = self.answers(dns.rdatatype.RRSIG, name)
        return [r for r in found if getattr(r.rdata, "type_covered", None) == covers]

    def asked(self, rdtype: dns.rdatatype.RdataType | None = None) -> list[Record]:
        """The answer as the specification counts it by default: owner = QNAME, type = QTYPE (or the type given)."""
        return self.answers(self.query.rdtype if rdtype is None else rdtype, self.query.name)

    def referral(self) -> dns.name.Name | None:
        """The name this response refers to: no AA, NOERROR, no answer but CNAME, NS in authority; else None."""
        if self.authoritative or not self.noerror or self.asked():
            return None
        owners = {record.name for record in self.authority(dns.rdatatype.NS)}
        return next(iter(owners)) if len(owners) == 1 else None
