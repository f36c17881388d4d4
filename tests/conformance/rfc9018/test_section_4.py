"""How a server cookie is made, and which are taken."""

from __future__ import annotations

import time

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import cookie_in
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, OLD_SECRET, SECRET, cookie
from tests.kit.dnsclient import Subject

HOUR = 3600


def is_accepted(subject: Subject, content: bytes) -> bool:
    """Whether a server that requires cookies takes this one."""
    reply = subject.ask("www.plain.test.", options=[packet.option(packet.COOKIE, content)])
    assert reply.rcode in ("NOERROR", "BADCOOKIE")
    return reply.rcode == "NOERROR"


@line("CKE-08", "CKE-09")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_a_server_cookie_is_what_another_make_would_give(requiring: Subject, address: str):
    before = int(time.time())
    given = cookie_in(requiring.at(address).ask("www.plain.test.", options=[packet.option(packet.COOKIE, CLIENT)]))
    assert len(given) == 24
    made = int.from_bytes(given[12:16])
    assert before <= made <= time.time()
    assert given == cookie(address, made)


@line("CKE-08")
@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_the_cookie_of_another_make_is_taken(requiring: Subject, address: str):
    assert is_accepted(requiring.at(address), cookie(address, time.time()))


@line("CKE-08")
def test_version_client_address_and_secret_count(requiring: Subject):
    right = cookie("127.0.0.1", time.time())
    assert is_accepted(requiring, right)
    for place in range(24):
        assert not is_accepted(requiring, right[:place] + bytes([right[place] ^ 1]) + right[place + 1 :])
    assert not is_accepted(requiring, cookie("127.0.0.2", time.time()))
    assert not is_accepted(requiring, cookie("127.0.0.1", time.time(), secret=bytes(16)))


@line("CKE-09")
@pytest.mark.parametrize("octets", [16, 23, 25, 32, 40])
def test_other_lengths_are_no_cookies_of_ours(requiring: Subject, octets: int):
    assert not is_accepted(requiring, (cookie("127.0.0.1", time.time()) + bytes(16))[:octets])


@line("CKE-09")
def test_reserved_octets_are_hashed_as_they_came_and_sent_as_0(requiring: Subject):
    content = cookie("127.0.0.1", time.time() - HOUR / 2 - 60, reserved=b"\xab\xcd\xef")
    reply = requiring.ask("www.plain.test.", options=[packet.option(packet.COOKIE, content)])
    assert reply.rcode == "NOERROR"
    assert cookie_in(reply)[8:12] == b"\1\0\0\0"


@line("CKE-10")
@pytest.mark.parametrize(
    ("age", "accepted"), [(-360, False), (-240, True), (0, True), (HOUR - 60, True), (HOUR + 60, False), (2**31, False)]
)
def test_the_time_of_a_cookie_is_judged(requiring: Subject, age: int, accepted: bool):
    assert is_accepted(requiring, cookie("127.0.0.1", time.time() - age)) is accepted


@line("CKE-10", "CKE-06")
def test_after_half_an_hour_a_cookie_is_renewed(requiring: Subject):
    for age, is_renewed in ((HOUR / 2 - 60, False), (HOUR / 2 + 60, True)):
        sent = cookie("127.0.0.1", time.time() - age)
        given = cookie_in(requiring.ask("www.plain.test.", options=[packet.option(packet.COOKIE, sent)]))
        assert (given != sent) is is_renewed
        assert given == cookie("127.0.0.1", int.from_bytes(given[12:16]))


@line("CKE-11")
def test_the_secret_before_is_accepted_and_no_more_used(requiring: Subject):
    old = cookie("127.0.0.1", time.time(), secret=OLD_SECRET)
    reply = requiring.ask("www.plain.test.", options=[packet.option(packet.COOKIE, old)])
    assert reply.rcode == "NOERROR"
    given = cookie_in(reply)
    assert given == cookie("127.0.0.1", int.from_bytes(given[12:16]), secret=SECRET)
