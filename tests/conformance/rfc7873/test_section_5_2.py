"""What a server does with a cookie."""

from __future__ import annotations

import time

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import cookie_in
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, cookie
from tests.kit.dnsclient import Subject
from tests.kit.launch_auth import AuthProcess

ANSWER = ["www.plain.test. 3600 A 192.0.2.1"]
CLIENT_ONLY = packet.option(packet.COOKIE, CLIENT)
WRONG = packet.option(packet.COOKIE, CLIENT + bytes(16))


@line("CKE-01")
@pytest.mark.parametrize("octets", [0, 1, 7, 9, 12, 15, 41, 100])
def test_a_cookie_of_an_impossible_length_is_a_format_error(subject: Subject, octets: int):
    reply = subject.ask("www.plain.test.", options=[packet.option(packet.COOKIE, bytes(octets))])
    assert (reply.rcode, reply.answer) == ("FORMERR", [])
    assert reply.opt is not None
    assert not reply.opt.options


@line("CKE-01")
@pytest.mark.parametrize("octets", [8, 16, 17, 39, 40])
def test_other_lengths_are_not(subject: Subject, octets: int):
    reply = subject.ask("www.plain.test.", options=[packet.option(packet.COOKIE, bytes(octets))])
    assert reply.answer == ANSWER
    assert cookie_in(reply)[:8] == bytes(8)


@line("CKE-02", "CKE-03")
@pytest.mark.parametrize("tcp", [False, True])
def test_a_client_cookie_alone_is_answered_with_a_whole_one(subject: Subject, tcp: bool):
    reply = subject.ask("www.plain.test.", options=[CLIENT_ONLY], tcp=tcp)
    assert reply.answer == ANSWER
    assert cookie_in(reply)[:8] == CLIENT


@line("CKE-02")
def test_where_cookies_are_required_it_gets_badcookie_and_can_ask_again(requiring: Subject):
    refused = requiring.ask("www.plain.test.", options=[CLIENT_ONLY])
    assert (refused.rcode, refused.answer, refused.tc) == ("BADCOOKIE", [], False)
    again = requiring.ask("www.plain.test.", options=[packet.option(packet.COOKIE, cookie_in(refused))])
    assert again.answer == ANSWER


@line("CKE-03")
def test_where_cookies_are_required_those_who_know_none_are_answered(requiring: Subject):
    assert requiring.ask("www.plain.test.").answer == ANSWER
    assert requiring.ask("www.plain.test.", edns=True).answer == ANSWER


@line("CKE-04")
@pytest.mark.parametrize("option", [CLIENT_ONLY, WRONG], ids=["client only", "wrong"])
def test_over_tcp_every_cookie_is_answered(requiring: Subject, option: bytes):
    reply = requiring.ask("www.plain.test.", options=[option], tcp=True)
    assert reply.answer == ANSWER
    assert len(cookie_in(reply)) == 24


@line("CKE-05")
def test_a_wrong_server_cookie_counts_as_none(subject: Subject, requiring: Subject):
    reply = subject.ask("www.plain.test.", options=[WRONG])
    assert reply.answer == ANSWER
    assert cookie_in(reply) != CLIENT + bytes(16)
    assert requiring.ask("www.plain.test.", options=[WRONG]).rcode == "BADCOOKIE"


@line("CKE-06")
def test_a_right_one_is_answered_with_the_same(subject: Subject):
    given = cookie_in(subject.ask("www.plain.test.", options=[CLIENT_ONLY]))
    assert cookie_in(subject.ask("www.plain.test.", options=[packet.option(packet.COOKIE, given)])) == given


@line("CKE-02")
def test_of_two_cookies_the_first_counts(subject: Subject):
    reply = subject.ask("www.plain.test.", options=[CLIENT_ONLY, packet.option(packet.COOKIE, b"\0")])
    assert cookie_in(reply)[:8] == CLIENT


@line("CKE-02")
@pytest.mark.parametrize("name", ["nothing.plain.test.", "elsewhere.invalid.", "t60000.big.test."])
def test_it_is_sent_with_any_answer(subject: Subject, name: str):
    assert len(cookie_in(subject.ask(name, options=[CLIENT_ONLY]))) == 24


@line("CKE-13")
def test_what_cookies_are_is_counted(requiring_process: AuthProcess):
    before = requiring_process.counters()
    contents = {
        "cookie.malformed": bytes(3),
        "cookie.new": CLIENT,
        "cookie.wrong": CLIENT + bytes(16),
        "cookie.untimely": cookie("127.0.0.1", time.time() - 4000),
        "cookie.valid": cookie("127.0.0.1", time.time()),
    }
    for content in contents.values():
        requiring_process.subject.ask("www.plain.test.", options=[packet.option(packet.COOKIE, content)])
    after = requiring_process.counters()
    assert {name: after[name] - before[name] for name in contents} == dict.fromkeys(contents, 1)
    assert after["rcode.badcookie"] - before["rcode.badcookie"] == 3
