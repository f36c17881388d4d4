"""Loading one zone: read, check, compare with what is stored, write it as one transaction.

Nothing is written before the last octet is read and checked, and then all of it at once: whatever ends the program, the
zone is as it was or as the text has it.
"""

from __future__ import annotations

import os
import pwd
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol

import dns.exception
import dns.name
from dns.name import Name

from datasrc.errors import Conflict, ZoneUnusable
from datasrc.findings import Code, Finding, Findings
from datasrc.records import Change, Provenance, ZoneInfo, ZoneState
from datasrc.source import DataSource, Updater
from datasrc.zonetext_zone import ZoneText, read_zone
from loadzone.difference import Tally, differences
from loadzone.errors import BadZone, Failed, NotFound, Refused, UsageFault
from loadzone.interruption import Interruption
from loadzone.serials import refusal

PROGRAM = "loadzone"

_Read = tuple[ZoneText, Findings]


@dataclass(frozen=True, slots=True)
class Manner:
    """How to load."""

    strict: bool = False  # warnings are errors
    incremental: bool = False  # only what differs, as an update of a zone that is there
    force: bool = False  # a lower serial is fine


class Listener(Protocol):
    """Who hears what is going on."""

    def found(self, finding: Finding) -> None:
        """A finding, as it is found."""

    def more(self, code: Code, count: int) -> None:
        """How many findings of a code were only counted, at the end of the reading."""

    def progress(self, records: int, octets: int) -> None:
        """How many records and octets have been read."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """How a load ended."""

    origin: Name
    records: int
    serial: int
    warnings: int
    before: ZoneInfo | None = None  # what was there
    change: Change | None = None  # None: nothing was written, the data was the same or only to be checked
    tally: Tally | None = None  # what an incremental load changed


def check(origin: Name, stream: BinaryIO, file: str, *, manner: Manner, listener: Listener) -> Loaded:
    """Read and check only. Raises BadZone."""
    zone, findings = _read(origin, stream, file, listener)
    _judge(origin, findings, manner, written=False)
    return Loaded(origin, zone.records, _serial(zone), findings.warnings)


class Store(Protocol):
    """Where zones are loaded into. Both raise DataSourceError and LoadError."""

    def existing(self) -> DataSource | None:
        """The data source; None where there is none yet."""

    def made(self) -> DataSource:
        """The data source, made if need be."""


class Loader:
    """Loads zones into one data source."""

    def __init__(self, store: Store, manner: Manner, interruption: Interruption) -> None:
        self._store = store
        self._manner = manner
        self._interruption = interruption

    def load(self, origin: Name, stream: BinaryIO, file: str, *, listener: Listener) -> Loaded:
        """Load one zone. Raises BadZone, Refused, Failed, DataSourceError, Interrupted; then nothing was written."""
        self._interruption.check()
        source = self._store.existing()
        read: _Read | None = None
        if source is None:  # nothing is made before the zone is known to be good
            if self._manner.incremental:
                raise NotFound(f"{text_of(origin)}: there is no such zone, nor the database to have it")
            read = self._read(origin, stream, file, listener)
            source = self._store.made()
        replace = not self._manner.incremental
        with source.updater(origin, create=replace, replace=replace) as updater:
            # The spelling of the origin is that of the stored zone, so that names do not change by how it was typed.
            name = origin if updater.base is None else updater.base.origin
            zone, findings = read or self._read(name, stream, file, listener)
            loaded = Loaded(name, zone.records, _serial(zone), findings.warnings, updater.base)
            if updater.base is not None:
                self._check_serial(updater.base, zone)
                if self._is_stored(source, updater.base, zone, findings, listener):
                    return loaded
            tally = self._fill(source, updater, zone)
            with self._interruption.held():
                change = updater.commit(Provenance(_author(), PROGRAM, self._reason(file)))
            return Loaded(name, zone.records, loaded.serial, findings.warnings, updater.base, change, tally)

    def _read(self, name: Name, stream: BinaryIO, file: str, listener: Listener) -> _Read:
        read = _read(name, stream, file, listener)
        _judge(name, read[1], self._manner)
        return read

    def _check_serial(self, base: ZoneInfo, zone: ZoneText) -> None:
        if base.serial is None or self._manner.force:
            return
        reason = refusal(base.serial, _serial(zone))
        if reason:
            raise Refused(f"{text_of(zone.origin)}: {reason}; --force loads it all the same")

    def _is_stored(
        self, source: DataSource, base: ZoneInfo, zone: ZoneText, findings: Findings, listener: Listener
    ) -> bool:
        """Whether the data is the same already; changed data under an unchanged serial is a finding."""
        if base.state is not ZoneState.READY or base.serial != _serial(zone):
            return False
        if not _differs(source, zone):
            return True
        text = f"the data changed but the serial is still {base.serial}: secondaries will not notice"
        finding = Finding(Code.SERIAL_UNCHANGED, text, zone.apex_place, zone.origin)
        findings.add(finding)
        listener.found(finding)
        if self._manner.incremental:
            raise Refused(f"{text_of(zone.origin)}: an incremental load is for secondaries to follow; raise the serial")
        _judge(zone.origin, findings, self._manner)
        return False

    def _fill(self, source: DataSource, updater: Updater, zone: ZoneText) -> Tally | None:
        if self._manner.incremental:
            return self._fill_difference(source, updater, zone)
        updater.load(zone)
        return None

    def _fill_difference(self, source: DataSource, updater: Updater, zone: ZoneText) -> Tally:
        tally = Tally()
        try:
            with source.snapshot() as snapshot:
                finder = snapshot.zone(zone.origin)
                if finder is None:
                    raise Conflict("deleted by another writer meanwhile", database=source.name, zone=zone.origin)
                for pair in differences(zone.origin, finder.rrsets(), zone.rrsets()):
                    tally.count(pair)
                    if pair.old is not None:
                        updater.delete(pair.old.name, pair.old.rdtype, pair.old.covers)
                    if pair.new is not None:
                        updater.add(pair.new)
        except ZoneUnusable as error:
            raise Failed(f"{error}; load it without --incremental") from error
        return tally

    def _reason(self, file: str) -> str:
        return f"{file} (incremental)" if self._manner.incremental else file


def parse_origin(text: str) -> Name:
    """The name of a zone as people write it. Raises UsageFault."""
    try:
        return dns.name.from_text(text, dns.name.root)
    except (dns.exception.DNSException, ValueError) as error:
        raise UsageFault(f"{text!r} is not a domain name: {error}") from error


def open_text(file: Path) -> BinaryIO:
    """Open a zone file. Raises NotFound, Failed."""
    try:
        return file.open("rb")
    except FileNotFoundError:
        raise NotFound(f"{file}: no such file") from None
    except OSError as error:
        raise Failed(f"{file}: {error.strerror}") from error


def _differs(source: DataSource, zone: ZoneText) -> bool:
    try:
        with source.snapshot() as snapshot:
            finder = snapshot.zone(zone.origin)
            stored = () if finder is None else finder.rrsets()
            return any(True for _ in differences(zone.origin, stored, zone.rrsets()))
    except ZoneUnusable:  # a damaged set is not the one in the text
        return True


def _read(origin: Name, stream: BinaryIO, file: str, listener: Listener) -> _Read:
    zone, findings = read_zone(stream, file, origin, report=listener.found, progress=listener.progress)
    for code, count in findings.left_out.items():
        listener.more(code, count)
    return zone, findings


def _judge(origin: Name, findings: Findings, manner: Manner, *, written: bool = True) -> None:
    """Raise BadZone where a zone with these findings must not be used."""
    parts = [plural(findings.errors, "error")] if findings.errors else []
    if findings.warnings and (findings.errors or manner.strict):
        parts.append(plural(findings.warnings, "warning"))
    if parts:
        strict = " (--strict)" if not findings.errors else ""
        raise BadZone(
            f"{text_of(origin)}: {' and '.join(parts)}{strict}" + ("; nothing was written" if written else "")
        )


def _serial(zone: ZoneText) -> int:
    serial = zone.serial
    assert serial is not None  # a zone without one does not pass the checks
    return serial


def _author() -> str:
    """Who runs this, by account; behind sudo also who called it."""
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = str(uid)
    caller = os.environ.get("SUDO_USER") if uid == 0 else None
    return f"{name} ({caller})" if caller else name


def text_of(origin: Name) -> str:
    """A zone as people write it, without the final dot."""
    return origin.to_text(omit_final_dot=True)


def plural(count: int, noun: str) -> str:
    """So many of them."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
