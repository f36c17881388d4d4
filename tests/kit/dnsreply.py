"""Reads a reply strictly: what a library forgives is an error here, and what every reply must keep is checked.

wire --Reply.read()--> Reply --demand_sound(query)--> (AssertionError that says what is wrong)
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass
from functools import cached_property

import dns.name
import dns.rcode
import dns.rdata
import dns.rdataclass
import dns.rdatatype

from tests.kit import dnspacket as packet

MAX_NAME = 255  # RFC 1035 section 2.3.4
MAX_TTL = 2**31 - 1  # RFC 2181 section 8
PLAIN_UDP = 512  # RFC 1035 section 4.2.1
OUR_UDP = 1232  # the DNS flag day 2020 size
RRSIG = 46
ERRORS = {"FORMERR", "SERVFAIL", "NOTIMP", "REFUSED", "NOTAUTH", "BADVERS"}


class UnsoundReply(AssertionError):
    """The reply breaks a rule that every reply must keep."""


@dataclass(frozen=True)
class Record:
    """One record of a reply. `owner` keeps its case; `rdata` is as sent, compression pointers and all."""

    owner: dns.name.Name
    rdtype: int
    rdclass: int
    ttl: int
    rdata: bytes
    text: str  # of the RDATA, decompressed

    @property
    def type(self) -> str:
        return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(self.rdtype))

    def __str__(self) -> str:
        return f"{self.owner} {self.ttl} {self.type} {self.text}"


@dataclass(frozen=True)
class Opt:
    """The OPT record of a reply."""

    size: int
    extended_rcode: int
    version: int
    flags: int
    options: tuple[tuple[int, bytes], ...]

    def values(self, code: int) -> list[bytes]:
        """The data of every option of this code."""
        return [data for number, data in self.options if number == code]


class _Reader:
    """Walks a message; every pointer must lead backwards (RFC 1035 section 4.1.4)."""

    def __init__(self, wire: bytes) -> None:
        self.wire = wire
        self.at = 0

    def take(self, size: int) -> bytes:
        if self.at + size > len(self.wire):
            raise UnsoundReply(f"ends at {len(self.wire)}, in the midst of {size} octets from {self.at}")
        piece = self.wire[self.at : self.at + size]
        self.at += size
        return piece

    def numbers(self, form: str) -> tuple[int, ...]:
        return struct.unpack(form, self.take(struct.calcsize(form)))

    def name(self) -> dns.name.Name:
        labels: list[bytes] = []
        limit, resume = self.at, None
        while (length := self.take(1)[0]) != 0:
            if length >= 0xC0:
                target = (length & 0x3F) << 8 | self.take(1)[0]
                if target >= limit:
                    raise UnsoundReply(f"the pointer at {self.at - 2} leads to {target}, not backwards")
                resume = self.at if resume is None else resume
                self.at = limit = target
            elif length > 63:
                raise UnsoundReply(f"label type {length:#x} at {self.at - 1}")
            else:
                labels.append(self.take(length))
        self.at = self.at if resume is None else resume
        return dns.name.Name([*labels, b""])

    def record(self) -> Record:
        owner = self.name()
        rdtype, rdclass, ttl, length = self.numbers("!2HIH")
        start = self.at
        rdata = self.take(length)
        text = "" if rdtype == packet.OPT else _rdata_text(self.wire, rdclass, rdtype, start, length)
        return Record(owner, rdtype, rdclass, ttl, rdata, text)


def _rdata_text(wire: bytes, rdclass: int, rdtype: int, start: int, length: int) -> str:
    kind = dns.rdataclass.RdataClass.make(rdclass), dns.rdatatype.RdataType.make(rdtype)
    return dns.rdata.from_wire(*kind, wire, start, length).to_text()


def _read_options(rdata: bytes) -> tuple[tuple[int, bytes], ...]:
    reader, options = _Reader(rdata), []
    while reader.at < len(rdata):
        code, length = reader.numbers("!2H")
        options.append((code, reader.take(length)))
    return tuple(options)


@dataclass(frozen=True)
class Reply:
    """A message that was read without complaint."""

    wire: bytes
    ident: int
    flags: int
    counts: tuple[int, ...]
    question: bytes  # as sent
    records: tuple[tuple[Record, ...], ...]  # answer, authority, additional without OPT
    opt: Opt | None

    @classmethod
    def read(cls, wire: bytes) -> Reply:
        """Raises UnsoundReply for anything that is not a whole, exact DNS message."""
        reader = _Reader(wire)
        ident, flags, *counts = reader.numbers("!6H")
        for _ in range(counts[0]):
            reader.name()
            reader.numbers("!2H")
        question = wire[packet.HEADER_LENGTH : reader.at]
        sections = [[reader.record() for _ in range(count)] for count in counts[1:]]
        if reader.at != len(wire):
            raise UnsoundReply(f"{len(wire) - reader.at} octets after the end")
        opt = _pick_opt(sections)
        return cls(wire, ident, flags, tuple(counts), question, tuple(tuple(section) for section in sections), opt)

    @property
    def opcode(self) -> int:
        return self.flags >> 11 & 0xF

    @cached_property
    def rcode(self) -> str:
        """The response code, with the eight upper bits of OPT."""
        extended = self.opt.extended_rcode << 4 if self.opt else 0
        return dns.rcode.to_text(dns.rcode.Rcode(extended | self.flags & 0xF))

    @property
    def aa(self) -> bool:
        return bool(self.flags & packet.AA)

    @property
    def tc(self) -> bool:
        return bool(self.flags & packet.TC)

    @property
    def answer(self) -> list[str]:
        return [str(record) for record in self.records[0]]

    @property
    def authority(self) -> list[str]:
        return [str(record) for record in self.records[1]]

    @property
    def additional(self) -> list[str]:
        return [str(record) for record in self.records[2]]

    @property
    def header_only(self) -> bool:
        """Nothing but the twelve octets."""
        return len(self.wire) == packet.HEADER_LENGTH

    def errors(self) -> dict[int, str]:
        """Extended DNS errors: code and text (RFC 8914 section 2)."""
        values = self.opt.values(packet.EDE) if self.opt else []
        return {int.from_bytes(value[:2]): value[2:].decode() for value in values}

    @property
    def error_codes(self) -> set[int]:
        """The codes of extended DNS errors."""
        return set(self.errors())

    def is_nodata(self, zone: str) -> bool:
        """NOERROR, authoritative, nothing but the SOA of `zone` (RFC 2308 section 2.2)."""
        return self.rcode == "NOERROR" and self.aa and not self.answer and self.owners(1) == [(zone, "SOA")]

    def is_nxdomain(self, zone: str) -> bool:
        """NXDOMAIN, authoritative, nothing but the SOA of `zone` (RFC 2308 section 2.1)."""
        return self.rcode == "NXDOMAIN" and self.aa and not self.answer and self.owners(1) == [(zone, "SOA")]

    def is_referral(self, cut: str) -> bool:
        """NOERROR, not authoritative, nothing but the NS set of `cut` and addresses (RFC 1034 section 4.3.2).

        The owner may have the case of the question, which it points to then (RFC 4343 section 4.1).
        """
        owners = {(owner.lower(), rdtype) for owner, rdtype in self.owners(1)} - {(cut.lower(), "DS")}
        return self.rcode == "NOERROR" and not self.aa and not self.answer and owners == {(cut.lower(), "NS")}

    def owners(self, section: int) -> list[tuple[str, str]]:
        """Owner and type of each record of a section; 0 is the answer."""
        return [(str(record.owner), record.type) for record in self.records[section]]

    def __str__(self) -> str:
        flags = " ".join(word for word in ("AA" if self.aa else "", "TC" if self.tc else "") if word)
        lines = [f"{self.rcode} {flags} counts {self.counts}, {len(self.wire)} octets, {self.opt}"]
        for title, section in zip(("answer", "authority", "additional"), self.records, strict=True):
            lines += [f"  {title}: {record}" for record in section]
        return "\n".join(lines)


def _pick_opt(sections: list[list[Record]]) -> Opt | None:
    found = [record for section in sections for record in section if record.rdtype == packet.OPT]
    if not found:
        return None
    if len(found) > 1 or found[0] not in sections[2] or found[0].owner != dns.name.root:
        raise UnsoundReply(f"OPT not alone, not at the root or not in the additional section: {found}")
    sections[2].remove(found[0])
    ttl = found[0].ttl
    return Opt(found[0].rdclass, ttl >> 24, ttl >> 16 & 0xFF, ttl & 0xFFFF, _read_options(found[0].rdata))


def demand(truth: bool, why: str, reply: Reply) -> None:
    """Raise UnsoundReply with the whole reply in the message."""
    if not truth:
        raise UnsoundReply(f"{why}\n{reply}")


def demand_sound(reply: Reply, query: bytes, *, udp: bool) -> None:
    """Check what every reply to a well-formed query must keep, whatever it answers."""
    _check_header(reply, query)
    _check_sets(reply)
    _check_outcome(reply)
    if udp:
        limit = min(max(_offered_size(query), PLAIN_UDP), OUR_UDP)
        demand(len(reply.wire) <= limit, f"more than {limit} octets over UDP", reply)
    else:
        demand(not reply.tc, "truncated over TCP", reply)


def _check_header(reply: Reply, query: bytes) -> None:
    ident, flags = struct.unpack("!2H", query[:4])
    demand(reply.ident == ident, "another id", reply)
    demand(bool(reply.flags & packet.QR), "QR is 0", reply)
    demand(reply.opcode == flags >> 11 & 0xF, "another opcode", reply)
    demand(reply.flags & packet.RD == flags & packet.RD, "RD not copied", reply)
    demand(not reply.flags & (packet.Z | packet.RA | packet.AD | packet.CD), "Z, RA, AD or CD is set", reply)
    asked = _Reader(query[packet.HEADER_LENGTH :])
    asked.name()
    asked.take(4)
    demand(
        reply.question == query[packet.HEADER_LENGTH : packet.HEADER_LENGTH + asked.at],
        "the question is not echoed octet by octet",
        reply,
    )
    demand((reply.opt is None) == (_offered_size(query) == 0), "OPT without being asked, or missing", reply)
    if reply.opt:
        demand(reply.opt.version == 0 and not reply.opt.flags & ~packet.DO, "OPT version or Z not 0", reply)


def _check_sets(reply: Reply) -> None:
    """QRY-03, QRY-26, QRY-27 hold for every message. Signatures are as those that they cover (RFC 4034 section 3)."""
    ttls: dict[tuple[dns.name.Name, int, bytes], set[int]] = defaultdict(set)
    sections: dict[tuple[dns.name.Name, int, bytes], set[int]] = defaultdict(set)
    seen = set()
    for number, section in enumerate(reply.records):
        for record in section:
            key = (record.owner, record.rdtype, record.rdata[:2] if record.rdtype == RRSIG else b"")
            ttls[key].add(record.ttl)
            sections[key].add(number)
            demand((key, record.text) not in seen, f"{record} is there twice", reply)
            seen.add((key, record.text))
    for key, values in ttls.items():
        demand(len(values) == 1, f"TTLs differ within {key}", reply)
        demand(max(values) <= MAX_TTL, f"TTL too great in {key}", reply)
        demand(len(sections[key]) == 1, f"{key} is in more than one section", reply)


def _check_outcome(reply: Reply) -> None:
    """HDR-20 and QRY-13: errors carry no data, negative answers carry the SOA."""
    if reply.rcode in ERRORS:
        demand(not reply.answer and not reply.authority and not reply.additional, f"data with {reply.rcode}", reply)
        demand(not reply.aa, f"AA with {reply.rcode}", reply)
    if reply.rcode == "NXDOMAIN" and not reply.tc:
        demand([kind for _, kind in reply.owners(1)].count("SOA") == 1, "NXDOMAIN without the SOA", reply)


def _offered_size(query: bytes) -> int:
    """The UDP size of the query's OPT; 0 without one."""
    reader = _Reader(query)
    _, _, questions, *counts = reader.numbers("!6H")
    for _ in range(questions):
        reader.name()
        reader.take(4)
    records = [reader.record() for _ in range(sum(counts))]
    return next((max(record.rdclass, PLAIN_UDP) for record in records if record.rdtype == packet.OPT), 0)
