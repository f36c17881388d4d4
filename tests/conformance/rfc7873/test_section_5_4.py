"""Asking for nothing but a cookie."""

from __future__ import annotations

import time

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import cookie_in
from tests.kit import dnspacket as packet
from tests.kit.cookies import CLIENT, cookie
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


def asked(subject: Subject, content: bytes) -> Reply:
    """The reply to a query that has a cookie and no question."""
    wire = subject.send(packet.header(ar=1) + packet.opt(packet.option(packet.COOKIE, content)))
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.counts == (0, 0, 0, 1)
    assert not reply.aa
    return reply


@line("CKE-07")
def test_a_client_cookie_gets_a_whole_one(subject: Subject):
    reply = asked(subject, CLIENT)
    assert reply.rcode == "NOERROR"
    assert asked(subject, cookie_in(reply)).rcode == "NOERROR"


@line("CKE-07")
@pytest.mark.parametrize("age", [None, 4000, -1000], ids=["wrong", "too old", "of the future"])
def test_a_cookie_that_is_not_right_gets_badcookie(requiring: Subject, age: int | None):
    content = CLIENT + bytes(16) if age is None else cookie("127.0.0.1", time.time() - age)
    reply = asked(requiring, content)
    assert reply.rcode == "BADCOOKIE"
    assert asked(requiring, cookie_in(reply)).rcode == "NOERROR"


@line("CKE-07")
def test_a_malformed_one_is_a_format_error(subject: Subject):
    assert asked(subject, bytes(3)).rcode == "FORMERR"


@line("CKE-07")
@pytest.mark.parametrize("opcode", [packet.NOTIFY, packet.UPDATE])
def test_it_is_only_for_queries(subject: Subject, opcode: int):
    message = packet.header(packet.opcode(opcode), ar=1) + packet.opt(packet.option(packet.COOKIE, CLIENT))
    assert Reply.read(subject.send(message) or b"").rcode == "FORMERR"
