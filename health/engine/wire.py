"""Reading a response that may be broken: record by record, nothing merged, what does not fit its type kept raw."""

from __future__ import annotations

import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.wire

from health.engine.errors import MalformedMessage

_SECTIONS = 3  # answer, authority, additional


class Response(dns.message.QueryMessage):
    """A message as it came, with the address it came from ("" where that is not known)."""

    source: str = ""


def parse(wire: bytes, source: str = "") -> Response:
    """Read a message (RFC 1035 section 4).

    Each record is an RRset of its own, so that duplicates stay visible. RDATA that does not fit its type becomes
    GenericRdata. Records after the place where the message breaks off are lost and TC is set, as they would be there.

    Raises MalformedMessage when not even header and question can be read.
    """
    response = Response()
    parser = dns.wire.Parser(wire)
    try:
        response.id, response.flags, *counts = parser.get_struct("!HHHHHH")
        for _ in range(counts[0]):
            name = dns.name.from_wire_parser(parser)
            rdtype, rdclass = parser.get_struct("!HH")
            response.question.append(dns.rrset.RRset(name, rdclass, rdtype))
    except (dns.exception.DNSException, ValueError) as error:
        raise MalformedMessage(f"the header or question of the response cannot be read: {error}") from error
    response.wire = wire
    response.source = source
    owners: dict[tuple[bytes, ...], dns.name.Name] = {}
    try:
        for section, count in zip(response.sections[1:], counts[1:], strict=True):
            for _ in range(count):
                _record(parser, response, section, owners)
    except (dns.exception.DNSException, ValueError):
        response.flags |= dns.flags.TC
    return response


def _record(
    parser: dns.wire.Parser,
    response: Response,
    section: list[dns.rrset.RRset],
    owners: dict[tuple[bytes, ...], dns.name.Name],
) -> None:
    name = dns.name.from_wire_parser(parser)
    name = owners.setdefault(name.labels, name)  # one object for all the records of a name: there may be many
    type_code, class_code, ttl, length = parser.get_struct("!HHIH")
    rdtype, rdclass = dns.rdatatype.RdataType.make(type_code), dns.rdataclass.RdataClass.make(class_code)
    start = parser.current
    octets = parser.get_bytes(length)
    rdata = _rdata(parser, rdclass, rdtype, start, octets)
    rrset = dns.rrset.RRset(name, rdclass, rdtype)
    if rdtype == dns.rdatatype.OPT:
        if response.opt is None and hasattr(rdata, "options"):
            rrset.add(rdata, ttl)
            response.opt = rrset
        return
    rrset.add(rdata, ttl & 0x7FFFFFFF if ttl < 1 << 31 else 0)  # RFC 2181 section 8
    section.append(rrset)


def _rdata(
    parser: dns.wire.Parser,
    rdclass: dns.rdataclass.RdataClass,
    rdtype: dns.rdatatype.RdataType,
    start: int,
    octets: bytes,
) -> dns.rdata.Rdata:
    again = dns.wire.Parser(parser.wire, start)
    try:
        with again.restrict_to(len(octets)):
            return dns.rdata.from_wire_parser(rdclass, rdtype, again)
    except (dns.exception.DNSException, ValueError):
        return dns.rdata.GenericRdata(rdclass, rdtype, octets)
