"""A zone signed by dnssec-signzone with keys that are always the same, and whether answers from it are proven."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

import dns.dnssec
import dns.dnssectypes
import dns.exception
import dns.message
import dns.name
import dns.node
import dns.rdataclass
import dns.rdataset
import dns.rdatatype
import dns.rrset
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from dns.rdtypes.ANY.DNSKEY import DNSKEY

Chain = Literal["nsec", "nsec3"]
SIGNER = "dnssec-signzone"
# Ed25519 (RFC 8080): signatures follow from the data, so the file is the same wherever it is made.
ALGORITHM = dns.dnssectypes.Algorithm.ED25519
KSK, ZSK = 257, 256  # flags (RFC 4034 section 2.1.1, RFC 3757)
FROM, UNTIL = "20240101000000", "20371231000000"  # signatures are valid
CHAIN_OPTIONS: dict[Chain, tuple[str, ...]] = {"nsec": (), "nsec3": ("-3", "-", "-H", "0")}  # RFC 9276 section 3.1
KEY_TTL = 3600


class SigningError(Exception):
    """The zone could not be signed."""


@dataclass(frozen=True)
class Key:
    """A key pair that follows from its name."""

    flags: int

    @cached_property
    def private(self) -> bytes:
        """32 octets."""
        return hashlib.sha256(f"bobdns side by side {self.flags}".encode()).digest()

    @cached_property
    def public(self) -> DNSKEY:
        """Its record."""
        key = Ed25519PrivateKey.from_private_bytes(self.private).public_key()
        return dns.dnssec.make_dnskey(key, ALGORITHM, self.flags)

    def write(self, origin: str, directory: Path) -> Path:
        """The pair of files BIND keeps a key in; the one of the public key."""
        stem = directory / f"K{origin}.+{ALGORITHM:03d}+{dns.dnssec.key_id(self.public):05d}"
        secret = base64.b64encode(self.private).decode()
        stem.with_name(stem.name + ".private").write_text(
            f"Private-key-format: v1.3\nAlgorithm: {int(ALGORITHM)} (ED25519)\nPrivateKey: {secret}\n"
        )
        public = stem.with_name(stem.name + ".key")
        public.write_text(f"{origin}. IN DNSKEY {self.public.to_text()}\n")
        return public


class SignedZone:
    """A zone, its keys and its chain."""

    def __init__(self, origin: str, chain: Chain) -> None:
        self.origin = dns.name.from_text(origin)
        self.keys = (Key(KSK), Key(ZSK))
        self._chain: Chain = chain

    def sign(self, text: str, target: Path) -> None:
        """Sign the zone of this text into a file."""
        if not shutil.which(SIGNER):
            raise SigningError(f"{SIGNER} is not installed (Debian: bind9-utils)")
        origin = self.origin.to_text(omit_final_dot=True)
        with tempfile.TemporaryDirectory() as name:
            directory = Path(name)
            files = [key.write(origin, directory) for key in self.keys]
            plain = directory / "plain"
            records = "".join(f"@ {KEY_TTL} DNSKEY {key.public.to_text()}\n" for key in self.keys)
            plain.write_text(text + records)
            words = ["-P", "-x", "-q", "-s", FROM, "-e", UNTIL, "-o", origin, "-f", str(target)]
            command = [SIGNER, *words, *CHAIN_OPTIONS[self._chain], str(plain), *map(str, files)]
            done = subprocess.run(command, capture_output=True, text=True, cwd=directory, check=False)
        if done.returncode:
            raise SigningError(f"{SIGNER} ended with {done.returncode}: {done.stderr}")

    def fault_of_signatures(self, section: list[dns.rrset.RRset]) -> str | None:
        """Whether each set of a section has a signature that our keys made."""
        keys: dict[dns.name.Name, dns.rdataset.Rdataset | dns.node.Node] = {
            self.origin: dns.rrset.from_rdata_list(self.origin, KEY_TTL, [key.public for key in self.keys])
        }
        signatures = {(rrset.name, rrset.covers): rrset for rrset in section if rrset.rdtype == dns.rdatatype.RRSIG}
        for rrset in section:
            if rrset.rdtype == dns.rdatatype.RRSIG:
                continue
            signature = signatures.get((rrset.name, rrset.rdtype))
            if signature is None:
                return f"no signature of {rrset}"
            try:
                dns.dnssec.validate(rrset, signature, keys)
            except dns.exception.ValidationFailure as error:
                return f"{error}: {rrset}"
        return None

    def fault_of_proof(self, asked: dns.name.Name, reply: dns.message.Message) -> str | None:
        """Whether it is proven that there is neither a name just below the apex nor a wildcard."""
        wildcard = dns.name.Name((b"*", *self.origin.labels))
        proofs = [rrset for rrset in reply.authority if rrset.rdtype in (dns.rdatatype.NSEC, dns.rdatatype.NSEC3)]
        for name in (asked, wildcard):
            if not any(self._covers(proof, name) for proof in proofs):
                return f"nothing covers {name}"
        if self._chain == "nsec3" and not any(proof.name == self._hashed(self.origin) for proof in proofs):
            return "no proof of the closest encloser"
        return self.fault_of_signatures(reply.authority)

    def _covers(self, proof: dns.rrset.RRset, name: dns.name.Name) -> bool:
        """RFC 4034 section 4.1.1, RFC 5155 section 8.3."""
        if proof.rdtype == dns.rdatatype.NSEC:
            after, before, place = proof.name, proof[0].next, name
        else:
            digest = base64.b32encode(proof[0].next).translate(_TO_BASE32HEX).decode()
            after, before, place = proof.name, dns.name.from_text(digest, self.origin), self._hashed(name)
        if after < before:
            return bool(after < place < before)
        return bool(place > after or place < before)  # the last of the chain

    def _hashed(self, name: dns.name.Name) -> dns.name.Name:
        return dns.name.from_text(dns.dnssec.nsec3_hash(name, None, 0, 1), self.origin)


_TO_BASE32HEX = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", b"0123456789ABCDEFGHIJKLMNOPQRSTUV")
