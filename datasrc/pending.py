"""What a transaction is going to do, collected in memory until commit, and what it comes to against the stored rows.

A million records are collected at a time, so that a set is one bytes object under one bytes object: a composite key
(key, 00, type, covers: sorted as the rows are) and a value (TTL, owner, packed RDATA as it came in).
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from dns.name import Name

from datasrc.errors import BadRecord, NotInZone
from datasrc.keys import APEX, name_key
from datasrc.rdata import MAX_TTL, canonical, normal_form, pack, rdata_fault, type_fault, unpack
from datasrc.records import RRset
from datasrc.rows import Row, minus, owner_of

SOA = 6
CHUNK = 2000  # rows worked on at a time

_TYPES = struct.Struct("!xHH")  # the 00 before the type is below every byte that can follow a key
_HEAD = struct.Struct("!IB")  # TTL, octets of the owner (at most 255, RFC 1035 section 2.3.4; 0: what the key says)


class Delta(NamedTuple):
    """One row before and after a transaction; one of them may be absent."""

    old: Row | None
    new: Row | None


class Batch(NamedTuple):
    """Some sets without an object for each of them (datasrc.packed_zone.PackedZone.batch)."""

    spelled: bool  # whether these are sets with an owner that the key does not say, or without
    places: str
    numbers: bytearray
    octets: bytearray


class WholeZone(Protocol):
    """All sets of a zone, sound, in canonical order and normal form."""

    @property
    def records(self) -> int:
        """How many RRs these are."""

    @property
    def serial(self) -> int | None:
        """Of the SOA, if there is one."""

    def batches(self, size: int) -> Iterator[Batch]:
        """The sets, so many at a time at most, for SQL that takes them apart."""

    def row_chunks(self, size: int) -> Iterator[list[Row]]:
        """The sets, so many at a time."""


class Pending:
    """The collected changes of one transaction on the zone of `origin`."""

    def __init__(self, origin: Name, *, database: str, replace: bool) -> None:
        self.origin = origin
        self.replace = replace
        self.records = 0  # how many RRs rows() gave
        self.whole: WholeZone | None = None
        self._database = database
        self._origin_key = name_key(origin)
        self._added: dict[bytes, bytes] = {}
        self._deleted: dict[bytes, set[bytes] | None] = {}  # canonical forms, or None for the whole set

    def load(self, zone: WholeZone) -> None:
        """Take a whole zone, as all of a replacement. Raises ValueError where there is anything else."""
        if not self.replace or self._added or self._deleted:
            raise ValueError("a whole zone goes with nothing else")
        self.whole = zone

    def add(self, rrset: RRset) -> None:
        """Merge a set. Of different TTLs within one transaction the lowest stays (RFC 2181 section 5.2)."""
        self._check(rrset)
        composite = self._composite(rrset.name, rrset.rdtype, rrset.covers)
        value = self._added.get(composite)
        if value is None:
            owner = owner_of(rrset.name, self.origin) or b""
            self._added[composite] = _HEAD.pack(rrset.ttl, len(owner)) + owner + pack(rrset.rdatas)
            return
        if rrset.ttl < int.from_bytes(value[:4], "big"):
            value = rrset.ttl.to_bytes(4, "big") + value[4:]
        self._added[composite] = value + pack(rrset.rdatas)

    def delete(self, name: Name, rdtype: int, covers: int, rdatas: tuple[bytes, ...] | None) -> None:
        """Delete these RDATAs, or the whole set, stored or added before."""
        composite = self._composite(name, rdtype, covers)
        if rdatas is None:
            self._added.pop(composite, None)
            self._deleted[composite] = None
            return
        forms = {canonical(rdtype, rdata) for rdata in rdatas}
        if composite in self._added:
            row = minus(_row(composite, self._added[composite]), forms)
            self._added.pop(composite)
            if row is not None:
                self._added[composite] = _HEAD.pack(row.ttl, len(row.owner or b"")) + (row.owner or b"") + row.rdatas
        gone = self._deleted.setdefault(composite, set())
        if gone is not None:
            gone |= forms

    def touched(self) -> list[bytes]:
        """The composite keys of all sets this transaction speaks of, in order."""
        return sorted(self._added.keys() | self._deleted.keys())

    def rows(self) -> Iterator[Row]:
        """The added sets in order, each in normal form."""
        self.records = 0
        if self.whole is not None:
            for chunk in self.whole.row_chunks(CHUNK):
                yield from chunk
            self.records = self.whole.records
            return
        for composite in sorted(self._added):
            row = _normal(_row(composite, self._added[composite]))
            self.records += row.records()
            yield row

    def deltas(self, stored: Iterable[Row]) -> Iterator[Delta]:
        """What changes against the stored rows, in order.

        `stored` is, in order: for a replacement every row of the zone, else (at least) those of touched(). Raises
        ValueError where a stored row that is only to be changed is damaged; a replacement mends it.
        """
        return self._replacement(stored) if self.replace else self._update(stored)

    def _replacement(self, stored: Iterable[Row]) -> Iterator[Delta]:
        rows = self.rows()
        new = next(rows, None)
        for old in stored:
            place = composite_of(old)
            while new is not None and composite_of(new) < place:
                yield Delta(None, new)
                new = next(rows, None)
            if new is None or composite_of(new) != place:
                yield Delta(old, None)
                continue
            if new != old:
                yield Delta(old, new)
            new = next(rows, None)
        while new is not None:
            yield Delta(None, new)
            new = next(rows, None)

    def _update(self, stored: Iterable[Row]) -> Iterator[Delta]:
        before = {composite_of(row): row for row in stored}
        for composite in self.touched():
            old = before.get(composite)
            new = self._after(composite, old)
            if new != old:
                yield Delta(old, new)

    def _after(self, composite: bytes, old: Row | None) -> Row | None:
        """The row that stands after this transaction. TTLs added now win over what is stored, its spelling stays."""
        rest = old
        if old is not None and composite in self._deleted:
            gone = self._deleted[composite]
            rest = None if gone is None else minus(old, gone)
        value = self._added.get(composite)
        if value is None:
            return rest
        new = _normal(_row(composite, value))
        if rest is None or is_apex_soa(new):  # a zone has one SOA: the new one takes the old one's place
            return new
        merged = normal_form(new.rdtype, unpack(rest.rdatas) + unpack(new.rdatas))
        return rest._replace(ttl=new.ttl, rdatas=pack(merged))

    def _composite(self, name: Name, rdtype: int, covers: int) -> bytes:
        key = name_key(name)
        if not key.startswith(self._origin_key):
            raise NotInZone(f"{name} is outside of the zone", database=self._database, zone=self.origin)
        return composite_key(key[len(self._origin_key) :], rdtype, covers)

    def _check(self, rrset: RRset) -> None:
        fault = type_fault(rrset.rdtype, rrset.covers)
        if not fault and not 0 <= rrset.ttl <= MAX_TTL:
            fault = f"TTL {rrset.ttl} is not a number of 32 bits"
        if not fault and not rrset.rdatas:
            fault = "a set without records"
        if not fault and (not rrset.name.labels or rrset.name.labels[-1] != b""):
            fault = "the owner name is relative"
        for rdata in rrset.rdatas:
            fault = fault or rdata_fault(rrset.rdtype, rrset.covers, rdata)
        if fault:
            raise BadRecord(f"{rrset.name}: {fault}", database=self._database, zone=self.origin)


def composite_of(row: Row) -> bytes:
    """The composite key: (key, type, covers) as bytes that sort alike."""
    return composite_key(row.key, row.rdtype, row.covers)


def composite_key(key: bytes, rdtype: int, covers: int) -> bytes:
    """The composite key of a set whose name has this key, relative to the origin."""
    return key + _TYPES.pack(rdtype, covers)


def place_of(composite: bytes) -> tuple[bytes, int, int]:
    """(key, type, covers) of a composite key."""
    rdtype, covers = _TYPES.unpack_from(composite, len(composite) - _TYPES.size)
    return composite[: -_TYPES.size], rdtype, covers


def is_apex_soa(row: Row) -> bool:
    """Whether this is the set that says the zone's serial."""
    return row.key == APEX and row.rdtype == SOA


def _row(composite: bytes, value: bytes) -> Row:
    key, rdtype, covers = place_of(composite)
    ttl, length = _HEAD.unpack_from(value)
    start = _HEAD.size + length
    owner = value[_HEAD.size : start] if length else None
    return Row(key, rdtype, covers, ttl, owner, value[start:])


def _normal(row: Row) -> Row:
    first = 2 + int.from_bytes(row.rdatas[:2], "big")
    if first == len(row.rdatas):  # one record, as in most sets
        return row
    return row._replace(rdatas=pack(normal_form(row.rdtype, unpack(row.rdatas))))
