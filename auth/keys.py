"""TSIG keys in memory: algorithms, secrets, and the ring a request's key is looked up in (RFC 8945 section 6)."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import dns.name
from dns.name import Name

from auth.wire import wire_of
from daemonkit.secretfiles import Secret

MIN_MAC = 10  # octets; no MAC may be shorter, nor shorter than half of the hash: RFC 8945 section 5.2.2.1


@dataclass(frozen=True, slots=True)
class Algorithm:
    """A keyed hash by its name on the wire; the shortened ones of the registry have a smaller `full`."""

    name: bytes  # uncompressed wire form, lower case
    digest: str  # as hashlib calls it
    full: int  # octets of a MAC that is not cut

    @property
    def hash_size(self) -> int:
        """Octets of the hash."""
        return hashlib.new(self.digest).digest_size

    @property
    def shortest(self) -> int:
        """Octets of the shortest MAC that is no format error (RFC 8945 section 5.2.2.1)."""
        return max(MIN_MAC, self.hash_size // 2)


def _algorithm(name: str, digest: str, full: int) -> Algorithm:
    return Algorithm(bytes((len(name),)) + name.encode() + b"\0", digest, full)


# RFC 8945 section 6; HMAC-MD5 must not be used, and is not here.
ALGORITHMS = {
    name: _algorithm(name, digest, full)
    for name, digest, full in (
        ("hmac-sha1", "sha1", 20),
        ("hmac-sha224", "sha224", 28),
        ("hmac-sha256", "sha256", 32),
        ("hmac-sha256-128", "sha256", 16),
        ("hmac-sha384", "sha384", 48),
        ("hmac-sha384-192", "sha384", 24),
        ("hmac-sha512", "sha512", 64),
        ("hmac-sha512-256", "sha512", 32),
    )
}


@dataclass(frozen=True, slots=True)
class Key:
    """A secret shared with a peer; it does not show itself."""

    name: Name
    algorithm: Algorithm
    secret: Secret
    shortest_mac: int  # octets; what is cut more is refused

    @property
    def lacks(self) -> int:
        """Octets that the secret has less than the hash (RFC 8945 section 8 wants as many)."""
        return max(0, self.algorithm.hash_size - len(self.secret.octets))

    @property
    def wire_name(self) -> bytes:
        """Uncompressed, in lower case: what is signed (RFC 8945 section 4.3.3)."""
        return wire_of(self.name).lower()

    def mac(self, data: bytes) -> bytes:
        """The whole MAC of this data."""
        return hmac.digest(self.secret.octets, data, self.algorithm.digest)[: self.algorithm.full]


class KeyRing:
    """Keys by name, without regard to case. Immutable: another configuration has another ring."""

    def __init__(self, keys: Iterable[Key] = ()) -> None:
        self._keys = {key.wire_name: key for key in keys}

    def find(self, name: bytes) -> Key | None:
        """The key of an uncompressed wire name."""
        return self._keys.get(name.lower())  # no octet that says a length is a capital letter

    def named(self, name: str) -> Key | None:
        """The key of a name in text; raises DNSException where it is none."""
        return self.find(wire_of(dns.name.from_text(name)))

    def __len__(self) -> int:
        return len(self._keys)
