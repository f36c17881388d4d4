"""Whether a request is signed as it should be, and the TSIG of the reply to it (RFC 8945 section 5).

verify() -> Signature: good, or bad in one of four ways -> Signature.attach() puts the TSIG to the rendered reply
"""

from __future__ import annotations

import hmac
from dataclasses import dataclass, replace

from auth.errors import TsigMalformed
from auth.keys import Key, KeyRing
from auth.tsig import BADKEY, BADSIG, BADTIME, BADTRUNC, ERRORS, TIME_SIZE, Tsig, count_record

FUDGE = 300  # seconds, RFC 8945 section 10


@dataclass(frozen=True, slots=True)
class Signature:
    """What came of the TSIG of a request. A reply is signed where `key` is there, which is no promise that the request
    was good: BADTIME and BADTRUNC are told signed (RFC 8945 section 5.3.2).
    """

    request: Tsig
    now: int  # POSIX seconds
    key: Key | None = None
    error: int = 0

    @property
    def is_good(self) -> bool:
        """Whether the request is from who shares the key."""
        return self.error == 0

    @property
    def fault(self) -> str:
        """The name of the error."""
        return ERRORS[self.error]

    @property
    def size(self) -> int:
        """Octets that `attach` adds."""
        return len(self._record(bytes(self.key.algorithm.full if self.key else 0)).record())

    def attach(self, message: bytes) -> bytes:
        """The reply with its TSIG as the last record."""
        mac = b""
        if self.key is not None:
            mac = self.key.mac(self._record(b"").signed_data(message, self.request.mac))
        return count_record(message, 1) + self._record(mac).record()

    def _record(self, mac: bytes) -> Tsig:
        """Errors tell the times of the request, and BADTIME ours beside them (RFC 8945 sections 5.2.3, 5.3.2)."""
        request = replace(self.request, mac=mac, error=self.error, other=b"")
        if self.is_good:
            return replace(request, time_signed=self.now, fudge=FUDGE)
        return replace(request, other=self.now.to_bytes(TIME_SIZE) if self.error == BADTIME else b"")


def sign_request(message: bytes, key: Key, now: int) -> bytes:
    """A request, signed with a key (RFC 8945 section 5.1)."""
    ident = int.from_bytes(message[:2])
    tsig = Tsig(key.wire_name, key.algorithm.name, now, FUDGE, b"", ident)
    signed = replace(tsig, mac=key.mac(tsig.signed_data(message)))
    return count_record(message, 1) + signed.record()


def verify(message: bytes, start: int, tsig: Tsig, keys: KeyRing, now: int) -> Signature:
    """Judge the TSIG that begins at `start`, in the order of RFC 8945 section 5.2: key, MAC, time, truncation.

    Raises TsigMalformed where the MAC has a length that none may have, or the TSIG of a request tells an error.
    """
    key = keys.find(tsig.key_name)
    if key is None or tsig.algorithm.lower() != key.algorithm.name:
        return Signature(tsig, now, None, BADKEY)
    if not key.algorithm.shortest <= len(tsig.mac) <= key.algorithm.full or tsig.error:
        raise TsigMalformed(start)
    expected = key.mac(tsig.signed_data(count_record(message[:start], -1)))
    if not hmac.compare_digest(expected[: len(tsig.mac)], tsig.mac):
        return Signature(tsig, now, None, BADSIG)
    if abs(now - tsig.time_signed) > tsig.fudge:
        return Signature(tsig, now, key, BADTIME)
    if len(tsig.mac) < key.shortest_mac:
        return Signature(tsig, now, key, BADTRUNC)
    return Signature(tsig, now, key)
