"""Builds DNS messages octet by octet: right ones, and wrong ones that no library would make."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Sequence

import dns.name
import dns.rdatatype

QR = 0x8000
AA = 0x0400
TC = 0x0200
RD = 0x0100
RA = 0x0080
Z = 0x0040
AD = 0x0020
CD = 0x0010
DO = 0x8000  # in the flags of OPT

HEADER_LENGTH = 12  # octets, RFC 1035 section 4.1.1

IN, CH, NONE, ANY = 1, 3, 254, 255
OPT, TSIG = 41, 250

QUERY, IQUERY, STATUS, NOTIFY, UPDATE, DSO = 0, 1, 2, 4, 5, 6

NSID, CLIENT_SUBNET, EXPIRE, COOKIE, KEEPALIVE, PADDING, EDE, REPORT_CHANNEL = 3, 8, 9, 10, 11, 12, 15, 18

_ids = itertools.count(1)


def next_id() -> int:
    """A message id that differs from the last ones."""
    return next(_ids) & 0xFFFF


def name(text: str) -> bytes:
    """Uncompressed wire form of a name in presentation form."""
    return b"".join(bytes([len(label)]) + label for label in dns.name.from_text(text).labels)


def rdtype_of(rdtype: str | int) -> int:
    """The number of a type mnemonic."""
    return rdtype if isinstance(rdtype, int) else int(dns.rdatatype.from_text(rdtype))


def header(flags: int = 0, *, qd: int = 0, an: int = 0, ns: int = 0, ar: int = 0, ident: int | None = None) -> bytes:
    """The 12 octets of RFC 1035 section 4.1.1."""
    return struct.pack("!6H", next_id() if ident is None else ident, flags, qd, an, ns, ar)


def opcode(number: int) -> int:
    """Flag bits of an opcode."""
    return number << 11


def question(owner: str | bytes, rdtype: str | int = "A", rdclass: int = IN) -> bytes:
    """One entry of the question section; bytes are taken as they are."""
    wire = owner if isinstance(owner, bytes) else name(owner)
    return wire + struct.pack("!2H", rdtype_of(rdtype), rdclass)


def record(
    owner: str | bytes,
    rdtype: str | int,
    rdata: bytes = b"",
    *,
    rdclass: int = IN,
    ttl: int = 0,
    rdlength: int | None = None,
) -> bytes:
    """One resource record, with a length that may lie."""
    wire = owner if isinstance(owner, bytes) else name(owner)
    length = len(rdata) if rdlength is None else rdlength
    return wire + struct.pack("!2HIH", rdtype_of(rdtype), rdclass, ttl, length) + rdata


def option(code: int, data: bytes = b"", *, length: int | None = None) -> bytes:
    """One EDNS option, with a length that may lie."""
    return struct.pack("!2H", code, len(data) if length is None else length) + data


def opt(
    *options: bytes,
    size: int = 1232,
    version: int = 0,
    flags: int = 0,
    owner: bytes = b"\0",
    rdlength: int | None = None,
) -> bytes:
    """An OPT record (RFC 6891 section 6.1.2)."""
    ttl = version << 16 | flags
    return record(owner, OPT, b"".join(options), rdclass=size, ttl=ttl, rdlength=rdlength)


def tsig(key: str, *, algorithm: str = "hmac-sha256.", mac: bytes = b"\0" * 32, rdata: bytes | None = None) -> bytes:
    """A TSIG record (RFC 8945 section 4.2) with a MAC that nobody computed."""
    if rdata is None:
        times = struct.pack("!HIH", 0, 1_700_000_000, 300)
        rdata = name(algorithm) + times + struct.pack("!H", len(mac)) + mac + struct.pack("!3H", 0, 0, 0)
    return record(key, TSIG, rdata, rdclass=ANY)


def query(
    owner: str | bytes,
    rdtype: str | int = "A",
    *,
    rdclass: int = IN,
    flags: int = 0,
    additional: Sequence[bytes] = (),
    ident: int | None = None,
) -> bytes:
    """One question and what goes in the additional section."""
    start = header(flags, qd=1, ar=len(additional), ident=ident)
    return start + question(owner, rdtype, rdclass) + b"".join(additional)


def raw_name(*labels: bytes) -> bytes:
    """Labels as they are, unchecked, closed by the root."""
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"
