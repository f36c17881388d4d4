"""Versions and extended response codes."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("EDN-05")
@pytest.mark.parametrize("version", [1, 2, 100, 255])
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid."])
@pytest.mark.parametrize("tcp", [False, True])
def test_an_unknown_version_is_badvers_without_an_answer(subject: Subject, version: int, name: str, tcp: bool):
    reply = subject.ask(name, version=version, tcp=tcp)
    assert reply.rcode == "BADVERS"
    assert reply.counts == (1, 0, 0, 1)
    assert reply.opt is not None
    assert reply.opt.version == 0


@line("EDN-05", "EDN-06")
def test_an_unknown_version_with_an_unknown_option_is_badvers(subject: Subject):
    reply = subject.ask("www.plain.test.", version=1, options=[packet.option(65001, b"x")])
    assert reply.rcode == "BADVERS"
    assert reply.opt is not None
    assert not reply.opt.options


@line("EDN-05", "HDR-17")
def test_badvers_copies_do(subject: Subject):
    reply = subject.ask("www.plain.test.", version=1, edns_flags=packet.DO)
    assert reply.opt is not None
    assert reply.opt.flags == packet.DO


@line("EDN-14")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid.", "a.r3.dname.test."])
def test_the_upper_bits_are_zero_where_the_code_fits_the_header(subject: Subject, name: str):
    reply = subject.ask(name, edns=True)
    assert reply.opt is not None
    assert reply.opt.extended_rcode == 0


@line("EDN-14")
@pytest.mark.parametrize("extended", [1, 0xFF])
def test_extended_bits_of_a_query_are_ignored(subject: Subject, extended: int):
    opt = packet.record(b"\0", packet.OPT, rdclass=1232, ttl=extended << 24)
    with subject.connect() as talk:
        reply = talk.ask(packet.query("www.plain.test.", additional=[opt]))
    assert reply.rcode == "NOERROR"
