"""Options that nobody knows."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject

UNKNOWN = [0, 4, 65001, 65534, 65535]


@line("EDN-06")
@pytest.mark.parametrize("code", UNKNOWN)
@pytest.mark.parametrize("content", [b"", b"\0", b"x" * 400])
def test_an_unknown_option_is_ignored_and_not_echoed(subject: Subject, code: int, content: bytes):
    reply = subject.ask("www.plain.test.", options=[packet.option(code, content)])
    assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]
    assert reply.opt is not None
    assert not reply.opt.options


@line("EDN-06")
def test_every_option_code_is_survived(subject: Subject):
    """All that are assigned, and some; one reply for each, and nothing is echoed that was not asked for."""
    for code in range(40):
        reply = subject.ask("www.plain.test.", options=[packet.option(code, bytes(8))])
        assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]


@line("EDN-06")
def test_five_hundred_options_are_ignored(subject: Subject):
    reply = subject.ask("www.plain.test.", options=[packet.option(65001)] * 500)
    assert reply.rcode == "NOERROR"


@line("ECS-01")
@pytest.mark.parametrize(
    "content",
    [
        bytes.fromhex("0001180000") + b"\xc0\x00\x02"[:0],
        bytes.fromhex("00011800c00002"),
        bytes.fromhex("0002380020010db8000000"),
        bytes.fromhex("0003180000"),
        bytes.fromhex("0001ff00c0000201"),
        b"",
    ],
    ids=["too short", "IPv4", "IPv6", "unknown family", "prefix too long", "empty"],
)
def test_client_subnet_is_ignored_whatever_it_says(subject: Subject, content: bytes):
    reply = subject.ask("www.plain.test.", options=[packet.option(packet.CLIENT_SUBNET, content)])
    assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]
    assert reply.opt is not None
    assert not reply.opt.options
