"""Signed zones for tests: the chains are right, the signatures are made up, each the same for the same set."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Iterator

import dns.name
import dns.rdatatype
from dns.name import Name

from datasrc.nsec3 import Parameters, hashed_key
from datasrc.records import RRset
from tests.datasrc.zonemaking import name, rrset

ORIGIN = "example."
APEX = dns.name.from_text(ORIGIN)
PARAMETERS = Parameters(1, 2, b"\xaa\xbb")
SIGNED_AT_CUTS = {"DS", "NSEC"}

Entry = tuple[str, str, str]
"""Owner, type, RDATA, as a zone file has them."""


def signed(entries: Iterable[Entry], chain: str) -> list[RRset]:
    """A zone of these entries with a chain: `nsec`, `nsec3` or `opt-out`."""
    sets: dict[tuple[Name, str], list[str]] = {}
    for owner, kind, text in entries:
        sets.setdefault((name(owner, ORIGIN), kind), []).append(text)
    if chain != "nsec":
        sets[APEX, "NSEC3PARAM"] = [f"1 0 {PARAMETERS.iterations} {PARAMETERS.salt.hex()}"]
    cuts = {owner for owner, kind in sets if kind == "NS" and owner != APEX}
    ends = cuts | {owner for owner, kind in sets if kind == "DNAME"}
    hidden = {owner for owner, _ in sets if any(owner != end and owner.is_subdomain(end) for end in ends)}
    names = {owner for owner, _ in sets} - hidden
    kinds = {owner: {kind for other, kind in sets if other == owner} for owner in names}
    for cut in cuts & names:
        kinds[cut] &= {"NS", "DS"}
    if chain == "nsec":
        sets.update(_nsec(names, kinds, cuts))
    else:
        sets.update(_nsec3(names, kinds, cuts, opt_out=chain == "opt-out"))
    found = [rrset(f"{owner} {kind} {'|'.join(texts)}", ORIGIN) for (owner, kind), texts in sets.items()]
    authoritative = [
        one
        for one in found
        if one.name not in hidden
        and (one.name not in cuts or dns.rdatatype.to_text(dns.rdatatype.RdataType.make(one.rdtype)) in SIGNED_AT_CUTS)
    ]
    return [*found, *map(_signature, authoritative)]


def _nsec(
    names: set[Name], kinds: dict[Name, set[str]], cuts: set[Name]
) -> Iterator[tuple[tuple[Name, str], list[str]]]:
    ordered = sorted(names)
    for owner, following in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
        yield (owner, "NSEC"), [" ".join([str(following), *sorted({*kinds[owner], "RRSIG", "NSEC"})])]


def _nsec3(
    names: set[Name], kinds: dict[Name, set[str]], cuts: set[Name], *, opt_out: bool
) -> Iterator[tuple[tuple[Name, str], list[str]]]:
    secure = {one for one in names if not (opt_out and one in cuts and "DS" not in kinds[one])}
    hashes = {}
    for owner in secure:
        above = owner
        while True:  # with the empty non-terminals
            hashes[hashed_key(above, PARAMETERS)[:-1]] = above
            if above == APEX:
                break
            above = above.parent()
    ordered = sorted(hashes)
    for digest, following in zip(ordered, [*ordered[1:], ordered[0]], strict=True):
        types = kinds.get(hashes[digest], set())
        told = sorted(types | ({"RRSIG"} if types - {"NS"} or hashes[digest] == APEX else set()))
        head = f"1 {int(opt_out)} {PARAMETERS.iterations} {PARAMETERS.salt.hex()} {following.decode()}"
        yield (name(digest.decode(), ORIGIN), "NSEC3"), [" ".join([head, *told])]


def _signature(one: RRset) -> RRset:
    kind = dns.rdatatype.to_text(dns.rdatatype.RdataType.make(one.rdtype))
    labels = len(one.name.labels) - 1 - one.name.is_wild()
    digest = hashlib.sha256(repr((one.name, one.rdtype, one.ttl, one.rdatas)).encode()).digest()
    text = f"{kind} 13 {labels} {one.ttl} 20300101000000 20200101000000 7 {ORIGIN} {base64.b64encode(digest).decode()}"
    return rrset(f"{one.name} RRSIG {text}", ORIGIN)
