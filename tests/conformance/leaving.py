"""Which messages of the tests the loops may leave to the plain implementation: all others they must answer.

What the message alone says is here, in the words of image/README.md; what the zones say, and who may ask, is in
tests/image/leaving.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
import dns.rcode
import dns.rdatatype

from auth.client import Client, Transport
from auth.settings import AnyAnswer, Settings
from auth.sizes import QUERY_OCTETS
from auth.zones import ZoneTable
from datasrc.source import Snapshot
from tests.image.leaving import NEVER, Asked, reason_to_leave
from tests.kit import dnspacket as packet
from tests.kit.auth_runner import settings_of, zones_of
from tests.kit.launch_auth import AuthProcess, LeftMessage

USUAL_FLAGS = packet.RD | packet.AD | packet.CD
OPCODE = packet.opcode(15)
ONE_QUESTION = [1, 0, 0]
FLAGS = 2  # where they begin
RCODE_AND_VERSION = slice(5, 7)  # of an OPT
# Why the message alone is enough.
NO_REQUEST = "no request"
OTHER_OPCODE = "another opcode"
UNUSUAL_FLAGS = "unusual flags"
TOO_LONG = "too long for a batch"
MALFORMED = "malformed"
OTHER_RECORDS = "not one question and an OPT"
OTHER_RECORD = "a TSIG, or another record"
OTHER_VERSION = "another version of EDNS, or an extended rcode"
OTHER_CLASS = "another class"
NEVER_ANSWERED = "a type that images never answer"
ANY_BY_HINFO = "ANY, which HINFO answers"


@dataclass(frozen=True, slots=True)
class Rules:
    """What a server goes by."""

    settings: Settings
    zones: ZoneTable

    @classmethod
    def of(cls, process: AuthProcess) -> Rules:
        """As it was started."""
        return cls(settings_of(dict(process.settings)), zones_of(process.zones))


def find_unexplained(snapshot: Snapshot, messages: Iterable[LeftMessage], rules: Rules) -> list[LeftMessage]:
    """Those of what was left, in this order, for which there is no reason."""
    found, waiting = [], set()
    for one in messages:
        if why_left(snapshot, one, rules) is not None:
            if one.stream:
                waiting.add(one.port)  # what comes behind it on this connection waits for its answer
        elif one.port not in waiting or not one.stream:
            found.append(one)
    return found


def why_left(snapshot: Snapshot, one: LeftMessage, rules: Rules) -> str | None:
    """Why it may be left; None: it must be answered, refused or dropped."""
    reason = _why_unread(one) or _why_unusual(one.message, rules.settings)
    if reason is not None:
        return reason
    client = Client(one.address, one.port, Transport.TCP if one.stream else Transport.UDP)
    asked = Asked(one.message, one.reply, client, rules.settings, rules.zones, vouched=one.vouched)
    return reason_to_leave(snapshot, asked)


def _why_unread(one: LeftMessage) -> str | None:
    """Why, where it is nothing that is looked at any further."""
    message = one.message
    if len(message) < packet.HEADER_LENGTH or _word(message, FLAGS) & packet.QR:
        return NO_REQUEST
    if _word(message, FLAGS) & OPCODE:
        return OTHER_OPCODE
    if _word(message, FLAGS) & ~USUAL_FLAGS:
        return UNUSUAL_FLAGS
    if len(message) > QUERY_OCTETS and not one.stream:
        return TOO_LONG
    if one.reply is not None and _rcode(one.reply) == dns.rcode.FORMERR:
        return MALFORMED
    return None


def _why_unusual(message: bytes, settings: Settings) -> str | None:
    """Why, of a request that can be read."""
    *others, additional = (_word(message, at) for at in range(4, packet.HEADER_LENGTH, 2))
    if others != ONE_QUESTION or additional > 1:
        return OTHER_RECORDS
    at = packet.HEADER_LENGTH + dns.name.from_wire(message, packet.HEADER_LENGTH)[1]
    rdtype, rdclass, record = _word(message, at), _word(message, at + 2), message[at + 4 :]
    if record and _word(record, 1) != packet.OPT:
        return OTHER_RECORD
    if record[RCODE_AND_VERSION].strip(b"\0"):
        return OTHER_VERSION
    if rdclass != packet.IN:
        return OTHER_CLASS
    if rdtype in NEVER:
        return NEVER_ANSWERED
    if rdtype == dns.rdatatype.ANY and settings.any_answer is not AnyAnswer.RRSET:
        return ANY_BY_HINFO
    return None


def _word(message: bytes, at: int) -> int:
    return int.from_bytes(message[at : at + 2])


def _rcode(reply: bytes) -> int:
    """Without the extended bits."""
    return reply[3] & 0x0F
