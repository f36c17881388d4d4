"""Signed domains of the simulated Internet, and odd name servers, that another implementation is asked about, too."""

from __future__ import annotations

import time
from collections.abc import Callable

import dns.zone

from tests.health.signed import APEX, KEY, Signed, ds_text, set_ds, signed
from tests.health.stage import TWO, own_soa
from tests.kit.internet import NOW, Behaviour, Internet
from tests.kit.internet_behaviour import (
    offers_recursion,
)
from tests.kit.internet_signing import DAY, Key, key, sign, unsign

RECORDS = '@ 3600 IN MX 10 mail\n@ 3600 IN TXT "v=spf1 mx -all"\nmail 3600 IN A 192.0.2.99'
OTHER = key(number=1)


def sign_for_both(zone: dns.zone.Zone, *keys: Key, nsec3: str | None = None) -> None:
    """Sign with lifetimes that hold both in the simulation and on the clock of this machine, where others run."""
    now = time.time()
    sign(zone, keys or [KEY], inception=min(now, NOW) - DAY, expiration=max(now, NOW) + 9 * DAY, nsec3=nsec3)


def scene(
    *keys: Key,
    nsec3: str | None = None,
    ds: list[str] | None = None,
    records: str = RECORDS,
    two: Callable[[dns.zone.Zone], object] | None = None,
    behaviour: Behaviour | None = None,
) -> Callable[[], Internet]:
    """A signed zone with these keys and DS records; the second server's is changed by a function, or it misbehaves."""

    def build() -> Internet:
        made: Signed = signed(*keys, records=records)
        set_ds(made, *([ds_text(keys[0] if keys else KEY)] if ds is None else ds))
        sign_for_both(made.parent)
        sign_for_both(made.zone, *keys, nsec3=nsec3)
        if two is not None:
            two(made.two())
        if behaviour is not None:
            made.internet.behave(TWO, behaviour)
        return made.internet

    return build


def _behind() -> Internet:
    internet = scene()()
    own_soa(internet, TWO, serial=2027011502)
    return internet


def _unsigned() -> Internet:
    internet = scene()()
    unsign(internet.zones[APEX])
    return internet


SIGNED_SCENES: dict[str, Callable[[], Internet]] = {
    "signed with NSEC": scene(),
    "RSA key of 1024 bits": scene(key(8, bits=1024)),
    "DS for a key and for none": scene(ds=[ds_text(KEY), ds_text(OTHER)]),
    "DS that does not match": scene(ds=[f"{KEY.tag} 13 2 {'00' * 32}"]),
    "unsigned with DS": _unsigned,
    "unsigned at one server": scene(two=unsign),
    "other key at one server": scene(two=lambda zone: sign_for_both(zone, OTHER)),
    "CDS that deletes": scene(records=f"{RECORDS}\n@ 60 IN CDS 0 0 0 00\n@ 60 IN CDNSKEY 0 3 0 AA=="),
    "recursor": scene(behaviour=offers_recursion),
    "behind": _behind,
    "MX is an alias": scene(records="@ 60 IN MX 10 mail\nmail 60 IN CNAME ns1"),
}
