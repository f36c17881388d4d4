"""Random zones, signed by BIND's dnssec-signzone: delegations, empty non-terminals, wildcards, aliases, opt-out.

zone = SignedZone.make(directory, "nsec3-opt-out", seed=7)
zone.file, zone.origin, zone.questions(random.Random(7), 100)
"""

from __future__ import annotations

import itertools
import random
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SIGNERS = ("dnssec-keygen", "dnssec-signzone")
MISSING = [program for program in SIGNERS if not shutil.which(program)]

# Arguments of dnssec-signzone for each way to deny: salt, iterations, opt-out.
CHAINS = {
    "nsec": [],
    "nsec3": ["-3", "-", "-H", "0"],
    "nsec3-salt": ["-3", "aabbccdd", "-H", "12"],
    "nsec3-opt-out": ["-3", "-", "-H", "0", "-A"],
}
UNSIGNED = "unsigned"  # no chain: the same kind of zone as it was before it is signed
LABELS = ("a", "b", "c", "ns", "www", "X", "zz", "_tcp", "*")
TYPES = ("A", "AAAA", "TXT", "MX", "NS", "DS", "CNAME", "SOA", "DNSKEY", "NSEC3PARAM", "SRV")
DS = "12345 13 2 " + "ab" * 32


@dataclass(frozen=True)
class SignedZone:
    """A zone file that is signed, or one that was left UNSIGNED, and the unsigned names that are in it."""

    origin: str
    file: Path
    names: tuple[str, ...]
    chained: tuple[str, ...] = ()  # names with records in the chain; empty non-terminals above them have some, too

    @classmethod
    def make(cls, directory: Path, chain: str, seed: int) -> SignedZone:
        """Make a zone and sign it, or leave it UNSIGNED; the same for the same chain and seed, but for its keys."""
        origin = f"{chain}.example."
        entries = list(_entries(random.Random(seed)))
        if chain == UNSIGNED:  # NSD takes no DS there for one, others do
            entries = [(owner, record) for owner, record in entries if not record.startswith("DS ")]
        soa = "@ 3600 SOA ns host 1 7200 900 604800 300\n@ 3600 NS ns.other.test.\n"
        text = soa + "".join(f"{owner} 3600 {record}\n" for owner, record in entries)
        file = _plain(directory, origin, text) if chain == UNSIGNED else sign_zone(directory, origin, chain, text)
        return cls(origin, file, tuple(dict.fromkeys(owner for owner, _ in entries)), _chained(entries, chain))

    def is_provable(self, name: str) -> bool:
        """Whether there is a proof for every answer about a name; there is none that it is not there below an empty
        non-terminal that opt-out left out, where there is a wildcard beside that (docs/adr/0015).
        """
        above = self._from_encloser(name)
        if not self.lacks_encloser(name) or _below(above[0], "*") in self.names:
            return True
        proven = next(suffix for suffix in above if _is_there(suffix, self.chained))
        return _below(proven, "*") not in self.names

    def lacks_encloser(self, name: str) -> bool:
        """Whether a name is not there, and opt-out left out of the chain what is closest above it."""
        encloser = self._from_encloser(name)[0]
        return encloser != self._relative(name) and not _is_there(encloser, self.chained)

    def _relative(self, name: str) -> str:
        return name.lower().removesuffix(self.origin).rstrip(".")

    def _from_encloser(self, name: str) -> list[str]:
        """The name, or what is closest above it, and all that is above that; the last is the apex, which is empty."""
        labels = self._relative(name).split(".")
        suffixes = [".".join(labels[place:]) for place in range(len(labels) + 1)]
        return list(itertools.dropwhile(lambda suffix: not _is_there(suffix, self.names), suffixes))

    def questions(self, source: random.Random, count: int) -> Iterator[tuple[str, str]]:
        """Names of the zone, above, below and beside them, with any type."""
        for _ in range(count):
            labels = source.choice(self.names).split(".")
            kind = source.randrange(6)
            if kind == 0:
                labels = labels[1:]  # perhaps an empty non-terminal
            elif kind == 1:
                labels = [source.choice(LABELS), *labels]
            elif kind == 2:
                labels = [source.choice(("nowhere", "aa", "0", "zzz")), *labels[1:]]
            elif kind == 3:
                labels = ["x", source.choice(LABELS), *labels]
            yield ".".join([*(label for label in labels if label != "@"), self.origin]), source.choice(TYPES)


def _is_there(name: str, owners: tuple[str, ...]) -> bool:
    """Whether it is an owner, or above one; the empty name is the apex."""
    return not name or any(owner == name or owner.endswith(f".{name}") for owner in owners)


def _below(name: str, label: str) -> str:
    return f"{label}.{name}" if name else label


def _chained(entries: list[tuple[str, str]], chain: str) -> tuple[str, ...]:
    """Owners that the chain has records for: what is not below a cut, and with opt-out no delegation without DS."""
    cuts = {owner for owner, record in entries if record.startswith("NS ")}
    safe = {owner for owner, record in entries if record.startswith("DS ")}
    out = cuts - safe if chain.endswith("opt-out") else set[str]()
    return tuple(
        owner
        for owner in dict.fromkeys(owner for owner, _ in entries)
        if owner not in out and not any(owner.endswith(f".{cut}") for cut in cuts)
    )


def sign_zone(directory: Path, origin: str, chain: str, text: str) -> Path:
    """Sign a zone of this text with two new keys, by way of files in the directory."""
    plain, signed = _plain(directory, origin, text), directory / f"{origin}zone"
    for flags in ([], ["-f", "KSK"]):
        _run(directory, "dnssec-keygen", "-q", "-a", "ECDSAP256SHA256", *flags, origin)
    _run(directory, "dnssec-signzone", "-S", "-P", "-o", origin, *CHAINS[chain], "-f", str(signed), str(plain))
    return signed


def _plain(directory: Path, origin: str, text: str) -> Path:
    file = directory / f"{origin}plain"
    file.write_text(text)
    return file


def _entries(source: random.Random) -> Iterator[tuple[str, str]]:
    """Owners and records. An owner that is an alias or a delegation has nothing else, and nothing but glue below."""
    yield "ns", "A 192.0.2.1"
    closed = {"ns"}
    for _ in range(40):
        labels = [source.choice(LABELS) for _ in range(source.choice((1, 1, 2, 2, 3, 4)))]
        labels = [label for place, label in enumerate(labels) if label != "*" or place == 0]
        owner = ".".join(labels).lower()
        above = [".".join(labels[place:]).lower() for place in range(len(labels))]
        if any(name in closed for name in above) or any(name.endswith("." + owner) for name in closed):
            continue
        closed.add(owner)
        yield from _node(source, owner)


def _node(source: random.Random, owner: str) -> Iterator[tuple[str, str]]:
    kind = source.randrange(10)
    wild = owner.startswith("*")
    if kind < 3 and not wild:
        yield owner, f"NS ns.{owner}"
        yield f"ns.{owner}", "A 192.0.2.3"
        if kind == 0:
            yield owner, f"DS {DS}"
    elif kind == 3:
        target = source.choice(("ns", "a.b.c", "www.zz", "nowhere", "www.other.test.", "x.a.b"))
        yield owner, f"CNAME {target}"
    elif kind == 4 and not wild:
        yield owner, f"DNAME {source.choice(('c', 'zz', 'other.test.'))}"
    else:
        yield owner, "A 192.0.2.2"
        if kind == 5:
            yield owner, 'TXT "x"'
        if kind == 6:
            yield owner, "MX 10 ns"


def _run(directory: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
