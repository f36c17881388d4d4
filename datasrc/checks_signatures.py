"""Is each set of a signed zone signed? RFC 4035 section 2.2 and RFC 6840 section 5.11 want of each set with authority a
signature of each algorithm that the zone has a key of; some validators take a zone
for bogus where they find only others.

Signatures are counted, not verified: that takes the time of day, and for a large zone hours.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dns import rdatatype
from dns.dnssectypes import Algorithm
from dns.rdatatype import RdataType

from datasrc.octets import SIGNING
from datasrc.records import RRset

# Never signed: signatures themselves.
_SIGNATURES = frozenset({int(RdataType.RRSIG), int(RdataType.SIG)})
# Of a delegation only these are signed, not its NS and not its glue (RFC 4035 section 2.2).
_SIGNED_AT_CUT = frozenset({int(RdataType.DS), int(RdataType.NSEC)})
_REVOKED = 0x0080  # of the flags of a DNSKEY: it signs the set of keys, and nothing else (RFC 5011 section 2.1)
_ZONE_KEY = 0x0100  # of the flags of a DNSKEY: others sign nothing of a zone (RFC 4034 section 2.1.1)
_DNSSEC = 3  # the only protocol of a DNSKEY (RFC 4034 section 2.1.2)
_KEY_OCTETS = 4  # in front of the key

Sets = Mapping[tuple[int, int], RRset]  # of one name, by type and covered type


def algorithms_of(apex: Sets) -> frozenset[int]:
    """Those that everything has to be signed with: of which there is a key, and a signature of the set of keys.

    A key of another algorithm is told once, at that set (unsigned_keys()), and not again at each set of the zone.
    """
    keys = apex.get((RdataType.DNSKEY, 0))
    if keys is None:
        return frozenset()
    return _key_algorithms(keys) & _signature_algorithms(apex, RdataType.DNSKEY)


def unsigned_keys(apex: Sets) -> Iterator[tuple[RRset, str]]:
    """The set of keys, where it lacks a signature of an algorithm of its own, with what is wrong with it."""
    keys = apex.get((RdataType.DNSKEY, 0))
    if keys is not None:
        missing = _key_algorithms(keys) - _signature_algorithms(apex, RdataType.DNSKEY)
        if missing:
            yield keys, f"DNSKEY has {_without(missing)}"


def unsigned(sets: Sets, algorithms: frozenset[int], *, is_cut: bool) -> Iterator[tuple[RRset, str]]:
    """The sets of a name that lack a signature of these algorithms, each with what is wrong with it."""
    for (rdtype, covers), rrset in sets.items():
        if covers or rdtype in _SIGNATURES or (is_cut and rdtype not in _SIGNED_AT_CUT):
            continue
        missing = algorithms - _signature_algorithms(sets, rdtype)
        if missing:
            yield rrset, f"{rdatatype.to_text(RdataType.make(rdtype))} has {_without(missing)}"


def _key_algorithms(keys: RRset) -> frozenset[int]:
    return frozenset(
        rdata[3]
        for rdata in keys.rdatas
        if len(rdata) > _KEY_OCTETS
        and int.from_bytes(rdata[:2]) & (_ZONE_KEY | _REVOKED) == _ZONE_KEY
        and rdata[2] == _DNSSEC
    )


def _signature_algorithms(sets: Sets, covers: int) -> frozenset[int]:
    signatures = sets.get((RdataType.RRSIG, covers))
    if signatures is None:
        return frozenset()
    return frozenset(rdata[SIGNING] for rdata in signatures.rdatas if len(rdata) > SIGNING)


def _without(missing: frozenset[int]) -> str:
    names = " and ".join(Algorithm.to_text(algorithm) for algorithm in sorted(missing))
    return f"no signature of algorithm {names}, of which the zone has a key (RFC 4035 section 2.2)"
