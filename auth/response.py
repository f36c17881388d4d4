"""Assembling a reply within its size: what must be in it, what may, TC (RFC 2181 section 9, 8914 section 3, 9471)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from dns.rcode import Rcode
from dns.rdataclass import RdataClass

from auth import edns
from auth.answer import Answer
from auth.edns import ExtendedError
from auth.signature import Signature
from auth.wire import AA, OPCODE_SHIFT, QR, RD, TC, Header, Question
from auth.writer import ADDITIONAL, ANSWER, AUTHORITY, Writer
from datasrc.records import RRset

_RCODE_MASK = 0xF  # the part of the rcode that is in the header


@dataclass(frozen=True, slots=True)
class OptReply:
    """What goes into our OPT."""

    udp_size: int
    dnssec_ok: bool = False
    options: bytes = b""
    error: ExtendedError | None = None
    cookie: bytes = b""  # the option


@dataclass(frozen=True, slots=True)
class Reply:
    """A reply before it has a size."""

    header: Header  # of the request
    question: Question | None = None
    answer: Answer = field(default_factory=Answer)
    rcode: int = Rcode.NOERROR
    opt: OptReply | None = None
    signature: Signature | None = None  # where the request has a TSIG: makes that of the reply
    truncated: bool = False  # what is left out was left out before


@dataclass(frozen=True, slots=True)
class Rendered:
    """A reply on its way out."""

    message: bytes
    truncated: bool


def render(reply: Reply, limit: int) -> Rendered:
    """The reply in at most `limit` octets.

    AD and CD are clear (RFC 4035 section 3.1.6), RA and Z too (RFC 1035 section 4.1.1).
    """
    for candidate in _concessions(reply):
        tail = _opt(candidate)
        reserved = len(tail) + (candidate.signature.size if candidate.signature else 0)
        writer, complete = _required(candidate, limit - reserved)
        if complete:
            break
    if complete:
        for section, rrset in _courtesies(candidate.answer):
            writer.add(section, rrset, _class(reply))
    truncated = reply.truncated or not complete or candidate is not reply
    flags = _flags(candidate, truncated=truncated)
    message = writer.finish(reply.header.id, flags, tail, 1 if tail else 0)
    return Rendered(message if candidate.signature is None else candidate.signature.attach(message), truncated)


def _concessions(reply: Reply) -> Iterator[Reply]:
    """The reply, and what it is reduced to, with TC, where it does not fit.

    An extended error gives way first (RFC 8914 section 3). Of a signed reply question, OPT and TSIG are left, with
    NOERROR (RFC 8945 section 5.3); then OPT is without options. The unsigned TSIG of an error gives way last, for the
    names in it may be as long as what UDP carries.
    """
    yield reply
    if reply.opt is not None and reply.opt.error is not None:
        reply = replace(reply, opt=replace(reply.opt, error=None))
        yield reply
    signature = reply.signature
    if signature is None:
        return
    if reply.answer.answer or reply.answer.authority or reply.answer.glue:
        reply = replace(reply, answer=Answer(authoritative=reply.answer.authoritative), rcode=Rcode.NOERROR)
        yield reply
    if reply.opt is not None and (reply.opt.options or reply.opt.cookie):
        reply = replace(reply, opt=replace(reply.opt, options=b"", cookie=b""))
        yield reply
    if signature.key is None:
        yield replace(reply, signature=None)


def _required(reply: Reply, limit: int) -> tuple[Writer, bool]:
    """Everything the reply is wrong without, up to the first set that does not fit; whether all of it does."""
    writer = Writer(limit)
    if reply.question is not None:
        writer.add_question(reply.question)
    rdclass = _class(reply)
    complete = writer.size <= limit
    return writer, complete and all(
        writer.add(section, rrset, rdclass) for section, rrset in _requirements(reply.answer)
    )


def _requirements(answer: Answer) -> Iterator[tuple[int, RRset]]:
    yield from ((ANSWER, rrset) for rrset in answer.answer)
    yield from ((AUTHORITY, rrset) for rrset in answer.authority)
    yield from ((ADDITIONAL, rrset) for rrset in answer.glue)


def _courtesies(answer: Answer) -> Iterator[tuple[int, RRset]]:
    yield from ((AUTHORITY, rrset) for rrset in answer.courtesy_authority)
    yield from ((ADDITIONAL, rrset) for rrset in answer.courtesy_additional)


def _class(reply: Reply) -> int:
    return RdataClass.IN if reply.question is None else reply.question.rdclass


def _flags(reply: Reply, *, truncated: bool) -> int:
    flags = QR | reply.header.opcode << OPCODE_SHIFT | reply.header.flags & RD | reply.rcode & _RCODE_MASK
    if reply.answer.authoritative:
        flags |= AA
    return flags | TC if truncated else flags


def _opt(reply: Reply) -> bytes:
    """The OPT record, where there is one."""
    if reply.opt is None:
        return b""
    error = b"" if reply.opt.error is None else edns.error_option(reply.opt.error)
    options = reply.opt.options + reply.opt.cookie + error
    return edns.opt_record(reply.opt.udp_size, reply.rcode, dnssec_ok=reply.opt.dnssec_ok, options=options)
