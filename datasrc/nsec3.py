"""Hashed names (RFC 5155): which chain of NSEC3 records a zone has, and where a name is in it.

A chain is found by keys: the owner of an NSEC3 record is one label below the origin, the hash in base32hex, so that
comparing keys is comparing hashes. No name is made of a hash: one that would be too long is just not there.
"""

from __future__ import annotations

import base64
import hashlib
import struct
from dataclasses import dataclass

from dns.name import Name

SHA1 = 1  # the only hash there is (RFC 5155 section 11)
# A chain with more iterations is not used: each proof costs up to a hash of so many rounds for each label of the name.
# RFC 9276 section 3.1 asks for 0, and by its section 3.2 validators give up, some of them at 50.
MAX_ITERATIONS = 100
OPT_OUT = 0x01  # flag of an NSEC3 record: delegations without DS may be left out of its span (RFC 5155 section 6)
HASH_LABEL = 32  # octets of a SHA-1 digest in base32hex
_BASE32HEX = frozenset(b"0123456789abcdefghijklmnopqrstuv")
_FIXED = struct.Struct("!BBHB")  # algorithm, flags, iterations, length of the salt


@dataclass(frozen=True, slots=True)
class Parameters:
    """What makes records one chain (RFC 5155 section 4.1). `iterations` are those after the first hash."""

    algorithm: int
    iterations: int
    salt: bytes


def read_parameters(rdata: bytes) -> tuple[Parameters, int]:
    """The parameters and the flags at the beginning of NSEC3 and NSEC3PARAM RDATA. Raises ValueError."""
    if len(rdata) < _FIXED.size:
        raise ValueError(f"{len(rdata)} octets are no NSEC3 parameters (RFC 5155 section 3.2)")
    algorithm, flags, iterations, salt_length = _FIXED.unpack_from(rdata)
    salt = rdata[_FIXED.size : _FIXED.size + salt_length]
    if len(salt) != salt_length:
        raise ValueError(f"the salt has {len(salt)} octets of {salt_length} (RFC 5155 section 3.2)")
    return Parameters(algorithm, iterations, salt), flags


def next_key(rdata: bytes) -> bytes:
    """The key of the next owner of the chain, out of NSEC3 RDATA that read_parameters() has read. Raises ValueError."""
    start = _FIXED.size + rdata[_FIXED.size - 1]
    length = rdata[start] if start < len(rdata) else 0
    digest = rdata[start + 1 : start + 1 + length]
    if not digest or len(digest) != length:
        raise ValueError("NSEC3 without a next hashed owner (RFC 5155 section 3.2)")
    return _key(digest)


def hashed_key(name: Name, parameters: Parameters) -> bytes:
    """The key, relative to the origin of its zone, of the NSEC3 record that matches a name (RFC 5155 section 5)."""
    digest = name.canonicalize().to_wire()
    assert digest is not None
    for _ in range(parameters.iterations + 1):
        digest = hashlib.sha1(digest + parameters.salt, usedforsecurity=False).digest()
    return _key(digest)


def may_be_hashed(key: bytes) -> bool:
    """Whether the key could be that of an NSEC3 record."""
    return len(key) == HASH_LABEL + 1 and _BASE32HEX.issuperset(key[:-1])


def _key(digest: bytes) -> bytes:
    return base64.b32hexencode(digest).rstrip(b"=").lower() + b"\x00"
