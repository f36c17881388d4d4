"""A domain with nothing wrong: no case finds anything worse than INFO."""

from __future__ import annotations

import pytest

from health.engine.levels import Level
from health.engine.plan import case_keys
from tests.kit.internet import NOW, Internet, arguments, tags
from tests.kit.internet_signing import secure

SERVERS = {
    "ns1.child.example": ["11.0.1.11", "2a01:1::11"],
    "ns2.child.example": ["12.0.2.12", "2a02:2::12"],
}
ORIGINS = {
    "11.1.0.11.in-addr.arpa": ("ns1.child.example", "11.1.0.11.origin", "64500 | 11.0.1.0/24"),
    "12.2.0.12.in-addr.arpa": ("ns2.child.example", "12.2.0.12.origin", "64501 | 12.0.2.0/24"),
}
ORIGINS6 = {
    "2a01:1::11": ("ns1.child.example", "64500 | 2a01:1::/32"),
    "2a02:2::12": ("ns2.child.example", "64501 | 2a02:2::/32"),
}


def nibbles(address):
    import ipaddress

    return ipaddress.ip_address(address).reverse_pointer.removesuffix(".ip6.arpa")


@pytest.fixture(scope="module")
def internet():
    made = Internet()
    made.zone("example", {"ns1.nic.example": ["11.1.0.1"], "ns2.nic.example": ["12.1.0.1"]})
    made.zone(
        "child.example",
        SERVERS,
        records="""
            @ 3600 IN MX 10 mail
            mail 3600 IN A 11.0.1.99
            @ 3600 IN TXT "v=spf1 mx -all"
        """,
    )
    pointers = [f"{name}. 3600 IN PTR {server}." for name, (server, _, _) in ORIGINS.items()]
    pointers += [f"{nibbles(address)}.ip6.arpa. 3600 IN PTR {server}." for address, (server, _) in ORIGINS6.items()]
    made.zone("arpa", {"ns1.nic.arpa": ["11.2.0.1"]}, records="\n".join(pointers))
    texts = [f'{name} 3600 IN TXT "{text} | XX | test | 2020-01-01"' for _, name, text in ORIGINS.values()]
    texts += [
        f'{nibbles(address)}.origin6 3600 IN TXT "{text} | XX | test | 2020-01-01"'
        for address, (_, text) in ORIGINS6.items()
    ]
    made.zone("asnlookup.zonemaster.net", {"ns1.asnlookup.zonemaster.net": ["11.3.0.1"]}, records="\n".join(texts))
    secure(made, ".", "example", "child.example")
    return made


@pytest.fixture(scope="module")
def entries(internet):
    return internet.check("child.example", minimum=Level.DEBUG3)


def test_nothing_is_worse_than_info(entries):
    assert [(e.case, e.tag, e.level.name, e.arguments) for e in entries if e.level > Level.INFO] == []


def test_every_case_but_the_fallback_runs(entries):
    ran = {entry.case.lower() for entry in entries if entry.tag == "TEST_CASE_END"}
    assert ran == set(case_keys()) - {"basic03"}


def test_it_takes_simulated_milliseconds(entries):
    assert max(entry.time for entry in entries) < 1
    assert arguments(entries, "START_TIME")[0]["time_t"] == NOW


@pytest.mark.parametrize(
    ("case", "tag"),
    [("nameserver04", "SAME_SOURCE_IP"), ("nameserver06", "CAN_BE_RESOLVED"), ("zone10", "ONE_SOA")],
)
def test_what_is_well_is_said_to_be(internet, case, tag):
    assert tags(internet.check("child.example", case), Level.INFO) == {tag, "GLOBAL_VERSION"}
