"""The records of one zone's text, gathered into sets: out-of-zone records skipped, duplicates merged, one TTL a set."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from dns import rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.checks import check_zone
from datasrc.findings import Code, Finding, Findings, Place
from datasrc.keys import name_key
from datasrc.rdata import SIGNATURES, canonical, normal_form, soa_serial
from datasrc.records import RRset
from datasrc.zonetext import Reader, Record
from datasrc.zonetext_lexer import Report

# Sets of fewer records are searched one by one: most are, and a set of octets costs more than all of theirs.
FEW = 8
# How often a caller hears how far the reading is.
PROGRESS_EVERY = 10_000


@dataclass(slots=True)
class _Set:
    """The records of one name and type as they come."""

    name: Name
    ttl: int
    rdatas: list[bytes]
    place: Place
    forms: set[bytes] | None = None  # canonical forms, once there are many

    def has(self, rdtype: int, form: bytes) -> bool:
        """Whether a record of this canonical form is in the set; if not it is going to be."""
        if self.forms is None:
            forms = [canonical(rdtype, rdata) for rdata in self.rdatas]
            if len(forms) < FEW:
                return form in forms
            self.forms = set(forms)
        found = form in self.forms
        self.forms.add(form)
        return found


class ZoneText:
    """Sets of a zone as its text gives them, each with the place of its first record."""

    def __init__(self, origin: Name, report: Report) -> None:
        self.origin = origin
        self.records = 0
        self._report = report
        self._origin_key = name_key(origin)
        # By name key, a zero (below every label, so that a name sorts before its descendants), type and covered type.
        self._sets: dict[bytes, _Set] = {}
        self._owner: Name | None = None
        self._owner_key = b""

    @property
    def serial(self) -> int | None:
        """The serial of the SOA, if there is one."""
        soa = self._sets.get(_set_key(b"", RdataType.SOA, 0))
        return None if soa is None else soa_serial(soa.rdatas[0])

    @property
    def apex_place(self) -> Place | None:
        """Where the SOA was written."""
        soa = self._sets.get(_set_key(b"", RdataType.SOA, 0))
        return None if soa is None else soa.place

    def add(self, record: Record) -> None:
        """Take a record into its set."""
        if record.owner is not self._owner:
            self._owner, self._owner_key = record.owner, name_key(record.owner)
        if not self._owner_key.startswith(self._origin_key):
            text = f"{record.owner} is not in the zone {self.origin}; the record is skipped"
            self._report(Finding(Code.OUT_OF_ZONE, text, record.place))
            return
        covers = int.from_bytes(record.rdata[:2], "big") if record.rdtype in SIGNATURES else 0
        key = _set_key(self._owner_key[len(self._origin_key) :], record.rdtype, covers)
        found = self._sets.get(key)
        if found is None:
            self._sets[key] = _Set(record.owner, record.ttl, [record.rdata], record.place)
            self.records += 1
        else:
            self._merge(found, record)

    def rrsets(self) -> Iterator[RRset]:
        """All sets in canonical order, the SOA first."""
        soa = _set_key(b"", RdataType.SOA, 0)
        if soa in self._sets:
            yield _rrset(soa, self._sets[soa])
        for key in sorted(self._sets):
            if key != soa:
                yield _rrset(key, self._sets[key])

    def place(self, rrset: RRset) -> Place | None:
        """Where a set was written (of several SOA, CNAME or DNAME records the last, which is one too many)."""
        found = self._sets.get(_set_key(name_key(rrset.name)[len(self._origin_key) :], rrset.rdtype, rrset.covers))
        return None if found is None else found.place

    def _merge(self, found: _Set, record: Record) -> None:
        if found.has(record.rdtype, canonical(record.rdtype, record.rdata)):
            self._report(Finding(Code.DUPLICATE, f"{_described(record)} is there already; one is kept", record.place))
        else:
            found.rdatas.append(record.rdata)
            self.records += 1
            if record.rdtype in (RdataType.SOA, RdataType.CNAME, RdataType.DNAME):
                found.place = record.place
        if record.ttl != found.ttl:
            lowest = min(record.ttl, found.ttl)
            text = f"{_described(record)} has TTL {record.ttl} where its set has {found.ttl}; {lowest} is used for all"
            self._report(Finding(Code.TTL_DIFFERS, text, record.place))
            found.ttl = lowest


def read_zone(
    stream: BinaryIO,
    file: str,
    origin: Name,
    *,
    directory: Path | None = None,
    includes: bool = True,
    report: Report | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ZoneText, Findings]:
    """Read the text of a zone and check it; where `findings.errors` is not 0 the text must not be used.

    `report` hears each finding that is kept as it is found; `progress` now and then the records and octets read so far.
    """
    findings = Findings()

    def note(finding: Finding) -> None:
        if findings.add(finding) and report is not None:
            report(finding)

    reader = Reader(origin, note, includes=includes)
    zone = ZoneText(origin, note)
    for count, record in enumerate(reader.read(stream, file, directory), 1):
        zone.add(record)
        if progress is not None and count % PROGRESS_EVERY == 0:
            progress(count, reader.octets)
    if not findings.errors:  # a record that could not be read would be missed again
        check_zone(origin, zone.rrsets(), lambda finding: note(_located(finding, zone, file)), zone.place)
    return zone, findings


def _located(finding: Finding, zone: ZoneText, file: str) -> Finding:
    """What is missing is in no line: it is told at the SOA, or for the file where there is none."""
    if finding.place is not None:
        return finding
    return replace(finding, place=zone.apex_place, file=file)


def _set_key(name: bytes, rdtype: int, covers: int) -> bytes:
    return b"%b\0%b" % (name, (rdtype << 16 | covers).to_bytes(4, "big"))


def _rrset(key: bytes, found: _Set) -> RRset:
    kind = int.from_bytes(key[-4:], "big")
    rdtype = kind >> 16
    rdatas = tuple(found.rdatas) if len(found.rdatas) == 1 else normal_form(rdtype, found.rdatas)
    return RRset(found.name, rdtype, found.ttl, rdatas, kind & 0xFFFF)


def _described(record: Record) -> str:
    return f"this {rdatatype.to_text(RdataType.make(record.rdtype))} record of {record.owner}"
