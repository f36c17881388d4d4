"""edns-tcp-keepalive."""

from contextlib import ExitStack

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import HASTY
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject, frame
from tests.kit.dnsreply import Reply

ASK = packet.option(packet.KEEPALIVE)


def asked(subject: Subject, content: bytes = b"", *, tcp: bool) -> Reply:
    """The reply to a query with the option."""
    return subject.ask("www.plain.test.", options=[packet.option(packet.KEEPALIVE, content)], tcp=tcp)


@line("KAL-01", "KAL-04")
@pytest.mark.parametrize("content", [b"", b"\x00\x64", b"\x00", b"xyz"])
def test_over_udp_it_is_ignored(subject: Subject, content: bytes):
    reply = asked(subject, content, tcp=False)
    assert reply.rcode == "NOERROR"
    assert reply.opt is not None
    assert not reply.opt.options


@line("KAL-02")
def test_over_tcp_the_time_out_in_force_is_sent(hasty: Subject):
    reply = asked(hasty, tcp=True)
    assert reply.opt is not None
    assert reply.opt.values(packet.KEEPALIVE) == [round(HASTY["idle_timeout"] * 10).to_bytes(2)]


@line("KAL-02")
def test_it_is_sent_once_though_asked_for_twice(subject: Subject):
    reply = subject.ask("www.plain.test.", options=[ASK, ASK], tcp=True)
    assert reply.opt is not None
    assert len(reply.opt.values(packet.KEEPALIVE)) == 1


@line("KAL-02")
def test_without_opt_it_is_not_sent(subject: Subject):
    assert subject.ask("www.plain.test.", tcp=True).opt is None


@line("KAL-02")
@pytest.mark.parametrize("name", ["nothing.plain.test.", "elsewhere.invalid.", "t60000.big.test."])
def test_it_is_sent_with_any_answer(subject: Subject, name: str):
    reply = subject.ask(name, options=[ASK], tcp=True)
    assert reply.opt is not None
    assert len(reply.opt.values(packet.KEEPALIVE)) == 1


@line("KAL-03")
def test_zero_is_sent_where_connections_are_scarce(hasty: Subject):
    """The last one that the server takes is asked to close soon."""
    with ExitStack() as stack:
        addresses = [f"127.0.0.{last}" for last in range(1, 1 + HASTY["connections"])]
        talks = [stack.enter_context(hasty.connect(source=address)) for address in addresses]
        reply = talks[-1].ask(packet.query("www.plain.test.", additional=[packet.opt(ASK)]))
        assert reply.opt is not None
        assert reply.opt.values(packet.KEEPALIVE) == [b"\0\0"]


@line("KAL-04")
@pytest.mark.parametrize("content", [b"\x00\x64", b"\x00", b"\0\0\0"])
def test_over_tcp_a_time_out_in_a_query_is_a_format_error(subject: Subject, content: bytes):
    with subject.connect() as talk:
        talk.write(
            frame(packet.query("www.plain.test.", additional=[packet.opt(packet.option(packet.KEEPALIVE, content))]))
        )
        assert Reply.read(talk.read() or b"").rcode == "FORMERR"
