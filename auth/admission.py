"""What is decided on the header alone, before anything is parsed (RFC 8906, RFC 9619)."""

from __future__ import annotations

import enum

from dns.opcode import Opcode

from auth.wire import HEADER_LENGTH, read_header

# Whose messages are read further; to others a header is the reply, for nobody knows what their body looks like.
KNOWN_OPCODES = frozenset({Opcode.QUERY, Opcode.NOTIFY, Opcode.UPDATE})


class Admission(enum.Enum):
    """What becomes of a message."""

    DROP = "drop"  # no reply at all; on TCP the connection is closed
    FORMERR = "formerr"
    NOTIMP = "notimp"
    READ = "read"


def admit(message: bytes) -> Admission:
    """Decide what becomes of a message."""
    if len(message) < HEADER_LENGTH:
        return Admission.DROP  # no ID to answer to
    header = read_header(message)
    if header.is_response:
        return Admission.DROP  # two servers answering each other never end (VU#417980)
    if header.opcode not in KNOWN_OPCODES:
        return Admission.NOTIMP
    if header.questions > 1:
        return Admission.FORMERR  # RFC 9619
    return Admission.READ
