"""NSID."""

import pytest

from tests.conformance.lines import line
from tests.conformance.servers import NSID
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

ASK = packet.option(packet.NSID)


@line("NSI-01")
def test_it_is_not_sent_unasked(talkative: Subject):
    reply = talkative.ask("www.plain.test.", edns=True)
    assert reply.opt is not None
    assert not reply.opt.values(packet.NSID)


@line("NSI-01", "NSI-03")
@pytest.mark.parametrize("tcp", [False, True])
def test_it_is_sent_when_asked_for(talkative: Subject, tcp: bool):
    reply = talkative.ask("www.plain.test.", options=[ASK], tcp=tcp)
    assert reply.opt is not None
    assert reply.opt.values(packet.NSID) == [NSID.encode()]


@line("NSI-02")
@pytest.mark.parametrize("content", [b"\0", b"kit-server", b"x" * 200])
def test_what_the_query_says_in_it_is_ignored(talkative: Subject, content: bytes):
    reply = talkative.ask("www.plain.test.", options=[packet.option(packet.NSID, content)])
    assert reply.opt is not None
    assert reply.opt.values(packet.NSID) == [NSID.encode()]


@line("NSI-01", "NSI-02")
def test_asked_for_twice_it_is_sent_once(talkative: Subject):
    reply = talkative.ask("www.plain.test.", options=[ASK, ASK])
    assert reply.opt is not None
    assert len(reply.opt.values(packet.NSID)) == 1


@line("NSI-03")
@pytest.mark.parametrize(
    ("name", "version", "rcode"),
    [("elsewhere.invalid.", 0, "REFUSED"), ("nothing.plain.test.", 0, "NXDOMAIN"), ("www.plain.test.", 1, "BADVERS")],
)
def test_it_is_in_errors_too(talkative: Subject, name: str, version: int, rcode: str):
    reply = talkative.ask(name, options=[ASK], version=version)
    assert reply.rcode == rcode
    assert reply.opt is not None
    assert reply.opt.values(packet.NSID) == [NSID.encode()]


@line("NSI-03")
def test_unless_configured_there_is_none(subject: Subject):
    reply = subject.ask("www.plain.test.", options=[ASK])
    assert reply.opt is not None
    assert not reply.opt.values(packet.NSID)
