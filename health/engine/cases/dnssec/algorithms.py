"""The algorithm numbers of DNSSEC: names, what they may be used for, what can be verified here.

IANA registries "DNS Security Algorithm Numbers" and "DNSSEC Delegation Signer (DS) Resource Record Type Digest
Algorithms", judged as the specification's DNSSEC01, DNSSEC05 and DNSSEC14 judge them.
"""

from __future__ import annotations

import enum
from typing import NamedTuple


class Use(enum.Enum):
    """How a DNSKEY algorithm may be used for signing a zone; the value ends the DS05_ALGO_* tag."""

    OK = "OK"
    NOT_RECOMMENDED = "NOT_RECOMMENDED"
    DEPRECATED = "DEPRECATED"
    NOT_ZONE_SIGN = "NOT_ZONE_SIGN"
    PRIVATE = "PRIVATE"
    RESERVED = "RESERVED"
    UNASSIGNED = "UNASSIGNED"


class Algorithm(NamedTuple):
    """One assigned algorithm number."""

    mnemonic: str
    description: str
    use: Use


_ASSIGNED = {
    0: Algorithm("DELETE", "Delete DS", Use.NOT_ZONE_SIGN),
    1: Algorithm("RSAMD5", "RSA/MD5", Use.DEPRECATED),
    2: Algorithm("DH", "Diffie-Hellman", Use.NOT_ZONE_SIGN),
    3: Algorithm("DSA", "DSA/SHA1", Use.DEPRECATED),
    5: Algorithm("RSASHA1", "RSA/SHA-1", Use.DEPRECATED),
    6: Algorithm("DSA-NSEC3-SHA1", "DSA-NSEC3-SHA1", Use.DEPRECATED),
    7: Algorithm("RSASHA1-NSEC3-SHA1", "RSASHA1-NSEC3-SHA1", Use.DEPRECATED),
    8: Algorithm("RSASHA256", "RSA/SHA-256", Use.OK),
    10: Algorithm("RSASHA512", "RSA/SHA-512", Use.NOT_RECOMMENDED),
    12: Algorithm("ECC-GOST", "GOST R 34.10-2001", Use.DEPRECATED),
    13: Algorithm("ECDSAP256SHA256", "ECDSA Curve P-256 with SHA-256", Use.OK),
    14: Algorithm("ECDSAP384SHA384", "ECDSA Curve P-384 with SHA-384", Use.OK),
    15: Algorithm("ED25519", "Ed25519", Use.OK),
    16: Algorithm("ED448", "Ed448", Use.OK),
    17: Algorithm("SM2SM3", "SM2 signing with SM3 hashing", Use.OK),
    23: Algorithm("ECC-GOST12", "GOST R 34.10-2012", Use.OK),
    252: Algorithm("INDIRECT", "Reserved for indirect keys", Use.NOT_ZONE_SIGN),
    253: Algorithm("PRIVATEDNS", "Private algorithm", Use.PRIVATE),
    254: Algorithm("PRIVATEOID", "Private algorithm OID", Use.PRIVATE),
}
_RESERVED = frozenset({4, 9, 11, *range(123, 252), 255})

# What this installation verifies; DSA, GOST and SM2 are not a failure of the zone but none can be checked.
VERIFIABLE = frozenset({5, 7, 8, 10, 13, 14, 15, 16})


def algorithm(number: int) -> Algorithm:
    """What a DNSKEY algorithm number (0-255) stands for."""
    if number in _ASSIGNED:
        return _ASSIGNED[number]
    use = Use.RESERVED if number in _RESERVED else Use.UNASSIGNED
    return Algorithm(use.name, use.name.capitalize(), use)


class Digest(NamedTuple):
    """What a DS digest type stands for; verdict ends the DS01_DS_ALGO_* tag."""

    description: str
    verdict: str


_DIGESTS = {
    0: Digest("Reserved", "NOT_DS"),
    1: Digest("SHA-1", "DEPRECATED"),
    2: Digest("SHA-256", "OK"),
    3: Digest("GOST R 34.11-94", "DEPRECATED"),
    4: Digest("SHA-384", "OK"),
    5: Digest("GOST R 34.11-2012", "OK"),
    6: Digest("SM3", "OK"),
}
SHA256 = 2


_RESERVED_DIGESTS = range(128, 253)  # IANA, Digest Algorithms of DS records (RFC 9904)


def digest(number: int) -> Digest:
    """What a DS digest type (0-255) stands for."""
    if number in _DIGESTS:
        return _DIGESTS[number]
    if number in _RESERVED_DIGESTS:
        return Digest("Reserved", "RESERVED")
    return Digest("Private", "PRIVATE") if number in (253, 254) else Digest("Unassigned", "UNASSIGNED")


class KeySize(NamedTuple):
    """Bits an RSA key of an algorithm must and may have."""

    least: int
    most: int


# RFC 3110 section 2, RFC 5702 sections 2.1 and 2.2; what is recommended: NIST SP 800-57 part 1.
RSA_SIZES = {5: KeySize(512, 4096), 7: KeySize(512, 4096), 8: KeySize(512, 4096), 10: KeySize(1024, 4096)}
RSA_RECOMMENDED = 2048
