"""Zones for tests, as lines of text: `owner [TTL] TYPE rdata`, all names absolute or relative to the origin."""

from __future__ import annotations

import struct
from collections.abc import Iterable

import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.records import Change, Provenance, RRset
from datasrc.source import DataSource

TTL = 3600
TESTER = Provenance("tester", "test", "because")

SMALL = """
@ SOA ns hostmaster 1 3600 900 604800 300
@ NS ns
ns A 192.0.2.1
"""


def name(text: str, origin: str = "example.") -> Name:
    """An absolute name."""
    return dns.name.from_text(text, dns.name.from_text(origin))


def rdtype(text: str) -> int:
    return int(dns.rdatatype.from_text(text))


def wire(kind: str, text: str, origin: str = "example.") -> bytes:
    """Uncompressed RDATA."""
    rdata = dns.rdata.from_text("IN", kind, text, origin=dns.name.from_text(origin), relativize=False)
    return rdata.to_wire() or b""


def rrset(line: str, origin: str = "example.") -> RRset:
    """The set of one line; several RDATAs are parted by `|`."""
    owner, ttl, kind, rest = _parts(line)
    rdatas = tuple(wire(kind, text.strip(), origin) for text in rest.split("|"))
    number = rdtype(kind)
    covers = struct.unpack("!H", rdatas[0][:2])[0] if kind in {"RRSIG", "SIG"} else 0
    return RRset(name(owner, origin), number, ttl, rdatas, covers)


def rrsets(text: str, origin: str = "example.") -> list[RRset]:
    """One set a line, not merged."""
    return [rrset(line, origin) for line in text.strip().splitlines() if line.strip()]


def texts(sets: Iterable[RRset]) -> list[str]:
    """Every record as a line of text, in the order it comes."""
    return [
        f"{each.name} {each.ttl} {dns.rdatatype.to_text(RdataType.make(each.rdtype))} {_rdata_text(each.rdtype, rdata)}"
        for each in sets
        for rdata in each.rdatas
    ]


def load(source: DataSource, text: str, origin: str = "example.", *, replace: bool = True) -> Change | None:
    """Make or replace a zone."""
    with source.updater(dns.name.from_text(origin), create=True, replace=replace) as updater:
        for each in rrsets(text, origin):
            updater.add(each)
        return updater.commit(TESTER)


def soa(serial: int) -> str:
    return f"@ SOA ns hostmaster {serial} 3600 900 604800 300"


def change(
    source: DataSource, serial: int, *, add: str = "", delete: str = "", origin: str = "example."
) -> Change | None:
    """Change a zone under a new serial."""
    with source.updater(dns.name.from_text(origin)) as updater:
        for each in rrsets(delete, origin):
            updater.delete(each.name, each.rdtype, each.covers, each.rdatas)
        for each in rrsets(f"{soa(serial)}\n{add}", origin):
            updater.add(each)
        return updater.commit(TESTER)


def stored(source: DataSource, origin: str = "example.") -> list[str]:
    """All records of a zone as text."""
    with source.snapshot() as snapshot:
        finder = snapshot.zone(dns.name.from_text(origin))
        assert finder is not None
        return texts(finder.rrsets())


def _parts(line: str) -> tuple[str, int, str, str]:
    owner, second, rest = line.split(maxsplit=2)
    if second.isdigit():
        kind, _, rest = rest.partition(" ")
        return owner, int(second), kind, rest
    return owner, TTL, second, rest


def _rdata_text(number: int, rdata: bytes) -> str:
    return dns.rdata.from_wire(dns.rdataclass.IN, RdataType.make(number), rdata, 0, len(rdata)).to_text()
