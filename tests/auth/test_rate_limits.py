"""Whole replies under rate limits: which count as the same, what is sent instead, who is never limited."""

from __future__ import annotations

import logging
import time

import dns.message
import dns.rcode
import pytest

from auth.client import Client, Transport
from auth.cookie_secrets import CookieSecrets
from auth.settings import RateLimitSettings, Settings
from tests.auth.world import World
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, SECRET, cookie

SERVER_COOKIE = 16  # octets of ours behind those of the client (RFC 9018 section 4)
ZONE = """
@ NS ns
ns A 192.0.2.1
www A 192.0.2.3
www TXT text
*.wild A 192.0.2.4
other A 192.0.2.5
dname DNAME www
sub NS ns.sub
ns.sub A 192.0.2.6
"""


def world(**settings) -> World:
    limits = RateLimitSettings(enabled=True, **{"answers": 2, "slip": 0, **settings})
    return World({"example.": ZONE}, Settings(rate_limit=limits), cookies=CookieSecrets((SECRET,)))


def client(last: int = 1, transport=Transport.UDP) -> Client:
    return Client(f"198.51.100.{last}", 5353, transport, idle_timeout=10.0)


def answered(world: World, names: list[str], rdtype: str = "A") -> list[bool]:
    return [world.send(packet.query(name, rdtype), client()) is not None for name in names]


@pytest.mark.parametrize("asked", [b"", b"c" * 8], ids=["nsid", "nsid and cookie"])
@pytest.mark.parametrize(("name", "rcode"), [("www.example.", "NOERROR"), ("elsewhere.", "REFUSED")])
def test_what_slips_is_no_larger_than_the_query_but_for_a_cookie(asked, name, rcode):
    """Who is written to may not have asked: no name of this server, and no reason of an error, is sent along."""
    limits = RateLimitSettings(enabled=True, answers=1, slip=1)
    server = World({"example.": ZONE}, Settings(nsid=b"n" * 128, rate_limit=limits), cookies=CookieSecrets((SECRET,)))
    options = [packet.option(packet.NSID, b""), *([packet.option(packet.COOKIE, asked)] if asked else [])]
    query = packet.query(name, additional=[packet.opt(*options)])
    first, second, _ = (server.engine.respond(query, client()) for _ in range(3))
    assert first is not None
    assert b"n" * 128 in first
    assert second is not None
    assert len(second) <= len(query) + (SERVER_COOKIE if asked else 0)
    slipped = dns.message.from_wire(second)
    assert dns.rcode.to_text(slipped.rcode()) == rcode
    assert [option.otype for option in slipped.options] == ([packet.COOKIE] if asked else [])


@pytest.mark.parametrize(
    ("names", "rdtype"),
    [
        (["www.example."] * 3, "A"),
        (["www.example.", "WWW.EXAMPLE.", "wWw.example."], "A"),
        (["a.wild.example.", "b.wild.example.", "c.d.wild.example."], "A"),
        (["a.wild.example.", "b.wild.example.", "c.d.wild.example."], "TXT"),
        (["a.dname.example.", "b.dname.example.", "c.dname.example."], "A"),
        (["a.example.", "b.example.", "c.www.example."], "A"),
        (["a.sub.example.", "sub.example.", "b.c.sub.example."], "A"),
        (["a.invalid.", "b.invalid.", "c.test."], "A"),
    ],
    ids=["same name", "case", "wildcard", "wildcard nodata", "dname", "nxdomain", "referral", "refused"],
)
def test_what_counts_as_the_same(names, rdtype):
    assert answered(world(), names, rdtype) == [True, True, False]


def test_other_names_types_and_kinds_do_not():
    one = world(answers=1)
    for name, rdtype in (
        ("www.example.", "A"),
        ("www.example.", "TXT"),
        ("www.example.", "MX"),
        ("other.example.", "A"),
        ("no.example.", "A"),
        ("sub.example.", "A"),
        ("no.invalid.", "A"),
    ):
        assert answered(one, [name] * 2, rdtype) == [True, False]


def test_messages_that_are_not_even_read_are_limited():
    one = world(answers=0, errors=1)
    status = packet.query("www.example.", flags=packet.opcode(packet.STATUS))
    assert [one.send(status, client()) is not None for _ in range(2)] == [True, False]
    assert one.send(packet.header(qd=2), client()) is None
    assert answered(one, ["www.example."] * 3) == [True] * 3


