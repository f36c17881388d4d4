"""How large the referral for a zone is that its parent's servers have to send (DELEGATION03)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import dns.flags
import dns.message
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset

SIZE_LIMIT = 512  # RFC 1035 section 2.3.4
_NAME_OCTETS = 255  # RFC 1035 section 2.3.4
_LABEL_OCTETS = 63
_TTL = 86400  # as long on the wire as any other
_MAX_MESSAGE = 65535
_ANY_ADDRESS = {dns.rdatatype.A: "192.0.2.1", dns.rdatatype.AAAA: "2001:db8::1"}


def stretched(zone: dns.name.Name) -> dns.name.Name:
    """A name below the zone that is as long as a name may be."""
    room = _NAME_OCTETS - sum(len(label) + 1 for label in zone.labels)
    labels: list[bytes] = []
    while room > 1:
        length = min(_LABEL_OCTETS, room - 1)
        if room - length - 1 == 1:  # a single octet left over could hold no label
            length -= 1
        labels.append(b"x" * length)
        room -= length + 1
    return dns.name.Name((*labels, *zone.labels))


def size(
    zone: dns.name.Name,
    parent: dns.name.Name,
    names: Sequence[dns.name.Name],
    holders: Mapping[dns.rdatatype.RdataType, Iterable[dns.name.Name]],
) -> int:
    """The octets of the referral, compressed, for the longest query name.

    `holders` are the names that have addresses of type A and of type AAAA: one address of a type is added where there
    are any and all of them lie in the parent zone.
    """
    message = dns.message.QueryMessage(id=0)
    message.flags = dns.flags.QR
    message.question.append(dns.rrset.RRset(stretched(zone), dns.rdataclass.IN, dns.rdatatype.NS))
    texts = [name.to_text() for name in names]
    message.authority.append(dns.rrset.from_text_list(zone, _TTL, dns.rdataclass.IN, dns.rdatatype.NS, texts))
    for rdtype, address in _ANY_ADDRESS.items():
        having = sorted(holders.get(rdtype, ()))
        if having and all(name.is_subdomain(parent) for name in having):
            message.additional.append(dns.rrset.from_text(having[0], _TTL, dns.rdataclass.IN, rdtype, address))
    return len(message.to_wire(max_size=_MAX_MESSAGE))
