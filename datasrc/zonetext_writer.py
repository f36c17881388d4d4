"""Zones as text: one record a line, each line whole in itself (absolute names, TTL, class), in canonical order.

The same zone always gives the same octets, and reading them gives the same zone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from dns import rdatatype
from dns.rdatatype import RdataType

from datasrc.records import RRset
from datasrc.zonetext_names import name_text
from datasrc.zonetext_rdata import rdata_text


def zone_lines(rrsets: Iterable[RRset]) -> Iterator[str]:
    """The lines, ASCII and each with its newline, of sets in the order given (as Finder.rrsets() has them)."""
    for rrset in rrsets:
        rdtype = RdataType.make(rrset.rdtype)
        start = f"{name_text(rrset.name)}\t{rrset.ttl}\tIN\t{rdatatype.to_text(rdtype)}\t"
        for rdata in rrset.rdatas:
            yield f"{start}{rdata_text(rrset.rdtype, rdata)}\n"
