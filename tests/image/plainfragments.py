"""Fragments: records in wire form whose pointers get their targets when they are sent."""

from __future__ import annotations

import struct
from dataclasses import dataclass, field

from dns.rdatatype import RdataType

from image.layout import (
    BYTE,
    CLASS_IN,
    POINTER,
    TO_FRAGMENT,
    TO_OWNER,
)

MAX_TTL = 2**31 - 1  # seconds; receivers take more for zero, so zero is what we send (RFC 2181 section 8)
MAX_OCTETS = 4096  # of each part: no UDP reply is larger; what is larger is left to the plain implementation

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
_PART = struct.Struct("<HBB")  # octets and flags, pointers, records
_POINTER = struct.Struct("<HH")
_RECORD = struct.Struct("!HHIH")


@dataclass(slots=True)
class Fragment:
    """A fragment in the making: add() to the first part, then begin_second() and add() to that.

    `known` is a name in wire form (any case) that ends every name it will be an answer to; `owner` in add() is None for
    the name asked for.
    """

    known: bytes
    wire: bytearray = field(default_factory=bytearray)
    _records: list[int] = field(default_factory=lambda: [0])
    _pointers: list[tuple[int, int]] = field(default_factory=list)
    _written: dict[bytes, int] = field(default_factory=dict)
    _kind: int = 0
    _first_octets: int = 0
    _first_pointers: int = 0

    def __post_init__(self) -> None:
        self.known = self.known.lower()

    def begin_second(self, kind: int) -> None:
        """What is added from now on is signatures (WITH_SIGNATURES) or glue (WITH_GLUE)."""
        self._kind = kind
        self._records.append(0)
        self._first_octets, self._first_pointers = len(self.wire), len(self._pointers)

    def add(self, owner: bytes | None, rdtype: int, ttl: int, rdatas: tuple[bytes, ...]) -> None:
        """Add a set."""
        for rdata in rdatas:
            if owner is None:
                self._point(TO_OWNER)
            else:
                self._put_name(owner)
            self.wire += _RECORD.pack(rdtype, CLASS_IN, ttl if ttl <= MAX_TTL else 0, 0)
            start = len(self.wire)
            self._put_rdata(rdtype, rdata)
            struct.pack_into("!H", self.wire, start - 2, len(self.wire) - start)
        self._records[-1] += len(rdatas)

    def packed(self) -> bytes | None:
        """Its octets in an image; None where it is too large for one."""
        first, pointers = len(self.wire), len(self._pointers)
        second = b""
        if self._kind:
            first, pointers = self._first_octets, self._first_pointers
            octets, more = len(self.wire) - first, len(self._pointers) - pointers
            if octets > MAX_OCTETS or max(more, self._records[1]) > BYTE:
                return None
            second = _PART.pack(octets, more, self._records[1])
        if first > MAX_OCTETS or max(pointers, self._records[0]) > BYTE:
            return None
        table = b"".join(_POINTER.pack(place, target) for place, target in self._pointers)
        return _PART.pack(first | self._kind, pointers, self._records[0]) + second + table + bytes(self.wire)

    def _put_rdata(self, rdtype: int, rdata: bytes) -> None:
        offset, names = COMPRESSIBLE.get(rdtype, (0, 0))  # type: ignore[call-overload]
        self.wire += rdata[:offset]
        for _ in range(names):
            end = name_end(rdata, offset)
            self._put_name(rdata[offset:end])
            offset = end
        self.wire += rdata[offset:]

    def _put_name(self, name: bytes) -> None:
        """The longest suffix that is in the question or already written becomes a pointer."""
        offset = 0
        while name[offset]:
            suffix = name[offset:]
            if self._is_known(suffix.lower()):
                self._point(labels(suffix))
                return
            if suffix in self._written:
                self._point(TO_FRAGMENT + self._written[suffix])
                return
            if len(self.wire) < MAX_OCTETS and not self._kind:
                self._written[suffix] = len(self.wire)
            self.wire += name[offset : offset + 1 + name[offset]]
            offset += 1 + name[offset]
        self.wire += b"\0"

    def _is_known(self, suffix: bytes) -> bool:
        offset = len(self.known) - len(suffix)
        return offset >= 0 and self.known[offset:] == suffix and offset in starts(self.known)

    def _point(self, target: int) -> None:
        self._pointers.append((len(self.wire), target))
        self.wire += POINTER.to_bytes(2)


def starts(name: bytes) -> list[int]:
    """Where the labels of a wire name begin."""
    found, offset = [], 0
    while name[offset]:
        found.append(offset)
        offset += 1 + name[offset]
    return found


def labels(name: bytes) -> int:
    """How many labels a wire name has, without the root."""
    return len(starts(name))


def name_end(octets: bytes, offset: int) -> int:
    """The offset behind the uncompressed name at `offset`."""
    while octets[offset]:
        offset += 1 + octets[offset]
    return offset + 1
