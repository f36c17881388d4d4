"""Zones with chains of NSEC3 that are not as they should be, or whose signatures nobody made: as ORIGIN.zone files.

A signer makes none of them; who serves a zone must live with them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

from dns.dnssec import nsec3_hash

COLLISION, ITERATED, UNKNOWN, FLAGGED, KEYS, LONG = (
    "collision.test", "iterated.test", "unknown-hash.test", "flagged.test", "keys.test",
    ".".join([*["x" * 54] * 4, "test"]),
)  # fmt: skip
MOST_ITERATIONS = 100  # RFC 9276 section 3.2: what we compute
COLLIDING = "collides"  # is not there, but a record has its hash
KEYS_OF_THE_SET = 8
KEY = "A" * 344  # base 64 of 258 octets: as an RSA key of 2048 bits
NOBODYS = "13 {labels} 3600 20200101000000 20190101000000 1 {origin}. " + "A" * 88  # expired, and never a signature


def apex(origin: str) -> Iterator[str]:
    """A small zone."""
    yield f"$ORIGIN {origin}."
    yield "$TTL 3600"
    yield "@ SOA ns host 1 7200 900 604800 300"
    yield "@ NS ns"
    yield "ns A 192.0.2.1"
    yield "www A 192.0.2.2"


def chain(
    origin: str, *, iterations: int = 0, algorithm: int = 1, flags: int = 0, also: tuple[str, ...] = ()
) -> Iterator[str]:
    """Such a zone with an NSEC3 chain, and records for names that are not there."""
    yield from apex(origin)
    yield f"@ NSEC3PARAM {algorithm} {flags} {iterations} -"
    names = [f"{name}{origin}." for name in ("", "ns.", "www.", *(f"{name}." for name in also))]
    hashes = sorted(nsec3_hash(name, "", iterations, 1) for name in names)
    for owner, following in zip(hashes, [*hashes[1:], hashes[0]], strict=True):
        yield f"{owner} NSEC3 {algorithm} 0 {iterations} - {following} A"


def keys(origin: str) -> Iterator[str]:
    """A zone with many keys, and signatures that are none."""
    yield from apex(origin)
    for number in range(KEYS_OF_THE_SET):
        yield f"@ DNSKEY 256 3 8 {number}{KEY[1:]}"
    for owner, covered in (("@", "DNSKEY"), ("@", "SOA"), ("@", "NS"), ("www", "A"), ("ns", "A")):
        labels = 2 if owner == "@" else 3
        yield f"{owner} RRSIG {covered} {NOBODYS.format(labels=labels, origin=origin)}"
    yield f"@ NSEC ns.{origin}. NS SOA RRSIG NSEC DNSKEY"
    yield f"ns NSEC www.{origin}. A RRSIG NSEC"
    yield f"www NSEC {origin}. A RRSIG NSEC"


def long_names(origin: str) -> Iterator[str]:
    """A zone so deep that no hash fits in front of it."""
    yield from apex(origin)
    yield "@ NSEC3PARAM 1 0 0 -"


ZONES: dict[str, Callable[[], Iterator[str]]] = {
    COLLISION: partial(chain, COLLISION, also=(COLLIDING,)),
    ITERATED: partial(chain, ITERATED, iterations=MOST_ITERATIONS),
    f"too.{ITERATED}": partial(chain, f"too.{ITERATED}", iterations=MOST_ITERATIONS + 1),
    UNKNOWN: partial(chain, UNKNOWN, algorithm=2),
    FLAGGED: partial(chain, FLAGGED, flags=2),
    KEYS: partial(keys, KEYS),
    LONG: partial(long_names, LONG),
}
