"""Response rate limiting: whoever forges addresses gets little out of this server."""

from __future__ import annotations

import time

from tests.conformance.lines import line
from tests.conformance.servers import LIMITING
from tests.kit import dnspacket as packet
from tests.kit.cookies import cookie
from tests.kit.dnsclient import LARGEST, Subject
from tests.kit.dnsreply import Reply

BURST = 20  # queries sent before a reply is waited for: so many wait in any socket
FLOOD = 400
RATE = LIMITING["rate_limit"]["answers"]
ANSWER = ["www.plain.test. 3600 A 192.0.2.1"]


def sentinel() -> bytes:
    """A query that is always answered."""
    option = packet.option(packet.COOKIE, cookie("127.0.0.1", time.time()))
    return packet.query("sentinel.invalid.", additional=[packet.opt(option)])


def flood(subject: Subject, query: bytes, count: int = FLOOD) -> list[Reply]:
    """Send a query so often; every reply to it."""
    replies = []
    with subject.udp() as sock:
        for _ in range(count // BURST):
            for _ in range(BURST):
                sock.send(query)
            last = sentinel()
            sock.send(last)
            while (wire := sock.recv(LARGEST))[:2] != last[:2]:
                replies.append(Reply.read(wire))
    return replies


@line("RRL-01", "RRL-02")
def test_a_flood_gets_the_rate_and_half_of_the_rest_is_truncated(limiting: Subject):
    query = packet.query("www.plain.test.", additional=[packet.opt()])
    began = time.monotonic()
    replies = flood(limiting, query)
    seconds = time.monotonic() - began
    full = [reply for reply in replies if reply.answer]
    slipped = [reply for reply in replies if not reply.answer]
    assert RATE <= len(full) <= RATE * (1 + seconds)
    assert len(slipped) in ((FLOOD - len(full)) // 2, (FLOOD - len(full) + 1) // 2)
    for reply in slipped:
        assert reply.tc
        assert reply.records == ((), (), ())
        assert len(reply.wire) <= len(query)


@line("RRL-03")
def test_beside_a_flood_cookies_and_tcp_are_answered(limiting: Subject):
    flood(limiting, packet.query("www.other.test.", "TXT"))
    assert limiting.ask("www.other.test.", "TXT", tcp=True).tc is False
    option = packet.option(packet.COOKIE, cookie("127.0.0.1", time.time()))
    for _ in range(RATE * 2):
        assert limiting.ask("www.plain.test.", options=[option]).answer == ANSWER


@line("RRL-04")
def test_errors_are_limited_whatever_they_are_about(limiting: Subject):
    began = time.monotonic()
    got = 0
    for number in range(5):
        got += len(flood(limiting, packet.query(f"n{number}.invalid."), 2 * BURST))
    allowed = LIMITING["rate_limit"]["errors"] * (1 + time.monotonic() - began)
    assert got <= allowed + (10 * BURST - allowed) / 2 + 1
