"""DNSSEC records as test cases need them: found in replies, readable even where they do not fit their type."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import dns.dnssec
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.rrset
from dns.rdtypes.ANY.CDNSKEY import CDNSKEY
from dns.rdtypes.ANY.DNSKEY import DNSKEY
from dns.rdtypes.ANY.NSEC import NSEC
from dns.rdtypes.ANY.NSEC3 import NSEC3
from dns.rdtypes.ANY.RRSIG import RRSIG
from dns.rdtypes.dnskeybase import DNSKEYBase

from health.engine.cases.usable import authoritative, well_formed
from health.engine.context import DelegationSigner
from health.engine.network import NoResponse
from health.engine.reply import Record, Reply

# RDATA by names of our own: the cases have those of the types too.
ChildKey = CDNSKEY
Key = DNSKEY
Nsec = NSEC
Nsec3 = NSEC3
Signature = RRSIG

ZONE = 0x0100  # RFC 4034 section 2.1.1
SEP = 0x0001
DS_FIXED = 4  # octets before the digest, RFC 4034 section 5.1
# A reply of 64 KiB has room for records that would keep a validator busy for hours (CVE-2023-50387, "KeyTrap"). No zone
# that works has so many; what is beyond is not looked at.
MOST_KEYS = 64
MOST_SIGNERS = 64
MOST_SIGNATURES = 32  # over one RRset
DIGESTS = {1: hashlib.sha1, 2: hashlib.sha256, 4: hashlib.sha384}

_LONG_LENGTH = 3  # octets before a modulus whose exponent is longer than 255 (RFC 3110 section 2)


@dataclass(frozen=True, slots=True)
class Signed:
    """An RRset of a reply and the signatures over it that came along, perhaps none."""

    rrset: dns.rrset.RRset
    signatures: tuple[Signature, ...]


def dnssec_aware(reply: Reply | NoResponse) -> Reply | None:
    """The reply if it has AA, NOERROR, and EDNS with DO: a DNSSEC response."""
    usable = authoritative(reply)
    return usable if usable and usable.has_edns and usable.dnssec_ok else None


def signed(found: Sequence[Record], around: Sequence[Record]) -> Signed | None:
    """Make one RRset of records of one owner and type; its signatures are among `around`, with the same owner."""
    usable = [record for record in found if record.rdclass == dns.rdataclass.IN]
    if not usable:
        return None
    first = usable[0]
    rrset = dns.rrset.from_rdata_list(first.name, first.ttl, [record.rdata for record in usable])
    own = [record for record in around if record.name == first.name]
    signatures = [s for s in well_formed(own, Signature) if s.type_covered == first.rdtype]
    return Signed(rrset, tuple(signatures[:MOST_SIGNATURES]))


def asked(reply: Reply) -> Signed | None:
    """The RRset that was asked for, from the answer section."""
    return signed(reply.asked(), reply.answers(dns.rdatatype.RRSIG))


def keys(reply: Reply | NoResponse) -> list[Key]:
    """The distinct keys in a DNSKEY reply, in the order they came; none where there was no reply."""
    found = well_formed(reply.asked(), Key) if isinstance(reply, Reply) else []
    return list(dict.fromkeys(found))[:MOST_KEYS]


def key_tag(key: DNSKEYBase) -> int:
    """RFC 4034 appendix B."""
    return dns.dnssec.key_id(key)  # type: ignore[arg-type]


def key_size(key: Key) -> int | None:
    """The bits of an RSA modulus (RFC 3110 section 2), None where the key is too broken to tell."""
    data = key.key
    if not data:
        return None
    if data[0]:
        modulus = data[1 + data[0] :]
    elif len(data) < _LONG_LENGTH:
        return None
    else:
        modulus = data[3 + struct.unpack("!H", data[1:3])[0] :]
    return int.from_bytes(modulus, "big").bit_length() or None


def signers(found: Iterable[Record]) -> list[DelegationSigner]:
    """DS or CDS records as they are, whatever their digest is; what is too short to be one is left out."""
    result = []
    for record in found:
        octets = record.rdata.to_wire()
        if record.rdclass == dns.rdataclass.IN and octets is not None and len(octets) >= DS_FIXED:
            tag, algorithm, digest_type = struct.unpack("!HBB", octets[:DS_FIXED])
            result.append(DelegationSigner(tag, algorithm, digest_type, octets[DS_FIXED:].hex()))
    return list(dict.fromkeys(result))[:MOST_SIGNERS]


def matches(signer: DelegationSigner, key: DNSKEYBase, owner: dns.name.Name) -> bool:
    """Whether a DS or CDS stands for a key (RFC 4034 section 5.1.4); an unknown digest is taken for right."""
    if signer.keytag != key_tag(key) or signer.algorithm != key.algorithm:
        return False
    digest = DIGESTS.get(signer.digtype)
    return digest is None or digest(owner.to_digestable() + key_octets(key)).hexdigest() == signer.digest.lower()


def key_octets(key: DNSKEYBase) -> bytes:
    """The RDATA of a DNSKEY or CDNSKEY."""
    return struct.pack("!HBB", key.flags, key.protocol, key.algorithm) + key.key