def test_what_slips_is_an_empty_reply_with_tc():
    one = world(answers=1, slip=1)
    assert one.ask("www.example.", client=client()).answer
    for name, rdtype in (("www.example.", "A"), ("no.example.", "A"), ("no.example.", "A")):
        reply = one.ask(name, rdtype, client=client())
    assert (reply.rcode, reply.tc, reply.aa) == ("NOERROR", True, False)
    assert reply.records == ((), (), ())
    assert reply.question
    assert reply.opt is not None
    assert len(reply.wire) == len(packet.query("no.example.", additional=[packet.opt()]))


def test_an_error_slips_as_it_is():
    one = world(answers=1, slip=2)
    replies = [one.send(packet.query("no.invalid."), client()) for _ in range(5)]
    assert [None if reply is None else (reply.rcode, reply.tc) for reply in replies] == [
        ("REFUSED", False),
        None,
        ("REFUSED", False),
        None,
        ("REFUSED", False),
    ]


def test_who_slips_is_given_a_cookie_and_is_not_limited_with_it():
    one = world(answers=1, slip=1)
    query = packet.query("www.example.", additional=[packet.opt(packet.option(packet.COOKIE, CLIENT))])
    one.send(query, client())
    slipped = one.send(query, client())
    assert slipped is not None
    assert slipped.tc
    assert slipped.opt is not None
    (given,) = slipped.opt.values(packet.COOKIE)
    query = packet.query("www.example.", additional=[packet.opt(packet.option(packet.COOKIE, given))])
    for _ in range(5):
        reply = one.send(query, client())
        assert reply is not None
        assert reply.answer


@pytest.mark.parametrize(
    "content",
    [CLIENT + bytes(16), cookie("198.51.100.2", time.time()), cookie("198.51.100.1", 1)],
    ids=["noise", "of another", "old"],
)
def test_a_wrong_cookie_spares_nobody(content):
    query = packet.query("www.example.", additional=[packet.opt(packet.option(packet.COOKIE, content))])
    one = world()
    assert [one.send(query, client()) is not None for _ in range(3)] == [True, True, False]


def test_tcp_is_never_limited():
    one = world(answers=1, all=1)
    for _ in range(5):
        assert one.ask("www.example.", client=client(transport=Transport.TCP)).answer


def test_exempt_clients_are_not_limited_though_others_of_their_network_are():
    one = world(answers=1, exempt=("198.51.100.7", "198.51.100.128/25"))
    for last, replies in ((7, 3), (200, 3), (6, 1)):
        found = [one.send(packet.query("www.example."), client(last)) is not None for _ in range(3)]
        assert sum(found) == replies


def test_it_is_counted_and_said_once(caplog):
    one = world(answers=1, slip=2)
    with caplog.at_level(logging.WARNING):
        for _ in range(5):
            one.send(packet.query("www.example."), client())
    counted = one.counted()
    assert (counted["rate_limit.dropped"], counted["rate_limit.slipped"], counted["responses"]) == (2, 2, 3)
    assert [record.getMessage() for record in caplog.records] == [
        "AUTH_RATE_LIMITED limiting answers to 198.51.100.0/24 about www.example."
    ]


def test_log_only_sends_everything(caplog):
    one = world(answers=1, log_only=True)
    assert answered(one, ["no.example."] * 4) == [True] * 4
    counted = one.counted()
    assert counted["rate_limit.only_logged"] == 3
    assert "rate_limit.dropped" not in counted
    assert "AUTH_RATE_LIMITED_LOG_ONLY would limit nxdomains to 198.51.100.0/24 about example." in caplog.text


def test_other_settings_begin_with_empty_buckets_and_the_same_go_on():
    one = world(answers=1)
    assert answered(one, ["www.example."] * 2) == [True, False]
    serving = one.engine.serving
    for rate, expected in ((1, [False]), (2, [True, True, False])):
        limits = RateLimitSettings(enabled=True, answers=rate, slip=0)
        one.engine.serving = type(serving)(serving.data, Settings(rate_limit=limits), serving.zones, serving.cookies)
        assert answered(one, ["www.example."] * len(expected)) == expected


def test_by_default_nothing_is_limited():
    one = World({"example.": ZONE})
    assert answered(one, ["www.example."] * 1000) == [True] * 1000
