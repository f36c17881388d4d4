"""The stage of the DNSSEC scenarios: child.example and example signed, and ways to spoil that at one server."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import dns.dnssec
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rrset
import dns.zone

from tests.health.stage import TWO, ZONE, stage
from tests.kit.internet import NOW, Internet
from tests.kit.internet_behaviour import edited, to
from tests.kit.internet_signing import DAY, Key, key, resign, secure, sign

APEX = dns.name.from_text(ZONE)
EXAMPLE = dns.name.from_text("example")
KEY = key()
STRANGER = key(number=9)  # signs sometimes, but is never among the keys of the zone
UNVERIFIABLE = 12  # ECC-GOST


@dataclass
class Signed:
    """The signed stage."""

    internet: Internet

    @property
    def zone(self) -> dns.zone.Zone:
        """child.example as all its servers have it."""
        return self.internet.zones[APEX]

    @property
    def parent(self) -> dns.zone.Zone:
        """The zone example, as all its servers have it."""
        return self.internet.zones[EXAMPLE]

    def two(self) -> dns.zone.Zone:
        """child.example as only the second server has it, from now on."""
        return self.internet.own_copy(TWO, ZONE)


def signed(*keys: Key, records: str = "", nsec3: str | None = None) -> Signed:
    """The stage; child.example has these keys, the first of which has the DS record."""
    internet = stage(records=records)
    secure(internet, "example", ZONE)
    made = Signed(internet)
    sign(made.zone, keys or [KEY], nsec3=nsec3)
    set_ds(made, ds_text(keys[0] if keys else KEY))
    return made


def ds_text(of: Key, digest: str = "SHA256") -> str:
    """The DS (or CDS) rdata for a key of child.example; any digest dnspython knows."""
    policy = dns.dnssec.allow_all_policy
    return str(dns.dnssec.make_ds(APEX, of.dnskey, digest, policy=policy).to_text())


def set_ds(made: Signed, *texts: str) -> None:
    """Let the parent have these DS records, signed, and no others."""
    made.parent.delete_rdataset(APEX, "DS")
    for text in texts:
        made.parent.find_rdataset(APEX, "DS", create=True).add(dns.rdata.from_text("IN", "DS", text), 3600)
    sign(made.parent)


def with_ds(*octets: bytes) -> Any:
    """A behaviour: these DS records, as octets, in answers to DS."""
    rdatas = [dns.rdata.GenericRdata(dns.rdataclass.IN, dns.rdatatype.DS, each) for each in octets]

    def edit(reply):
        reply.answer = [dns.rrset.from_rdata(APEX, 3600, rdata) for rdata in rdatas]

    return to("DS", edited(edit), ZONE)


def change(
    zone: dns.zone.Zone, rdtype: str, edit: Callable[[Any], Any], covers: str = "NONE", name: Any = APEX
) -> None:
    """Replace each record of an RRset by what the function makes of it."""
    rdataset = zone.find_rdataset(name, rdtype, covers)
    changed = [edit(rdata) for rdata in rdataset]
    rdataset.clear()
    for rdata in changed:
        rdataset.add(rdata)


def drop(zone: dns.zone.Zone, rdtype: str, covers: str = "NONE", name: Any = APEX) -> None:
    """Remove an RRset."""
    zone.delete_rdataset(name, rdtype, covers)


def set_rdata(zone: dns.zone.Zone, rdtype: str, *texts: str) -> None:
    """Let the apex have these records of a type, and no others."""
    drop(zone, rdtype)
    for text in texts:
        zone.find_rdataset(APEX, rdtype, create=True).add(dns.rdata.from_text("IN", rdtype, text), 3600)


# --- ways to spoil the signatures over one RRset


def expired(zone, rdtype, name=APEX):
    resign(zone, name, rdtype, [KEY], inception=NOW - 9 * DAY, expiration=NOW - DAY)


def not_yet_valid(zone, rdtype, name=APEX):
    resign(zone, name, rdtype, [KEY], inception=NOW + DAY, expiration=NOW + 9 * DAY)


def by_a_stranger(zone, rdtype, name=APEX):
    resign(zone, name, rdtype, [STRANGER])


def wrong(zone, rdtype, name=APEX):
    change(zone, "RRSIG", lambda s: s.replace(signature=bytes(len(s.signature))), rdtype, name)


def unverifiable(zone, rdtype, name=APEX):
    change(zone, "RRSIG", lambda s: s.replace(algorithm=UNVERIFIABLE), rdtype, name)


def unsigned(zone, rdtype, name=APEX):
    drop(zone, "RRSIG", rdtype, name)
