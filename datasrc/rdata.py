"""RDATA as bytes: what may be stored, its canonical form, and sets of it packed into one blob.

A packed set is, for each RDATA in canonical order (RFC 4034 section 6.3), two octets of length and the octets.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from typing import NamedTuple

from dns.rdatatype import RdataType

from datasrc.octets import POINTER_NUMBERS, POINTER_STRINGS

MAX_RDATA = 0xFFFF  # RDLENGTH is 16 bits (RFC 1035 section 3.2.1)
MAX_TTL = 0xFFFFFFFF  # kept as given; what goes on the wire is for the answer (RFC 2181 section 8)

OPT = 41  # RFC 6891 section 6.1.1: never in a zone
META_TYPES = range(128, 256)  # QTYPEs and meta types (RFC 6895 section 3.1)
SIGNATURES = frozenset({int(RdataType.SIG), int(RdataType.RRSIG)})

_LENGTH = struct.Struct("!H")
_SOA_NUMBERS = struct.Struct("!5I")

# Where names stand in the RDATA of the types whose canonical form has them in lower case (RFC 4034 section 6.2 with
# RFC 6840 section 5.1: NSEC is not among them, nor HINFO, by its erratum): octets to skip, then how many names follow.
_NAMES_AT: dict[int, tuple[int, int]] = {
    RdataType.NS: (0, 1),
    RdataType.MD: (0, 1),
    RdataType.MF: (0, 1),
    RdataType.CNAME: (0, 1),
    RdataType.SOA: (0, 2),
    RdataType.MB: (0, 1),
    RdataType.MG: (0, 1),
    RdataType.MR: (0, 1),
    RdataType.PTR: (0, 1),
    RdataType.MINFO: (0, 2),
    RdataType.MX: (2, 1),
    RdataType.RP: (0, 2),
    RdataType.AFSDB: (2, 1),
    RdataType.RT: (2, 1),
    RdataType.SIG: (18, 1),
    RdataType.PX: (2, 2),
    RdataType.NXT: (0, 1),
    RdataType.KX: (2, 1),
    RdataType.SRV: (6, 1),
    RdataType.DNAME: (0, 1),
    RdataType.RRSIG: (18, 1),
}
# The same for compiled code, by type: of other types nothing is made small.
NAMED_TYPES = 256  # types below may have any
NAMES_FROM = bytes(_NAMES_AT.get(rdtype, (0, 0))[0] for rdtype in range(NAMED_TYPES))
NAMES_COUNT = bytes(_NAMES_AT.get(rdtype, (0, 0))[1] for rdtype in range(NAMED_TYPES))
MAX_TYPE = 0xFFFF  # RFC 1035 section 3.2.1: 16 bits
MAX_NAME = 255  # octets in wire form; RFC 1035 section 2.3.4
MAX_LABEL = 63  # octets; RFC 1035 section 2.3.4


def type_fault(rdtype: int, covers: int) -> str:
    """Why no zone may hold this type, or an empty string."""
    if not 0 < rdtype <= MAX_TYPE or not 0 <= covers <= MAX_TYPE:
        return f"type {rdtype} is not a number a type can have"
    if rdtype == OPT or rdtype in META_TYPES:
        return f"{RdataType.to_text(RdataType.make(rdtype))} is not a type a zone can hold"
    if (covers != 0) != (rdtype in SIGNATURES):
        return f"a {RdataType.to_text(RdataType.make(rdtype))} set covering type {covers}"
    return ""


def rdata_fault(rdtype: int, covers: int, rdata: bytes) -> str:
    """Why this RDATA cannot be stored, or an empty string. Only what this library itself reads is looked into."""
    if len(rdata) > MAX_RDATA:
        return f"{len(rdata)} octets of RDATA"
    if rdtype in SIGNATURES and rdata[:2] != _LENGTH.pack(covers):
        return f"a signature in a set covering type {covers} that covers another type"
    if rdtype == RdataType.SOA and soa_serial(rdata) is None:
        return "an SOA record without its two names and five numbers"
    return ""


class SoaData(NamedTuple):
    """What SOA RDATA says (RFC 1035 section 3.3.13) but for the name of the server; times in seconds."""

    mailbox: bytes  # the first label of RNAME
    serial: int
    refresh: int
    retry: int
    expire: int
    minimum: int


def soa_data(rdata: bytes) -> SoaData | None:
    """SOA RDATA, or None where it is none."""
    middle = _name_end(rdata, 0)
    end = _name_end(rdata, middle)
    if end < 0 or len(rdata) - end != _SOA_NUMBERS.size or max(middle, end - middle) > MAX_NAME:
        return None
    label = middle + 1
    return SoaData(rdata[label : label + rdata[middle]], *_SOA_NUMBERS.unpack_from(rdata, end))


def soa_serial(rdata: bytes) -> int | None:
    """The serial of SOA RDATA (RFC 1035 section 3.3.13), or None where it is no SOA RDATA."""
    end = _name_end(rdata, _name_end(rdata, 0))
    if end < 0 or len(rdata) - end != _SOA_NUMBERS.size:
        return None
    serial: int = _SOA_NUMBERS.unpack_from(rdata, end)[0]
    return serial


def canonical(rdtype: int, rdata: bytes) -> bytes:
    """The canonical form (RFC 4034 section 6.2): what decides equality and order. Malformed RDATA stands for itself."""
    lowered = rdata.lower()
    if lowered == rdata:  # nearly always: nothing in it is a capital letter
        return rdata
    if rdtype == RdataType.NAPTR:
        start, count = _naptr_name(rdata), 1
    else:
        start, count = _NAMES_AT.get(rdtype, (-1, 0))
    end = start
    for _ in range(count):
        end = _name_end(rdata, end)
    return rdata[:start] + lowered[start:end] + rdata[end:] if 0 <= start < end else rdata


def normal_form(rdtype: int, rdatas: Iterable[bytes]) -> tuple[bytes, ...]:
    """These RDATAs in canonical order without duplicates (RFC 2181 section 5); of equal ones the first stays."""
    unique: dict[bytes, bytes] = {}
    for rdata in rdatas:
        unique.setdefault(canonical(rdtype, rdata), rdata)
    return tuple(unique[form] for form in sorted(unique))


def pack(rdatas: Iterable[bytes]) -> bytes:
    """One blob of these RDATAs."""
    return b"".join([_LENGTH.pack(len(rdata)) + rdata for rdata in rdatas])


def unpack(blob: bytes) -> tuple[bytes, ...]:
    """The RDATAs of a blob. Raises ValueError where it is none."""
    rdatas = []
    position, size = 0, len(blob)
    while position < size:
        start = position + 2
        position = start + int.from_bytes(blob[position:start], "big")
        if start > size or position > size:
            raise ValueError(f"packed RDATA ends at octet {size} of {max(start, position)}")
        rdatas.append(blob[start:position])
    if not rdatas:
        raise ValueError("no RDATA in the set")
    return tuple(rdatas)


def count(blob: bytes) -> int:
    """How many RDATAs a (sound) blob holds."""
    number = position = 0
    while position < len(blob):
        position += 2 + int.from_bytes(blob[position : position + 2], "big")
        number += 1
    return number


def _name_end(rdata: bytes, start: int) -> int:
    """Where the uncompressed name at `start` ends, or -1; -1 stays -1 so that calls can be nested."""
    while 0 <= start < len(rdata):
        length = rdata[start]
        start += 1 + length
        if length == 0:
            return start
        if length > MAX_LABEL:  # stored RDATA has no compression pointers
            return -1
    return -1


def _naptr_name(rdata: bytes) -> int:
    position = POINTER_NUMBERS
    for _ in range(POINTER_STRINGS):
        if position >= len(rdata):
            return -1
        position += 1 + rdata[position]
    return position
