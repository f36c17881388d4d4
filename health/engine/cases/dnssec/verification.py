"""Whether a signature holds, and if not, why (RFC 4035 section 5.3)."""

from __future__ import annotations

import enum
from dataclasses import dataclass

import cryptography.exceptions
import dns.dnssec
import dns.exception
import dns.name
import dns.rdataset
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.RRSIG import RRSIG

from health.engine.cases.dnssec.algorithms import VERIFIABLE
from health.engine.cases.dnssec.records import Signed, key_tag, keys
from health.engine.network import NoResponse
from health.engine.reply import Reply

_SERIAL_HALF = 1 << 31
MOST_CANDIDATES = 4  # keys of one tag and algorithm that are tried for a signature (CVE-2023-50387)


class Verdict(enum.Enum):
    """What became of a signature; the first that applies, in this order."""

    NOT_YET_VALID = enum.auto()
    EXPIRED = enum.auto()
    UNSUPPORTED = enum.auto()
    NO_KEY = enum.auto()
    WRONG = enum.auto()
    GOOD = enum.auto()


def until(moment: int, now: float) -> int:
    """Seconds from now until a time in an RRSIG, which is a serial number (RFC 4034 section 3.1.5)."""
    return (moment - int(now) + _SERIAL_HALF) % (2 * _SERIAL_HALF) - _SERIAL_HALF


@dataclass(frozen=True, slots=True)
class Keyring:
    """The keys of a zone as one server gave them."""

    apex: dns.name.Name
    keys: tuple[DNSKEY, ...]

    @classmethod
    def of(cls, reply: Reply | NoResponse, apex: dns.name.Name) -> Keyring:
        """The keys in a reply to a DNSKEY query; none where there was no reply."""
        return cls(apex, tuple(keys(reply)))

    def __bool__(self) -> bool:
        return bool(self.keys)

    def with_tag(self, tag: int) -> list[DNSKEY]:
        """Every key with a tag; there may be several."""
        return [key for key in self.keys if key_tag(key) == tag]

    def verdict(self, signed: Signed, signature: RRSIG, now: float) -> Verdict:
        """Judge one signature over an RRset at a time (POSIX seconds)."""
        if until(signature.inception, now) > 0:
            return Verdict.NOT_YET_VALID
        if until(signature.expiration, now) < 0:
            return Verdict.EXPIRED
        if int(signature.algorithm) not in VERIFIABLE:
            return Verdict.UNSUPPORTED
        tagged = self.with_tag(signature.key_tag)
        if not tagged:
            return Verdict.NO_KEY
        candidates = [key for key in tagged if key.algorithm == signature.algorithm][:MOST_CANDIDATES]
        return Verdict.GOOD if any(self._right(signed, signature, key) for key in candidates) else Verdict.WRONG

    def made_by(self, key: DNSKEY, signed: Signed, now: float) -> bool:
        """Whether this one key has a good signature over an RRset."""
        alone = Keyring(self.apex, (key,))
        return any(alone.verdict(signed, signature, now) is Verdict.GOOD for signature in signed.signatures)

    def _right(self, signed: Signed, signature: RRSIG, key: DNSKEY) -> bool:
        """Whether the octets of the signature are right; the time was judged before."""
        rdataset = dns.rdataset.from_rdata(0, key)
        try:
            dns.dnssec.validate_rrsig(
                signed.rrset,
                signature,
                {self.apex: rdataset},
                now=signature.inception,  # always within, unless it ends before it begins
                policy=dns.dnssec.allow_all_policy,
            )
        except (dns.exception.DNSException, cryptography.exceptions.UnsupportedAlgorithm, ValueError):
            return False
        return True
