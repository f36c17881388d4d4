"""Class CH: what this server says about itself (RFC 4892), nothing unless configured."""

from __future__ import annotations

import dns.name
from dns.rdatatype import RdataType

from auth.answer import Answer
from auth.errors import NotServed
from auth.settings import Settings
from auth.wire import Question
from datasrc.records import RRset

VERSION_NAMES = frozenset({dns.name.from_text("version.bind"), dns.name.from_text("version.server")})
IDENTITY_NAMES = frozenset({dns.name.from_text("id.server"), dns.name.from_text("hostname.bind")})
MAX_TEXT = 255  # octets of a character-string, RFC 1035 section 3.3


def answer_chaos(question: Question, settings: Settings) -> Answer:
    """Answer a question of class CH; raises NotServed for what is not configured."""
    text = _text(question, settings).encode()
    if not text or question.rdtype not in (RdataType.TXT, RdataType.ANY):
        raise NotServed
    rrset = RRset(question.name, RdataType.TXT, 0, (bytes([len(text)]) + text,))
    return Answer(authoritative=True, answer=[rrset])


def _text(question: Question, settings: Settings) -> str:
    if question.name in VERSION_NAMES:
        return settings.version
    return settings.server_id if question.name in IDENTITY_NAMES else ""
