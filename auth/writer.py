"""Writing messages: records into sections, within a size, with name compression (RFC 1035 section 4.1.4).

Names are compressed only where every receiver can undo it: owner names, and the RDATA of the types RFC 3597 section 4
permits. Only names in the same case share bytes, so the case of the zone data is kept (RFC 4343 section 4.1).
"""

from __future__ import annotations

import struct

from dns.rdatatype import RdataType

from auth.wire import HEADER, HEADER_LENGTH, POINTER, Question, wire_of
from datasrc.records import RRset

MAX_MESSAGE = 65535  # octets, RFC 1035 section 4.2.2
MAX_TTL = 2**31 - 1  # seconds; receivers take more for zero, so zero is what we send (RFC 2181 section 8)
POINTER_REACH = 0x4000  # a pointer has 14 bits
MAX_HOPS = 10  # pointers that may lead to each other; receivers give up after as few as 16 (dnspython)

ANSWER, AUTHORITY, ADDITIONAL = range(3)  # sections, by their place among the counts

# Types whose RDATA may be compressed: octets before the names, number of names (RFC 3597 section 4).
COMPRESSIBLE = {
    RdataType.NS: (0, 1),
    RdataType.CNAME: (0, 1),
    RdataType.SOA: (0, 2),
    RdataType.MB: (0, 1),
    RdataType.MG: (0, 1),
    RdataType.MR: (0, 1),
    RdataType.PTR: (0, 1),
    RdataType.MINFO: (0, 2),
    RdataType.MX: (2, 1),
}

_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")


class Writer:
    """A message in the making, of at most `limit` octets with what is appended at the end."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._message = bytearray(HEADER_LENGTH)
        self._names: dict[bytes, tuple[int, int]] = {}  # of each name written: where it begins, pointers within it
        self._questions = 0
        self._counts = [0, 0, 0]

    @property
    def size(self) -> int:
        """Octets so far."""
        return len(self._message)

    def count(self, section: int) -> int:
        """Records in a section so far."""
        return self._counts[section]

    def add_question(self, question: Question) -> None:
        """Echo the question, in its case."""
        self._put_name(wire_of(question.name))
        self._message += _QUESTION.pack(question.rdtype, question.rdclass)
        self._questions = 1

    def add(self, section: int, rrset: RRset, rdclass: int) -> bool:
        """Add a whole set, or nothing where it does not fit (RFC 2181 section 5.1); whether it was added."""
        before = len(self._message)
        owner = wire_of(rrset.name)
        for rdata in rrset.rdatas:
            self._put_record(owner, rrset.rdtype, rdclass, rrset.ttl, rdata)
            if len(self._message) > self._limit:
                self._cut_back(before)
                return False
        self._counts[section] += len(rrset.rdatas)
        return True

    def finish(self, message_id: int, flags: int, tail: bytes, tail_records: int) -> bytes:
        """The message, with ready-made records (OPT, TSIG) at the end of its additional section."""
        answers, authorities, additionals = self._counts
        counts = (self._questions, answers, authorities, additionals + tail_records)
        HEADER.pack_into(self._message, 0, message_id, flags, *counts)
        return bytes(self._message + tail)

    def _put_record(self, owner: bytes, rdtype: int, rdclass: int, ttl: int, rdata: bytes) -> None:
        self._put_name(owner)
        self._message += _RECORD.pack(rdtype, rdclass, ttl if ttl <= MAX_TTL else 0, 0)
        start = len(self._message)
        self._put_rdata(rdtype, rdata)
        struct.pack_into("!H", self._message, start - 2, len(self._message) - start)

    def _put_rdata(self, rdtype: int, rdata: bytes) -> None:
        offset, names = COMPRESSIBLE.get(rdtype, (0, 0))  # type: ignore[call-overload]
        self._message += rdata[:offset]
        for _ in range(names):
            end = _name_end(rdata, offset)
            self._put_name(rdata[offset:end])
            offset = end
        self._message += rdata[offset:]

    def _put_name(self, name: bytes) -> None:
        """Write an uncompressed wire name, its longest suffix that is already in the message as a pointer."""
        fresh: list[tuple[bytes, int]] = []
        end, hops = b"\0", 0
        offset = 0
        while length := name[offset]:
            known, known_hops = self._names.get(name[offset:], (0, MAX_HOPS))
            if known_hops < MAX_HOPS:
                end, hops = (POINTER << 8 | known).to_bytes(2), known_hops + 1
                break
            fresh.append((name[offset:], len(self._message)))
            self._message += name[offset : offset + 1 + length]
            offset += 1 + length
        self._message += end
        for suffix, place in fresh:
            if place < POINTER_REACH:
                self._names[suffix] = place, hops

    def _cut_back(self, size: int) -> None:
        del self._message[size:]
        self._names = {name: known for name, known in self._names.items() if known[0] < size}


def _name_end(rdata: bytes, offset: int) -> int:
    """The offset behind the uncompressed name at `offset`."""
    while rdata[offset]:
        offset += 1 + rdata[offset]
    return offset + 1
