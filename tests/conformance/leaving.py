"""Which messages of the tests the loops may leave to the plain implementation: all others they must answer.

What the message alone says is here, in the words of image/README.md; what the zones say is in tests/image/leaving.py.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import dns.name
import dns.rcode
import dns.rdatatype

from auth.sizes import QUERY_OCTETS
from datasrc.source import Snapshot
from tests.image.leaving import NEVER, reason_to_leave
from tests.kit import dnspacket as packet
from tests.kit.launch_auth import LeftMessage

USUAL_FLAGS = packet.RD | packet.AD | packet.CD
ONE_QUESTION = [1, 0, 0]
FLAGS = 2  # where they begin
RCODE_AND_VERSION = slice(5, 7)  # of an OPT


def find_unexplained(
    snapshot: Snapshot, messages: Iterable[LeftMessage], settings: Mapping[str, Any]
) -> list[LeftMessage]:
    """Those of what was left, in this order, for which there is no reason."""
    found, waiting = [], set()
    for one in messages:
        if why_left(snapshot, one, settings) is not None:
            if one.stream:
                waiting.add(one.port)  # what comes behind it on this connection waits for its answer
        elif one.port not in waiting or not one.stream:
            found.append(one)
    return found


def why_left(snapshot: Snapshot, one: LeftMessage, settings: Mapping[str, Any]) -> str | None:
    """Why it may be left; None: it must be answered."""
    reason = _why_unread(one) or _why_unusual(one.message, settings)
    if reason is not None or one.reply is None:
        return reason
    if _rcode(one.reply) == dns.rcode.REFUSED:
        # That a name is in no zone is known for some seconds at a time: tests/auth/test_refused_by_images.py has when.
        return "a name that nobody vouched for just then"
    courteous = not settings.get("minimal_responses", True)
    return reason_to_leave(snapshot, one.message, one.reply, stream=one.stream, courteous=courteous)


def _why_unread(one: LeftMessage) -> str | None:
    """Why, where it is nothing that is looked at any further."""
    message = one.message
    if len(message) < packet.HEADER_LENGTH or _word(message, FLAGS) & packet.QR:
        return "no request"
    if _word(message, FLAGS) & ~USUAL_FLAGS:
        return "unusual flags, or another opcode"
    if len(message) > QUERY_OCTETS and not one.stream:
        return "too long for a batch"
    if one.reply is not None and _rcode(one.reply) == dns.rcode.FORMERR:
        return "malformed"
    return None


def _why_unusual(message: bytes, settings: Mapping[str, Any]) -> str | None:
    """Why, of a request that can be read."""
    *others, additional = (_word(message, at) for at in range(4, packet.HEADER_LENGTH, 2))
    if others != ONE_QUESTION or additional > 1:
        return "not one question and an OPT"
    at = packet.HEADER_LENGTH + dns.name.from_wire(message, packet.HEADER_LENGTH)[1]
    rdtype, rdclass, record = _word(message, at), _word(message, at + 2), message[at + 4 :]
    if record and _word(record, 1) != packet.OPT:
        return "a TSIG, or another record"
    if record[RCODE_AND_VERSION].strip(b"\0"):
        return "another version of EDNS, or an extended rcode"
    if rdclass != packet.IN:
        return "another class"
    if rdtype in NEVER:
        return "a type that images never answer"
    if rdtype == dns.rdatatype.ANY and settings.get("any_answer", "rrset") != "rrset":
        return "ANY, which HINFO answers"
    return None


def _word(message: bytes, at: int) -> int:
    return int.from_bytes(message[at : at + 2])


def _rcode(reply: bytes) -> int:
    """Without the extended bits."""
    return reply[3] & 0x0F
