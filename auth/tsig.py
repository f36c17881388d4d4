"""TSIG without keys: a signed request is recognised, checked for form, and answered NOTAUTH with BADKEY (RFC 8945)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from auth.errors import TsigMalformed

BADKEY = 17  # RFC 8945 section 3
MAX_NAME = 255  # octets, RFC 1035 section 2.3.4
MAX_LABEL = 63  # octets, RFC 1035 section 2.3.4

_TIMES = struct.Struct("!HIHH")  # time signed (upper 16, lower 32 bits), fudge, MAC size
_TAIL = struct.Struct("!HHH")  # original ID, error, other length
_RECORD = struct.Struct("!HHIH")


@dataclass(frozen=True, slots=True)
class Tsig:
    """The TSIG of a request; names are uncompressed wire form."""

    key_name: bytes
    algorithm: bytes
    time_signed: int  # POSIX seconds, 48 bits
    fudge: int  # seconds
    mac: bytes
    original_id: int
    error: int


def read_tsig(key_name: bytes, rdclass: int, ttl: int, rdata: bytes, start: int) -> Tsig:
    """Check the form of a TSIG record (RFC 8945 section 4.2); `start` is where its RDATA is in the message."""
    if rdclass != RdataClass.ANY or ttl != 0:
        raise TsigMalformed(start)
    algorithm = _uncompressed_name(rdata, start)
    offset = len(algorithm)
    try:
        upper, lower, fudge, mac_size = _TIMES.unpack_from(rdata, offset)
        offset += _TIMES.size
        mac = rdata[offset : offset + mac_size]
        original_id, error, other_length = _TAIL.unpack_from(rdata, offset + mac_size)
    except struct.error:
        raise TsigMalformed(start + offset) from None
    if offset + mac_size + _TAIL.size + other_length != len(rdata):
        raise TsigMalformed(start + offset)
    return Tsig(key_name, algorithm, upper << 32 | lower, fudge, mac, original_id, error)


def bad_key_record(tsig: Tsig) -> bytes:
    """The unsigned TSIG of a reply to a request signed with an unknown key (RFC 8945 sections 5.2.1, 5.3.2)."""
    rdata = (
        tsig.algorithm
        + _TIMES.pack(tsig.time_signed >> 32, tsig.time_signed & 0xFFFFFFFF, tsig.fudge, 0)
        + _TAIL.pack(tsig.original_id, BADKEY, 0)
    )
    return tsig.key_name + _RECORD.pack(RdataType.TSIG, RdataClass.ANY, 0, len(rdata)) + rdata


def _uncompressed_name(rdata: bytes, start: int) -> bytes:
    """The name at the beginning of the RDATA, which must not be compressed (RFC 8945 section 4.2)."""
    offset = 0
    while offset < len(rdata) and 0 < rdata[offset] <= MAX_LABEL:
        offset += 1 + rdata[offset]
    end = offset + 1
    if end > min(len(rdata), MAX_NAME) or rdata[offset] != 0:
        raise TsigMalformed(start + offset)
    return rdata[:end]
