"""The OPT record: reading a client's, writing ours (RFC 6891), with NSID, keepalive, cookies and extended errors."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from dns.edns import EDECode, OptionType
from dns.rdatatype import RdataType

from auth.errors import OptionMalformed

VERSION = 0  # what we speak
MIN_UDP_SIZE = 512  # octets; smaller sizes count as this, RFC 6891 section 6.2.3
DEFAULT_UDP_SIZE = 1232  # octets: fits an IPv6 packet of 1280 without fragments (RFC 9715)
MAX_UDP_SIZE = 4096  # octets; larger ones only invite fragments
KEEPALIVE_UNITS = 10  # per second, RFC 7828 section 3.1
MAX_KEEPALIVE = 0xFFFF
OPT_FIXED = 11  # octets of an OPT record without options
DO = 0x8000

_KEEPALIVE = 11  # edns-tcp-keepalive, RFC 7828 section 3.1
_OPTION = struct.Struct("!HH")
_OPT = struct.Struct("!BHHBBHH")  # root, type, size, upper rcode bits, version, flags, RDLENGTH


@dataclass(frozen=True, slots=True)
class Edns:
    """What a client said in its OPT. Options we do not know are kept out: they are ignored, never echoed."""

    udp_size: int
    version: int
    dnssec_ok: bool
    wants_nsid: bool = False
    keepalive: bytes | None = None  # the content of edns-tcp-keepalive; None where it was not sent
    cookie: bytes | None = None  # the content of COOKIE, unchecked


@dataclass(frozen=True, slots=True)
class ExtendedError:
    """One extended DNS error (RFC 8914)."""

    code: EDECode
    text: str = ""


def read_opt(size: int, ttl: int, rdata: bytes, start: int) -> tuple[Edns, OptionMalformed | None]:
    """A client's OPT and what is wrong with its options; `start` is where its RDATA is in the message."""
    version = ttl >> 16 & 0xFF
    wants_nsid, keepalive, cookie = False, None, None
    offset = 0
    fault = None
    while offset < len(rdata):
        end = offset + _OPTION.size
        code, length = _OPTION.unpack_from(rdata, offset) if end <= len(rdata) else (0, len(rdata))
        if end + length > len(rdata):
            fault = OptionMalformed(start + offset)
            break
        if code == OptionType.NSID:
            wants_nsid = True  # its content means nothing, RFC 5001 section 2.2
        elif code == _KEEPALIVE and keepalive is None:
            keepalive = rdata[end : end + length]
        elif code == OptionType.COOKIE and cookie is None:  # of several the first, RFC 7873 section 5.2
            cookie = rdata[end : end + length]
        offset = end + length
    known = Edns(size, version, bool(ttl & DO), wants_nsid, keepalive, cookie)
    return known, fault if version == VERSION else None  # another version may lay out its options otherwise


def nsid_option(identity: bytes) -> bytes:
    """The name of this server (RFC 5001 section 2.3)."""
    return _option(OptionType.NSID, identity)


def keepalive_option(idle_timeout: float) -> bytes:
    """How long (seconds) an idle connection is kept (RFC 7828 section 3.1)."""
    return _option(_KEEPALIVE, keepalive_units(idle_timeout).to_bytes(2))


def keepalive_units(idle_timeout: float) -> int:
    """The same as the option has it."""
    return min(int(idle_timeout * KEEPALIVE_UNITS), MAX_KEEPALIVE)


def cookie_option(cookie: bytes) -> bytes:
    """A client cookie with our server cookie (RFC 7873 section 4)."""
    return _option(OptionType.COOKIE, cookie)


def error_option(error: ExtendedError) -> bytes:
    """An extended error (RFC 8914 section 2)."""
    return _option(OptionType.EDE, int(error.code).to_bytes(2) + error.text.encode())


def opt_record(udp_size: int, rcode: int, *, dnssec_ok: bool, options: bytes) -> bytes:
    """Our OPT. `rcode` is the whole twelve-bit one; unknown flags are never set, DO is copied (RFC 3225 section 3)."""
    flags = DO if dnssec_ok else 0
    return _OPT.pack(0, RdataType.OPT, udp_size, rcode >> 4, VERSION, flags, len(options)) + options


def _option(code: int, content: bytes) -> bytes:
    return _OPTION.pack(code, len(content)) + content
