"""OPT: a client's and ours."""

from __future__ import annotations

import dns.edns
import dns.message
import pytest

from auth.edns import (
    ExtendedError,
    error_option,
    keepalive_option,
    nsid_option,
    opt_record,
    read_opt,
)
from auth.errors import OptionMalformed
from tests.kit import dnspacket as packet


def test_what_a_client_says_is_read():
    edns, fault = read_opt(4096, 0x8000, packet.option(3) + packet.option(11, b""), 0)
    assert fault is None
    assert (edns.udp_size, edns.version, edns.dnssec_ok) == (4096, 0, True)
    assert edns.wants_nsid
    assert edns.keepalive == b""


def test_unknown_options_and_flags_are_ignored():
    edns, fault = read_opt(512, 0x7FFF, packet.option(65001, b"x" * 50) + packet.option(8, b"\xff"), 0)
    assert fault is None
    assert not edns.dnssec_ok
    assert edns.keepalive is None


def test_of_a_repeated_option_the_first_counts():
    edns, _ = read_opt(512, 0, packet.option(11, b"") + packet.option(11, b"\0\1"), 0)
    assert edns.keepalive == b""


@pytest.mark.parametrize("rdata", [b"\0", b"\0\3\0", b"\0\3\0\1", packet.option(3) + b"\0\3\0\2x"])
def test_an_option_past_the_end_is_a_fault(rdata):
    edns, fault = read_opt(512, 0, rdata, 100)
    assert isinstance(fault, OptionMalformed)
    assert fault.offset >= 100
    assert edns.udp_size == 512


def test_options_of_another_version_are_not_judged():
    edns, fault = read_opt(512, 1 << 16, b"\0\3\0", 0)
    assert fault is None
    assert edns.version == 1


def test_hundreds_of_options_are_read():
    edns, fault = read_opt(512, 0, packet.option(12, b"") * 500 + packet.option(3), 0)
    assert fault is None
    assert edns.wants_nsid


def test_our_opt_is_what_others_read():
    options = nsid_option(b"ns1") + error_option(ExtendedError(dns.edns.EDECode.PROHIBITED, "no"))
    wire = packet.header(packet.QR, ar=1) + opt_record(1232, 16, dnssec_ok=True, options=options)
    reply = dns.message.from_wire(wire)
    assert reply.edns == 0
    assert reply.payload == 1232
    assert int(reply.rcode()) == 16
    assert reply.ednsflags & 0xFFFF == 0x8000
    nsid, error = reply.options
    assert nsid.nsid == b"ns1"
    assert (error.code, error.text) == (18, "no")


@pytest.mark.parametrize(("seconds", "expected"), [(10.0, 100), (0.0, 0), (0.35, 3), (7200.0, 65535)])
def test_keepalive_is_told_in_tenths_of_a_second(seconds, expected):
    assert keepalive_option(seconds) == packet.option(11, expected.to_bytes(2))
