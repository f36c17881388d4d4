"""Reading requests from the wire, strictly: the header, one question, OPT and TSIG; nothing else is looked into.

A request is read as far as it can be: `Request.fault` is the first thing wrong with it, and what was understood before
is there, so that the reply can echo the question (RFC 8906 section 3) and carry an OPT (RFC 6891 section 7).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

import dns.name
from dns.opcode import Opcode
from dns.rdataclass import RdataClass
from dns.rdatatype import RdataType

from auth import edns, tsig
from auth.edns import Edns
from auth.errors import (
    LabelTypeUnknown,
    NameTooLong,
    NameTruncated,
    OptMisplaced,
    OptRepeated,
    PointerInvalid,
    QuestionCount,
    QuestionTruncated,
    RecordTruncated,
    RecordUnexpected,
    TrailingBytes,
    TsigMisplaced,
    WireError,
)
from auth.tsig import Tsig

if TYPE_CHECKING:
    from auth.signature import Signature

HEADER = struct.Struct("!HHHHHH")  # RFC 1035 section 4.1.1
HEADER_LENGTH = HEADER.size
MAX_NAME = 255  # octets, RFC 1035 section 2.3.4
MAX_LABEL = 63  # octets, RFC 1035 section 2.3.4
POINTER = 0xC0  # the two top bits of a compression pointer, RFC 1035 section 4.1.4
MAX_POINTERS = 127  # a name has no more labels than that, so more hops only burn time
MAX_QUERY_ADDITIONAL = 4  # a query has an OPT and a TSIG or SIG(0); more is refused unread (CVE-2023-4408)

QR = 0x8000
AA = 0x0400
TC = 0x0200
RD = 0x0100
OPCODE_SHIFT = 11
OPCODE_MASK = 0xF

_QUESTION = struct.Struct("!HH")
_RECORD = struct.Struct("!HHIH")  # type, class, TTL, RDLENGTH


@dataclass(frozen=True, slots=True)
class Header:
    """The twelve octets every message begins with."""

    id: int
    flags: int
    questions: int
    answers: int
    authorities: int
    additionals: int

    @property
    def is_response(self) -> bool:
        """QR."""
        return bool(self.flags & QR)

    @property
    def opcode(self) -> int:
        """One of sixteen; not all have a name."""
        return self.flags >> OPCODE_SHIFT & OPCODE_MASK

    @property
    def recursion_desired(self) -> bool:
        """RD."""
        return bool(self.flags & RD)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked; the name is in the case it came in."""

    name: dns.name.Name
    rdtype: int
    rdclass: int


@dataclass(slots=True)
class Request:
    """As much of a request as could be read."""

    header: Header
    question: Question | None = None
    edns: Edns | None = None
    tsig: Tsig | None = None
    tsig_start: int = 0  # where its record begins
    signature: Signature | None = None  # what came of it, when that is known
    has_sig0: bool = False
    fault: WireError | None = None
    zone: dns.name.Name | None = None  # origin of the zone it is about, when that is known


def read_header(message: bytes) -> Header:
    """The header of a message of at least HEADER_LENGTH octets."""
    return Header(*HEADER.unpack_from(message))


def read_request(message: bytes, header: Header) -> Request:
    """Read what comes after the header. Raises nothing: see Request.fault."""
    request = Request(header)
    try:
        _read_sections(message, request)
    except WireError as fault:
        request.fault = request.fault or fault
    return request


def read_name(message: bytes, start: int) -> tuple[bytes, int]:
    """The name at `start` without compression, in its case, and the offset behind it."""
    name = bytearray()
    offset = lowest = start
    behind = 0  # the offset behind the first pointer, once there was one
    pointers = 0
    while True:
        length = _octet(message, offset)
        if length == 0:
            return bytes(name + b"\0"), behind or offset + 1
        if length >= POINTER:
            target = (length & ~POINTER) << 8 | _octet(message, offset + 1)
            pointers += 1
            if not HEADER_LENGTH <= target < lowest or pointers > MAX_POINTERS:
                raise PointerInvalid(offset)
            behind = behind or offset + 2
            offset = lowest = target
            continue
        end = _label_end(message, offset, length)
        name += message[offset:end]
        if len(name) + 1 > MAX_NAME:
            raise NameTooLong(start)
        offset = end


def skip_name(message: bytes, offset: int) -> int:
    """The offset behind the name at `offset`. Pointers are not followed: the cost is bounded by the bytes skipped."""
    while True:
        length = _octet(message, offset)
        if length == 0:
            return offset + 1
        if length >= POINTER:
            _octet(message, offset + 1)
            return offset + 2
        offset = _label_end(message, offset, length)


