"""Whom an ACL refuses or does not reply to: by images and by the plain implementation the same, replies and counts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import dns.name
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from auth.acl import compile_acl
from auth.client import Client, Transport
from auth.cookie_secrets import CookieSecrets
from auth.listed import list_zones
from auth.settings import CookieSettings, Settings
from auth.zones import ZonePolicy, ZoneTable
from datasrc.keys import name_key
from tests.auth.test_image_engine import BOOTED, Engines
from tests.datasrc.zonemaking import SMALL, rrsets
from tests.image.mapping import SEED
from tests.kit import dnspacket as packet
from tests.kit.cookies import SECRET
from tests.kit.interpreted import examples

ORIGINS = [dns.name.from_text(text) for text in ("example.", "b.example.", "c.b.example.")]
INSIDE = {"from": ["10.0.0.0/8", "2001:db8::/32"]}
REJECT_ALL = [{"action": "REJECT"}]
DROP_ALL = [{"action": "DROP"}]
ACLS = [
    [{"action": "ACCEPT"}],
    [{"action": "ACCEPT", **INSIDE}, *REJECT_ALL],
    [{"action": "DROP", **INSIDE}, {"action": "ACCEPT"}],
    [{"action": "ACCEPT", **INSIDE}, *DROP_ALL],
    REJECT_ALL,
    DROP_ALL,
]
CLIENTS = ["10.1.2.3", "192.0.2.9", "2001:db8::1", "2001:db9::1"]
NAMES = [
    "example.",
    "ns.example.",
    "no.example.",
    "to-b.example.",
    "to-c.example.",
    "mx.example.",
    "b.example.",
    "c.b.example.",
    "x.b.example.",
    "ns.c.b.example.",
]
EXTRAS = [None, packet.opt(), packet.opt(packet.option(3)), packet.opt(packet.option(packet.COOKIE, bytes(8)))]
SETTINGS = [
    Settings(),
    Settings(minimal_responses=False),
    Settings(nsid=b"ns1"),
    Settings(cookies=CookieSettings(required=True)),
]


@pytest.fixture(scope="module")
def engines(tmp_path_factory) -> Iterator[Engines]:
    engines = Engines(tmp_path_factory.mktemp("images"))
    engines.both.put(
        ORIGINS[0], rrsets(f"{SMALL}\nto-b CNAME ns.b\nto-c CNAME ns.c.b\nmx MX 1 ns.b\nmx MX 2 ns.c.b\nb NS ns.b")
    )
    for origin in ORIGINS[1:]:
        engines.both.put(origin, rrsets(SMALL, origin.to_text()))
    engines.both.build("more.image")
    engines.now = BOOTED
    yield engines
    engines.both.close()


def go_by(engines: Engines, table: ZoneTable, settings: Settings) -> None:
    engines.tell(settings, CookieSecrets((SECRET,)))
    engines.plain.engine.serving = replace(engines.plain.engine.serving, zones=table)
    list_zones(table, SEED).tell(engines.both.responder, engines.images)


@hypothesis(max_examples=examples(300))
@given(
    acls=st.lists(st.sampled_from(ACLS), min_size=4, max_size=4),
    are_listed=st.lists(st.booleans(), min_size=3, max_size=3),
    settings=st.sampled_from(SETTINGS),
    asked=st.lists(
        st.tuples(
            st.sampled_from(CLIENTS),
            st.sampled_from(list(Transport)),
            st.sampled_from(NAMES),
            st.sampled_from(["A", "SOA", "DS", "NS", "MX", "ANY"]),
            st.sampled_from(EXTRAS),
        ),
        min_size=1,
        max_size=6,
    ),
)
def test_images_say_what_the_plain_implementation_says(engines, acls, are_listed, settings, asked):
    default, *own = (ZonePolicy(compile_acl(rules)) for rules in acls)
    keys = map(name_key, ORIGINS)
    listed = {key: one for key, one, is_listed in zip(keys, own, are_listed, strict=True) if is_listed}
    go_by(engines, ZoneTable(listed, default), settings)
    for address, transport, name, rdtype, extra in asked:
        message = packet.query(name, rdtype, additional=[] if extra is None else [extra])
        client = Client(address, 53, transport, idle_timeout=10.0)
        assert engines.compare(message, client)
