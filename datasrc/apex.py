"""What the sets at the apex say about a zone: its serial, and whether it can be answered from at all."""

from __future__ import annotations

from collections.abc import Sequence

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.rdata import soa_serial, unpack
from datasrc.records import ZoneInfo, ZoneState
from datasrc.rows import Row

NS = int(RdataType.NS)
SOA = int(RdataType.SOA)
APEX_TYPES = (NS, SOA)


def inspect(origin: Name, version: int, records: int, rows: Sequence[Row]) -> ZoneInfo:
    """Judge a zone by the NS and SOA rows at its apex (RFC 1035 section 5.2)."""
    if not records and not rows:
        return ZoneInfo(origin, version, None, 0, ZoneState.EMPTY, "no data was ever loaded")
    reason, serial = _fault(origin, rows)
    return ZoneInfo(origin, version, serial, records, ZoneState.BROKEN if reason else ZoneState.READY, reason)


def _fault(origin: Name, rows: Sequence[Row]) -> tuple[str, int | None]:
    """Why the zone cannot be answered from, if so, and the serial if it can be read."""
    sets: dict[int, tuple[bytes, ...]] = {}
    try:
        for row in rows:
            row.name(origin)
            sets[row.rdtype] = unpack(row.rdatas)
    except ValueError as error:
        return f"a record at its apex is damaged: {error}", None
    soa = sets.get(SOA, ())
    if len(soa) != 1:
        return f"{len(soa) or 'no'} SOA records at its apex", None
    serial = soa_serial(soa[0])
    if serial is None:
        return "its SOA record is damaged", None
    return ("" if NS in sets else "no NS records at its apex"), serial
