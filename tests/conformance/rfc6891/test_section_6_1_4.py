"""EDNS flags that nobody knows."""

import pytest

from tests.conformance.lines import line
from tests.kit import dnspacket as packet
from tests.kit.dnsclient import Subject


@line("EDN-07")
@pytest.mark.parametrize("flags", [1 << bit for bit in range(15)] + [0x7FFF])
def test_an_unknown_flag_is_ignored_and_zero_in_the_response(subject: Subject, flags: int):
    reply = subject.ask("www.plain.test.", edns=True, edns_flags=flags)
    assert reply.answer == ["www.plain.test. 3600 A 192.0.2.1"]
    assert reply.opt is not None
    assert reply.opt.flags == 0


@line("EDN-07", "HDR-17")
def test_do_is_copied_from_among_unknown_flags(subject: Subject):
    reply = subject.ask("www.plain.test.", edns=True, edns_flags=0xFFFF)
    assert reply.opt is not None
    assert reply.opt.flags == packet.DO
