"""The records of one zone's text, gathered into sets: out-of-zone records skipped, duplicates merged, one TTL a set."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

from dns import rdatatype
from dns.name import Name
from dns.rdatatype import RdataType

from datasrc.apex import APEX_TYPES, inspect
from datasrc.checks import check_nodes
from datasrc.checks_signatures import algorithms_of
from datasrc.checks_targets import ADDRESS, CNAME, CUT, DNAME
from datasrc.findings import Code, Finding, Findings, Place
from datasrc.keys import depth, name_key
from datasrc.octets import HAS_ADDRESS, HAS_CNAME, HAS_DNAME, HAS_NS
from datasrc.packed_nodes import Glance
from datasrc.packed_zone import PackedZone
from datasrc.pending import Batch, composite_key
from datasrc.rdata import SIGNATURES, canonical, normal_form, pack, soa_serial, unpack
from datasrc.records import RRset, ZoneInfo
from datasrc.rows import Row, name_wire, owner_of
from datasrc.signatures import Signature
from datasrc.source import RowSink
from datasrc.zonetext import Reader, Record
from datasrc.zonetext_lexer import Report
from datasrc.zonetext_plain import PlainLines

# How often a caller hears how far the reading is.
PROGRESS_EVERY = 10_000

_SOA = composite_key(b"", RdataType.SOA, 0)
_KEYS = ((int(RdataType.DNSKEY), 0), (int(RdataType.RRSIG), int(RdataType.DNSKEY)))
# Sets of one record: of several the place is that of the last one, which is one too many.
_SINGLE = (RdataType.SOA, RdataType.CNAME, RdataType.DNAME)


@dataclass(frozen=True, slots=True)
class TextContents:
    """A zone as it was read from text (datasrc.source.Contents)."""

    info: ZoneInfo
    packed: PackedZone

    def pour(self, sink: RowSink) -> None:
        """Hand all rows over."""
        sink.add_packed(self.packed)


class ZoneText:
    """Sets of a zone as its text gives them, each with the place of its first record. Complete after finish()."""

    def __init__(self, origin: Name, report: Report) -> None:
        self.origin = origin
        self._report = report
        self._origin_key = name_key(origin)
        self._packed = PackedZone()
        self.plain = PlainLines(self._packed, origin)
        self._merged_away = 0
        self._places: dict[int, int] = {}  # of sets: the record that says where they are, if not the first
        self._owner: Name | None = None
        self._owner_key = b""
        self._owner_kept = b""

    @property
    def records(self) -> int:
        """How many there are, duplicates not counted."""
        return self._packed.count - self._merged_away

    @property
    def serial(self) -> int | None:
        """The serial of the SOA, if there is one."""
        soa = self._packed.find(_SOA)
        return None if soa < 0 else soa_serial(unpack(self._packed.set_blob(soa))[0])

    @property
    def apex_place(self) -> Place | None:
        """Where the SOA was written."""
        soa = self._packed.find(_SOA)
        return None if soa < 0 else self._place_of(soa)

    def add(self, record: Record) -> None:
        """Take a record."""
        if record.owner is not self._owner:
            self._owner, self._owner_key = record.owner, name_key(record.owner)
            self._owner_kept = owner_of(record.owner, self.origin) or b""
        if not self._owner_key.startswith(self._origin_key):
            text = f"{record.owner} is not in the zone {self.origin}; the record is skipped"
            self._report(Finding(Code.OUT_OF_ZONE, text, record.place))
            return
        covers = int.from_bytes(record.rdata[:2], "big") if record.rdtype in SIGNATURES else 0
        key = composite_key(self._owner_key[len(self._origin_key) :], record.rdtype, covers)
        owner, rdata, file = self._owner_kept, record.rdata, self.plain.number(record.file)
        self._packed.append(file, record.line, record.ttl, key, len(key), owner, len(owner), rdata, len(rdata))

    def finish(self) -> None:
        """Make sets of the records; what does not go together is reported, in the order of the text."""
        found: list[tuple[int, Finding]] = []
        for index in self._packed.finish():
            self._merge(index, found)
        found.sort(key=lambda entry: entry[0])
        for _, finding in found:
            self._report(finding)

    def rrsets(self) -> Iterator[RRset]:
        """All sets in canonical order, the SOA first."""
        soa = self._packed.find(_SOA)
        if soa >= 0:
            yield self.rrset(soa)
        for index in range(self._packed.set_count):
            if index != soa:
                yield self.rrset(index)

    def rows(self) -> Iterator[Row]:
        """All sets in canonical order, as they are stored."""
        return (Row(*self._packed.row(index)) for index in range(self._packed.set_count))

    def row_chunks(self, size: int) -> Iterator[list[Row]]:
        """All sets in canonical order, so many at a time (datasrc.pending.WholeZone)."""
        for start in range(0, self._packed.set_count, size):
            yield list(map(Row._make, self._packed.rows(start, size)))

    def batches(self, size: int) -> Iterator[Batch]:
        """All sets in canonical order, so many at a time at most (datasrc.pending.WholeZone)."""
        start = 0
        while start < self._packed.set_count:
            end = self._packed.batch_end(start, size)
            for spelled in (False, True):
                batch = Batch(spelled, *self._packed.batch(start, end, spelled))
                if batch.numbers:
                    yield batch
            start = end

    def contents(self, version: int) -> TextContents:
        """What was read, as version `version` of the zone."""
        apex = [row for row in itertools.takewhile(lambda row: not row.key, self.rows()) if row.rdtype in APEX_TYPES]
        return TextContents(inspect(self.origin, version, self.records, apex), self._packed)

    def rrset(self, index: int) -> RRset:
        """One set, counted in canonical order."""
        return Row(*self._packed.row(index)).rrset(self.origin)

    def check(self, report: Report) -> None:
        """Report what is wrong with the zone (datasrc.checks)."""
        repeats = depth(self._origin_key) > 1  # com.com. is a domain; example.org.example.org. is a slip
        algorithms = bytes(algorithms_of(self._keys()))
        origin = name_wire(self.origin)
        glance = Glance(self._packed, origin.lower(), origin, self._origin_key, repeats, algorithms)
        nodes = ((self._key_of(first), map(self.rrset, range(first, after))) for first, after in glance.doubtful())
        check_nodes(self.origin, nodes, _PackedNames(self._packed, glance), report, self.place)

    def _keys(self) -> dict[tuple[int, int], RRset]:
        """The DNSKEY set and its signatures, by type and covered type, if there are any."""
        found = {which: self._packed.find(composite_key(b"", *which)) for which in _KEYS}
        return {which: self.rrset(index) for which, index in found.items() if index >= 0}

    def _key_of(self, index: int) -> bytes:
        key: bytes = self._packed.row(index)[0]
        return key

    def place(self, rrset: RRset) -> Place | None:
        """Where a set was written (of several SOA, CNAME or DNAME records the last, which is one too many)."""
        key = name_key(rrset.name)[len(self._origin_key) :]
        index = self._packed.find(composite_key(key, rrset.rdtype, rrset.covers))
        return None if index < 0 else self._place_of(index)

    def _place_of(self, index: int) -> Place:
        record = self._places.get(index)
        if record is None:
            members = self._packed.members(index)
            single = self._packed.type_of(members[0]) in _SINGLE
            record = max(members) if single else min(members)
        return self._place_of_record(record)

    def _place_of_record(self, record: int) -> Place:
        file, line = self._packed.place(record)
        return Place(self.plain.files[file], line)

    def _merge(self, index: int, found: list[tuple[int, Finding]]) -> None:
        """Make one set of records that are not all unlike each other, or not of one TTL."""
        packed = self._packed
        members = packed.members(index)
        rdtype = packed.type_of(members[0])
        ttl = packed.ttl(members[0])
        forms: set[bytes] = set()
        rdatas: list[bytes] = []
        for record in members:
            rdata = packed.rdata(record)
            form = canonical(rdtype, rdata)
            if form in forms:
                self._merged_away += 1
                text = f"{self._described(record)} is there already; one is kept"
                found.append((record, Finding(Code.DUPLICATE, text, self._place_of_record(record))))
            else:
                forms.add(form)
                rdatas.append(rdata)
                if rdtype in _SINGLE:
                    self._places[index] = record
            ttl = self._lowest(record, ttl, found)
        packed.set_merged(index, ttl, pack(normal_form(rdtype, rdatas)))

    def _lowest(self, record: int, ttl: int, found: list[tuple[int, Finding]]) -> int:
        own = self._packed.ttl(record)
        if own == ttl:
            return ttl
        lowest = min(own, ttl)
        text = f"{self._described(record)} has TTL {own} where its set has {ttl}; {lowest} is used for all"
        found.append((record, Finding(Code.TTL_DIFFERS, text, self._place_of_record(record))))
        return lowest

    def _described(self, record: int) -> str:
        packed = self._packed
        row = Row(*packed.row(packed.set_of(record)))
        owner = packed.owner(record)
        name = row._replace(owner=owner).name(self.origin)
        return f"this {rdatatype.to_text(RdataType.make(row.rdtype))} record of {name}"


class _PackedNames:
    """What the names of a packed zone have (datasrc.checks_targets.NamesOfZone)."""

    def __init__(self, packed: PackedZone, glance: Glance) -> None:
        self._packed = packed
        self._glance = glance

    def add(self, key: bytes, has: int) -> None:
        """Nothing to do: they are all there."""

    def get(self, key: bytes) -> int | None:
        types = self._packed.types_at(key)
        if types < 0:
            return None if key else 0
        has = ADDRESS if types & HAS_ADDRESS else 0
        if types & HAS_CNAME:
            has |= CNAME
        if types & HAS_NS and key:
            has |= CUT
        return has | DNAME if types & HAS_DNAME else has

    def add_server(self, key: bytes) -> None:
        """Nothing to do: they are all known."""

    def is_server(self, key: bytes) -> bool:
        return self._glance.is_server(key)


def read_zone(
    stream: BinaryIO,
    file: str,
    origin: Name,
    *,
    directory: Path | None = None,
    includes: bool = True,
    included: dict[str, Signature | None] | None = None,
    report: Report | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[ZoneText, Findings]:
    """Read the text of a zone and check it; where `findings.errors` is not 0 the text must not be used.

    `report` hears each finding that is kept as it is found; `progress` now and then the records and octets read so far;
    `included` what the files that it includes looked like before they were read (Reader).
    """
    findings = Findings()

    def note(finding: Finding) -> None:
        if findings.add(finding) and report is not None:
            report(finding)

    zone = ZoneText(origin, note)
    reader = Reader(origin, note, includes=includes, included=included, plain=zone.plain)
    told = 0
    for record in reader.read(stream, file, directory):
        zone.add(record)
        if progress is not None and zone.records - told >= PROGRESS_EVERY:
            told = zone.records
            progress(told, reader.octets)
    zone.finish()
    if not findings.errors:  # a record that could not be read would be missed again
        zone.check(lambda finding: note(_located(finding, zone, file)))
    return zone, findings


def _located(finding: Finding, zone: ZoneText, file: str) -> Finding:
    """What is missing is in no line: it is told at the SOA, or for the file where there is none."""
    if finding.place is not None:
        return finding
    return replace(finding, place=zone.apex_place, file=file)