def labels_of(name: bytes) -> dns.name.Name:
    """The Name of an uncompressed wire name that read_name() returned."""
    labels = []
    offset = 0
    while length := name[offset]:
        labels.append(name[offset + 1 : offset + 1 + length])
        offset += 1 + length
    return dns.name.Name([*labels, b""])


def wire_of(name: dns.name.Name) -> bytes:
    """The uncompressed wire form of an absolute name, in its case."""
    return b"".join(bytes((len(label),)) + label for label in name.labels)


def _octet(message: bytes, offset: int) -> int:
    if offset >= len(message):
        raise NameTruncated(offset)
    return message[offset]


def _label_end(message: bytes, offset: int, length: int) -> int:
    if length > MAX_LABEL:
        raise LabelTypeUnknown(offset)
    end = offset + 1 + length
    if end > len(message):
        raise NameTruncated(offset)
    return end


def _read_sections(message: bytes, request: Request) -> None:
    offset = _read_question(message, request)
    if request.header.opcode == Opcode.QUERY:
        _check_query_counts(request, offset)
    for _ in range(request.header.answers + request.header.authorities):
        offset = _skip_record(message, offset)
    for index in range(request.header.additionals):
        offset = _read_additional(message, offset, request, last=index == request.header.additionals - 1)
    if offset != len(message):
        raise TrailingBytes(offset)
    if request.question is None and not _asks_for_cookie(request):
        raise QuestionCount(HEADER_LENGTH)


def _asks_for_cookie(request: Request) -> bool:
    """Whether a request without a question is one for a server cookie (RFC 7873 section 5.4)."""
    return request.header.opcode == Opcode.QUERY and request.edns is not None and request.edns.cookie is not None


def _read_question(message: bytes, request: Request) -> int:
    if request.header.questions == 0:
        return HEADER_LENGTH
    if request.header.questions > 1:
        raise QuestionCount(HEADER_LENGTH)
    name, offset = read_name(message, HEADER_LENGTH)
    if offset + _QUESTION.size > len(message):
        raise QuestionTruncated(offset)
    rdtype, rdclass = _QUESTION.unpack_from(message, offset)
    request.question = Question(labels_of(name), rdtype, rdclass)
    return offset + _QUESTION.size


def _check_query_counts(request: Request, offset: int) -> None:
    """A query has only a question and an additional section; IXFR also the SOA of the client (RFC 1995 section 3)."""
    is_ixfr = request.question is not None and request.question.rdtype == RdataType.IXFR
    if request.header.answers or request.header.authorities > (1 if is_ixfr else 0):
        raise RecordUnexpected(offset)
    if request.header.additionals > MAX_QUERY_ADDITIONAL:
        raise RecordUnexpected(offset)


def _record_at(message: bytes, offset: int) -> tuple[int, int, int, int, int]:
    """Type, class, TTL and the bounds of the RDATA of the record whose owner ends at `offset`."""
    start = offset + _RECORD.size
    if start > len(message):
        raise RecordTruncated(offset)
    rdtype, rdclass, ttl, length = _RECORD.unpack_from(message, offset)
    if start + length > len(message):
        raise RecordTruncated(offset)
    return rdtype, rdclass, ttl, start, start + length


def _skip_record(message: bytes, offset: int) -> int:
    rdtype, _, _, _, end = _record_at(message, skip_name(message, offset))
    if rdtype == RdataType.OPT:
        raise OptMisplaced(offset)
    if rdtype == RdataType.TSIG:
        raise TsigMisplaced(offset)
    return end


def _read_additional(message: bytes, offset: int, request: Request, *, last: bool) -> int:
    owner = offset
    rdtype, rdclass, ttl, start, end = _record_at(message, skip_name(message, offset))
    if rdtype == RdataType.OPT:
        if read_name(message, owner)[0] != b"\0":
            raise OptMisplaced(owner)
        if request.edns is not None:
            raise OptRepeated(owner)
        request.edns, fault = edns.read_opt(rdclass, ttl, message[start:end], start)
        if fault is not None:
            raise fault
    elif rdtype == RdataType.TSIG:
        if not last:
            raise TsigMisplaced(owner)
        request.tsig = tsig.read_tsig(read_name(message, owner)[0], rdclass, ttl, message[start:end], start)
        request.tsig_start = owner
    elif rdtype == RdataType.SIG and rdclass == RdataClass.ANY:
        request.has_sig0 = True  # SIG(0) is not implemented: such a request is as good as unsigned (RFC 2931 section 5)
    return end
