"""The additional section: glue that must be there, and addresses that are a courtesy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

import dns.name
from dns.name import Name
from dns.rdatatype import RdataType

from auth.errors import Dropped, Refusal
from auth.wire import labels_of
from auth.zones import View
from datasrc.errors import DataSourceError
from datasrc.keys import name_key
from datasrc.records import Match, RRset
from datasrc.source import Finder
from image.layout import MAX_ADDITIONAL_NAMES

ADDRESS_TYPES = (RdataType.A, RdataType.AAAA)
LEAST_RECORD = 16  # octets of an A record whose owner is a pointer

# Where in the RDATA the host name is.
_TARGET_OFFSETS = {RdataType.NS: 0, RdataType.MX: 2, RdataType.SRV: 6, RdataType.SVCB: 2, RdataType.HTTPS: 2}
_SERVICES = (RdataType.SVCB, RdataType.HTTPS)


def glue_sets(finder: Finder, cut: RRset, room: int, *, dnssec_ok: bool) -> tuple[list[RRset], list[RRset]]:
    """Addresses of the name servers of a cut: in-domain ones, which must be sent or TC set, and all others the zone
    has (RFC 9471 sections 3.1, 3.2). Where those that may fit overflow `room` octets no more are looked for. The
    signatures of any of them may be left out, the last first (RFC 4035 section 3.1.1).
    """
    required: list[RRset] = []
    sibling: list[RRset] = []
    signatures: list[RRset] = []
    records = 0
    for target in _targets(cut):
        if target.is_subdomain(finder.info.origin) and records * LEAST_RECORD <= room:
            is_required = target.is_subdomain(cut.name)
            for rrset in _addresses(finder, target, dnssec_ok=dnssec_ok):
                (signatures if rrset.covers else required if is_required else sibling).append(rrset)
                if is_required or len(rrset.rdatas) * LEAST_RECORD <= room:
                    records += len(rrset.rdatas)
    return required, sibling + signatures


def address_sets(view: View, rrsets: Sequence[RRset], present: Sequence[RRset], *, dnssec_ok: bool) -> list[RRset]:
    """Addresses of the hosts these sets name, as far as this client gets them from our zones (RFC 1035 section 3.3).

    The first set is what was asked for: if it names too many hosts none is looked up, of another only its own are not.
    """
    named = [_by_key(_targets(rrset)) for rrset in rrsets]
    if len(named[0]) > MAX_ADDITIONAL_NAMES:
        return []
    names = _by_key(name for targets in named if len(targets) <= MAX_ADDITIONAL_NAMES for name in targets.values())
    there = {(rrset.name, rrset.rdtype, rrset.covers) for rrset in present}
    found: list[RRset] = []
    for name in names.values():
        try:
            finder = view.zone_for(name)
            addresses = _addresses(finder, name, dnssec_ok=dnssec_ok) or _of_wildcard(finder, name)
        except (Refusal, Dropped, DataSourceError):
            continue
        found += (rrset for rrset in addresses if (rrset.name, rrset.rdtype, rrset.covers) not in there)
    return _signatures_last(found)


def _targets(rrset: RRset) -> Iterator[Name]:
    offset = _TARGET_OFFSETS.get(rrset.rdtype)  # type: ignore[call-overload]
    if offset is not None:
        for rdata in rrset.rdatas:
            target = labels_of(rdata[offset:])
            # The root stands for the owner where there are services, for no service in an alias (RFC 9460 section 2.5).
            itself = target == dns.name.root and rrset.rdtype in _SERVICES and any(rdata[:offset])
            yield rrset.name if itself else target


def _by_key(names: Iterable[Name]) -> dict[bytes, Name]:
    """Each once, as it is spelled first. Whoever has the zone may choose thousands whose hashes meet."""
    found: dict[bytes, Name] = {}
    for name in names:
        found.setdefault(name_key(name), name)
    return found


def _addresses(finder: Finder, name: Name, *, dnssec_ok: bool) -> list[RRset]:
    """Below a cut only what is there by its own name is glue: a wildcard there belongs to the zone below. With DO their
    signatures, too, which glue has none of (RFC 4035 section 2.2).
    """
    found = finder.find(name, RdataType.ANY, below_cuts=True)
    if found.match is not Match.SUCCESS or found.wildcard:
        return []
    addresses = {rrset.rdtype: rrset for rrset in found.rrsets if rrset.rdtype in ADDRESS_TYPES}
    signatures = [
        replace(rrset, ttl=min(rrset.ttl, addresses[rrset.covers].ttl))  # RFC 4034 section 3
        for rrset in found.rrsets
        if dnssec_ok and rrset.rdtype == RdataType.RRSIG and rrset.covers in addresses
    ]
    return [*addresses.values(), *signatures]


def _signatures_last(rrsets: list[RRset]) -> list[RRset]:
    """Where not all fit the signatures are left out first (RFC 4035 section 3.1.1)."""
    return sorted(rrsets, key=lambda rrset: rrset.covers != 0)


def _of_wildcard(finder: Finder, name: Name) -> list[RRset]:
    """What a query for the name gets where a wildcard of this zone answers it (RFC 4592 section 3.3)."""
    found = finder.find(name, RdataType.ANY)
    if found.match is not Match.SUCCESS or not found.wildcard:
        return []
    return [replace(rrset, name=name) for rrset in found.rrsets if rrset.rdtype in ADDRESS_TYPES]
