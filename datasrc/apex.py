"""What the sets at the apex say about a zone: its serial, and whether it can be answered from at all."""

from __future__ import annotations

from collections.abc import Sequence

from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.rdata import soa_serial
from datasrc.records import RRset, ZoneInfo, ZoneState
from datasrc.rows import Row

NS = int(RdataType.NS)
SOA = int(RdataType.SOA)
APEX_TYPES = (NS, SOA)


def inspect(origin: Name, version: int, records: int, rows: Sequence[Row]) -> tuple[ZoneInfo, list[RRset]]:
    """Judge a zone by its NS and SOA rows (RFC 1035 section 5.2); also gives their sets."""
    if not records and not rows:
        return ZoneInfo(origin, version, None, 0, ZoneState.EMPTY, "no data was ever loaded"), []
    try:
        sets = [row.rrset(origin) for row in rows]
    except ValueError as error:
        return _broken(origin, version, None, records, f"a record at its apex is damaged: {error}"), []
    soa = [rdata for rrset in sets if rrset.rdtype == SOA for rdata in rrset.rdatas]
    serial = soa_serial(soa[0]) if len(soa) == 1 else None
    if len(soa) != 1:
        reason = f"{len(soa) or 'no'} SOA records at its apex"
    elif serial is None:
        reason = "its SOA record is damaged"
    elif not any(rrset.rdtype == NS for rrset in sets):
        reason = "no NS records at its apex"
    else:
        return ZoneInfo(origin, version, serial, records), sets
    return _broken(origin, version, serial, records, reason), sets


def _broken(origin: Name, version: int, serial: int | None, records: int, reason: str) -> ZoneInfo:
    return ZoneInfo(origin, version, serial, records, ZoneState.BROKEN, reason)
