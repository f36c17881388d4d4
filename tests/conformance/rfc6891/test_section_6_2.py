"""Sizes."""

import pytest

from tests.conformance.lines import line
from tests.kit.dnsclient import Subject


@line("EDN-08")
@pytest.mark.parametrize("size", [0, 1, 100, 511])
def test_a_size_below_512_counts_as_512(subject: Subject, size: int):
    reply = subject.ask("t400.big.test.", "TXT", edns=True, size=size)
    assert (len(reply.answer), reply.tc) == (2, False)
    assert subject.ask("t600.big.test.", "TXT", edns=True, size=size).tc


@line("EDN-09")
@pytest.mark.parametrize(
    ("octets", "size", "fits"), [(600, 512, False), (600, 700, True), (800, 700, False), (800, 900, True)]
)
def test_the_requestors_size_is_the_limit(subject: Subject, octets: int, size: int, fits: bool):
    reply = subject.ask(f"t{octets}.big.test.", "TXT", edns=True, size=size)
    assert len(reply.wire) <= size
    assert reply.tc is not fits


@line("EDN-09")
def test_no_size_is_one_octet_too_small_or_too_great(subject: Subject):
    """At each size around the length of the whole answer it comes whole or truncated, never too long."""
    whole = len(subject.ask("t800.big.test.", "TXT", edns=True).wire)
    for size in range(whole - 3, whole + 3):
        reply = subject.ask("t800.big.test.", "TXT", edns=True, size=size)
        assert reply.tc is (size < whole)
        assert len(reply.wire) <= size


@line("EDN-09", "EDN-10", "TRN-16")
@pytest.mark.parametrize("size", [1233, 1500, 4096, 65535])
def test_our_own_limit_is_1232_whatever_is_offered(subject: Subject, size: int):
    for address in subject.addresses:
        reply = subject.at(address).ask("t2000.big.test.", "TXT", edns=True, size=size)
        assert reply.tc
        assert len(reply.wire) <= 1232


@line("EDN-10", "EDN-12")
@pytest.mark.parametrize("name", ["www.plain.test.", "nothing.plain.test.", "elsewhere.invalid.", "t2000.big.test."])
@pytest.mark.parametrize("size", [0, 512, 1232, 4096])
def test_the_size_we_advertise_is_always_the_same(subject: Subject, name: str, size: int):
    reply = subject.ask(name, "TXT", edns=True, size=size)
    assert reply.opt is not None
    assert reply.opt.size == 1232
