"""The TSIG record on the wire (RFC 8945 section 4.2), and what of a message its MAC covers (section 4.3)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from auth.errors import TsigMalformed

# RFC 8945 section 3
BADSIG = 16
BADKEY = 17
BADTIME = 18
BADTRUNC = 22
ERRORS = {BADSIG: "BADSIG", BADKEY: "BADKEY", BADTIME: "BADTIME", BADTRUNC: "BADTRUNC"}

MAX_NAME = 255  # octets, RFC 1035 section 2.3.4
MAX_LABEL = 63  # octets, RFC 1035 section 2.3.4
TIME_SIZE = 6  # octets of a time

_TIMES = struct.Struct("!HIHH")  # time signed (upper 16, lower 32 bits), fudge, MAC size
_TAIL = struct.Struct("!HHH")  # original ID, error, other length
_RECORD = struct.Struct("!HHIH")
_SIGNED_RECORD = struct.Struct("!HI")  # class and TTL, RFC 8945 section 4.3.3
_SIGNED_TIMES = struct.Struct("!HIH")
_SIGNED_TAIL = struct.Struct("!HH")  # error, other length
_ADDITIONALS = 10  # the offset of ARCOUNT


@dataclass(frozen=True, slots=True)
class Tsig:
    """A TSIG; names are uncompressed wire form."""

    key_name: bytes
    algorithm: bytes
    time_signed: int  # POSIX seconds, 48 bits
    fudge: int  # seconds
    mac: bytes
    original_id: int
    error: int = 0
    other: bytes = b""

    def record(self) -> bytes:
        """The whole record, for the end of a message."""
        rdata = (
            self.algorithm
            + _TIMES.pack(self.time_signed >> 32, self.time_signed & 0xFFFFFFFF, self.fudge, len(self.mac))
            + self.mac
            + _TAIL.pack(self.original_id, self.error, len(self.other))
            + self.other
        )
        return self.key_name + _RECORD.pack(RdataType.TSIG, RdataClass.ANY, 0, len(rdata)) + rdata

    def variables(self) -> bytes:
        """What a MAC covers beside the message (RFC 8945 section 4.3.3)."""
        return (
            self.key_name.lower()
            + _SIGNED_RECORD.pack(RdataClass.ANY, 0)
            + self.algorithm.lower()
            + _SIGNED_TIMES.pack(self.time_signed >> 32, self.time_signed & 0xFFFFFFFF, self.fudge)
            + _SIGNED_TAIL.pack(self.error, len(self.other))
            + self.other
        )

    def signed_data(self, message: bytes, request_mac: bytes | None = None) -> bytes:
        """What the MAC is made of: the message before this record was put to it, after the MAC of the request where it
        is a reply (RFC 8945 sections 4.3.1 to 4.3.3).
        """
        before = b"" if request_mac is None else len(request_mac).to_bytes(2) + request_mac
        return before + self.original_id.to_bytes(2) + message[2:] + self.variables()


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
    other = rdata[offset + mac_size + _TAIL.size :]
    if len(other) != other_length:
        raise TsigMalformed(start + offset)
    return Tsig(key_name, algorithm, upper << 32 | lower, fudge, mac, original_id, error, other)


def count_record(message: bytes, difference: int) -> bytes:
    """The message with ARCOUNT changed by one record that is there, or is not."""
    end = _ADDITIONALS + 2
    count = int.from_bytes(message[_ADDITIONALS:end]) + difference
    return message[:_ADDITIONALS] + count.to_bytes(2) + message[end:]


def _uncompressed_name(rdata: bytes, start: int) -> bytes:
    """The name at the beginning of the RDATA, which must not be compressed (RFC 8945 section 4.2)."""
    offset = 0
    while offset < len(rdata) and 0 < rdata[offset] <= MAX_LABEL:
        offset += 1 + rdata[offset]
    end = offset + 1
    if end > min(len(rdata), MAX_NAME) or rdata[offset] != 0:
        raise TsigMalformed(start + offset)
    return rdata[:end]
