"""Transport of EDNS: when it is answered, and errors in it."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject
from tests.kit.dnsreply import Reply


@line("EDN-02")
@pytest.mark.parametrize(
    "name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid.", "www.sub.plain.test."]
)
@pytest.mark.parametrize("tcp", [False, True])
def test_without_opt_there_is_none_in_the_response(subject: Subject, name: str, tcp: bool):
    assert subject.ask(name, tcp=tcp).opt is None


@line("EDN-11", "EDN-01")
@pytest.mark.parametrize(
    "rdata",
    [
        b"\0",
        b"\0\x03\0",
        packet.option(65001, b"ab", length=3),
        packet.option(65001, length=65535),
        packet.option(3) + b"\0\x01",
    ],
    ids=["1 octet", "3 octets", "length past the end", "length 65535", "a second option of 2 octets"],
)
def test_a_malformed_option_is_a_format_error_with_opt(subject: Subject, rdata: bytes):
    wire = subject.send(packet.query("www.plain.test.", additional=[packet.opt(rdata)]))
    assert wire is not None
    reply = Reply.read(wire)
    assert reply.rcode == "FORMERR"
    assert reply.opt is not None
    assert reply.counts == (1, 0, 0, 1)


@line("EDN-11")
@pytest.mark.parametrize("rdlength", [1, 100, 65535])
def test_an_opt_longer_than_the_message_is_a_format_error(subject: Subject, rdlength: int):
    wire = subject.send(packet.query("www.plain.test.", additional=[packet.opt(rdlength=rdlength)]))
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"


@line("EDN-11")
@pytest.mark.parametrize("kept", range(1, 11))
def test_an_opt_cut_short_anywhere_is_a_format_error(subject: Subject, kept: int):
    wire = subject.send(packet.query("www.plain.test.", additional=[packet.opt()[:kept]]))
    assert wire is not None
    assert Reply.read(wire).rcode == "FORMERR"
