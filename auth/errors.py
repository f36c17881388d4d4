"""What can go wrong in auth.

AuthError
+-- WireError               a request is malformed: FORMERR; each has the offset where it was noticed
|   +-- NameTruncated       a name runs past the end of the message
|   +-- LabelTypeUnknown    a label that is neither ordinary nor a pointer
|   +-- NameTooLong         more than 255 octets
|   +-- PointerInvalid      a compression pointer that does not point backwards into the message
|   +-- QuestionCount       not exactly one question
|   +-- QuestionTruncated
|   +-- RecordTruncated     a record runs past the end of the message
|   +-- RecordUnexpected    records in a section where this kind of request has none, or too many
|   +-- TrailingBytes       the message goes on after its last record
|   +-- OptMisplaced        OPT outside the additional section, or not owned by the root
|   +-- OptRepeated
|   +-- OptionMalformed     an EDNS option runs past the end of the OPT record, or has an impossible length
|   +-- TsigMisplaced       TSIG that is not the last record
|   +-- TsigMalformed
+-- Refusal                 the request is understood and not answered from data; has an rcode and an extended error
|   +-- NotServed           no zone here holds the name: REFUSED
|   +-- Prohibited          the ACL says REJECT: REFUSED
|   +-- Unusable            the zone is ours but cannot be answered from: SERVFAIL
|   |   +-- Broken          it has data, which cannot be used
|   +-- NotAuthoritative    NOTIFY, UPDATE or transfer of a zone that is not ours: NOTAUTH
|   +-- Declined            a transfer, NOTIFY or UPDATE of a zone of ours: REFUSED
|   +-- Unsupported         a query type that is not offered: NOTIMP
|   +-- Inconsistent        the question contradicts its opcode or type: FORMERR
+-- Dropped                 the ACL says DROP: no reply at all
+-- AclError                an ACL that cannot be understood
+-- CookieSecretError       a secret for cookies that cannot be used
"""

from __future__ import annotations

from typing import ClassVar

from dns.edns import EDECode
from dns.name import Name
from dns.rcode import Rcode


class AuthError(Exception):
    """Root of what auth raises."""


class CookieSecretError(AuthError):
    """A secret for cookies cannot be used."""

    def __init__(self, file: str, reason: str, index: int | None = None) -> None:
        super().__init__(f"{file}: {reason}")
        self.file = file
        self.reason = reason
        self.index = index  # in auth.cookies.secret_files; None: it is our own


class WireError(AuthError):
    """A malformed request."""

    reason: ClassVar[str] = "malformed"

    def __init__(self, offset: int) -> None:
        super().__init__(f"{self.reason} at offset {offset}")
        self.offset = offset


class NameTruncated(WireError):
    """A name runs past the end of the message."""

    reason = "name truncated"


class LabelTypeUnknown(WireError):
    """A label length with the top bits 01 or 10 (RFC 6891 section 5)."""

    reason = "unknown label type"


class NameTooLong(WireError):
    """A name of more than 255 octets (RFC 1035 section 2.3.4)."""

    reason = "name too long"


class PointerInvalid(WireError):
    """A compression pointer that does not point backwards (RFC 1035 section 4.1.4)."""

    reason = "invalid compression pointer"


class QuestionCount(WireError):
    """Not exactly one question (RFC 9619)."""

    reason = "not exactly one question"


class QuestionTruncated(WireError):
    """The question runs past the end of the message."""

    reason = "question truncated"


class RecordTruncated(WireError):
    """A record runs past the end of the message."""

    reason = "record truncated"


class RecordUnexpected(WireError):
    """Records where this kind of request has none, or too many of them."""

    reason = "unexpected record"


class TrailingBytes(WireError):
    """Bytes after the last record."""

    reason = "trailing bytes"


class OptMisplaced(WireError):
    """OPT outside the additional section, or not owned by the root (RFC 6891 section 6.1.1)."""

    reason = "misplaced OPT"


class OptRepeated(WireError):
    """More than one OPT (RFC 6891 section 6.1.1)."""

    reason = "more than one OPT"


class OptionMalformed(WireError):
    """An EDNS option of impossible length."""

    reason = "malformed EDNS option"


class TsigMisplaced(WireError):
    """TSIG that is not the last record of the additional section (RFC 8945 section 5.2)."""

    reason = "misplaced TSIG"


class TsigMalformed(WireError):
    """TSIG that cannot be interpreted (RFC 8945 section 5.2)."""

    reason = "malformed TSIG"


class Refusal(AuthError):
    """A request that is understood and not answered from data."""

    rcode: ClassVar[Rcode] = Rcode.REFUSED

    def __init__(self, ede: EDECode | None = None, text: str = "") -> None:
        super().__init__(text or self.rcode.name)
        self.ede = ede
        self.text = text


class NotServed(Refusal):
    """No zone here holds the name."""

    def __init__(self) -> None:
        super().__init__(EDECode.NOT_AUTHORITATIVE)


class Prohibited(Refusal):
    """The ACL of the zone refuses this client."""

    def __init__(self) -> None:
        super().__init__(EDECode.PROHIBITED)


class Unusable(Refusal):
    """The zone is ours but cannot be answered from. `text` is for the client and names no path and no host; `zone` and
    `reason` are for the operator.
    """

    rcode = Rcode.SERVFAIL

    def __init__(self, ede: EDECode, text: str, zone: Name, reason: str) -> None:
        super().__init__(ede, text)
        self.zone = zone
        self.reason = reason


class Broken(Unusable):
    """The zone has data that cannot be used; there may have been better one before."""


class Unprovable(Refusal):
    """A signed zone lacks the NSEC or NSEC3 records that this answer needs; a validator would call it bogus."""

    rcode = Rcode.SERVFAIL


class NotAuthoritative(Refusal):
    """NOTIFY, UPDATE or transfer of a zone that is not ours (RFC 2136 section 3.1.1, RFC 5936 section 2.2.1)."""

    rcode = Rcode.NOTAUTH

    def __init__(self) -> None:
        super().__init__(EDECode.NOT_AUTHORITATIVE)


class Declined(Refusal):
    """A transfer, NOTIFY or UPDATE of a zone of ours, which nobody here handles."""

    def __init__(self) -> None:
        super().__init__(EDECode.NOT_SUPPORTED)


class Unsupported(Refusal):
    """A query type that is not offered."""

    rcode = Rcode.NOTIMP

    def __init__(self) -> None:
        super().__init__(EDECode.NOT_SUPPORTED)


class Inconsistent(Refusal):
    """The question contradicts its opcode or type."""

    rcode = Rcode.FORMERR


class Dropped(AuthError):
    """The ACL of the zone wants this client to get no reply."""


class AclError(AuthError):
    """An ACL that cannot be understood; says where in the list and why."""
