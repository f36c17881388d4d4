"""Zone text in, records and findings out: for the tests of the reader, the writer and the checks."""

from __future__ import annotations

import io
from pathlib import Path

import dns.name
from dns import rdatatype
from dns.rdatatype import RdataType

from datasrc.findings import Finding
from datasrc.zonetext import Reader, Record
from datasrc.zonetext_rdata import rdata_text
from datasrc.zonetext_zone import ZoneText, read_zone

ORIGIN = dns.name.from_text("example.org.")
FILE = "z"


def octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()


def read(text: str | bytes, *, directory: Path | None = None, **options) -> tuple[list[Record], list[Finding]]:
    """The records and findings of a text read with origin example.org."""
    findings: list[Finding] = []
    reader = Reader(ORIGIN, findings.append, **options)
    return list(reader.read(io.BytesIO(octets(text)), FILE, directory)), findings


def shown(records: list[Record]) -> list[str]:
    """Records as `owner ttl type rdata`, owners relative to the origin."""
    return [
        f"{record.owner.relativize(ORIGIN)} {record.ttl} {rdatatype.to_text(RdataType.make(record.rdtype))}"
        f" {rdata_text(record.rdtype, record.rdata)}"
        for record in records
    ]


def good(text: str | bytes, **options) -> list[str]:
    """The records of a text without any finding."""
    records, findings = read(text, **options)
    assert [str(finding) for finding in findings] == []
    return shown(records)


def zone(text: str | bytes, origin: dns.name.Name = ORIGIN) -> tuple[ZoneText, list[tuple[str, int | None]]]:
    """The zone of a text, and the code and line of each finding."""
    gathered, findings = read_zone(io.BytesIO(octets(text)), FILE, origin)
    return gathered, [(finding.code.value, finding.place.line if finding.place else None) for finding in findings]


def gathered(text: str, origin: dns.name.Name) -> ZoneText:
    """The zone of a text before anything is checked."""
    findings: list[Finding] = []
    zone = ZoneText(origin, findings.append)
    for record in Reader(origin, findings.append, plain=zone.plain).read(io.BytesIO(text.encode()), FILE):
        zone.add(record)
    zone.finish()
    return zone
