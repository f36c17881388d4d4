"""Signing zones of the simulated Internet: keys, DNSKEY, RRSIG, NSEC or NSEC3, DS in the zone above."""

from __future__ import annotations

import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdatatype
import dns.rrset
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from tests.kit.internet import NOW, Internet
from tests.kit.internet_answers import apex

DAY = 86400
KSK_FLAGS, ZSK_FLAGS = 257, 256


@dataclass(frozen=True)
class Key:
    """A key pair."""

    private: Any
    dnskey: Any

    @property
    def tag(self) -> int:
        return dns.dnssec.key_id(self.dnskey)


def key(algorithm: int = 13, flags: int = KSK_FLAGS, *, bits: int = 2048, number: int = 0) -> Key:
    """A key of an algorithm; the same for the same arguments, so another `number` gives another one."""
    private = _private(algorithm, bits, flags, number)
    return Key(private, dns.dnssec.make_dnskey(private.public_key(), algorithm, flags=flags))


@functools.cache
def _private(algorithm: int, bits: int, _flags: int, _number: int) -> Any:
    match algorithm:
        case 13:
            return ec.generate_private_key(ec.SECP256R1())
        case 14:
            return ec.generate_private_key(ec.SECP384R1())
        case 15:
            return ed25519.Ed25519PrivateKey.generate()
        case 5 | 7 | 8 | 10:
            return rsa.generate_private_key(public_exponent=65537, key_size=bits)
        case _:
            raise ValueError(f"no keys of algorithm {algorithm} here")


def ds(origin: str, of: Key, digest: str = "SHA256") -> str:
    """The DS rdata for a key, as text."""
    return dns.dnssec.make_ds(dns.name.from_text(origin), of.dnskey, digest).to_text()


def sign(
    zone: dns.zone.Zone,
    keys: Sequence[Key] | None = None,
    *,
    inception: float = NOW - DAY,
    expiration: float = NOW + 14 * DAY,
    nsec3: str | None = None,
) -> list[Key]:
    """Sign a zone as it is, with all its keys over everything; NSEC, or NSEC3 with these parameters ("1 0 0 -").

    What was signed before is signed anew. Names below delegations are left alone.
    """
    used = list(keys) if keys is not None else [key()]
    unsign(zone)
    for each in used:
        zone.find_rdataset(apex(zone), "DNSKEY", create=True).add(each.dnskey, 3600)
    if nsec3 is None:
        _nsec(zone)
    else:
        _nsec3(zone, nsec3)
    for name in _own_names(zone):
        for rdataset in list(zone.nodes[name]):
            if rdataset.rdtype != dns.rdatatype.RRSIG and not (
                _is_cut(zone, name) and rdataset.rdtype == dns.rdatatype.NS
            ):
                resign(zone, name, rdataset.rdtype, used, inception=inception, expiration=expiration)
    return used


def resign(
    zone: dns.zone.Zone,
    name: dns.name.Name,
    rdtype: dns.rdatatype.RdataType | str,
    keys: Iterable[Key],
    *,
    inception: float = NOW - DAY,
    expiration: float = NOW + 14 * DAY,
) -> None:
    """Replace the signatures over one RRset by those of these keys."""
    kind = dns.rdatatype.RdataType.make(rdtype)
    rdataset = zone.find_rdataset(name, kind)
    zone.delete_rdataset(name, "RRSIG", kind)
    rrset = dns.rrset.from_rdata_list(name, rdataset.ttl, list(rdataset))
    for each in keys:
        signature = dns.dnssec.sign(
            rrset,
            each.private,
            apex(zone),
            each.dnskey,
            inception=int(inception),
            expiration=int(expiration),
            verify=False,
        )
        zone.find_rdataset(name, "RRSIG", kind, create=True).add(signature, rdataset.ttl)


def unsign(zone: dns.zone.Zone) -> None:
    """Remove signatures, keys and denial."""
    for name in list(zone.nodes):
        for rdataset in list(zone.nodes[name]):
            if rdataset.rdtype in (46, 47, 48, 50, 51):  # RRSIG NSEC DNSKEY NSEC3 NSEC3PARAM
                zone.delete_rdataset(name, rdataset.rdtype, rdataset.covers)


def secure(internet: Internet, *origins: str, nsec3: str | None = None, algorithm: int = 13) -> dict[str, list[Key]]:
    """Sign zones from the lowest up, each with one key, with a DS in the zone above, signed if that is among them."""
    signed: dict[str, list[Key]] = {}
    for origin in sorted(origins, key=lambda text: -len(dns.name.from_text(text))):
        name = dns.name.from_text(origin)
        signed[origin] = sign(internet.zones[name], [key(algorithm)], nsec3=nsec3)
        if name != dns.name.root:
            parent = internet.zones[max((z for z in internet.zones if name.is_subdomain(z) and z != name), key=len)]
            rdata = dns.rdata.from_text("IN", "DS", ds(origin, signed[origin][0]))
            parent.find_rdataset(name, "DS", create=True).add(rdata, 3600)
    return signed


def _is_cut(zone: dns.zone.Zone, name: dns.name.Name) -> bool:
    return name != zone.origin and zone.get_rdataset(name, "NS") is not None


def _own_names(zone: dns.zone.Zone) -> list[dns.name.Name]:
    cuts = [name for name in zone.nodes if _is_cut(zone, name)]
    return sorted(n for n in zone.nodes if not any(n != cut and n.is_subdomain(cut) for cut in cuts))


def _types(zone: dns.zone.Zone, name: dns.name.Name, *more: str) -> str:
    types = {dns.rdatatype.to_text(rdataset.rdtype) for rdataset in zone.nodes[name]}
    return " ".join(sorted(types | set(more)))


def _nsec(zone: dns.zone.Zone) -> None:
    names = _own_names(zone)
    for name, after in zip(names, [*names[1:], names[0]], strict=True):
        text = f"{after.to_text()} {_types(zone, name, 'RRSIG', 'NSEC')}"
        zone.find_rdataset(name, "NSEC", create=True).add(dns.rdata.from_text("IN", "NSEC", text), 3600)


def _nsec3(zone: dns.zone.Zone, parameters: str) -> None:
    algorithm, flags, rounds, salt = parameters.split()
    parameter = dns.rdata.from_text("IN", "NSEC3PARAM", f"{algorithm} 0 {rounds} {salt}")
    zone.find_rdataset(apex(zone), "NSEC3PARAM", create=True).add(parameter, 0)
    octets = "" if salt == "-" else salt
    hashed = sorted(
        (dns.dnssec.nsec3_hash(n, octets, int(rounds), 1), _types(zone, n, "RRSIG")) for n in _own_names(zone)
    )
    for (label, types), (after, _) in zip(hashed, [*hashed[1:], hashed[0]], strict=True):
        rdata = dns.rdata.from_text("IN", "NSEC3", f"{algorithm} {flags} {rounds} {salt} {after} {types}")
        zone.find_rdataset(dns.name.from_text(label, apex(zone)), "NSEC3", create=True).add(rdata, 3600)
